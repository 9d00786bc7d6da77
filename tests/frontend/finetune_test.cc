// Frozen variables, weights from other models, new heads, features.
#include "frontend/train/finetune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/data/digits.h"
#include "frontend/session/session.h"
#include "frontend/train/finetune_features.h"
#include "frontend/train/finetune_weights.h"
#include "frontend/train/parameter_groups.h"
#include "frontend/train/train_loop.h"
#include "frontend/weights/weights.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Model Net(int64_t classes = 10, uint64_t seed = 1) {
  Builder b({.seed = seed});
  const Value x = b.Input("x", {"N", 1, 28, 28});
  Value h;
  {
    const auto scope = b.Scope("features");
    h = b.Conv2d(x, {.channels = 6, .kernel = 5, .stride = 2, .bias = false, .name = "conv"});
    h = b.Relu(b.BatchNorm2d(h, {.name = "bn"}));
    h = b.MaxPool2d(h, {.kernel = 2, .name = "pool"});
  }
  h = b.Relu(b.Linear(b.Flatten(h, {.name = "flat"}), {.features = 16, .name = "hidden"}));
  b.Output("logits", b.Linear(h, {.features = classes, .name = "fc"}));
  return b.Build().value();
}

Tensor Images(int64_t n) {
  Tensor t = *Tensor::Zeros(DType::kF32, {n, 1, 28, 28});
  const auto values = t.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  return t;
}
const Tensor kLabels = Tensor::FromInts(std::vector<int64_t>{1, 2, 3, 4});

TrainOptions Frozen(std::vector<std::string> patterns, bool statistics = true) {
  return {.optimizer = {.momentum = 0.9},
          .finetune = {.freeze = std::move(patterns), .freeze_statistics = statistics},
          .threads = 1};
}

TEST(Freeze, MatchesNamesAndTheirBeginnings) {
  EXPECT_TRUE(MatchesVariable("features", "features.conv.weight"));
  EXPECT_TRUE(MatchesVariable("features.conv.weight", "features.conv.weight"));
  EXPECT_TRUE(MatchesVariable("*.bias", "fc.bias"));
  EXPECT_TRUE(MatchesVariable("*", "fc.bias"));
  EXPECT_FALSE(MatchesVariable("feature", "features.conv.weight"));
  EXPECT_FALSE(MatchesVariable("*.bias", "fc.bias2"));
}

TEST(Freeze, FrozenVariablesStayAndNothingIsComputedForThem) {
  auto trainer = Trainer::Create(Net(), Frozen({"features"})).value();
  const Graph& graph = trainer->training_graph();
  for (const Node& node : graph.nodes()) {
    EXPECT_FALSE(node.name().starts_with("grad/features")) << node.name();
  }
  EXPECT_EQ(graph.Find("features.conv.weight/momentum"), nullptr);
  EXPECT_NE(graph.Find("hidden.weight/momentum"), nullptr);
  std::map<std::string, Tensor> before;
  for (const Node* v : graph.variables()) before[v->name()] = trainer->Get(v->name()).value();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(trainer->Step(Images(4), kLabels, 0.1).ok());
  for (const auto& [name, value] : before) {
    EXPECT_EQ(trainer->Get(name).value() == value, name.starts_with("features")) << name;
  }
}

TEST(Freeze, StatisticsFollowTheBatchesWhereAsked) {
  auto trainer = Trainer::Create(Net(), Frozen({"features"}, /*statistics=*/false)).value();
  const Tensor weight = trainer->Get("features.bn.weight").value();
  ASSERT_TRUE(trainer->Step(Images(4), kLabels, 0.1).ok());
  EXPECT_NE(trainer->Get("features.bn.running_mean").value().At(0), 0);
  EXPECT_EQ(trainer->Get("features.bn.weight").value(), weight);
}

// With the statistics of inference the training loss is that of an evaluation.
TEST(Freeze, FrozenStatisticsAreUsed) {
  auto trainer = Trainer::Create(Net(), Frozen({"features"})).value();
  const double evaluated = trainer->Evaluate(Images(4), kLabels).value().loss();
  EXPECT_NEAR(trainer->Step(Images(4), kLabels, 0).value().loss, evaluated, 1e-5);
  auto free = Trainer::Create(Net(), Frozen({"features.conv"})).value();
  EXPECT_GT(std::abs(free->Step(Images(4), kLabels, 0).value().loss - evaluated), 1e-3);
}

TEST(Freeze, MistakesAreErrors) {
  const auto error = [](std::vector<std::string> patterns) {
    return MessageOf(Trainer::Create(Net(), Frozen(std::move(patterns))).status());
  };
  EXPECT_THAT(error({"features", "hiden.weight"}),
              HasSubstr("freeze: no variable is called hiden.weight, did you mean hidden.weight?"));
  EXPECT_THAT(error({"*"}), HasSubstr("is all of it frozen?"));
  EXPECT_THAT(MessageOf(Trainer::Create(Net(), {.finetune = {.unfreeze_at = -1}}).status()),
              HasSubstr("unfreeze_at: expected an epoch from 0 on, got -1"));
  EXPECT_THAT(MessageOf(Trainer::Create(Net(), {.finetune = {.unfreeze_at = 2}}).status()),
              HasSubstr("unfreeze_at 2: nothing is frozen"));
}

std::shared_ptr<const Dataset> Digits(int64_t n = 128) {
  return MakeDigits(Split::kTrain, n).value();
}

TEST(Freeze, EndsWithItsEpoch) {
  TrainOptions options = Frozen({"features"});
  options.finetune.unfreeze_at = 2;
  auto trainer = Trainer::Create(Net(), options).value();
  const auto weight = [&] { return trainer->Get("features.conv.weight").value(); };
  const Tensor initial = weight();
  const auto fit = [&](int64_t epochs) {
    return Fit(*trainer, Digits(), nullptr, {.epochs = epochs, .batch_size = 32}).status();
  };
  ASSERT_TRUE(fit(2).ok());
  EXPECT_EQ(weight(), initial);
  const Tensor slot = trainer->Get("fc.weight/momentum").value();
  EXPECT_EQ(trainer->training_graph().Find("features.conv.weight/momentum"), nullptr);
  ASSERT_TRUE(trainer->UnfreezeWhenDue().ok());
  EXPECT_EQ(trainer->Get("fc.weight/momentum").value(), slot);
  ASSERT_TRUE(fit(3).ok());
  EXPECT_FALSE(weight() == initial);
}

TEST(Freeze, PeakIsThatOfAllEpochs) {
  TrainOptions options = Frozen({"features"});
  options.finetune.unfreeze_at = 2;
  const auto peak = [&](int64_t epochs) {
    const auto trainer = Trainer::Create(Net(), options).value();
    return PeakBytes(*trainer, *Digits(), nullptr, {.epochs = epochs, .batch_size = 32}).value();
  };
  const size_t frozen = peak(2), all = peak(3);
  options.finetune = {};
  EXPECT_LT(frozen, all);
  EXPECT_EQ(peak(3), all);
}

// Adam's first step is its rate, times the sign of the gradient, whenever it comes.
TEST(Freeze, WhatIsUnfrozenCountsItsOwnSteps) {
  TrainOptions options = Frozen({"features"});
  options.optimizer = {.method = "adam", .lr_group = {"features.*=0.5"}};
  options.finetune.unfreeze_at = 1;
  auto trainer = Trainer::Create(Net(), options);
  ASSERT_TRUE(trainer.ok()) << trainer.status();
  for (int i = 0; i < 50; ++i) ASSERT_TRUE((*trainer)->Step(Images(4), kLabels, 1e-3).ok());
  (*trainer)->SetPosition(1, 0);
  auto resumed = Trainer::Resume((*trainer)->Snapshot().value(), options);
  ASSERT_TRUE(resumed.ok()) << resumed.status();
  ASSERT_TRUE((*trainer)->UnfreezeWhenDue().ok());
  for (Trainer* t : {trainer->get(), resumed->get()}) {
    const Tensor before = t->Get("features.conv.weight").value();
    ASSERT_TRUE(t->Step(Images(4), kLabels, 1e-3).ok());
    const Tensor after = t->Get("features.conv.weight").value();
    double most = 0;
    for (int64_t i = 0; i < after.size(); ++i) {
      most = std::max(most, std::abs(after.At(i) - before.At(i)));
    }
    EXPECT_NEAR(most, 0.5e-3, 1e-6);
  }
  EXPECT_EQ((*trainer)->Get("fc.weight").value(), (*resumed)->Get("fc.weight").value());
}

// Stopped before, at and after the epoch in which things are unfrozen.
TEST(Freeze, ResumingGivesTheSameBytes) {
  TrainOptions options = Frozen({"features"});
  options.optimizer = {.method = "adam"};
  options.finetune.unfreeze_at = 2;
  const FitOptions fit = {.epochs = 3, .batch_size = 32, .learning_rate = 0.05};
  const auto finished = [&](int64_t stop_after) {
    auto trainer = Trainer::Create(Net(), options).value();
    int64_t steps = 0;
    EXPECT_TRUE(Fit(*trainer, Digits(), nullptr, fit, {.stop = [&] {
                  return ++steps == stop_after;
                }}).ok());
    const std::string bytes = SerializeModel(trainer->Snapshot().value());
    if (stop_after == 0) return bytes;
    trainer = Trainer::Resume(ParseModel(bytes, StandardOps()).value(), options).value();
    EXPECT_TRUE(Fit(*trainer, Digits(), nullptr, fit).ok());
    return SerializeModel(trainer->Snapshot().value());
  };
  const std::string whole = finished(0);
  for (const int64_t steps : {3, 8, 10}) EXPECT_TRUE(finished(steps) == whole) << steps;
}

// Kernels that were chosen with something frozen are not those of the whole graph, which a training
// that is resumed where it thaws would otherwise run, and one that went on not.
TEST(Freeze, KernelsAreChosenAnewForWhatIsUnfrozen) {
  TrainOptions options = Frozen({"features"});
  options.finetune.unfreeze_at = 1;
  const auto trainer = Trainer::Create(Net(), options).value();
  ASSERT_TRUE(trainer->Step(Images(4), kLabels, 0.1).ok());
  const auto changes = [&](int64_t epoch) {
    trainer->SetPosition(epoch, 0);
    Model model = trainer->Snapshot().value();
    EXPECT_FALSE(model.training->kernel_choices.empty());
    for (auto& [step, choice] : model.training->kernel_choices) choice = "another";
    return (*Trainer::Resume(std::move(model), options))->ChangedKernels(4).value().size();
  };
  EXPECT_GT(changes(0), 0u);
  EXPECT_EQ(changes(1), 0u);
  ASSERT_TRUE(trainer->UnfreezeWhenDue().ok());
  EXPECT_TRUE(trainer->Snapshot()->training->kernel_choices.empty());
  ASSERT_TRUE(trainer->Step(Images(4), kLabels, 0.1).ok());
  EXPECT_GT(changes(2), 0u);
}

TEST(InitFrom, TakesWhatFitsAndListsTheRest) {
  const std::string folder = TestFolder();
  ASSERT_TRUE(SaveModel(Net(10, 7), folder + "/a.weft").ok());
  ASSERT_TRUE(SaveWeights(Net(10, 7), folder + "/a.safetensors").ok());
  for (const char* file : {"/a.weft", "/a.safetensors"}) {
    Model model = Net(5);
    const Tensor head = LeafValue(*model.graph.Find("fc.weight"));
    const auto report = InitFrom(model, folder + file);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_THAT(report->skipped, ElementsAre("fc.weight f32[10,16] (not f32[5,16])",
                                             "fc.bias f32[10] (not f32[5])"));
    EXPECT_EQ(report->loaded.size(), model.graph.variables().size() - 2);
    EXPECT_THAT(report->missing, IsEmpty());
    EXPECT_THAT(report->unexpected, IsEmpty());
    EXPECT_EQ(LeafValue(*model.graph.Find("features.conv.weight")),
              LeafValue(*Net(10, 7).graph.Find("features.conv.weight")));
    EXPECT_EQ(LeafValue(*model.graph.Find("fc.weight")), head);
  }
}

TEST(InitFrom, NothingThatFitsIsAnError) {
  const std::string folder = TestFolder();
  Builder b;
  b.Output("y", b.Linear(b.Input("x", {"N", 2}), {.features = 2, .name = "other"}));
  ASSERT_TRUE(SaveModel(b.Build().value(), folder + "/a.weft").ok());
  Model model = Net();
  EXPECT_THAT(MessageOf(InitFrom(model, folder + "/a.weft").status()),
              HasSubstr("no name is in both"));
  EXPECT_FALSE(InitFrom(model, folder + "/none.weft").ok());
}

TEST(ReplaceHead, GivesTheHeadOtherClasses) {
  Model model = Net(10);
  model.class_names = {"a"};
  ASSERT_TRUE(ReplaceHead(model, 5, 9).ok());
  EXPECT_TRUE(model.graph.Verify().ok());
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[N,5]");
  EXPECT_THAT(model.class_names, IsEmpty());
  // As the same network with five classes and this seed is made.
  const Model fresh = Net(5, 9);
  for (const char* name : {"fc.weight", "fc.bias"}) {
    EXPECT_EQ(LeafValue(*model.graph.Find(name)), LeafValue(*fresh.graph.Find(name)));
  }
  EXPECT_EQ(LeafValue(*model.graph.Find("hidden.weight")),
            LeafValue(*Net().graph.Find("hidden.weight")));
}

// SqueezeNet's: a convolution, then an activation and a mean.
TEST(ReplaceHead, FindsConvolutionsAndProducts) {
  Builder b;
  const Value x = b.Input("x", {"N", 3, 8, 8});
  b.Output("y", b.Flatten(b.GlobalAvgPool(b.Relu(b.Conv2d(x, {.channels = 7, .kernel = 1})))));
  Model model = b.Build().value();
  ASSERT_TRUE(ReplaceHead(model, 2).ok());
  EXPECT_EQ(ToString(model.graph.Find("conv1.weight")->type()), "f32[2,3,1,1]");
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[N,2]");

  Builder c;
  const Value w = c.Parameter("w", {4, 7}), bias = c.Parameter("b", {7});
  c.Output("y", c.Add(c.MatMul(c.Input("x", {"N", 4}), w), bias));
  Model product = c.Build().value();
  ASSERT_TRUE(ReplaceHead(product, 2).ok());
  EXPECT_EQ(ToString(product.graph.Find("w")->type()), "f32[4,2]");
  EXPECT_EQ(ToString(product.graph.Find("b")->type()), "f32[2]");

  Builder d;
  const Value rows = d.Parameter("w", {7, 4}), added = d.Parameter("b", {7});
  d.Output("y", d.Add(d.Op("Gemm", {d.Input("x", {"N", 4}), rows}, {{"transB", 1}}), added));
  Model gemm = d.Build().value();
  ASSERT_TRUE(ReplaceHead(gemm, 2).ok());
  EXPECT_EQ(ToString(gemm.graph.Find("w")->type()), "f32[2,4]");
  EXPECT_EQ(ToString(gemm.graph.Find("b")->type()), "f32[2]");
}

TEST(ReplaceHead, MistakesAreErrorsAndChangeNothing) {
  Model model = Net();
  EXPECT_THAT(MessageOf(ReplaceHead(model, 0)), HasSubstr("at least 1 class, got 0"));
  Model optimized(*OptimizedForInference(Net().graph));
  EXPECT_THAT(MessageOf(ReplaceHead(optimized, 5)), HasSubstr("optimized for inference?"));
  Builder b;
  const Value x = b.Input("x", {"N", 3});
  b.Output("y", b.Tanh(b.Linear(x, {.features = 3})));
  Model other = b.Build().value();
  EXPECT_THAT(MessageOf(ReplaceHead(other, 5)), HasSubstr("(Tanh) is not passed over"));
  Builder c;
  const Value y = c.Linear(c.Input("x", {"N", 3}), {.features = 3});
  c.Output("y", y);
  c.Loss("loss", c.ReduceMean(y, {.keep_dims = false}));
  Model stated = c.Build().value();
  EXPECT_THAT(MessageOf(ReplaceHead(stated, 5)), HasSubstr("states its own losses"));
}

TEST(Features, AreWhatTheModelMakesOfEveryExample) {
  const Model model = Net();
  const auto digits = Digits(70);
  const auto features = ComputeFeatures(model, digits, {.at = "features.pool", .batch_size = 32});
  ASSERT_TRUE(features.ok()) << features.status();
  EXPECT_EQ(ToString(features->values.type()), "f32[70,6,6,6]");
  EXPECT_EQ(features->labels.At(69), 9);
  const auto head = ComputeFeatures(model, digits);
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(ToString(head->values.type()), "f32[70,16]");
  // The head on its features gives the model's scores.
  Builder b;
  b.Output("y", b.Linear(b.Input("x", {"N", 16}), {.features = 10, .name = "fc"}));
  Model rest = b.Build().value();
  NamedTensors weights;
  weights.tensors = WeightsOf(model);
  ASSERT_TRUE(LoadWeights(rest, weights, {.partial = true}).ok());
  const auto whole = Session::Create(model).value()->Evaluate(digits).value();
  const auto cached =
      Session::Create(rest).value()->Evaluate(FeatureDataset(*head, *digits)).value();
  EXPECT_EQ(cached.correct, whole.correct);
  EXPECT_NEAR(cached.loss(), whole.loss(), 1e-5);
}

TEST(Features, MistakesAreErrors) {
  const auto error = [](const char* at) {
    return MessageOf(ComputeFeatures(Net(), Digits(10), {.at = at}).status());
  };
  EXPECT_THAT(error("features.pol"), HasSubstr("did you mean features.pool?"));
  EXPECT_THAT(error("fc.weight"), HasSubstr("there is no example in fc.weight"));
}

Features Rows(const Dims& dims, const std::vector<float>& values, std::vector<int64_t> labels) {
  return {Tensor::FromValues<float>(dims, values).value(), Tensor::FromInts(labels)};
}

TEST(Features, NearestNeighboursVote) {
  const Features train = Rows({4, 2}, {1, 0, 10, 1, 0, 1, 1, 10}, {0, 0, 1, 1});
  const Features test = Rows({3, 2}, {5, 1, 1, 5, 5, 1}, {0, 1, 1});
  EXPECT_EQ(CountNearest(train, test, 1).value(), 2);
  EXPECT_EQ(CountNearest(train, test, 2).value(), 2);
  // Two votes each: the nearest one decides.
  EXPECT_EQ(CountNearest(train, test, 4).value(), 2);
  EXPECT_THAT(MessageOf(CountNearest(train, test, 5).status()), HasSubstr("1 to 4 neighbours"));
  const Features other = Rows({1, 3}, {1, 2, 3}, {0});
  EXPECT_THAT(MessageOf(CountNearest(train, other, 1).status()), HasSubstr("the same in training"));
  // What is no number is near nothing.
  const Features odd = Rows({4, 2}, {NAN, 0, INFINITY, 1, 0, 1, 1, 10}, {0, 0, 1, 1});
  EXPECT_EQ(CountNearest(odd, test, 1).value(), 2);
}

TEST(Features, ManyRowsAreComparedInParts) {
  std::vector<float> values;
  std::vector<int64_t> labels;
  for (int i = 0; i < 600; ++i) {
    values.insert(values.end(), {i % 3 == 0 ? 1.0f : 0.0f, i % 3 == 1 ? 1.0f : 0.0f, 0.1f});
    labels.push_back(i % 3);
  }
  const Features rows = Rows({600, 3}, values, labels);
  EXPECT_EQ(CountNearest(rows, rows, 3).value(), 600);
}

// Classes that a plane parts, with room between them, whatever the features' scales.
TEST(Features, ALinearProbeFindsThePlane) {
  std::vector<float> values;
  std::vector<int64_t> labels;
  for (int i = 0; labels.size() < 40; ++i) {
    const float a = std::sin(static_cast<float>(i)), b = std::cos(3.7f * static_cast<float>(i));
    if (std::abs(a + b) < 0.3f) continue;
    values.insert(values.end(), {1000 * a, 0.01f * b, 5});
    labels.push_back(a + b > 0);
  }
  const Features rows = Rows({40, 3}, values, labels);
  EXPECT_EQ(CountProbed(rows, rows, {.epochs = 60, .threads = 1}).value(), 40);
}

}  // namespace
}  // namespace weft
