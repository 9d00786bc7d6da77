// Models that state their losses: what training, inference, files and ONNX make of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/weft.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> InputNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node* input : graph.inputs()) names.push_back(input->name());
  return names;
}

std::vector<std::string> OutputNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const NamedValue& output : graph.outputs()) names.push_back(output.name);
  return names;
}

// A classifier with an auxiliary head, which only its loss needs.
Model WithAuxiliaryHead() {
  Builder b({.seed = 3});
  const Value x = b.Input("x", {"N", 4});
  const Value labels = b.Input("labels", {"N"}, {.dtype = DType::kI64});
  const Value h = b.Relu(b.Linear(x, {.features = 8, .name = "body"}));
  const Value logits = b.Linear(h, {.features = 3, .name = "head"});
  const Value aux = b.Linear(h, {.features = 3, .name = "aux"});
  b.Output("logits", logits);
  b.Loss("loss", b.Add(b.CrossEntropy(logits, labels), b.CrossEntropy(aux, labels)));
  return b.Build().value();
}

Tensor Waves(Dims dims) {
  Tensor t = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  const auto values = t.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  return t;
}

const Tensor kLabels = Tensor::FromInts(std::vector<int64_t>{0, 2, 1, 2, 0, 1});

TEST(Losses, InferenceLeavesThemOutWithWhatOnlyTheyNeed) {
  const Model model = WithAuxiliaryHead();
  const Graph inference = ForInference(model.graph).value();
  EXPECT_THAT(InputNames(inference), ElementsAre("x"));
  EXPECT_THAT(OutputNames(inference), ElementsAre("logits"));
  EXPECT_EQ(inference.Find("aux.weight"), nullptr);
  EXPECT_THAT(OutputNames(ForInference(model.graph, {.losses = true}).value()),
              ElementsAre("logits"));
  EXPECT_EQ(ForInference(model.graph, {.losses = true}).value().losses().size(), 1u);
  const Graph without = WithoutLosses(model.graph);
  EXPECT_THAT(OutputNames(without), ElementsAre("logits"));
  EXPECT_NE(without.Find("body.weight"), nullptr);
  EXPECT_EQ(without.Find("aux"), nullptr);
  EXPECT_TRUE(without.Verify().ok());
}

TEST(Losses, FilesKeepThemAndOnnxDoesNot) {
  const Model model = WithAuxiliaryHead();
  const std::string folder = TestFolder();
  ASSERT_TRUE(SaveModel(model, folder + "/a.weft").ok());
  const Model loaded = LoadModel(folder + "/a.weft", StandardOps()).value();
  EXPECT_EQ(ToText(loaded.graph), ToText(model.graph));
  EXPECT_THAT(ToText(loaded.graph), HasSubstr("\nloss loss = "));
  EXPECT_EQ(loaded.graph.outputs().size(), 1u);
  ASSERT_EQ(loaded.graph.losses().size(), 1u);
  EXPECT_EQ(loaded.graph.losses()[0].name, "loss");
  ASSERT_TRUE(ExportOnnx(model, folder + "/a.onnx").ok());
  const Model imported = ImportOnnx(folder + "/a.onnx").value();
  EXPECT_THAT(InputNames(imported.graph), ElementsAre("x"));
  EXPECT_EQ(imported.graph.Find("aux.weight"), nullptr);
}

TEST(Losses, TrainingMinimisesThemAndCountsWhatIsRight) {
  auto trainer = Trainer::Create(WithAuxiliaryHead(), {.optimizer = {.momentum = 0.9}}).value();
  EXPECT_THAT(trainer->form().losses, ElementsAre("loss"));
  EXPECT_EQ(trainer->form().labels, "labels");
  EXPECT_TRUE(trainer->form().scores);
  const Tensor x = Waves({6, 4});
  const Evaluation before = trainer->Evaluate(x, kLabels).value();
  const double first = trainer->Step(x, kLabels, 0.1).value().loss;
  EXPECT_NEAR(first, before.loss(), 1e-5);
  EXPECT_GT(first, 1.5);  // two cross-entropies of about log 3
  StepResult last;
  for (int i = 0; i < 300; ++i) last = trainer->Step(x, kLabels, 0.1).value();
  EXPECT_LT(last.loss, 0.1);
  EXPECT_EQ(last.correct, 6);
  EXPECT_EQ(last.count, 6);
  const Evaluation after = trainer->Evaluate(x, kLabels).value();
  EXPECT_EQ(after.correct, 6);
  EXPECT_LT(after.loss(), 0.1);
  EXPECT_THAT(MessageOf(trainer->Scores(x).status()), HasSubstr("without losses of its own"));
}

TEST(Losses, OtherLossesAndLabelSmoothingDoNotApply) {
  EXPECT_THAT(
      MessageOf(Trainer::Create(WithAuxiliaryHead(), {.loss = {.label_smoothing = 0.1}}).status()),
      HasSubstr("label smoothing 0.1: does not apply"));
  EXPECT_THAT(MessageOf(Trainer::Create(WithAuxiliaryHead(), {.loss = {.loss = "focal"}}).status()),
              HasSubstr("loss focal: does not apply to a model that states its own loss"));
}

// g scales noise, d scales what it sees: opposite ends in one graph.
Model TwoPlayers() {
  Builder b({.seed = 4});
  const Value x = b.Input("x", {"N", 2});
  const Value noise = b.Input("noise", {"N", 2});
  Value made;
  {
    const auto scope = b.Scope("g");
    made = b.Linear(noise, {.features = 2, .name = "fc"});
  }
  const auto judge = [&](Value v) {
    const auto scope = b.SharedScope("d");
    return b.Linear(b.Tanh(b.Linear(v, {.features = 4})), {.features = 1});
  };
  const Value real = judge(x);
  const Value fake = judge(made);
  b.Output("made", made);
  {
    const auto scope = b.Scope("d");
    b.Loss("loss", b.Add(b.ReduceMean(b.Softplus(b.Neg(real)), {.keep_dims = false}),
                         b.ReduceMean(b.Softplus(fake), {.keep_dims = false})));
  }
  {
    const auto scope = b.Scope("g");
    b.Loss("loss", b.ReduceMean(b.Softplus(b.Neg(fake)), {.keep_dims = false}));
  }
  return b.Build().value();
}

TEST(Losses, OneInAScopeTrainsThatScopesVariables) {
  const Model model = TwoPlayers();
  EXPECT_EQ(model.graph.variables().size(), 6u);  // the judge's four are shared
  auto trainer = Trainer::Create(TwoPlayers(), {.optimizer = {.momentum = 0.9}}).value();
  EXPECT_THAT(trainer->form().losses, ElementsAre("d.loss", "g.loss"));
  EXPECT_EQ(trainer->form().noise, "noise");
  EXPECT_FALSE(trainer->form().scores);
  const Tensor x = Waves({6, 2});
  const StepResult result = trainer->Step(x, Tensor(), 0).value();
  ASSERT_EQ(result.losses.size(), 2u);
  EXPECT_NEAR(result.loss, result.losses[0] + result.losses[1], 1e-12);
  EXPECT_FALSE(trainer->Evaluate(x, Tensor()).value().scored);
  EXPECT_THAT(InputNames(ForInference(model.graph).value()), ElementsAre("noise"));
}

// Each loss's gradients have a norm of their own, and those of one that is small stay as they are.
TEST(Losses, EachIsClippedAsIfItWereAlone) {
  const auto step = [](double clip_norm) {
    auto trainer = Trainer::Create(TwoPlayers(), {.optimizer = {.clip_norm = clip_norm}}).value();
    EXPECT_TRUE(trainer->Step(Waves({6, 2}), Tensor(), 1).ok());
    return trainer;
  };
  const auto squares = [](const Trainer& trainer, std::string_view scope) {
    double sum = 0;
    for (const Node* variable : trainer.model().graph.variables()) {
      if (!variable->name().starts_with(scope)) continue;
      const Tensor before = LeafValue(*variable), after = *trainer.Get(variable->name());
      for (int64_t i = 0; i < after.size(); ++i) sum += std::pow(after.At(i) - before.At(i), 2);
    }
    return std::sqrt(sum);
  };
  const auto free = step(0);
  const double d = squares(*free, "d."), g = squares(*free, "g.");
  const double limit = (d + g) / 2;  // one of them is beyond it
  const auto clipped = step(limit);
  EXPECT_NEAR(squares(*clipped, "d."), std::min(d, limit), 1e-5 * limit);
  EXPECT_NEAR(squares(*clipped, "g."), std::min(g, limit), 1e-5 * limit);
  EXPECT_GT(std::abs(d - g), 0.01 * limit);
}

// a.loss = sum a c x and c.loss = -sum a c x: da = c x, dc = -a x.
TEST(Losses, AScopesGradientIsOfItsOwnLossAlone) {
  Builder b;
  const Value x = b.Input("x", {"N", 1});
  Value a, c;
  {
    const auto scope = b.Scope("a");
    a = b.Parameter("w", {1}, {.init = Initializer::Constant(2)});
  }
  {
    const auto scope = b.Scope("c");
    c = b.Parameter("w", {1}, {.init = Initializer::Constant(5)});
  }
  const Value product = b.ReduceSum(b.Mul(b.Mul(a, c), x), {.keep_dims = false});
  {
    const auto scope = b.Scope("a");
    b.Loss("loss", product);
  }
  {
    const auto scope = b.Scope("c");
    b.Loss("loss", b.Neg(product));
  }
  auto trainer = Trainer::Create(b.Build().value(), {}).value();
  const Tensor x1 = Tensor::FromValues<float>({1, 1}, std::vector<float>{3}).value();
  EXPECT_THAT(trainer->Step(x1, Tensor(), 0.1).value().losses, ElementsAre(30, -30));
  EXPECT_FLOAT_EQ(trainer->Get("a.w").value().At(0), 2 - 0.1f * 15);
  EXPECT_FLOAT_EQ(trainer->Get("c.w").value().At(0), 5 + 0.1f * 6);
}

TEST(Losses, NoiseIsNewInEveryStepAndTheSameInEveryRun) {
  const auto losses = [] {
    auto trainer = Trainer::Create(TwoPlayers(), {.seed = 7}).value();
    std::vector<double> values;
    for (int i = 0; i < 3; ++i) {
      values.push_back(trainer->Step(Waves({6, 2}), Tensor(), 0.0).value().losses[1]);
    }
    return values;
  };
  const auto values = losses();
  EXPECT_EQ(values, losses());
  EXPECT_NE(values[0], values[1]);
}

// OneHot would make nothing of such a label, and the step would be taken.
TEST(Losses, ALabelThatIsNoClassChangesNothing) {
  Builder b;
  const Value x = b.Input("x", {"N", 2});
  const Value labels = b.Input("labels", {"N"}, {.dtype = DType::kI64});
  const Value y = b.Linear(x, {.features = 3});
  b.Output("y", y);
  b.Loss("loss", b.Mse(y, b.OneHot(labels, {.depth = 3})));
  auto trainer = Trainer::Create(b.Build().value(), {}).value();
  const Tensor before = trainer->Get("fc1.weight").value();
  EXPECT_THAT(
      MessageOf(
          trainer->Step(Waves({2, 2}), Tensor::FromInts(std::vector<int64_t>{1, 3}), 1).status()),
      HasSubstr("expected labels in [0,3), label of example 1 is 3"));
  EXPECT_EQ(trainer->Get("fc1.weight").value(), before);
}

TEST(Losses, NoiseMustBeDrawable) {
  Builder b;
  const Value x = b.Input("x", {"N", 2});
  const Value noise = b.Input("noise", {"N", "K"});
  const Value y = b.Add(b.Linear(x, {.features = 1}), b.ReduceMean(noise, {.axes = {1}}));
  b.Loss("loss", b.ReduceMean(y, {.keep_dims = false}));
  EXPECT_THAT(MessageOf(Trainer::Create(b.Build().value(), {}).status()),
              HasSubstr("input noise: expected floating-point noise [N,...], it is f32[N,K]"));
}

TEST(Losses, MistakesAreErrors) {
  Builder b;
  const Value x = b.Input("x", {"N", 2});
  b.Loss("loss", b.Linear(x, {.features = 1}));
  EXPECT_THAT(MessageOf(b.Build().status()),
              HasSubstr("loss loss: expected a floating-point scalar, got f32[N,1]"));
  {
    Builder other;
    const Value y = other.Input("x", {"N", 2});
    const Value more = other.Input("more", {"N", 2});
    const Value z = other.Linear(other.Add(y, more), {.features = 2});
    other.Loss("loss", other.ReduceMean(z, {.keep_dims = false}));
    const auto trainer = Trainer::Create(other.Build().value(), {}).value();
    EXPECT_THAT(MessageOf(trainer->Step(*Tensor::Zeros(DType::kF32, {1, 2}), {}, 0.1).status()),
                HasSubstr("the model's inputs are x, more, the examples have no parts"));
  }
  {
    Builder other;
    const Value y = other.Linear(other.Input("noise", {"N", 2}), {.features = 2});
    other.Loss("loss", other.ReduceMean(y, {.keep_dims = false}));
    EXPECT_THAT(MessageOf(Trainer::Create(other.Build().value(), {}).status()),
                HasSubstr("expected a model with an input for examples, it has none"));
  }
  {
    Builder other;
    const Value y = other.Linear(other.Input("x", {"N", 2}), {.features = 2});
    const auto scope = other.Scope("nobody");
    other.Loss("loss", other.ReduceMean(y, {.keep_dims = false}));
    EXPECT_THAT(MessageOf(Trainer::Create(other.Build().value(), {}).status()),
                HasSubstr("nothing to train for the loss nobody.loss: the model has no trainable "
                          "variables called nobody.*"));
  }
  {
    Builder other;
    const Value y = other.Linear(other.Input("x", {"N", 2}), {.features = 2});
    const Value loss = other.ReduceMean(y, {.keep_dims = false});
    other.Loss("first", loss);
    other.Loss("second", loss);
    EXPECT_THAT(MessageOf(Trainer::Create(other.Build().value(), {}).status()),
                HasSubstr("loss second: fc1.weight belongs to another loss already"));
  }
}

TEST(SharedScope, LayersOfTheSameNamesShareTheirWeights) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 4, 4});
  const auto twin = [&](Value v) {
    const auto scope = b.SharedScope("twin");
    return b.BatchNorm2d(b.Conv2d(v, {.channels = 1, .kernel = 3, .padding = 1}));
  };
  b.Output("a", twin(x));
  b.Output("b", twin(b.Relu(x)));
  const Model model = b.Build().value();
  EXPECT_EQ(model.graph.variables().size(), 6u);
  EXPECT_NE(model.graph.Find("twin.conv1"), nullptr);
  EXPECT_NE(model.graph.Find("twin.conv1_1"), nullptr);
  EXPECT_EQ(model.graph.Find("twin.conv1")->input(1), model.graph.Find("twin.conv1_1")->input(1));
}

TEST(SharedScope, AnotherShapeIsAnError) {
  Builder b;
  const Value x = b.Input("x", {"N", 4});
  for (const int64_t features : {3, 5}) {
    const auto scope = b.SharedScope("twin");
    b.Linear(x, {.features = features});
  }
  EXPECT_THAT(MessageOf(b.Build().status()),
              HasSubstr("expected a new name for a parameter f32[5,4], there is twin.fc1.weight "
                        "f32[3,4] already"));
}

}  // namespace
}  // namespace weft
