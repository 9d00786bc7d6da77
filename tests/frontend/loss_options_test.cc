// The losses of models that state none: values as PyTorch defines them, gradients, mistakes, and
// how they train.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "autodiff/gradient_check.h"
#include "frontend/build/builder.h"
#include "frontend/train/loss.h"
#include "frontend/train/train.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using Doubles = std::vector<double>;

Tensor F64(const Dims& dims, const Doubles& values) {
  return Tensor::FromValues<double>(dims, values).value();
}
Tensor F32(const Dims& dims, const std::vector<float>& values) {
  return Tensor::FromValues<float>(dims, values).value();
}
Tensor Ints(const Dims& dims, const std::vector<int64_t>& values) {
  return Tensor::FromValues<int64_t>(dims, values).value();
}

struct LossGraph {
  Graph graph{StandardOps()};
  Value scores, loss;
};

absl::StatusOr<LossGraph> GraphOf(const LossOptions& options, const Dims& dims) {
  LossGraph g;
  WEFT_ASSIGN_OR_RETURN(g.scores, g.graph.AddInput("scores", {DType::kF64, ToShape(dims)}));
  WEFT_ASSIGN_OR_RETURN(const Value labels,
                        g.graph.AddInput("labels", LabelsFor(g.scores.type(), options)));
  WEFT_ASSIGN_OR_RETURN(g.loss, AddLoss(g.graph, g.scores, labels, options));
  return g;
}

double LossOf(const LossOptions& options, const Tensor& scores, const Tensor& labels) {
  auto g = GraphOf(options, scores.dims());
  EXPECT_TRUE(g.ok()) << g.status();
  if (!g.ok()) return NAN;
  const auto values = ReferenceEvaluator().RunValues(
      g->graph, {{"scores", scores}, {"labels", labels}}, {{g->loss}});
  EXPECT_TRUE(values.ok()) << values.status();
  return values.ok() ? (*values)[0].At(0) : NAN;
}

const Doubles kScores = {1.5, -0.5, 0.25, -1, 2, 0.125};
Tensor Scores() { return F64({2, 3}, kScores); }
const Doubles kShares = {0.5, 0.25, 0.25, 0, 1, 0};
Tensor Shares() { return F32({2, 3}, {0.5f, 0.25f, 0.25f, 0, 1, 0}); }

double LogSoftmax(size_t row, size_t c) {
  double sum = 0;
  for (size_t k = 0; k < 3; ++k) sum += std::exp(kScores[row * 3 + k]);
  return kScores[row * 3 + c] - std::log(sum);
}
double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double Binary(double x, double t, double positive = 1) {
  return -positive * t * std::log(Sigmoid(x)) - (1 - t) * std::log(1 - Sigmoid(x));
}

TEST(LossOptions, CrossEntropyOfShares) {
  const auto expected = [](double smoothing, const Doubles& weights) {
    double sum = 0;
    for (size_t i = 0; i < 6; ++i) {
      const double share = kShares[i] * (1 - smoothing) + smoothing / 3;
      sum -= weights[i % 3] * share * LogSoftmax(i / 3, i % 3);
    }
    return sum / 2;
  };
  LossOptions o = {.targets = true};
  EXPECT_NEAR(LossOf(o, Scores(), Shares()), expected(0, {1, 1, 1}), 1e-12);
  o.label_smoothing = 0.25;
  EXPECT_NEAR(LossOf(o, Scores(), Shares()), expected(0.25, {1, 1, 1}), 1e-12);
  o.class_weights = "1,0.5, 2";
  EXPECT_NEAR(LossOf(o, Scores(), Shares()), expected(0.25, {1, 0.5, 2}), 1e-12);
}

TEST(LossOptions, SharesOfOneClassAreThatClass) {
  const Tensor shares = F32({2, 3}, {0, 0, 1, 0, 1, 0});
  for (const double smoothing : {0.0, 0.125}) {
    LossOptions o = {.label_smoothing = smoothing};
    const double classes = LossOf(o, Scores(), Ints({2}, {2, 1}));
    o.targets = true;
    EXPECT_NEAR(LossOf(o, Scores(), shares), classes, 1e-12);
  }
}

TEST(LossOptions, ClassWeightsAndIgnoredLabels) {
  const double expected = (-2 * LogSoftmax(0, 2) - 0.5 * LogSoftmax(1, 1)) / 2.5;
  EXPECT_NEAR(LossOf({.class_weights = "1,0.5,2"}, Scores(), Ints({2}, {2, 1})), expected, 1e-12);
  EXPECT_NEAR(LossOf({.ignore_index = 255}, Scores(), Ints({2}, {255, 1})), -LogSoftmax(1, 1),
              1e-12);
}

// Two pixels of scores [1,3,1,2], which are Scores() transposed.
TEST(LossOptions, MasksHaveALossAPixel) {
  const Tensor scores = F64({1, 3, 1, 2}, {1.5, -1, -0.5, 2, 0.25, 0.125});
  EXPECT_NEAR(LossOf({}, scores, Ints({1, 1, 2}, {2, 1})),
              -(LogSoftmax(0, 2) + LogSoftmax(1, 1)) / 2, 1e-12);
  EXPECT_NEAR(LossOf({.ignore_index = 0}, scores, Ints({1, 1, 2}, {2, 0})), -LogSoftmax(0, 2),
              1e-12);
}

TEST(LossOptions, BinaryCrossEntropy) {
  const auto expected = [](double smoothing, const Doubles& weights) {
    double sum = 0;
    for (size_t i = 0; i < 6; ++i) {
      sum += Binary(kScores[i], kShares[i] * (1 - smoothing) + smoothing / 2, weights[i % 3]);
    }
    return sum / 6;
  };
  LossOptions o = {.loss = "bce", .targets = true};
  EXPECT_NEAR(LossOf(o, Scores(), Shares()), expected(0, {1, 1, 1}), 1e-12);
  o.class_weights = "2,1,0.5";
  o.label_smoothing = 0.1;
  EXPECT_NEAR(LossOf(o, Scores(), Shares()), expected(0.1, {2, 1, 0.5}), 1e-12);
  // Scores of which e^x overflows.
  EXPECT_EQ(
      LossOf({.loss = "bce", .targets = true}, F64({1, 2}, {1000, -1000}), F32({1, 2}, {0, 1})),
      1000);
  // A class an example is one positive answer.
  EXPECT_NEAR(LossOf({.loss = "bce"}, Scores(), Ints({2}, {0, 2})),
              LossOf({.loss = "bce", .targets = true}, Scores(), F32({2, 3}, {1, 0, 0, 0, 0, 1})),
              1e-12);
}

TEST(LossOptions, FocalLossOfClasses) {
  const double p0 = std::exp(LogSoftmax(0, 2)), p1 = std::exp(LogSoftmax(1, 1));
  const auto expected = [&](double gamma, double w0, double w1) {
    return -(w0 * std::pow(1 - p0, gamma) * std::log(p0) +
             w1 * std::pow(1 - p1, gamma) * std::log(p1)) /
           (w0 + w1);
  };
  const Tensor labels = Ints({2}, {2, 1});
  LossOptions o = {.loss = "focal"};
  EXPECT_NEAR(LossOf(o, Scores(), labels), expected(2, 1, 1), 1e-12);
  o.class_weights = "1,0.5,2";
  o.focal_gamma = 0.5;
  EXPECT_NEAR(LossOf(o, Scores(), labels), expected(0.5, 2, 0.5), 1e-12);
  o.focal_gamma = 0;
  EXPECT_NEAR(LossOf(o, Scores(), labels),
              LossOf({.class_weights = o.class_weights}, Scores(), labels), 1e-12);
  EXPECT_NEAR(LossOf({.loss = "focal", .ignore_index = 1}, Scores(), labels),
              -std::pow(1 - p0, 2) * std::log(p0), 1e-12);
}

TEST(LossOptions, FocalLossOfTargets) {
  const auto expected = [](double gamma, double alpha) {
    double sum = 0;
    for (size_t i = 0; i < 6; ++i) {
      const double p = Sigmoid(kScores[i]), t = kShares[i];
      const double p_t = p * t + (1 - p) * (1 - t);
      const double alpha_t = alpha < 0 ? 1 : alpha * t + (1 - alpha) * (1 - t);
      sum += alpha_t * Binary(kScores[i], t) * std::pow(1 - p_t, gamma);
    }
    return sum / 6;
  };
  LossOptions o = {.loss = "focal", .targets = true};
  EXPECT_NEAR(LossOf(o, Scores(), Shares()), expected(2, 0.25), 1e-12);
  o.focal_gamma = 1.5;
  o.focal_alpha = -1;
  EXPECT_NEAR(LossOf(o, Scores(), Shares()), expected(1.5, -1), 1e-12);
}

TEST(LossOptions, MeanSquareOfAnyShape) {
  const LossOptions o = {.loss = "mse", .targets = true};
  EXPECT_NEAR(LossOf(o, F64({2, 1, 2}, {1, 2, 3, 4}), F32({2, 1, 2}, {0, 2, 5, 1})),
              (1 + 0 + 4 + 9) / 4.0, 1e-12);
}

TEST(LossOptions, GradientsAreThoseOfTheLoss) {
  const LossOptions of_classes[] = {{.label_smoothing = 0.1, .class_weights = "1,0.5,2"},
                                    {.loss = "bce", .label_smoothing = 0.1},
                                    {.loss = "focal", .class_weights = "1,0.5,2"},
                                    {.loss = "focal", .focal_gamma = 0.5}};
  const LossOptions of_targets[] = {
      {.targets = true, .label_smoothing = 0.1, .class_weights = "1,0.5,2"},
      {.loss = "bce", .targets = true, .class_weights = "1,0.5,2"},
      {.loss = "focal", .targets = true},
      {.loss = "mse", .targets = true}};
  const auto check = [](const LossOptions& o, const Tensor& labels) {
    auto g = GraphOf(o, {2, 3});
    ASSERT_TRUE(g.ok()) << g.status();
    ReferenceEvaluator evaluator;
    const Value ys[] = {g->loss}, xs[] = {g->scores};
    const auto result =
        CheckGradients(g->graph, ys, xs, {{"scores", Scores()}, {"labels", labels}}, evaluator);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_LT(result->error, 1e-7) << o.loss << " " << result->where;
  };
  for (const LossOptions& o : of_classes) check(o, Ints({2}, {2, 1}));
  for (const LossOptions& o : of_targets) check(o, Shares());
}

// What is right beyond doubt: 1 - p is 0, whose power has no derivative for a gamma below 1.
TEST(LossOptions, TheFocalGradientOfACertainAnswerIsFinite) {
  Builder b({.init = Initializer::Constant(0)});
  const Value x = b.Input("x", {"N", 2});
  b.Output("y", b.Add(b.Linear(x, {.features = 2}), b.Mul(x, b.Constant(F32({1}, {1000})))));
  auto trainer =
      Trainer::Create(b.Build().value(), {.loss = {.loss = "focal", .focal_gamma = 0.5}}).value();
  ASSERT_TRUE(trainer->Step(F32({1, 2}, {1, 0}), Ints({1}, {0}), 0.1).ok());
  EXPECT_EQ(trainer->Get("fc1.weight").value().At(0), 0);
}

TEST(LossOptions, MistakesAreErrors) {
  const auto error = [](const LossOptions& o, const Dims& dims = {2, 3}) {
    return MessageOf(GraphOf(o, dims).status());
  };
  EXPECT_THAT(error({.loss = "hinge"}),
              HasSubstr("expected cross_entropy, bce, focal or mse, got \"hinge\""));
  EXPECT_THAT(error({.label_smoothing = 1}), HasSubstr("label smoothing in [0,1), got 1"));
  EXPECT_THAT(error({.loss = "focal", .focal_gamma = -1}), HasSubstr("focal_gamma of at least 0"));
  EXPECT_THAT(error({.loss = "focal", .focal_alpha = 2}), HasSubstr("focal_alpha in [0,1], or -1"));
  EXPECT_THAT(error({.loss = "focal", .label_smoothing = 0.1}),
              HasSubstr("label smoothing 0.1: does not apply to the loss focal"));
  EXPECT_THAT(error({.loss = "focal", .targets = true, .class_weights = "1,1,1"}),
              HasSubstr("class_weights: does not apply to the loss focal of targets"));
  EXPECT_THAT(error({.focal_gamma = 1}),
              HasSubstr("focal_gamma: does not apply to the loss cross_entropy of classes"));
  EXPECT_THAT(error({.loss = "focal", .focal_alpha = 0.5}),
              HasSubstr("focal_alpha: does not apply to the loss focal of classes"));
  EXPECT_THAT(error({.loss = "bce", .ignore_index = 3}), HasSubstr("ignore_index 3: does not"));
  EXPECT_THAT(error({.loss = "mse"}), HasSubstr("the labels are classes"));
  EXPECT_THAT(error({.class_weights = "1,2"}),
              HasSubstr("expected one for each of the 3 classes, got 2"));
  EXPECT_THAT(error({.class_weights = "1,-2,1"}), HasSubstr("got \"-2\""));
  EXPECT_THAT(error({.class_weights = "0,0,0"}), HasSubstr("expected one above 0"));
  EXPECT_THAT(error({.class_weights = "balanced"}), HasSubstr("balanced needs the data"));
}

TEST(LossOptions, BalancedWeightsMakeClassesEqual) {
  EXPECT_EQ(BalancedWeights(Doubles{6, 2, 0}, 8, {}), "0.444444,1.33333,1");
  EXPECT_EQ(BalancedWeights(Doubles{6, 2}, 8, {.loss = "bce", .targets = true}), "0.333333,3");
  EXPECT_EQ(BalancedWeights(Doubles{6, 2}, 8, {.loss = "bce"}), "0.333333,3");
}

// Examples are a number each, their class whether it is above 2, or the number itself.
class Numbers final : public Dataset {
 public:
  explicit Numbers(bool targets, std::vector<std::string> classes = {"low", "high"})
      : Dataset(Info(targets, std::move(classes))) {}

 private:
  static DatasetInfo Info(bool targets, std::vector<std::string> classes) {
    DatasetInfo info;
    info.name = "numbers";
    info.size = 8;
    info.dims = {1};
    info.class_names = std::move(classes);
    info.preprocessing = {.height = 1, .width = 1, .mean = {0}, .std = {1}};
    info.targets = targets;
    if (targets) info.label_dims = {1};
    return info;
  }
  absl::Status ReadExample(int64_t index, std::span<float> image,
                           std::span<int64_t> labels) const override {
    image[0] = static_cast<float>(index);
    labels[0] = index >= 2;
    return absl::OkStatus();
  }
  absl::Status ReadDrawn(int64_t index, const ExampleDraw& /*draw*/, std::span<float> image,
                         LabelBuffer labels) const override {
    if (labels.targets.empty()) return ReadExample(index, image, labels.classes);
    image[0] = labels.targets[0] = static_cast<float>(index);
    return absl::OkStatus();
  }
};

// Whose labels are known, but no picture can be read.
class LabelsAlone final : public Dataset {
 public:
  LabelsAlone() : Dataset({.name = "labels", .size = 4, .class_names = {"a", "b"}}) {}

 private:
  absl::Status ReadExample(int64_t, std::span<float>, std::span<int64_t>) const override {
    return absl::InternalError("a picture was read");
  }
  absl::Status ReadOnlyLabels(int64_t index, LabelBuffer labels) const override {
    labels.classes[0] = index == 0;
    return absl::OkStatus();
  }
};

TEST(LossOptions, BalancedWeightsNeedNoPictures) {
  LossOptions o = {.class_weights = "balanced"};
  const absl::Status status = FitLoss(LabelsAlone(), o);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(o.class_weights, "0.666667,2");
}

TEST(LossOptions, FitTheirData) {
  LossOptions o = {.class_weights = "balanced"};
  ASSERT_TRUE(FitLoss(Numbers(false), o).ok());
  EXPECT_EQ(o.class_weights, "2,0.666667");
  EXPECT_FALSE(o.targets);
  LossOptions ignoring = {.class_weights = "balanced", .ignore_index = 0};
  ASSERT_TRUE(FitLoss(Numbers(false), ignoring).ok());
  EXPECT_EQ(ignoring.class_weights, "1,0.5");
  LossOptions surplus = {.loss = "mse", .class_weights = "balanced"};
  EXPECT_THAT(MessageOf(FitLoss(Numbers(true), surplus)), HasSubstr("does not apply to the loss"));
  LossOptions unnamed = {.class_weights = "balanced"};
  EXPECT_THAT(MessageOf(FitLoss(Numbers(false, {}), unnamed)), HasSubstr("classes are known"));
  LossOptions mse = {.loss = "mse"};
  ASSERT_TRUE(FitLoss(Numbers(true), mse).ok());
  EXPECT_TRUE(mse.targets);
}

Tensor Waves(const Dims& dims) {
  Tensor t = Tensor::Zeros(DType::kF32, dims).value();
  const auto values = t.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i));
  return t;
}

Model LinearModel(int64_t features) {
  Builder b({.seed = 2});
  b.Output("y", b.Linear(b.Input("x", {"N", 4}), {.features = features}));
  return b.Build().value();
}

// PyTorch's mean is NaN there, which would end a training at the first mask without an object.
TEST(LossOptions, BatchesInWhichNoLabelCountsTeachNothing) {
  for (const char* loss : {"cross_entropy", "focal"}) {
    EXPECT_EQ(LossOf({.loss = loss, .ignore_index = 255}, Scores(), Ints({2}, {255, 255})), 0);
    EXPECT_EQ(LossOf({.loss = loss, .class_weights = "1,0,1"}, Scores(), Ints({2}, {1, 1})), 0);
    auto trainer =
        Trainer::Create(LinearModel(3), {.loss = {.loss = loss, .ignore_index = 255}}).value();
    const Tensor weight = trainer->Get("fc1.weight").value();
    const auto step = trainer->Step(Waves({2, 4}), Ints({2}, {255, 255}), 1);
    EXPECT_EQ(step.value().loss, 0);
    EXPECT_EQ(trainer->Get("fc1.weight").value(), weight);
    ASSERT_TRUE(trainer->Step(Waves({2, 4}), Ints({2}, {255, 1}), 1).ok());
    EXPECT_FALSE(trainer->Get("fc1.weight").value() == weight);
    EXPECT_EQ(trainer->Evaluate(Waves({2, 4}), Ints({2}, {255, 1})).value().count, 1);
  }
}

double TrainedFor(Trainer& trainer, const Tensor& x, const Tensor& labels, double rate = 0.5) {
  double loss = NAN;
  for (int i = 0; i < 200; ++i) {
    const auto result = trainer.Step(x, labels, rate);
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok()) return NAN;
    loss = result->loss;
  }
  return loss;
}

TEST(LossOptions, SeveralClassesAtOnceAreLearned) {
  auto trainer =
      Trainer::Create(LinearModel(3), {.loss = {.loss = "bce", .targets = true}}).value();
  EXPECT_FALSE(trainer->form().scores);
  const Tensor x = F32({2, 4}, {1, 0, 1, 0, 0, 1, 0, 1}), y = F32({2, 3}, {1, 1, 0, 0, 1, 1});
  const double before = trainer->Evaluate(x, y).value().loss();
  const double loss = TrainedFor(*trainer, x, y);
  EXPECT_LT(loss, 0.1 * before);
  const Evaluation after = trainer->Evaluate(x, y).value();
  EXPECT_LT(after.loss(), 0.1 * before);
  EXPECT_TRUE(after.scored);
  EXPECT_EQ(after.accuracy(), 1);
}

TEST(LossOptions, MixedExamplesTrainWhatIsTestedByClasses) {
  const Tensor x = Waves({4, 4}), classes = Ints({4}, {0, 2, 1, 2});
  const Tensor shares = F32({4, 3}, {1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1});
  auto mixed = Trainer::Create(LinearModel(3), {.loss = {.targets = true}}).value();
  auto plain = Trainer::Create(LinearModel(3), {}).value();
  EXPECT_NEAR(TrainedFor(*mixed, x, shares), TrainedFor(*plain, x, classes), 1e-5);
  const Evaluation a = mixed->Evaluate(x, classes).value(), b = plain->Evaluate(x, classes).value();
  EXPECT_TRUE(a.scored);
  EXPECT_EQ(a.correct, b.correct);
  EXPECT_NEAR(a.loss(), b.loss(), 1e-5);
  EXPECT_THAT(MessageOf(mixed->Evaluate(x, Ints({4}, {0, 3, 1, 2})).status()),
              HasSubstr("expected labels in [0,3), label of example 1 is 3"));
}

TEST(LossOptions, NumbersAreLearned) {
  auto trainer =
      Trainer::Create(LinearModel(1), {.loss = {.loss = "mse", .targets = true}}).value();
  // A number an example is what the output [N,1] has.
  EXPECT_LT(TrainedFor(*trainer, F32({2, 4}, {1, 0, 1, 0, 0, 1, 0, 1}), F32({2}, {3, -2}), 0.1),
            1e-4);
}

TEST(LossOptions, MasksAreLearned) {
  Builder b({.seed = 2});
  b.Output("y", b.Conv2d(b.Input("x", {"N", 1, 4, 4}), {.channels = 2, .kernel = 1}));
  auto trainer = Trainer::Create(b.Build().value(), {.loss = {.ignore_index = 255}}).value();
  const Tensor x = Waves({2, 1, 4, 4});
  std::vector<int64_t> mask;
  for (const float v : x.values<float>()) mask.push_back(v > 0);
  mask[3] = 255;
  EXPECT_LT(TrainedFor(*trainer, x, Ints({2, 4, 4}, mask)), 0.3);
  const Evaluation after = trainer->Evaluate(x, Ints({2, 4, 4}, mask)).value();
  EXPECT_TRUE(after.scored);
  EXPECT_EQ(after.count, 31);  // all pixels but the one without a class
  EXPECT_GE(after.correct, 29);
  EXPECT_LT(after.loss(), 0.3);
  const Tensor weight = trainer->Get("conv1.weight").value();
  mask[17] = 2;
  EXPECT_THAT(MessageOf(trainer->Step(x, Ints({2, 4, 4}, mask), 1).status()),
              HasSubstr("expected labels in [0,2), label of example 1 is 2"));
  EXPECT_EQ(trainer->Get("conv1.weight").value(), weight);
}

TEST(LossOptions, SurviveAFile) {
  const LossOptions kept[] = {
      {.loss = "focal", .class_weights = "1,0.3,2", .ignore_index = 7, .focal_gamma = 1.7},
      {.loss = "focal", .targets = true, .focal_alpha = 0.3}};
  for (const LossOptions& loss : kept) {
    const TrainOptions options = {.loss = loss, .threads = 1};
    const Model snapshot = Trainer::Create(LinearModel(3), options).value()->Snapshot().value();
    EXPECT_EQ(OptionsOf(*snapshot.training).value().loss, loss);
  }
}

}  // namespace
}  // namespace weft
