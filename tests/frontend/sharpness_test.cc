// Sharpness-aware steps: against the algorithm of Foret et al. 2021, by hand and in plain steps.
#include "frontend/train/sharpness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/file/serialize.h"
#include "tests/frontend/testing_optimizer.h"

namespace weft {
namespace {

constexpr double kRho = 0.3;

auto AllNear(const Doubles& values, double error = 1e-12) {
  return testing::Pointwise(testing::DoubleNear(error), values);
}

// y = W x + b with the mean cross-entropy of 6 examples, by hand: its gradients, W's then b's, at
// `w`, which has W [3,4] and then b.
Doubles GradientsAt(const Doubles& w, int64_t first) {
  constexpr size_t kExamples = 6, kIn = 4, kOut = 3;
  const Doubles x = ValuesOf(Examples(first, kExamples));
  Doubles gradients(w.size());
  for (size_t i = 0; i < kExamples; ++i) {
    Doubles p(kOut);
    double sum = 0;
    for (size_t k = 0; k < kOut; ++k) {
      p[k] = w[kOut * kIn + k];
      for (size_t j = 0; j < kIn; ++j) p[k] += w[k * kIn + j] * x[i * kIn + j];
      sum += p[k] = std::exp(p[k]);
    }
    const size_t label = (static_cast<size_t>(first) + i) % kOut;
    for (size_t k = 0; k < kOut; ++k) {
      const double dy = (p[k] / sum - (k == label ? 1 : 0)) / kExamples;
      for (size_t j = 0; j < kIn; ++j) gradients[k * kIn + j] += dy * x[i * kIn + j];
      gradients[kOut * kIn + k] += dy;
    }
  }
  return gradients;
}

Doubles JoinedSlots(Doubles a, const Doubles& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

double NormOfSlots(const Doubles& values) {
  double sum = 0;
  for (const double v : values) sum += v * v;
  return std::sqrt(sum);
}

// w + rho g / |g|
Doubles WorstAround(Doubles w, const Doubles& g, double rho = kRho) {
  const double norm = NormOfSlots(g);
  for (size_t i = 0; i < w.size(); ++i) w[i] += rho * g[i] / norm;
  return w;
}

// Algorithm 1, with momentum and weight decay in the step that is taken at w.
TEST(Sharpness, FollowsTheAlgorithm) {
  const auto trainer = TrainerOf(OneLayer(), {.momentum = 0.9, .weight_decay = 0.01, .sam = kRho});
  Doubles w = JoinedSlots(Initial(*trainer, "fc.weight"), Initial(*trainer, "fc.bias"));
  Doubles momentum(w.size());
  for (int step = 0; step < 8; ++step) {
    const Doubles g = GradientsAt(WorstAround(w, GradientsAt(w, step * 6)), step * 6);
    for (size_t i = 0; i < w.size(); ++i) {
      momentum[i] = 0.9 * momentum[i] + g[i] + 0.01 * w[i];
      w[i] -= kRate * momentum[i];
    }
    StepOn(*trainer, step * 6);
    EXPECT_THAT(JoinedSlots(Get(*trainer, "fc.weight"), Get(*trainer, "fc.bias")), AllNear(w));
  }
}

// Convolutions, statistics of batches, random draws.
Model SharpNet(DType dtype = DType::kF64) {
  Builder b({.seed = 3, .dtype = dtype});
  const Value x = b.Input("x", {"N", 4});
  Value h = b.Reshape(x, {-1, 1, 2, 2});
  h = b.Conv2d(h, {.channels = 6, .kernel = 3, .padding = 1, .bias = false, .name = "conv"});
  h = b.Relu(b.BatchNorm2d(h, {.name = "bn"}));
  h = b.Dropout(b.Flatten(h), {.ratio = 0.4});
  b.Output("y", b.Linear(h, {.features = 3, .name = "head"}));
  return *b.Build();
}
const char* const kSharpNames[] = {"conv.weight", "bn.weight", "bn.bias", "head.weight",
                                   "head.bias"};

// What a step of plain descent took from the variables that `names` says, as gradients.
std::vector<Doubles> GradientsOfAStep(Model model, std::span<const char* const> names,
                                      const TrainOptions& options) {
  const auto trainer = *Trainer::Create(std::move(model), options);
  StepOn(*trainer, 0);
  std::vector<Doubles> gradients;
  for (const char* name : names) {
    Doubles& g = gradients.emplace_back(Initial(*trainer, name));
    const Doubles after = Get(*trainer, name);
    for (size_t i = 0; i < g.size(); ++i) g[i] = (g[i] - after[i]) / kRate;
  }
  return gradients;
}

// A sharpness-aware step takes what a plain one takes at w', whose draws are the same.
void ExpectGradientsOfTheWorstPlace(std::span<const char* const> names, TrainOptions options) {
  const std::vector<Doubles> g = GradientsOfAStep(SharpNet(), names, options);
  Doubles all;
  for (const Doubles& part : g) all = JoinedSlots(std::move(all), part);
  Model moved = SharpNet();
  for (size_t k = 0; k < g.size(); ++k) {
    Node* variable = moved.graph.Find(names[k]);
    Tensor value = *LeafValue(*variable).Converted(DType::kF64);
    for (size_t i = 0; i < g[k].size(); ++i) {
      value.mutable_values<double>()[i] += kRho * g[k][i] / NormOfSlots(all);
    }
    ASSERT_TRUE(moved.graph.SetLeafValue(variable, value).ok());
  }
  const std::vector<Doubles> expected = GradientsOfAStep(std::move(moved), names, options);
  options.optimizer.sam = kRho;
  const std::vector<Doubles> sharp = GradientsOfAStep(SharpNet(), names, options);
  for (size_t k = 0; k < g.size(); ++k) {
    EXPECT_THAT(sharp[k], AllNear(expected[k], 1e-10)) << names[k];
    EXPECT_THAT(sharp[k], testing::Not(AllNear(g[k], 1e-4))) << names[k];
  }
}

TEST(Sharpness, HasTheGradientsOfTheWorstPlace) {
  ExpectGradientsOfTheWorstPlace(kSharpNames, {.seed = 11, .threads = 1});
  const char* const head[] = {"head.weight", "head.bias"};  // what is frozen stays where it is
  ExpectGradientsOfTheWorstPlace(
      head, {.finetune = {.freeze = {"conv", "bn.weight", "bn.bias"}}, .seed = 11, .threads = 1});
}

TEST(Sharpness, StatisticsFollowTheFirstPassAlone) {
  const auto plain = TrainerOf(SharpNet(), {}), sharp = TrainerOf(SharpNet(), {.sam = 2});
  EXPECT_EQ(StepOn(*sharp, 0), StepOn(*plain, 0));
  for (const char* name : {"bn.running_mean", "bn.running_var"}) {
    EXPECT_EQ(Get(*sharp, name), Get(*plain, name)) << name;
  }
  EXPECT_NE(Get(*sharp, "conv.weight"), Get(*plain, "conv.weight"));
}

// a.loss = a^2 x and c.loss = c^2 x, whose gradients differ a hundredfold: each one goes its own
// way by the whole distance. A gradient of zero goes nowhere.
TEST(Sharpness, EachLossHasItsOwnNorm) {
  Builder b({.dtype = DType::kF64});
  const Value x = b.Input("x", {"N", 4});
  const Value sum = b.ReduceSum(b.Mul(x, x), {.keep_dims = false});
  for (const auto& [name, start] :
       {std::pair("a", 2.0), std::pair("c", 200.0), std::pair("z", 0.0)}) {
    const auto scope = b.Scope(name);
    const Value w = b.Parameter("w", {}, {.init = Initializer::Constant(start)});
    b.Loss("loss", b.Mul(b.Mul(w, w), sum));
  }
  const auto trainer = TrainerOf(*b.Build(), {.sam = kRho});
  double factor = 0;
  for (const double v : ValuesOf(Examples(0, 3))) factor += v * v;
  ASSERT_TRUE(trainer->Step(Examples(0, 3), Tensor(), kRate).ok());
  EXPECT_NEAR(Get(*trainer, "a.w")[0], 2 - kRate * 2 * (2 + kRho) * factor, 1e-10);
  EXPECT_NEAR(Get(*trainer, "c.w")[0], 200 - kRate * 2 * (200 + kRho) * factor, 1e-10);
  EXPECT_EQ(Get(*trainer, "z.w")[0], 0);
}

// Each batch of a step has its own worst place.
TEST(Sharpness, AccumulatesTheGradientsOfEachBatch) {
  OptimizerOptions options = {.sam = kRho};
  Doubles expected = Initial(*TrainerOf(TwoLayers(), options), "head.weight");
  const Doubles before = expected;
  for (const int64_t first : {0, 6}) {
    const auto one = TrainerOf(TwoLayers(), options);
    StepOn(*one, first);
    const Doubles after = Get(*one, "head.weight");
    for (size_t i = 0; i < after.size(); ++i) expected[i] += (after[i] - before[i]) / 2;
  }
  options.accumulation = 2;
  const auto both = TrainerOf(TwoLayers(), options);
  StepOn(*both, 0);
  StepOn(*both, 6);
  EXPECT_THAT(Get(*both, "head.weight"), AllNear(expected));
}

// Fast kernels in f32, computing again, a memory budget and going on after a stop.
TEST(Sharpness, GoesWithTheOtherOptions) {
  const auto after = [](DType dtype, TrainOptions options, bool stops = false) {
    options.optimizer = {.momentum = 0.9, .sam = kRho};
    options.threads = 1;
    auto trainer = *Trainer::Create(SharpNet(dtype), options);
    for (int step = 0; step < 4; ++step) {
      StepOn(*trainer, step * 6);
      if (stops) trainer = *Trainer::Resume(*trainer->Snapshot(), options);
    }
    Doubles all;
    for (const char* name : kSharpNames) all = JoinedSlots(std::move(all), Get(*trainer, name));
    return all;
  };
  const Doubles fast = after(DType::kF32, {});
  EXPECT_THAT(fast, AllNear(after(DType::kF64, {}), 1e-5));
  EXPECT_EQ(after(DType::kF32, {.recompute = true}), fast);
  EXPECT_EQ(after(DType::kF32, {.memory = {.budget = "100%"}}), fast);
  EXPECT_EQ(after(DType::kF32, {.numerics = {.check = true}}), fast);
  EXPECT_EQ(after(DType::kF32, {}, /*stops=*/true), fast);
}

// The second pass, too, keeps less of what its gradients read.
TEST(Sharpness, KeepsAMemoryBudget) {
  Builder b({.seed = 3});
  Value h = b.Input("x", {"N", 3, 24, 24});
  for (int block = 0; block < 4; ++block) {
    h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = 8, .kernel = 3, .padding = 1})));
  }
  b.Output("y", b.Linear(b.GlobalAvgPool(h), {.features = 3}));
  const Model model = *b.Build();
  Tensor images = *Tensor::Zeros(DType::kF32, {16, 3, 24, 24});
  float angle = 0;
  for (float& x : images.mutable_values<float>()) x = std::sin(angle += 1);
  const auto after = [&](const std::string& budget, double sam) {
    TrainOptions options = {.optimizer = {.sam = sam}, .threads = 1};
    options.memory.budget = budget;
    const auto trainer = *Trainer::Create(Model(Clone(model.graph)), options);
    for (int step = 0; step < 3; ++step) {
      const auto result = trainer->Step(images, LabelsOf(step, 16), kRate);
      EXPECT_TRUE(result.ok()) << result.status();
    }
    Model snapshot = *trainer->Snapshot();
    snapshot.training.reset();  // it remembers the kernels of every step
    return std::pair(SerializeModel(snapshot), (*trainer->TrainingPlan(16))->arena_bytes);
  };
  const auto [whole, most] = after("", kRho);
  const auto [kept, less] = after("90%", kRho);
  EXPECT_TRUE(kept == whole);
  EXPECT_LT(static_cast<double>(less), 0.9 * static_cast<double>(most));
  // One pass after the other: the memory is that of one.
  EXPECT_LT(static_cast<double>(most), 1.2 * static_cast<double>(after("", 0).second));
}

}  // namespace
}  // namespace weft
