// The builder's losses: worked values with every reduction, gradients at the corners, errors.

#include <cmath>

#include "autodiff/gradients.h"
#include "frontend/build/builder.h"
#include "gmock/gmock.h"
#include "graph/emitter.h"
#include "gtest/gtest.h"
#include "ops/reference.h"

namespace weft {
namespace {

using std::exp;
using std::log;
using testing::DoubleNear;
using testing::HasSubstr;
using testing::Pointwise;

using Doubles = std::vector<double>;

Tensor F64(const Dims& dims, const Doubles& values) {
  return Tensor::FromValues<double>(dims, values).value();
}

struct Result {
  Doubles loss;
  Doubles gradient;  // of its sum in x
};

// The loss that `build` makes of x and its target, in x's dtype.
template <typename F>
Result LossOf(const Tensor& x, const Tensor& target, F build) {
  Builder b({.dtype = x.dtype()});
  const auto input = [&](const char* name, const Tensor& t) {
    return b.Input(name, std::vector<Axis>(t.dims().begin(), t.dims().end()), {.dtype = t.dtype()});
  };
  const Value in = input("x", x), at = input("target", target);
  b.Output("loss", build(b, in, at));
  auto model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return {};
  Graph& graph = model->graph;
  const Value loss = graph.outputs()[0].value;
  const Value xs[] = {graph.Find("x")->output()};
  const Value total = Emitter(graph).Op("ReduceSum", {loss}, {{"keepdims", 0}});
  const auto gradients = Gradients(graph, {{total}}, xs);
  EXPECT_TRUE(gradients.ok()) << gradients.status();
  if (!gradients.ok()) return {};
  const auto values = ReferenceEvaluator().RunValues(graph, {{"x", x}, {"target", target}},
                                                     {{loss, (*gradients)[0]}});
  EXPECT_TRUE(values.ok()) << values.status();
  if (!values.ok()) return {};
  Result result;
  for (int64_t i = 0; i < (*values)[0].size(); ++i) result.loss.push_back((*values)[0].At(i));
  for (int64_t i = 0; i < (*values)[1].size(); ++i) result.gradient.push_back((*values)[1].At(i));
  return result;
}

void ExpectNear(const Doubles& actual, const Doubles& expected, double tolerance = 1e-12) {
  EXPECT_THAT(actual, Pointwise(DoubleNear(tolerance), expected));
}

// The elements' losses with each reduction of `build(b, x, target, reduction)`.
template <typename F>
void ExpectReductions(const Tensor& x, const Tensor& target, const Doubles& each, F build) {
  const auto with = [&](std::string reduction) {
    return LossOf(x, target,
                  [&](Builder& b, Value in, Value at) { return build(b, in, at, reduction); });
  };
  double sum = 0;
  for (double loss : each) sum += loss;
  ExpectNear(with("none").loss, each);
  ExpectNear(with("sum").loss, {sum});
  ExpectNear(with("mean").loss, {sum / static_cast<double>(each.size())});
}

TEST(LossLayers, Distances) {
  const Tensor x = F64({2, 2}, {1, 2, -3, 0.5}), target = F64({2, 2}, {1, 0, 1, 0});
  ExpectReductions(x, target, {0, 4, 16, 0.25}, [](Builder& b, Value in, Value at, auto reduction) {
    return b.Mse(in, at, {.reduction = reduction});
  });
  ExpectReductions(x, target, {0, 2, 4, 0.5}, [](Builder& b, Value in, Value at, auto reduction) {
    return b.L1(in, at, {.reduction = reduction});
  });
  ExpectReductions(x, target, {0, 1.5, 3.5, 0.125},
                   [](Builder& b, Value in, Value at, auto reduction) {
                     return b.SmoothL1(in, at, {.reduction = reduction});
                   });
  ExpectReductions(x, target, {0, 1, 3, 0.0625},
                   [](Builder& b, Value in, Value at, auto reduction) {
                     return b.SmoothL1(in, at, {.beta = 2, .reduction = reduction});
                   });
  ExpectReductions(x, target, {0, 2, 4, 0.5}, [](Builder& b, Value in, Value at, auto reduction) {
    return b.SmoothL1(in, at, {.beta = 0, .reduction = reduction});
  });
  ExpectReductions(x, target, {0, 2, 6, 0.125}, [](Builder& b, Value in, Value at, auto reduction) {
    return b.Huber(in, at, {.delta = 2, .reduction = reduction});
  });
}

TEST(LossLayers, TheGradientOfSmoothL1IsBounded) {
  const Result result =
      LossOf(F64({4}, {0.5, -0.5, 7, -7}), F64({4}, {0, 0, 0, 0}),
             [](Builder& b, Value x, Value at) { return b.SmoothL1(x, at, {.reduction = "sum"}); });
  ExpectNear(result.gradient, {0.5, -0.5, 1, -1});
}

TEST(LossLayers, BinaryCrossEntropy) {
  ExpectReductions(F64({3}, {0.25, 0.5, 0.9}), F64({3}, {1, 0, 0.5}),
                   {-log(0.25), -log(0.5), -(log(0.9) + log(0.1)) / 2},
                   [](Builder& b, Value in, Value at, auto reduction) {
                     return b.BinaryCrossEntropy(in, at, {.reduction = reduction});
                   });
}

// PyTorch holds the logarithms at -100; the gradient there is 0 instead of endless.
TEST(LossLayers, BinaryCrossEntropyOfCertaintyIsFinite) {
  const Doubles p = {0, 1, 0, 1}, target = {0, 1, 1, 0};
  for (DType dtype : {DType::kF64, DType::kF32}) {
    const Result result = LossOf(*F64({4}, p).Converted(dtype), *F64({4}, target).Converted(dtype),
                                 [](Builder& b, Value x, Value at) {
                                   return b.BinaryCrossEntropy(x, at, {.reduction = "none"});
                                 });
    ExpectNear(result.loss, {0, 0, 100, 100});
    for (double g : result.gradient) EXPECT_TRUE(std::isfinite(g));
  }
}

TEST(LossLayers, BinaryCrossEntropyOfNaNIsNaN) {
  const Result result =
      LossOf(F64({1}, {std::nan("")}), F64({1}, {1}), [](Builder& b, Value x, Value at) {
        return b.BinaryCrossEntropy(x, at, {.reduction = "none"});
      });
  ASSERT_EQ(result.loss.size(), 1u);
  EXPECT_TRUE(std::isnan(result.loss[0]));
}

TEST(LossLayers, BinaryCrossEntropyWithLogits) {
  const Tensor x = F64({2, 2}, {0, 2, -3, 1}), target = F64({2, 2}, {1, 0, 0.5, 1});
  const auto plus = [](double v) { return log(1 + exp(v)); };
  ExpectReductions(x, target, {log(2), plus(2), -1.5 + plus(3), plus(-1)},
                   [](Builder& b, Value in, Value at, auto reduction) {
                     return b.BinaryCrossEntropyWithLogits(in, at, {.reduction = reduction});
                   });
  // Positive answers of the two columns count twice and three times.
  const auto weighted = [](Builder& b, Value in, Value at, auto reduction) {
    return b.BinaryCrossEntropyWithLogits(in, at, {.pos_weight = {2, 3}, .reduction = reduction});
  };
  ExpectReductions(x, target, {2 * log(2), plus(2), plus(3) + 0.5 * plus(-3), 3 * plus(-1)},
                   weighted);
  const Result huge =
      LossOf(F64({2}, {-1000, 1000}), F64({2}, {1, 0}), [](Builder& b, Value in, Value at) {
        return b.BinaryCrossEntropyWithLogits(in, at, {.reduction = "none"});
      });
  ExpectNear(huge.loss, {1000, 1000});
  ExpectNear(huge.gradient, {-1, 1});
}

TEST(LossLayers, KlDivergence) {
  const Tensor x = F64({2, 2}, {log(0.5), log(0.5), log(0.25), log(0.75)});
  const Tensor target = F64({2, 2}, {0.25, 0.75, 1, 0});
  const Doubles each = {0.25 * log(0.5), 0.75 * log(1.5), log(4), 0};
  ExpectReductions(x, target, each, [](Builder& b, Value in, Value at, auto reduction) {
    return b.KlDivergence(in, at, {.reduction = reduction});
  });
  ExpectReductions(x, F64({2, 2}, {log(0.25), log(0.75), 0, -1000}), each,
                   [](Builder& b, Value in, Value at, auto reduction) {
                     return b.KlDivergence(in, at, {.log_target = true, .reduction = reduction});
                   });
  const Result batch = LossOf(x, target, [](Builder& b, Value in, Value at) {
    return b.KlDivergence(in, at, {.reduction = "batchmean"});
  });
  ExpectNear(batch.loss, {(each[0] + each[1] + each[2]) / 2});
  ExpectNear(batch.gradient, {-0.125, -0.375, -0.5, 0});
}

TEST(LossLayers, Hinge) {
  const Tensor x = F64({4}, {0.5, 2, -0.5, -3}), target = F64({4}, {1, 1, 1, -1});
  ExpectReductions(x, target, {0.5, 0, 1.5, 0}, [](Builder& b, Value in, Value at, auto reduction) {
    return b.Hinge(in, at, {.reduction = reduction});
  });
}

TEST(LossLayers, MultiMargin) {
  const Tensor x = F64({2, 4}, {0.1, 0.2, 0.4, 0.8, 3, 1, 2.5, 0});
  const Tensor labels = Tensor::FromInts(std::vector<int64_t>{3, 0});
  // PyTorch's example: (1-(0.8-0.1)) + (1-(0.8-0.2)) + (1-(0.8-0.4)) over 4 classes.
  ExpectReductions(x, labels, {1.3 / 4, 0.5 / 4},
                   [](Builder& b, Value in, Value at, auto reduction) {
                     return b.MultiMargin(in, at, {.reduction = reduction});
                   });
  ExpectReductions(x, labels, {10 * (0.09 + 0.16 + 0.36) / 4, 0.25 / 4},
                   [](Builder& b, Value in, Value at, auto reduction) {
                     return b.MultiMargin(
                         in, at, {.p = 2, .reduction = reduction, .class_weights = {1, 2, 3, 10}});
                   });
}

Tensor Scores() {  // Probabilities (1/2, 1/4, 1/4) and (1/10, 1/5, 7/10).
  return F64({2, 3}, {log(0.5) + 7, log(0.25) + 7, log(0.25) + 7, log(0.1), log(0.2), log(0.7)});
}

TEST(LossLayers, CrossEntropyWithClassWeights) {
  const Tensor labels = Tensor::FromInts(std::vector<int64_t>{0, 2});
  const double a = -2 * log(0.5), c = -3 * log(0.7);
  const auto with = [&](std::string reduction) {
    return LossOf(Scores(), labels, [&](Builder& b, Value in, Value at) {
      return b.CrossEntropy(in, at, {.reduction = reduction, .class_weights = {2, 1, 3}});
    });
  };
  ExpectNear(with("none").loss, {a, c});
  ExpectNear(with("sum").loss, {a + c});
  ExpectNear(with("mean").loss, {(a + c) / 5});
}

TEST(LossLayers, NegativeLogLikelihood) {
  const Tensor labels = Tensor::FromInts(std::vector<int64_t>{0, 2});
  const auto with = [&](const NllOptions& o) {
    return LossOf(
        F64({2, 3}, {-1, -2, -3, -4, -5, -6}), labels,
        [&](Builder& b, Value in, Value at) { return b.NegativeLogLikelihood(in, at, o); });
  };
  ExpectNear(with({}).loss, {3.5});
  ExpectNear(with({.reduction = "none"}).loss, {1, 6});
  ExpectNear(with({.ignore_index = 2}).loss, {1});
  const Result weighted = with({.class_weights = {1, 1, 3}});
  ExpectNear(weighted.loss, {19. / 4});
  ExpectNear(weighted.gradient, {-0.25, 0, 0, 0, 0, -0.75});
}

TEST(LossLayers, SoftCrossEntropy) {
  const Tensor target = F64({2, 3}, {0.5, 0.5, 0, 0, 0, 1});
  const double a = -0.5 * log(0.5) - 0.5 * log(0.25), b = -log(0.7);
  ExpectReductions(Scores(), target, {a, b},
                   [](Builder& builder, Value in, Value at, auto reduction) {
                     return builder.SoftCrossEntropy(in, at, {.reduction = reduction});
                   });
  ExpectReductions(Scores(), target, {-log(0.5) - log(0.25), -5 * log(0.7)},
                   [](Builder& builder, Value in, Value at, auto reduction) {
                     return builder.SoftCrossEntropy(
                         in, at, {.reduction = reduction, .class_weights = {2, 2, 5}});
                   });
}

// Of one-hot targets it is the cross-entropy with labels, smoothed too.
TEST(LossLayers, SoftCrossEntropyOfOneHotTargetsIsCrossEntropy) {
  const Tensor one_hot = F64({2, 3}, {1, 0, 0, 0, 0, 1});
  const Tensor labels = Tensor::FromInts(std::vector<int64_t>{0, 2});
  const Result soft = LossOf(Scores(), one_hot, [](Builder& b, Value in, Value at) {
    return b.SoftCrossEntropy(in, at, {.label_smoothing = 0.3});
  });
  const Result hard = LossOf(Scores(), labels, [](Builder& b, Value in, Value at) {
    return b.CrossEntropy(in, at, {.label_smoothing = 0.3});
  });
  ExpectNear(soft.loss, hard.loss);
  ExpectNear(soft.gradient, hard.gradient);
}

TEST(LossLayers, SoftCrossEntropyOfPixels) {
  // Two positions of two classes: (1/2, 1/2) and (1/4, 3/4).
  const Tensor scores = F64({1, 2, 2}, {0, 0, 0, log(3)});
  const Result result =
      LossOf(scores, F64({1, 2, 2}, {1, 0, 0, 1}), [](Builder& b, Value in, Value at) {
        return b.SoftCrossEntropy(in, at, {.reduction = "none", .class_weights = {1, 10}});
      });
  ExpectNear(result.loss, {log(2), -10 * log(0.75)});
}

template <typename F>
std::string ErrorOf(F build) {
  Builder b;
  build(b, b.Input("x", {"N", 4}), b.Input("other", {"N", 5}));
  return std::string(b.status().message());
}

TEST(LossLayers, SayWhatWasExpectedAndWhere) {
  const int line = __LINE__ + 1;
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value other) { b.Mse(x, other); }),
              testing::StartsWith("frontend/layers_loss_test.cc:" + std::to_string(line) +
                                  ": mse1 (Mse): expected a target of the input's shape, got "
                                  "f32[N,5] for f32[N,4]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value) { b.L1(x, Value()); }),
              HasSubstr("got none for f32[N,4]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value) { b.Hinge(x, x, {.reduction = "max"}); }),
              HasSubstr("expected a reduction of \"mean\", \"sum\" or \"none\", got \"max\""));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value) { b.SmoothL1(x, x, {.beta = -1}); }),
              HasSubstr("expected a beta of at least 0, got -1"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value) { b.Huber(x, x, {.delta = 0}); }),
              HasSubstr("expected a delta above 0, got 0"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value) {
                b.BinaryCrossEntropyWithLogits(x, x, {.pos_weight = {1, 2, 3}});
              }),
              HasSubstr("expected one pos_weight or one an element of the last axis, got 3"));
  EXPECT_THAT(
      ErrorOf([](Builder& b, Value x, Value) { b.SoftCrossEntropy(x, x, {.label_smoothing = 2}); }),
      HasSubstr("expected label_smoothing in [0,1], got 2"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value) {
                b.SoftCrossEntropy(x, x, {.class_weights = {1, 2}});
              }),
              HasSubstr("expected one of the class_weights for each of the 4 classes, got 2"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value other) { b.MultiMargin(x, other); }),
              HasSubstr("expected i32|i64, got f32"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value) { b.MultiMargin(x, x, {.p = 3}); }),
              HasSubstr("expected p to be 1 or 2, got 3"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x, Value other) { b.CrossEntropy(x, other); }),
              HasSubstr("loss1 (SoftmaxCrossEntropyLoss)"));
}

}  // namespace
}  // namespace weft
