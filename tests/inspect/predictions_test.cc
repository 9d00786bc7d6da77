#include "frontend/inspect/data/predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "frontend/inspect/data/neighbours.h"
#include "frontend/session/session.h"
#include "testing_golden.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

TEST(Predictions, AreTheSessions) {
  const Model model = GoldenModel("digits");
  const auto data = GoldenData("digits");
  const auto p = PredictAll(model, data, {.batch_size = 64});
  ASSERT_TRUE(p.ok()) << p.status();
  const Evaluation e = *Session::Create(model).value()->Evaluate(data);
  EXPECT_EQ(p->size(), data->size());
  EXPECT_DOUBLE_EQ(p->accuracy(), e.accuracy());
  EXPECT_EQ(ConfusionOf(*p).counts(), e.metrics.confusion.counts());
  for (const int64_t i : {0, 17, 399}) {
    const Prediction top = TopPredictions(p->scores, i, 1).value()[0];
    EXPECT_EQ(p->predicted[static_cast<size_t>(i)], top.label);
    EXPECT_NEAR(p->probability[static_cast<size_t>(i)], top.probability, 1e-12);
  }
}

TEST(Predictions, MistakesAreTheMostConfidentFirst) {
  Predictions p{.scores = Tensor::Zeros(DType::kF32, {5, 5}).value(),
                .labels = {0, 1, 2, 3, 4},
                .predicted = {1, 1, 0, 0, 0},
                .probability = {0.5, 0.99, 0.7, 0.9, 0.7}};
  // The label's probability of example 3 is 0.9 exp(-3).
  p.scores.mutable_values<float>()[3 * 5] = 3;
  const std::vector<Mistake> mistakes = ConfidentMistakes(p, 3);
  ASSERT_EQ(mistakes.size(), 3u);
  EXPECT_EQ(mistakes[0].index, 3);
  EXPECT_EQ(mistakes[1].index, 2);
  EXPECT_EQ(mistakes[2].index, 4);
  EXPECT_EQ(mistakes[0].label, 3);
  EXPECT_EQ(mistakes[0].predicted, 0);
  EXPECT_DOUBLE_EQ(mistakes[0].label_probability, 0.9 * std::exp(-3));
  EXPECT_EQ(ConfidentMistakes(p, 99).size(), 4u);
  EXPECT_DOUBLE_EQ(p.accuracy(), 0.2);
}

TEST(Predictions, SayWhatIsWrong) {
  const Model model = GoldenModel("digits");
  const auto data = GoldenData("digits");
  EXPECT_THAT(MistakeSheet(model, *data, {}).status().message(), HasSubstr("no mistake to show"));
  Model cut = GoldenModel("digits");
  cut.graph.ClearOutputs();
  EXPECT_FALSE(PredictAll(cut, data).ok());
}

// The nearest neighbours are those by the definition of the cosine, without the example itself.
TEST(Neighbours, AreThoseOfTheCosine) {
  const Model model = GoldenModel("digits");
  const auto data = GoldenData("digits");
  const Example example = ExampleOf(*data, 12).value();
  const auto neighbours = NearestExamples(model, example.x, data, {.count = 4, .leave_out = 12});
  ASSERT_TRUE(neighbours.ok()) << neighbours.status();
  ASSERT_EQ(neighbours->size(), 4u);
  const Features features = ComputeFeatures(model, data).value();
  const int64_t n = features.values.dims()[0], width = features.values.size() / n;
  const auto distance = [&](int64_t other) {
    double product = 0, a = 0, b = 0;
    for (int64_t d = 0; d < width; ++d) {
      const double u = features.values.At(12 * width + d),
                   v = features.values.At(other * width + d);
      product += u * v;
      a += u * u;
      b += v * v;
    }
    return 1 - product / std::sqrt(a * b);
  };
  double last = 0;
  for (const Neighbour& neighbour : *neighbours) {
    EXPECT_NE(neighbour.index, 12);
    EXPECT_NEAR(neighbour.distance, distance(neighbour.index), 1e-5);
    EXPECT_GE(neighbour.distance, last);
    last = neighbour.distance;
    EXPECT_EQ(neighbour.label, *ExampleOf(*data, neighbour.index).value().label);
  }
  int64_t nearer = 0;
  for (int64_t i = 0; i < n; ++i) nearer += i != 12 && distance(i) < last - 1e-5;
  EXPECT_EQ(nearer, 3);
  EXPECT_THAT(NearestExamples(model, example.x, data, {.count = n + 1}).status().message(),
              HasSubstr("neighbours, got"));
}

}  // namespace
}  // namespace weft
