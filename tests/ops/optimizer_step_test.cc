// Every method of OptimizerStep against the recurrence of its paper, or of PyTorch's documentation
// where that differs, written here once more in plain numbers.
#include <cmath>
#include <functional>

#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::HasSubstr;

using Doubles = std::vector<double>;

constexpr double kRate = 0.1;
constexpr int kSteps = 8;
const Doubles kStart = {1, -2, 0.5};

// The gradient of step `t`, from 0: of either sign, and 0 once.
Doubles GradientAt(int t) {
  return {std::sin(t + 1.0), 0.5 * std::cos(3.0 * t), t == 2 ? 0.0 : -1.0};
}

Tensor Vector(const Doubles& values) {
  return Tensor::FromValues<double>({std::ssize(values)}, values).value();
}

// The variable after each of kSteps steps from `step` on.
std::vector<Doubles> TraceOf(AttributeMap attributes, size_t slots, int steps = kSteps) {
  std::vector<Tensor> state(1 + slots, *Tensor::Zeros(DType::kF64, {3}));
  state[0] = Vector(kStart);
  std::vector<Doubles> trace;
  for (int t = 0; t < steps; ++t) {
    std::vector<Tensor> inputs = {F64({}, {kRate}), I64({}, {t}), Tensor(), state[0],
                                  Vector(GradientAt(t))};
    inputs.insert(inputs.end(), state.begin() + 1, state.end());
    auto outputs = Evaluate("OptimizerStep", std::move(inputs), attributes);
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    if (!outputs.ok()) return trace;
    state = *std::move(outputs);
    trace.push_back(Numbers(state[0]));
  }
  return trace;
}

// Elementwise: x, g, slots that begin at 0, and t from 1; returns the next x.
using Recurrence = std::function<double(double x, double g, double* s, int t)>;

void ExpectFollows(const AttributeMap& attributes, size_t slots, const Recurrence& next) {
  const std::vector<Doubles> trace = TraceOf(attributes, slots);
  ASSERT_EQ(trace.size(), static_cast<size_t>(kSteps));
  for (size_t i = 0; i < kStart.size(); ++i) {
    double x = kStart[i], s[3] = {};
    for (int t = 1; t <= kSteps; ++t) {
      x = next(x, GradientAt(t - 1)[i], s, t);
      EXPECT_NEAR(trace[static_cast<size_t>(t - 1)][i], x, 1e-12) << "element " << i << ", " << t;
    }
  }
}

double SignOf(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

TEST(OptimizerStep, SgdWithBothDecays) {
  ExpectFollows(
      {{"method", "sgd"}, {"l1", 0.01}, {"l2", 0.1}, {"rate_factor", 0.5}}, 0,
      [](double x, double g, double*, int) { return x - 0.05 * (g + 0.1 * x + 0.01 * SignOf(x)); });
}

TEST(OptimizerStep, MomentumBeginsWithTheGradientAndIsDampenedThen) {
  ExpectFollows({{"method", "momentum"}, {"momentum", 0.9}, {"dampening", 0.3}}, 1,
                [](double x, double g, double* s, int t) {
                  s[0] = t == 1 ? g : 0.9 * s[0] + 0.7 * g;
                  return x - kRate * s[0];
                });
}

TEST(OptimizerStep, NesterovWithDecoupledDecay) {
  ExpectFollows({{"method", "nesterov"}, {"momentum", 0.9}, {"decay", 0.2}}, 1,
                [](double x, double g, double* s, int) {
                  s[0] = 0.9 * s[0] + g;
                  return x * (1 - kRate * 0.2) - kRate * (g + 0.9 * s[0]);
                });
}

TEST(OptimizerStep, Adagrad) {
  ExpectFollows({{"method", "adagrad"}, {"lr_decay", 0.1}, {"epsilon", 1e-10}}, 1,
                [](double x, double g, double* s, int t) {
                  s[0] += g * g;
                  return x - kRate / (1 + (t - 1) * 0.1) * g / (std::sqrt(s[0]) + 1e-10);
                });
}

TEST(OptimizerStep, Adadelta) {
  ExpectFollows({{"method", "adadelta"}, {"alpha", 0.9}, {"epsilon", 1e-6}}, 2,
                [](double x, double g, double* s, int) {
                  s[0] = 0.9 * s[0] + 0.1 * g * g;
                  const double d = std::sqrt(s[1] + 1e-6) / std::sqrt(s[0] + 1e-6) * g;
                  s[1] = 0.9 * s[1] + 0.1 * d * d;
                  return x - kRate * d;
                });
}

TEST(OptimizerStep, RmspropCenteredAndWithMomentum) {
  for (const bool centered : {false, true}) {
    for (const double momentum : {0.0, 0.9}) {
      const size_t slots = 1 + (momentum > 0) + centered;
      ExpectFollows({{"method", "rmsprop"},
                     {"alpha", 0.8},
                     {"epsilon", 1e-3},
                     {"momentum", momentum},
                     {"centered", centered ? 1 : 0}},
                    slots, [&](double x, double g, double* s, int) {
                      s[0] = 0.8 * s[0] + 0.2 * g * g;
                      s[2] = 0.8 * s[2] + 0.2 * g;
                      const double square = s[0] - (centered ? s[2] * s[2] : 0);
                      s[1] = momentum * s[1] + g / (std::sqrt(std::max(square, 0.0)) + 1e-3);
                      return x - kRate * s[1];
                    });
    }
  }
}

TEST(OptimizerStep, AdamAndAmsgrad) {
  for (const bool largest : {false, true}) {
    ExpectFollows({{"method", largest ? "amsgrad" : "adam"}, {"beta2", 0.9}, {"decay", 0.1}},
                  largest ? 3 : 2, [&](double x, double g, double* s, int t) {
                    s[0] = 0.9 * s[0] + (1 - 0.9) * g;
                    s[1] = 0.9 * s[1] + (1 - 0.9) * g * g;
                    s[2] = largest ? std::max(s[2], s[1]) : s[1];
                    const double correction = 1 - std::pow(0.9, t);
                    const double root = std::sqrt(s[2] / correction) + 1e-8;
                    return x * (1 - kRate * 0.1) - kRate * (s[0] / correction) / root;
                  });
  }
}

TEST(OptimizerStep, Nadam) {
  const auto mu = [](int t) { return 0.9 * (1 - 0.5 * std::pow(0.96, t * 0.004)); };
  ExpectFollows({{"method", "nadam"}}, 2, [&](double x, double g, double* s, int t) {
    s[0] = 0.9 * s[0] + (1 - 0.9) * g;
    s[1] = 0.999 * s[1] + (1 - 0.999) * g * g;
    double product = 1;
    for (int i = 1; i <= t; ++i) product *= mu(i);
    const double mean =
        mu(t + 1) * s[0] / (1 - product * mu(t + 1)) + (1 - mu(t)) * g / (1 - product);
    return x - kRate * mean / (std::sqrt(s[1] / (1 - std::pow(0.999, t))) + 1e-8);
  });
}

TEST(OptimizerStep, RadamRectifiesFromTheSixthStepOn) {
  int rectified = 0;
  ExpectFollows({{"method", "radam"}}, 2, [&](double x, double g, double* s, int t) {
    s[0] = 0.9 * s[0] + (1 - 0.9) * g;
    s[1] = 0.999 * s[1] + (1 - 0.999) * g * g;
    const double mean = s[0] / (1 - std::pow(0.9, t)), power = std::pow(0.999, t);
    const double all = 2 / (1 - 0.999) - 1, rho = all - 2 * t * power / (1 - power);
    if (rho <= 5) return x - kRate * mean;
    ++rectified;
    const double r = std::sqrt((rho - 4) * (rho - 2) * all / ((all - 4) * (all - 2) * rho));
    return x - kRate * mean * r * std::sqrt(1 - power) / (std::sqrt(s[1]) + 1e-8);
  });
  EXPECT_EQ(rectified, 3 * (kSteps - 5));
}

TEST(OptimizerStep, Lion) {
  ExpectFollows({{"method", "lion"}, {"beta2", 0.99}, {"decay", 0.1}}, 1,
                [](double x, double g, double* s, int) {
                  const double direction = SignOf(0.9 * s[0] + (1 - 0.9) * g);
                  s[0] = 0.99 * s[0] + (1 - 0.99) * g;
                  return x - kRate * (direction + 0.1 * x);
                });
}

double NormOf(const Doubles& x) {
  double sum = 0;
  for (const double value : x) sum += value * value;
  return std::sqrt(sum);
}

TEST(OptimizerStep, LambScalesItsStepToTheWeightsNorm) {
  const auto trace = TraceOf({{"method", "lamb"}, {"epsilon", 1e-6}, {"decay", 0.1}}, 2);
  Doubles x = kStart, m(3), v(3);
  for (int t = 1; t <= kSteps; ++t) {
    Doubles d(3);
    for (size_t i = 0; i < 3; ++i) {
      const double g = GradientAt(t - 1)[i];
      m[i] = 0.9 * m[i] + (1 - 0.9) * g;
      v[i] = 0.999 * v[i] + (1 - 0.999) * g * g;
      const double root = std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-6;
      d[i] = m[i] / (1 - std::pow(0.9, t)) / root + 0.1 * x[i];
    }
    const double ratio = NormOf(x) / NormOf(d);
    for (size_t i = 0; i < 3; ++i) x[i] -= kRate * ratio * d[i];
    EXPECT_THAT(trace[static_cast<size_t>(t - 1)],
                testing::Pointwise(testing::DoubleNear(1e-12), x));
  }
}

TEST(OptimizerStep, LarsScalesItsRateToTheWeightsNorm) {
  const auto trace =
      TraceOf({{"method", "lars"}, {"momentum", 0.9}, {"trust", 0.01}, {"l2", 0.1}}, 1);
  Doubles x = kStart, v(3);
  for (int t = 1; t <= kSteps; ++t) {
    const Doubles g = GradientAt(t - 1);
    const double rate = kRate * 0.01 * NormOf(x) / (NormOf(g) + 0.1 * NormOf(x));
    for (size_t i = 0; i < 3; ++i) {
      v[i] = 0.9 * v[i] + rate * (g[i] + 0.1 * x[i]);
      x[i] -= v[i];
    }
    EXPECT_THAT(trace[static_cast<size_t>(t - 1)],
                testing::Pointwise(testing::DoubleNear(1e-12), x));
  }
}

// So far: an epoch's last step may have fewer batches.
TEST(OptimizerStep, AccumulatesTheMeanOfEachStepsBatches) {
  const auto trace = TraceOf({{"method", "accumulate"}, {"every", 4}}, 0);
  for (int t = 0; t < kSteps; ++t) {
    double sum = 0;
    for (int i = t / 4 * 4; i <= t; ++i) sum += GradientAt(i)[1];
    EXPECT_NEAR(trace[static_cast<size_t>(t)][1], sum / (t % 4 + 1), 1e-15) << t;
  }
}

TEST(OptimizerStep, AveragesWithALowerDecayAtFirst) {
  ExpectFollows({{"method", "average"}, {"alpha", 0.4}}, 0, [](double x, double g, double*, int t) {
    const double d = std::min(0.4, (1.0 + t) / (10.0 + t));  // 0.4 from the fifth on
    return d * x + (1 - d) * g;
  });
}

TEST(OptimizerStep, StepsOnlyAtEachSoManyThBatch) {
  const auto trace = TraceOf({{"method", "adam"}, {"every", 3}}, 2);
  EXPECT_EQ(trace[1], kStart);
  EXPECT_NE(trace[2], kStart);
  EXPECT_EQ(trace[4], trace[2]);
  // The first step of Adam is the rate times the gradient's sign.
  const Doubles g = GradientAt(2);
  EXPECT_NEAR(trace[2][0], kStart[0] - kRate * SignOf(g[0]), 1e-7);
  EXPECT_EQ(trace[2][2], kStart[2]);
}

TEST(OptimizerStep, ClipsElementsBeforeTheDecay) {
  ExpectFollows({{"method", "sgd"}, {"clip_value", 0.3}, {"l2", 0.1}}, 0,
                [](double x, double g, double*, int) {
                  return x - kRate * (std::max(-0.3, std::min(0.3, g)) + 0.1 * x);
                });
}

TEST(OptimizerStep, ScalesGradientsToTheLimitOnTheirNorm) {
  const auto step = [](double norm) {
    const auto outputs =
        Evaluate("OptimizerStep",
                 {F64({}, {1}), I64({}, {0}), F64({}, {norm}), F64({2}, {1, 2}), F64({2}, {3, -4})},
                 {{"method", "sgd"}, {"clip_norm", 1.0}});
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    return Numbers(outputs.value_or(std::vector<Tensor>(1))[0]);
  };
  EXPECT_THAT(step(5), testing::Pointwise(testing::DoubleNear(1e-6), Doubles{0.4, 2.8}));
  EXPECT_EQ(step(0.5), (Doubles{-2, 6}));
}

// PyTorch counts each parameter's own steps.
TEST(OptimizerStep, CountsFromTheFirstStepOfItsVariables) {
  const auto moved = [](int64_t batch, int64_t first) {
    auto outputs = Evaluate("OptimizerStep",
                            {F64({}, {kRate}), I64({}, {batch}), Tensor(), F64({1}, {1}),
                             F64({1}, {2}), F64({1}, {0}), F64({1}, {0})},
                            {{"method", "adam"}, {"every", 2}, {"first", first}});
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    return outputs.ok() ? 1 - (*outputs)[0].At(0) : NAN;
  };
  EXPECT_NEAR(moved(1, 0), kRate, 1e-8);
  EXPECT_NEAR(moved(401, 200), kRate, 1e-8);
  EXPECT_GT(moved(401, 0), kRate);
}

TEST(OptimizerStep, PassesOnWhatIsNotANumber) {
  const auto outputs = Evaluate("OptimizerStep",
                                {F64({}, {1}), I64({}, {0}), Tensor(), F64({2}, {1, 2}),
                                 F64({2}, {NAN, 1}), F64({2}, {0, 0}), F64({2}, {0, 0})},
                                {{"method", "adam"}, {"clip_value", 1.0}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_TRUE(std::isnan((*outputs)[0].At(0)));
  EXPECT_FALSE(std::isnan((*outputs)[0].At(1)));
}

TEST(OptimizerStep, RefusesWrongOperandsAndNumbers) {
  const TensorType rate = F32Type({}), step = Type(DType::kI64, {}), x = F32Type({"2"});
  const auto error = [&](AttributeMap attributes, const std::vector<TensorType>& tensors) {
    std::vector<TensorType> types = {rate, step, rate};
    types.insert(types.end(), tensors.begin(), tensors.end());
    return Inferred("OptimizerStep", types, std::move(attributes));
  };
  EXPECT_THAT(error({{"method", "sgdd"}}, {x, x}), HasSubstr("got \"sgdd\""));
  EXPECT_THAT(error({{"method", "sgd"}}, {x, x}), HasSubstr("clip_norm, which is 0"));
  EXPECT_THAT(error({{"method", "adam"}, {"clip_norm", 1.0}}, {x, x, x}),
              HasSubstr("2 times n slots after the scalars; got 3 tensors"));
  EXPECT_THAT(error({{"method", "sgd"}, {"clip_norm", 1.0}}, {x, F32Type({"3"})}),
              HasSubstr("expected a gradient of type f32[2] for variable 0, got f32[3]"));
  EXPECT_THAT(error({{"method", "sgd"}, {"clip_norm", 1.0}, {"every", 0}}, {x, x}),
              HasSubstr("every: expected at least 1, got 0"));
  EXPECT_THAT(error({{"method", "adam"}, {"clip_norm", 1.0}, {"epsilon", 0.0}}, {x, x, x, x}),
              HasSubstr("epsilon: expected a number above 0, got 0"));
  EXPECT_THAT(error({{"method", "adam"}, {"clip_norm", 1.0}, {"beta1", 1.0}}, {x, x, x, x}),
              HasSubstr("beta1 and beta2 in [0,1), got 1"));
  EXPECT_THAT(error({{"method", "adam"}, {"clip_norm", 1.0}, {"first", -1}}, {x, x, x, x}),
              HasSubstr("first: expected at least 0, got -1"));
}

TEST(GlobalNorm, IsThatOfAllElements) {
  EXPECT_EQ(RunOp("GlobalNorm", {F64({2}, {1, -2}), F64({}, {4}), F64({1, 1}, {2})}), F64({}, {5}));
}

}  // namespace
}  // namespace weft
