// What is changed in a model before it is trained, and its frozen beginning computed once.
#include "frontend/train/finetune_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/data/digits.h"
#include "frontend/session/session.h"
#include "frontend/train/finetune_features.h"
#include "frontend/train/finetune_prefix.h"
#include "frontend/train/train_loop.h"
#include "graph/bind.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Two residual blocks, the second with a projection, and a head behind dropout.
Model ResidualNet() {
  Builder b({.seed = 3});
  const Value x = b.Input("x", {"N", 1, 28, 28});
  Value h = b.Relu(b.BatchNorm2d(
      b.Conv2d(x, {.channels = 4, .kernel = 3, .stride = 4, .bias = false, .name = "stem"})));
  Value f = b.Conv2d(h, {.channels = 4, .kernel = 3, .padding = 1, .name = "a1"});
  f = b.Conv2d(b.Relu(f), {.channels = 4, .kernel = 3, .padding = 1, .name = "a2"});
  h = b.Relu(b.Add(f, h, {.name = "sum1"}));
  f = b.Conv2d(h, {.channels = 8, .kernel = 3, .stride = 2, .padding = 1, .name = "b1"});
  f = b.Conv2d(b.Relu(f), {.channels = 8, .kernel = 3, .padding = 1, .name = "b2"});
  const Value s =
      b.BatchNorm2d(b.Conv2d(h, {.channels = 8, .kernel = 1, .stride = 2, .name = "p"}));
  h = b.Relu(b.Add(s, f, {.name = "sum2"}));
  h = b.Dropout(b.Flatten(b.GlobalAvgPool(h)), {.ratio = 0.5, .name = "drop"});
  b.Output("logits", b.Linear(h, {.features = 10, .name = "fc"}));
  return b.Build().value();
}

Tensor Images(int64_t n) {
  Tensor t = *Tensor::Zeros(DType::kF32, {n, 1, 28, 28});
  const auto values = t.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  return t;
}

std::vector<double> Ratios(const Graph& graph) {
  std::vector<double> ratios;
  for (const Node& node : graph.nodes()) {
    if (node.op_name() == "Dropout") ratios.push_back(GetFloat(node.attributes(), "ratio"));
  }
  return ratios;
}

TEST(Start, SetsDropout) {
  Model model = ResidualNet();
  ASSERT_TRUE(SetDropout(model, 0.2).ok());
  EXPECT_THAT(Ratios(model.graph), ElementsAre(0.2));
  EXPECT_THAT(MessageOf(SetDropout(model, 1)), HasSubstr("dropout: expected a number in [0,1)"));
  Builder b;
  b.Output("y", b.Linear(b.Input("x", {"N", 2}), {.features = 2}));
  Model without = b.Build().value();
  EXPECT_THAT(MessageOf(SetDropout(without, 0.5)), HasSubstr("has no dropout layers"));
  EXPECT_THAT(MessageOf(SetStochasticDepth(without, 0.5)), HasSubstr("has no residual blocks"));
}

TEST(Start, LeavesOutResidualBlocksInTrainingOnly) {
  Model model = ResidualNet();
  const Tensor scores = Session::Create(model).value()->Run(Images(2)).value();
  ASSERT_TRUE(SetStochasticDepth(model, 0.4).ok());
  EXPECT_TRUE(model.graph.Verify().ok());
  EXPECT_THAT(Ratios(model.graph), ElementsAre(0.2, 0.4, 0.5));
  EXPECT_EQ(model.graph.Find("sum1")->op_name(), "Add");
  // The branch is what is left out, whichever side it is on.
  EXPECT_EQ(model.graph.Find("sum1")->input(0).node->op_name(), "Mul");
  EXPECT_EQ(model.graph.Find("sum2")->input(1).node->op_name(), "Mul");
  const Tensor after = Session::Create(model).value()->Run(Images(2)).value();
  for (int64_t i = 0; i < scores.size(); ++i) EXPECT_NEAR(after.At(i), scores.At(i), 1e-5);
  // Again: the layers are there.
  ASSERT_TRUE(SetStochasticDepth(model, 0.2).ok());
  EXPECT_THAT(Ratios(model.graph), ElementsAre(0.1, 0.2, 0.5));
  auto trainer = Trainer::Create(std::move(model), {}).value();
  const Tensor labels = Tensor::FromInts(std::vector<int64_t>{1, 2});
  EXPECT_TRUE(trainer->Step(Images(2), labels, 0.1).ok());
}

TEST(Start, DrawsWeightsAgain) {
  Model model = ResidualNet();
  const Tensor bias = LeafValue(*model.graph.Find("fc.bias"));
  ASSERT_TRUE(Reinitialize(model, Initializer::Orthogonal(), 1).ok());
  EXPECT_EQ(LeafValue(*model.graph.Find("fc.bias")), bias);
  const Tensor w = LeafValue(*model.graph.Find("a1.weight"));
  double length = 0;
  for (int64_t i = 0; i < 36; ++i) length += w.At(i) * w.At(i);
  EXPECT_NEAR(length, 1, 1e-6);
}

TEST(Start, DoesWhatTheOptionsSay) {
  const std::string file = TestFolder() + "/a.weft";
  Model source = ResidualNet();
  ASSERT_TRUE(Reinitialize(source, Initializer::Constant(0.25), 1).ok());
  ASSERT_TRUE(SaveModel(source, file).ok());
  Model model = ResidualNet();
  const auto report =
      Start(model, {.init_from = file, .replace_head = 3, .dropout = 0.1, .stochastic_depth = 0.5});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->skipped, IsEmpty());
  EXPECT_EQ(LeafValue(*model.graph.Find("a1.weight")).At(0), 0.25);
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[N,3]");
  EXPECT_THAT(Ratios(model.graph), ElementsAre(0.25, 0.5, 0.1));
  EXPECT_THAT(MessageOf(Start(model, {.init = "nothing"}).status()), HasSubstr("unknown"));
  const std::string before = SerializeModel(model);
  ASSERT_TRUE(Start(model, {}).ok());
  EXPECT_EQ(SerializeModel(model), before);
}

FineTuneOptions Frozen(std::vector<std::string> patterns) {
  FineTuneOptions options;
  options.freeze = std::move(patterns);
  return options;
}

TEST(SplitFrozen, EndsAtTheLastValueThatAllGoesThrough) {
  const auto at = [](std::vector<std::string> patterns) {
    const auto split = SplitFrozen(ResidualNet(), Frozen(std::move(patterns)));
    return split.ok() ? split->at : MessageOf(split.status());
  };
  EXPECT_EQ(at({"stem", "bn1"}), "relu1");
  // Within a block two values are open: the border stays before it.
  EXPECT_EQ(at({"stem", "bn1", "a1"}), "relu1");
  EXPECT_EQ(at({"stem", "bn1", "a1", "a2"}), "relu3");
  EXPECT_THAT(at({"fc"}), HasSubstr("no frozen beginning"));
  // Its statistics are those of its batches.
  EXPECT_EQ(at({"stem", "bn1.weight", "bn1.bias"}), "stem");
}

TEST(SplitFrozen, TheRestTrainsOnFeaturesAsTheWholeDoes) {
  const FineTuneOptions frozen = Frozen({"stem", "bn1", "a1", "a2"});
  const auto digits = MakeDigits(Split::kTrain, 64).value();
  Model model = ResidualNet();
  ASSERT_TRUE(SetDropout(model, 0).ok());
  const FitOptions fit = {.epochs = 2, .batch_size = 16, .learning_rate = 0.05};
  auto whole =
      Trainer::Create(Model(Clone(model.graph)), {.finetune = frozen, .threads = 1}).value();
  ASSERT_TRUE(Fit(*whole, digits, nullptr, fit).ok());

  auto split = SplitFrozen(model, frozen);
  ASSERT_TRUE(split.ok()) << split.status();
  EXPECT_TRUE(split->rest.graph.Verify().ok());
  EXPECT_EQ(split->rest.graph.Find("stem.weight"), nullptr);
  const auto features = ComputeFeatures(model, digits, {.at = split->at, .threads = 1});
  ASSERT_TRUE(features.ok()) << features.status();
  auto rest = Trainer::Create(std::move(split->rest), {.threads = 1}).value();
  ASSERT_TRUE(Fit(*rest, FeatureDataset(*features, *digits), nullptr, fit).ok());
  ASSERT_TRUE(JoinFrozen(model, rest->Snapshot().value()).ok());
  for (const char* name : {"fc.weight", "b1.weight", "stem.weight"}) {
    const Tensor a = whole->Get(name).value(), b = LeafValue(*model.graph.Find(name));
    for (int64_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a.At(i), b.At(i), 1e-4) << name;
  }
}

}  // namespace
}  // namespace weft
