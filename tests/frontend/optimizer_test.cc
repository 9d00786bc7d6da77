// What the optimizer's options do to a training, on a model of one layer whose gradients the tests
// can read off a step of plain descent.
#include "frontend/train/optimizer.h"

#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/session/session.h"
#include "frontend/train/parameter_groups.h"
#include "frontend/train/train.h"
#include "gmock/gmock.h"
#include "graph/file/serialize.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "tests/frontend/testing_optimizer.h"

namespace weft {
namespace {

using testing::HasSubstr;

Doubles Scaled(Doubles values, double factor) {
  for (double& value : values) value *= factor;
  return values;
}

TEST(Optimizer, ClipsEachElement) {
  Doubles expected = Moved(OneLayer, {}, "fc.weight");
  int clipped = 0;
  for (double& moved : expected) {
    clipped += std::abs(moved) > kRate * 0.02;
    moved = std::max(-kRate * 0.02, std::min(kRate * 0.02, moved));
  }
  EXPECT_GT(clipped, 0);
  EXPECT_THAT(Moved(OneLayer, {.clip_value = 0.02}, "fc.weight"), Near(expected));
}

TEST(Optimizer, ClipsTheNormOfAllGradientsTogether) {
  const Doubles weight = Moved(OneLayer, {}, "fc.weight"), bias = Moved(OneLayer, {}, "fc.bias");
  double squares = 0;
  for (const Doubles* moved : {&weight, &bias}) {
    for (const double value : *moved) squares += value * value / (kRate * kRate);
  }
  const double norm = std::sqrt(squares), limit = 0.5 * norm;
  EXPECT_THAT(Moved(OneLayer, {.clip_norm = limit}, "fc.weight"),
              Near(Scaled(weight, limit / (norm + 1e-6))));
  EXPECT_THAT(Moved(OneLayer, {.clip_norm = limit}, "fc.bias"),
              Near(Scaled(bias, limit / (norm + 1e-6))));
  EXPECT_THAT(Moved(OneLayer, {.clip_norm = 2 * norm}, "fc.weight"), Near(weight));
}

TEST(Optimizer, GroupsHaveTheirFactorsTheFirstPatternCounts) {
  const OptimizerOptions grouped = {.lr_group = {"features.weight=0", "features.*=0.5"}};
  EXPECT_THAT(Moved(TwoLayers, grouped, "features.weight"), testing::Each(0.0));
  EXPECT_THAT(Moved(TwoLayers, grouped, "features.bias"),
              Near(Scaled(Moved(TwoLayers, {}, "features.bias"), 0.5)));
  EXPECT_EQ(Moved(TwoLayers, grouped, "head.weight"), Moved(TwoLayers, {}, "head.weight"));
  EXPECT_THAT(Moved(TwoLayers, {.lr_group = {"features=0.5"}}, "features.bias"),
              Near(Scaled(Moved(TwoLayers, {}, "features.bias"), 0.5)));
  OptimizerOptions decayed = {.weight_decay = 0.1, .decay_group = {"head.weight=0.5"}};
  Doubles expected = Moved(TwoLayers, {.weight_decay = 0.05}, "head.weight");
  EXPECT_THAT(Moved(TwoLayers, decayed, "head.weight"), Near(expected));
  expected = Moved(TwoLayers, {.weight_decay = 0.1}, "features.weight");
  EXPECT_EQ(Moved(TwoLayers, decayed, "features.weight"), expected);
}

TEST(Optimizer, DecoupledDecayShrinksTheWeights) {
  const auto trainer = TrainerOf(OneLayer(), {});
  Doubles expected = Moved(OneLayer, {}, "fc.weight");
  const Doubles before = Initial(*trainer, "fc.weight");
  for (size_t i = 0; i < expected.size(); ++i) expected[i] -= kRate * 0.2 * before[i];
  EXPECT_THAT(Moved(OneLayer, {.weight_decay = 0.2, .decoupled_decay = true}, "fc.weight"),
              Near(expected));
}

TEST(Optimizer, AveragesWeightsAndEvaluatesAndSavesThem) {
  const auto trainer = TrainerOf(OneLayer(), {.momentum = 0.9, .average_decay = 0.3});
  Doubles average = Initial(*trainer, "fc.weight");
  for (int t = 1; t <= 6; ++t) {
    StepOn(*trainer, t * 6);
    const Doubles weights = Get(*trainer, "fc.weight");
    const double d = std::min(0.3, (1.0 + t) / (10.0 + t));
    for (size_t i = 0; i < average.size(); ++i) {
      average[i] = d * average[i] + (1 - d) * weights[i];
    }
    EXPECT_THAT(Get(*trainer, "fc.weight/average"), Near(average)) << t;
  }
  const Model saved = *trainer->Snapshot();
  EXPECT_THAT(ValuesOf(LeafValue(*saved.graph.Find("fc.weight"))), Near(average));
  EXPECT_EQ(ValuesOf(saved.training->slots.at("fc.weight/trained")), Get(*trainer, "fc.weight"));
  EXPECT_FALSE(saved.training->slots.contains("fc.weight/average"));
  const auto session = Session::Create(*trainer->Snapshot(), {.optimize = false});
  ASSERT_TRUE(session.ok()) << session.status();
  const Tensor x = Examples(0, 5);
  const auto scores = trainer->Scores(x);
  ASSERT_TRUE(scores.ok()) << scores.status();
  const auto expected = (*session)->Run({{"x", x}});
  ASSERT_TRUE(expected.ok()) << expected.status();
  EXPECT_THAT(ValuesOf(*scores), Near(ValuesOf(expected->begin()->second)));
}

TEST(Optimizer, AveragesRunningStatisticsToo) {
  Builder b({.seed = 3, .dtype = DType::kF64});
  const Value h = b.Linear(b.Input("x", {"N", 4}), {.features = 3, .name = "fc"});
  b.Output("y", b.BatchNorm1d(h, {.name = "bn"}));
  auto trainer = TrainerOf(*b.Build(), {.average_decay = 0.3});
  Doubles average = Initial(*trainer, "bn.running_mean");
  for (int t = 1; t <= 6; ++t) {
    StepOn(*trainer, t * 6);
    const Doubles mean = Get(*trainer, "bn.running_mean");
    const double d = std::min(0.3, (1.0 + t) / (10.0 + t));
    for (size_t i = 0; i < average.size(); ++i) average[i] = d * average[i] + (1 - d) * mean[i];
    auto resumed = Trainer::Resume(*trainer->Snapshot(), trainer->options());
    ASSERT_TRUE(resumed.ok()) << resumed.status();
    EXPECT_EQ(Get(**resumed, "bn.running_mean"), mean);
    trainer = *std::move(resumed);
  }
  EXPECT_THAT(Get(*trainer, "bn.running_mean/average"), Near(average));
  EXPECT_THAT(ValuesOf(LeafValue(*trainer->Snapshot()->graph.Find("bn.running_mean"))),
              Near(average));
}

TEST(Optimizer, LimitsTheNormOfEachOutputsWeights) {
  const auto free = TrainerOf(TwoLayers(), {}),
             bound = TrainerOf(TwoLayers(), {.max_norm = {"head.*=0.4"}});
  StepOn(*free, 0);
  StepOn(*bound, 0);
  const Doubles before = Get(*free, "head.weight"), after = Get(*bound, "head.weight");
  int limited = 0;
  for (size_t row = 0; row < 3; ++row) {
    double squares = 0;
    for (size_t i = 0; i < 8; ++i) squares += before[row * 8 + i] * before[row * 8 + i];
    const double factor = std::min(1.0, 0.4 / std::sqrt(squares));
    limited += factor < 1;
    for (size_t i = 0; i < 8; ++i) {
      EXPECT_NEAR(after[row * 8 + i], before[row * 8 + i] * factor, 1e-12);
    }
  }
  EXPECT_GT(limited, 0);
  EXPECT_EQ(Get(*bound, "features.weight"), Get(*free, "features.weight"));
}

// a.loss = a c x and c.loss = -a c x: Adam's first step is the rate times the sign of each one's
// own gradient.
TEST(Optimizer, AdamFollowsEachLossOfAModelOfTwo) {
  Builder b({.dtype = DType::kF64});
  const Value x = b.Input("x", {"N", 4});
  Value factors[2];
  for (int i = 0; i < 2; ++i) {
    const auto scope = b.Scope(i == 0 ? "a" : "c");
    factors[i] = b.Parameter("w", {1}, {.init = Initializer::Constant(i == 0 ? 2 : 5)});
  }
  const Value product =
      b.ReduceSum(b.Mul(b.Mul(factors[0], factors[1]), b.Mul(x, x)), {.keep_dims = false});
  for (int i = 0; i < 2; ++i) {
    const auto scope = b.Scope(i == 0 ? "a" : "c");
    b.Loss("loss", i == 0 ? product : b.Neg(product));
  }
  const auto trainer = TrainerOf(*b.Build(), {.method = "adam", .clip_norm = 1});
  ASSERT_TRUE(trainer->Step(Examples(0, 3), Tensor(), kRate).ok());
  EXPECT_NEAR(Get(*trainer, "a.w")[0], 2 - kRate, 1e-6);
  EXPECT_NEAR(Get(*trainer, "c.w")[0], 5 + kRate, 1e-6);
}

// Options of each method that set all of its state going.
std::vector<OptimizerOptions> EachMethod() {
  std::vector<OptimizerOptions> all;
  for (const std::string_view method : OptimizerMethods()) {
    all.push_back({.method = std::string(method), .weight_decay = 1e-3});
  }
  all.push_back({.method = "rmsprop", .momentum = 0.9, .centered = true});
  all.push_back({.method = "adamw",
                 .weight_decay = 0.01,
                 .decay_vectors = false,
                 .l1 = 1e-4,
                 .lr_group = {"features.*=0.3"},
                 .clip_norm = 0.2,
                 .accumulation = 2,
                 .average_decay = 0.9,
                 .max_norm = {"head.weight=0.5"}});
  return all;
}

TEST(Optimizer, FastKernelsDoWhatTheReferenceDoes) {
  for (const OptimizerOptions& options : EachMethod()) {
    const auto exact = TrainerOf(TwoLayers(), options);
    const auto fast = TrainerOf(TwoLayers(DType::kF32), options);
    for (int step = 0; step < 8; ++step) {
      EXPECT_NEAR(StepOn(*fast, step * 6), StepOn(*exact, step * 6), 1e-4) << options.method;
    }
  }
}

TEST(Optimizer, TrainingsResumeWithTheSameBytes) {
  for (const OptimizerOptions& options : EachMethod()) {
    const auto whole = TrainerOf(TwoLayers(DType::kF32), options);
    auto parts = TrainerOf(TwoLayers(DType::kF32), options);
    for (int step = 0; step < 5; ++step) {
      StepOn(*whole, step * 6);
      StepOn(*parts, step * 6);
      auto model = ParseModel(SerializeModel(*parts->Snapshot()), StandardOps());
      ASSERT_TRUE(model.ok()) << model.status();
      const auto kept = OptionsOf(*model->training);
      ASSERT_TRUE(kept.ok()) << kept.status();
      EXPECT_EQ(kept->optimizer, options);
      auto resumed = Trainer::Resume(*std::move(model), *kept);
      ASSERT_TRUE(resumed.ok()) << resumed.status();
      parts = *std::move(resumed);
    }
    EXPECT_EQ(SerializeModel(*parts->Snapshot()), SerializeModel(*whole->Snapshot()))
        << options.method;
  }
}

TEST(Optimizer, AnotherMethodBeginsAnew) {
  const auto before = TrainerOf(OneLayer(), {.momentum = 0.9});
  for (int step = 0; step < 5; ++step) StepOn(*before, step * 6);
  auto resumed =
      Trainer::Resume(*before->Snapshot(), {.optimizer = {.method = "adam"}, .threads = 1});
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  EXPECT_EQ((*resumed)->step(), 5);
  const auto fresh = TrainerOf(*before->Snapshot(), {.method = "adam"});
  for (int step = 5; step < 8; ++step) {
    StepOn(*fresh, step * 6);
    StepOn(**resumed, step * 6);
  }
  EXPECT_EQ(Get(**resumed, "fc.weight"), Get(*fresh, "fc.weight"));
  // Where the new method began is kept.
  auto again = Trainer::Resume(*(*resumed)->Snapshot(), (*resumed)->options());
  ASSERT_TRUE(again.ok()) << again.status();
  StepOn(*fresh, 60);
  StepOn(**again, 60);
  EXPECT_EQ(Get(**again, "fc.weight"), Get(*fresh, "fc.weight"));
}

TEST(Optimizer, RefusesWhatIsOutOfRangeOrNotTheMethods) {
  const auto error = [](const OptimizerOptions& options) {
    const auto trainer = Trainer::Create(TwoLayers(), {.optimizer = options});
    return std::string(trainer.status().message());
  };
  EXPECT_THAT(error({.method = "adamm"}), HasSubstr("expected one of sgd, momentum, nesterov, "));
  EXPECT_THAT(error({.method = "adam", .momentum = 0.9}), HasSubstr("adam has no option momentum"));
  EXPECT_THAT(error({.beta1 = 0.5}), HasSubstr("sgd has no option beta1"));
  EXPECT_THAT(error({.method = "lars", .decoupled_decay = true}),
              HasSubstr("lars has no option decoupled_decay"));
  EXPECT_THAT(error({.method = "adam", .beta2 = 1}), HasSubstr("beta2 in [0,1), got 1"));
  EXPECT_THAT(error({.method = "adam", .epsilon = -1}), HasSubstr("epsilon of at least 0, got -1"));
  EXPECT_THAT(error({.momentum = 0.9, .nesterov = true, .dampening = 0.1}),
              HasSubstr("dampening needs"));
  EXPECT_THAT(error({.clip_value = 1, .clip_norm = 1}), HasSubstr("got both"));
  EXPECT_THAT(error({.accumulation = 0}), HasSubstr("at least 1 batch a step, got 0"));
  EXPECT_THAT(error({.sam = -0.1}), HasSubstr("distance sam of at least 0, got -0.1"));
  EXPECT_EQ(error({.method = "lion", .weight_decay = 1}), "");  // Chen et al. 2023, table 12
  EXPECT_THAT(error({.average_decay = 1}), HasSubstr("average decay in [0,1), got 1"));
  EXPECT_THAT(error({.lr_group = {"feature.*=0.1"}}),
              HasSubstr("lr_group: the pattern feature.* fits no parameter's name"));
  EXPECT_THAT(error({.decay_group = {"head.*"}}), HasSubstr("expected PATTERN=NUMBER"));
  EXPECT_THAT(error({.max_norm = {"*.bias=1"}}), HasSubstr("max_norm: the pattern *.bias"));
}

TEST(Optimizer, AdamwHasItsOwnDecayUnlessToldOtherwise) {
  const auto moved = [](double decay) {
    return Moved(OneLayer, {.method = "adamw", .weight_decay = decay}, "fc.weight");
  };
  EXPECT_EQ(moved(-1), moved(0.01));
  EXPECT_EQ(moved(0), Moved(OneLayer, {.method = "adam"}, "fc.weight"));
  EXPECT_NE(moved(0), moved(0.01));
}

TEST(Optimizer, AnotherMethodLeavesWhatItDoesNotHaveUnset) {
  const OptimizerOptions network = {.momentum = 0.9, .nesterov = true, .weight_decay = 1e-4};
  const OptimizerOptions adam = WithMethod(network, "adam");
  EXPECT_EQ(adam, (OptimizerOptions{.method = "adam", .weight_decay = 1e-4}));
  EXPECT_TRUE(CheckOptimizer(adam).ok());
  EXPECT_EQ(WithMethod(network, "sgd"), network);
}

TEST(ParameterPatterns, StarsStandForAnyCharacters) {
  EXPECT_TRUE(FitsPattern("features.*", "features.0.weight"));
  EXPECT_TRUE(FitsPattern("*.weight", "features.0.weight"));
  EXPECT_TRUE(FitsPattern("*a*b?", "xxabab1"));
  EXPECT_TRUE(FitsPattern("*", ""));
  EXPECT_FALSE(FitsPattern("features.*", "feature.0"));
  EXPECT_FALSE(FitsPattern("*.weight", "conv.weights"));
  EXPECT_FALSE(FitsPattern("conv?", "conv"));
}

}  // namespace
}  // namespace weft
