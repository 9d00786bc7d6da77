#include "frontend/watch/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "frontend/build/builder.h"
#include "frontend/data/tensor_data.h"
#include "frontend/session/session.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

Tensor Floats(Dims dims, std::vector<float> values) {
  return *Tensor::FromValues<float>(std::move(dims), values);
}

Tensor Ints(Dims dims, std::vector<int64_t> values) {
  return *Tensor::FromInts(values).Reshaped(std::move(dims));
}

double MetricOf(const Evaluation& e, std::string_view name) {
  for (const NamedMetric& m : Metrics(e.metrics, e.count)) {
    if (m.name == name) return m.value;
  }
  return std::nan("");
}

Confusion ConfusionOf(const std::vector<int64_t>& labels, const std::vector<int64_t>& predicted) {
  Confusion confusion;
  for (size_t i = 0; i < labels.size(); ++i) confusion.Add(labels[i], predicted[i]);
  return confusion;
}

// The example of scikit-learn's precision_recall_fscore_support, whose class 7 nothing has.
TEST(Confusion, MeansAreThoseOfScikitLearn) {
  const auto scores = ClassScores(ConfusionOf({0, 1, 2, 0, 1, 2}, {0, 2, 1, 0, 0, 1}));
  EXPECT_EQ(scores.size(), 3u);
  const MeanScores macro = MacroMean(scores);
  EXPECT_NEAR(macro.precision, 2.0 / 9, 1e-12);
  EXPECT_NEAR(macro.recall, 1.0 / 3, 1e-12);
  EXPECT_NEAR(macro.f1, 4.0 / 15, 1e-12);
}

TEST(Confusion, WeightsAreTheClassesExamples) {
  // Class 0: 3 examples, 2 found, 1 of another; class 1: 1 example, not found.
  const auto scores = ClassScores(ConfusionOf({0, 0, 0, 1}, {0, 0, 1, 0}));
  EXPECT_NEAR(WeightedMean(scores).f1, (3 * (2.0 * 2 / 6) + 1 * 0.0) / 4, 1e-12);
  EXPECT_NEAR(MacroMean(scores).f1, (2.0 / 3) / 2, 1e-12);
  EXPECT_NEAR(MacroMean(scores).iou, (2.0 / 4 + 0) / 2, 1e-12);
}

TEST(Confusion, AClassThatIsOnlyPredictedCounts) {
  const auto scores = ClassScores(ConfusionOf({0, 0}, {0, 5}));
  ASSERT_EQ(scores.size(), 2u);
  EXPECT_EQ(scores.at(5).recall(), 0);  // 0 of 0
  EXPECT_NEAR(MacroMean(scores).recall, 0.25, 1e-12);
}

std::optional<double> Auc(std::vector<float> scores, const std::vector<int>& positive) {
  return RocAuc(scores, [&](size_t i) { return positive[i] != 0; });
}

TEST(RocAuc, IsExactWithTies) {
  EXPECT_EQ(Auc({0.1f, 0.4f, 0.35f, 0.8f}, {0, 0, 1, 1}), 0.75);  // scikit-learn's example
  EXPECT_EQ(Auc({1, 1, 0, 2}, {0, 1, 0, 1}), 3.5 / 4);            // a tie is half a pair
  EXPECT_EQ(Auc({3, 3, 3}, {0, 1, 1}), 0.5);
  EXPECT_EQ(Auc({1, 2}, {1, 0}), 0.0);
}

TEST(RocAuc, NeedsBothClasses) {
  EXPECT_EQ(Auc({1, 2}, {1, 1}), std::nullopt);
  EXPECT_EQ(Auc({1, 2}, {0, 0}), std::nullopt);
  EXPECT_EQ(Auc({}, {}), std::nullopt);
  EXPECT_EQ(Auc({1, std::nanf("")}, {0, 1}), std::nullopt);
  EXPECT_EQ(Auc({std::nanf(""), 2, 1}, {0, 1, 0}), std::nullopt);
}

TEST(RocAuc, OrdersSureExamplesToo) {
  RankedScores ranked;
  // Softmax gives 1 for all of these in f64; they are in order nevertheless.
  ranked.Add(std::vector<double>{0, 100}, 0);
  ranked.Add(std::vector<double>{0, 101}, 1);
  EXPECT_EQ(RocAuc(ranked), 1.0);
}

TEST(RocAuc, OrdersClassesThatAreRuledOut) {
  constexpr double kNone = -HUGE_VAL;
  RankedScores ranked;
  ranked.Add(std::vector<double>{0, kNone, kNone}, 0);
  ranked.Add(std::vector<double>{1, 1, kNone}, 1);
  EXPECT_EQ(RocAuc(ranked), 1.0);
}

TEST(RocAuc, OfSeveralClassesIsTheMeanOverThoseThatOccur) {
  RankedScores ranked, more;
  ranked.Add(std::vector<double>{2, 1, 0}, 0);
  ranked.Add(std::vector<double>{1, 2, 0}, 0);
  more.Add(std::vector<double>{2, 1.5, 0}, 1);
  ranked.Add(more);
  // Class 0: probabilities .665, .245, .574; positives are the first two: one pair of two.
  // Class 1: .245, .665, .348: the positive is above one of two. Class 2 does not occur.
  EXPECT_EQ(RocAuc(ranked), (0.5 + 0.5) / 2);
}

TEST(Evaluation, CountsTheHighestFive) {
  Evaluation e;
  // Label 5 is fifth, then sixth as equals come in the classes' order.
  ASSERT_TRUE(AddOutputs(Floats({2, 7}, {9, 8, 7, 6, 0, 5, 0, 9, 8, 7, 6, 5, 5, 0}),
                         Ints({2}, {5, 5}), "", &e)
                  .ok());
  EXPECT_EQ(e.metrics.top5, 1);
  EXPECT_EQ(MetricOf(e, "top5"), 0.5);
  EXPECT_EQ(e.metrics.confusion.count(5, 0), 2);
}

TEST(Evaluation, OfClassesIsAsAddScoresSays) {
  const Tensor scores = Floats({2, 2}, {0, 0, 1, 3});
  Evaluation plain, whole;
  ASSERT_TRUE(AddScores(scores, Ints({2}, {1, 1}), &plain).ok());
  ASSERT_TRUE(AddOutputs(scores, Ints({2}, {1, 1}), "", &whole).ok());
  EXPECT_EQ(whole.correct, plain.correct);
  EXPECT_EQ(whole.loss_sum, plain.loss_sum);
  EXPECT_TRUE(plain.metrics.confusion.counts().empty());
  EXPECT_TRUE(std::isnan(MetricOf(whole, "top5")));  // of two classes it means nothing
  EXPECT_TRUE(std::isnan(MetricOf(whole, "auc")));   // there is no example of class 0
}

TEST(Evaluation, AddsUpBatches) {
  Evaluation a, b;
  ASSERT_TRUE(AddOutputs(Floats({1, 2}, {1, 0}), Ints({1}, {0}), "", &a).ok());
  ASSERT_TRUE(AddOutputs(Floats({1, 2}, {0, 1}), Ints({1}, {1}), "", &b).ok());
  Evaluation sum;
  sum.Add(a);
  sum.Add(b);
  EXPECT_EQ(sum.count, 2);
  EXPECT_EQ(sum.accuracy(), 1);
  EXPECT_EQ(MetricOf(sum, "auc"), 1);
  EXPECT_EQ(MetricOf(sum, "f1_weighted"), 1);
}

TEST(Evaluation, OfMasksCountsPixelsButVoidOnes) {
  Evaluation e;
  // Two classes, a mask of 1x4; predicted 0 1 1 0.
  const Tensor scores = Floats({1, 2, 1, 4}, {1, 0, 0, 1, 0, 1, 1, 0});
  ASSERT_TRUE(AddOutputs(scores, Ints({1, 1, 4}, {0, 1, 0, 255}), "", &e).ok());
  EXPECT_EQ(e.count, 3);
  EXPECT_EQ(e.correct, 2);
  EXPECT_NEAR(MetricOf(e, "miou"), (0.5 + 0.5) / 2, 1e-12);
  EXPECT_NEAR(e.loss(), (2 * std::log1p(std::exp(-1.0)) + std::log1p(std::exp(1.0))) / 3, 1e-12);
  EXPECT_THAT(std::string(AddOutputs(scores, Ints({1, 1, 4}, {0, 1, 2, 0}), "", &e).message()),
              HasSubstr("labels in [0,2)"));
  EXPECT_THAT(std::string(AddOutputs(scores, Ints({1, 4}, {0, 1, 1, 0}), "", &e).message()),
              HasSubstr("expected labels [N,...]"));
}

TEST(Evaluation, LeavesIgnoredLabelsOut) {
  const Tensor scores = Floats({3, 2}, {1, 0, 1, 0, 0, 1}), labels = Ints({3}, {0, 7, 1});
  Evaluation plain, whole, pixels;
  ASSERT_TRUE(AddScores(scores, labels, &plain, 7).ok());
  ASSERT_TRUE(AddOutputs(scores, labels, "", &whole, 7).ok());
  EXPECT_EQ(plain.count, 2);
  EXPECT_EQ(whole.count, 2);
  EXPECT_EQ(whole.correct, 2);
  EXPECT_FALSE(AddOutputs(scores, labels, "", &whole).ok());
  // Of a mask a class may be ignored too.
  const Tensor planes = Floats({1, 2, 1, 2}, {1, 0, 0, 1});
  ASSERT_TRUE(AddOutputs(planes, Ints({1, 1, 2}, {0, 1}), "", &pixels, 0).ok());
  EXPECT_EQ(pixels.count, 1);
  EXPECT_EQ(pixels.metrics.confusion.count(1, 1), 1);
}

TEST(Evaluation, OfSeveralLabelsAnExample) {
  Evaluation e;
  // Predicted {0,1} and {1}; labelled {0} and {1}. A logit of 0 is a probability of 0.5.
  ASSERT_TRUE(
      AddOutputs(Floats({2, 2}, {2, 0, -1, 1}), Floats({2, 2}, {1, 0, 0, 1}), "bce", &e).ok());
  EXPECT_EQ(e.count, 2);
  EXPECT_EQ(e.correct, 1);
  EXPECT_EQ(MetricOf(e, "label_accuracy"), 0.75);
  EXPECT_NEAR(MetricOf(e, "precision"), (1 + 0.5) / 2, 1e-12);
  EXPECT_NEAR(MetricOf(e, "f1"), (1 + 2.0 / 3) / 2, 1e-12);
  EXPECT_NEAR(MetricOf(e, "f1_micro"), 4.0 / 5, 1e-12);
  const double loss = (std::log1p(std::exp(-2.0)) + std::log(2.0)) / 2 + std::log1p(std::exp(-1.0));
  EXPECT_NEAR(e.loss_sum, loss, 1e-12);
}

TEST(Evaluation, OfSharesTakesTheLargest) {
  Evaluation e;
  ASSERT_TRUE(AddOutputs(Floats({1, 2}, {0, 1}), Floats({1, 2}, {0.25f, 0.75f}), "", &e).ok());
  EXPECT_EQ(e.accuracy(), 1);
  const double total = std::log1p(std::exp(1.0));
  EXPECT_NEAR(e.loss(), 0.25 * total + 0.75 * (total - 1), 1e-12);
}

TEST(Evaluation, OfNumbersHasErrorsInsteadOfAccuracy) {
  Evaluation e;
  ASSERT_TRUE(
      AddOutputs(Floats({2, 2}, {1, 2, 3, 4}), Floats({2, 2}, {1, 1, 3, 7}), "mse", &e).ok());
  EXPECT_FALSE(e.scored);
  EXPECT_EQ(e.count, 2);
  EXPECT_EQ(MetricOf(e, "mse"), 10.0 / 4);
  EXPECT_EQ(MetricOf(e, "mae"), 4.0 / 4);
  EXPECT_EQ(e.loss(), 10.0 / 4);
  EXPECT_FALSE(AddOutputs(Floats({2}, {1, 2}), Floats({3}, {1, 1, 3}), "mse", &e).ok());
}

TEST(Evaluation, WantsAsManyTargetsAnExampleAsOutputs) {
  for (const char* loss : {"", "bce", "mse"}) {
    Evaluation e;
    EXPECT_THAT(std::string(AddOutputs(Floats({2, 3}, {1, 2, 3, 4, 5, 6}),
                                       Floats({3, 2}, {1, 0, 0, 1, 0, 0}), loss, &e)
                                .message()),
                HasSubstr("as many targets"))
        << loss;
  }
  Evaluation e;  // one target an example needs no axis of its own
  ASSERT_TRUE(AddOutputs(Floats({2, 1}, {3, -3}), Floats({2}, {1, 1}), "bce", &e).ok());
  EXPECT_EQ(e.correct, 1);
}

TEST(Evaluation, ANaNIsAmongTheHighestOfNone) {
  Evaluation e;
  std::vector<float> scores(7, NAN);
  ASSERT_TRUE(AddOutputs(Floats({1, 7}, scores), Ints({1}, {6}), "", &e).ok());
  EXPECT_EQ(e.metrics.top5, 0);
  EXPECT_TRUE(std::isnan(MetricOf(e, "auc")));
}

TEST(Evaluation, OfProbabilitiesIsThatOfTheirScores) {
  const Tensor p = Floats({3, 3}, {0.5f, 0.25f, 0.25f, 0.4f, 0.6f, 0, 0.3f, 0.1f, 0.6f});
  const auto scores = ScoresOfProbabilities(p);
  ASSERT_TRUE(scores.ok()) << scores.status();
  Evaluation e;
  ASSERT_TRUE(AddOutputs(*scores, Ints({3}, {0, 1, 0}), "", &e).ok());
  EXPECT_NEAR(e.loss_sum, -std::log(0.5) - std::log(0.6) - std::log(0.3), 1e-6);
  // Class 0: .5 and .3 against .4; class 1: .6 against .25 and .1.
  EXPECT_EQ(MetricOf(e, "auc"), (0.5 + 1) / 2);
  const auto top = TopPredictions(*scores, 1, 1);
  EXPECT_EQ((*top)[0].label, 1);
  EXPECT_NEAR((*top)[0].probability, 0.6, 1e-6);
  EXPECT_FALSE(ScoresOfProbabilities(Ints({1}, {1})).ok());
}

// Numbers above 0 are the scores, or their softmax is the output.
Model ScoresAsTheyAre(bool softmax) {
  Builder b;
  const Value x = b.Input("x", {"N", 2});
  const Value scores = b.Relu(x);
  b.Output("y", softmax ? b.Softmax(scores) : scores);
  return *b.Build();
}

TEST(SessionEvaluate, TakesProbabilitiesOfASoftmaxAsSuch) {
  const auto data =
      MakeTensorDataset({.name = "t"}, {Floats({3, 2}, {1, 0, 0, 2, 3, 1}), Ints({3}, {0, 1, 1})});
  ASSERT_TRUE(data.ok()) << data.status();
  const auto scores = (*Session::Create(ScoresAsTheyAre(false)))->Evaluate(*data);
  const auto softmax = (*Session::Create(ScoresAsTheyAre(true)))->Evaluate(*data);
  ASSERT_TRUE(scores.ok() && softmax.ok()) << scores.status() << softmax.status();
  EXPECT_NEAR(softmax->loss(), scores->loss(), 1e-5);
  EXPECT_EQ(MetricOf(*softmax, "auc"), MetricOf(*scores, "auc"));
}

TEST(SessionEvaluate, KnowsTheLossThatTheModelWasTrainedWith) {
  const auto data = MakeTensorDataset({.name = "t"},
                                      {Floats({2, 2}, {1, 0, 0, 2}), Floats({2, 2}, {1, 1, 0, 1})});
  ASSERT_TRUE(data.ok()) << data.status();
  Model model = ScoresAsTheyAre(false);
  model.training.emplace().config["loss"] = "bce";
  const auto result = (*Session::Create(model))->Evaluate(*data);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->metrics.task, Task::kLabels);
  EXPECT_EQ(MetricOf(*result, "label_accuracy"), 0.75);
}

TEST(SessionEvaluate, TakesNumbersOfASoftmaxAsTheyAre) {
  const auto data =
      MakeTensorDataset({.name = "t"}, {Floats({1, 2}, {-1, -1}), Floats({1, 2}, {0.5f, 1})});
  ASSERT_TRUE(data.ok()) << data.status();
  Model model = ScoresAsTheyAre(true);
  model.training.emplace().config["loss"] = "mse";
  const auto result = (*Session::Create(model))->Evaluate(*data);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NEAR(MetricOf(*result, "mse"), 0.125, 1e-6);
}

TEST(RankedScores, AreGivenUpWhereTheyWouldBeMany) {
  RankedScores ranked;
  std::vector<double> scores(1 << 12);
  std::iota(scores.begin(), scores.end(), 0.0);
  for (int i = 0; i < 2; ++i) ranked.Add(scores, i);
  EXPECT_TRUE(ranked.complete);
  RankedScores many;
  many.classes = ranked.classes;
  many.log_odds.resize(RankedScores::kLimit);
  many.labels.resize(1 << 10);
  ranked.Add(many);
  EXPECT_FALSE(ranked.complete);
  EXPECT_EQ(ranked.bytes(), 0u);
  EXPECT_EQ(RocAuc(ranked), std::nullopt);
}

TEST(Evaluation, CountsTheFirstHighestScoreAndTheCrossEntropy) {
  const Tensor t = Floats({2, 2}, {0, 0, 1, 3});
  Evaluation e;
  ASSERT_TRUE(AddScores(t, Ints({2}, {1, 1}), &e).ok());
  EXPECT_EQ(e.count, 2);
  EXPECT_EQ(e.correct, 1);  // the first row's highest is class 0
  EXPECT_NEAR(e.loss_sum, std::log(2.0) + std::log1p(std::exp(-2.0)), 1e-12);
  EXPECT_THAT(std::string(AddScores(t, Ints({2}, {1, 2}), &e).message()),
              HasSubstr("labels in [0,2), label of example 1 is 2"));
  const auto top = TopPredictions(t, 1, 5);
  ASSERT_EQ(top->size(), 2u);
  EXPECT_EQ((*top)[0].label, 1);
  EXPECT_NEAR((*top)[0].probability, 1 / (1 + std::exp(-2.0)), 1e-12);
}

}  // namespace
}  // namespace weft
