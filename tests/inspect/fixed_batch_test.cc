#include "frontend/session/fixed_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "frontend/data/split.h"
#include "frontend/inspect/data/adversarial.h"
#include "frontend/inspect/data/neighbours.h"
#include "frontend/inspect/data/predictions.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/units/maximize.h"
#include "frontend/inspect/units/top_patches.h"
#include "graph/bind.h"
#include "tests/inspect/testing_golden.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The digits' network as one that takes `batch` pictures a run and no other number.
Model FixedDigits(int64_t batch) {
  Model model = GoldenModel("digits");
  const std::string symbol = model.graph.inputs()[0]->type().dim(0).symbols()[0];
  model.graph = Bind(model.graph, {{symbol, batch}}).value();
  EXPECT_EQ(FixedBatch(*model.graph.inputs()[0]), batch);
  return model;
}

std::shared_ptr<const Dataset> SomeDigits(int64_t count) {
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < count; ++i) indices.push_back(i);
  return SubsetDataset(GoldenData("digits"), indices, "some digits").value();
}

void ExpectNear(const Tensor& a, const Tensor& b, double tolerance) {
  ASSERT_EQ(a.dims(), b.dims());
  for (int64_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a.At(i), b.At(i), tolerance) << i;
}

TEST(FixedBatch, RunsAsOftenAsItTakes) {
  const Tensor x = Tensor::FromValues<float>({5, 1}, std::array{1.f, 2.f, 3.f, 4.f, 5.f}).value();
  std::vector<std::vector<double>> runs;
  const auto run = [&](std::span<const Tensor> batches) -> absl::StatusOr<std::vector<Tensor>> {
    runs.push_back({batches[0].At(0), batches[0].At(1)});
    return std::vector<Tensor>{batches[0]};
  };
  const auto results = RunInBatchesOf(2, std::array{x}, run);
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0], x);
  EXPECT_THAT(runs, ElementsAre(ElementsAre(1, 2), ElementsAre(3, 4), ElementsAre(5, 5)));
  const auto mean = [](std::span<const Tensor>) -> absl::StatusOr<std::vector<Tensor>> {
    return std::vector<Tensor>{Tensor::Zeros(DType::kF32, {1, 4}).value()};
  };
  EXPECT_THAT(RunInBatchesOf(2, std::array{x}, mean).status().message(),
              HasSubstr("a result for each of 2 examples, which the model takes, got f32[1,4]"));
}

TEST(FixedBatch, PredictionsAndFeaturesAreThoseOfAnyBatch) {
  const Model free = GoldenModel("digits");
  const auto data = SomeDigits(37);
  const Predictions expected = PredictAll(free, data).value();
  const Features features = ComputeFeatures(free, data).value();
  for (const int64_t batch : {1, 8}) {
    const Model fixed = FixedDigits(batch);
    const auto p = PredictAll(fixed, data);
    ASSERT_TRUE(p.ok()) << p.status();
    ExpectNear(p->scores, expected.scores, 1e-4);
    EXPECT_EQ(p->predicted, expected.predicted);
    const auto f = ComputeFeatures(fixed, data);
    ASSERT_TRUE(f.ok()) << f.status();
    ExpectNear(f->values, features.values, 1e-4);
    const Tensor x = ExampleOf(*data, 3)->x;
    const auto a = NearestExamples(fixed, x, data, {.count = 5}),
               b = NearestExamples(free, x, data, {.count = 5});
    ASSERT_TRUE(a.ok()) << a.status();
    for (size_t i = 0; i < 5; ++i) EXPECT_EQ((*a)[i].index, (*b)[i].index);
  }
}

TEST(FixedBatch, GradientsAreThoseOfAnyBatch) {
  const Model fixed = FixedDigits(8), free = GoldenModel("digits");
  const auto data = SomeDigits(11);
  const RobustnessOptions options{.epsilons = {0, 0.1}, .steps = 2};
  const auto a = AccuracyAgainstEpsilon(fixed, data, options);
  ASSERT_TRUE(a.ok()) << a.status();
  const auto b = AccuracyAgainstEpsilon(free, data, options).value();
  for (size_t i = 0; i < 2; ++i) EXPECT_EQ((*a)[i].pgd, b[i].pgd);
  const std::array<int64_t, 3> units = {1, 4, 6};
  AscentOptions ascent;
  ascent.steps = 5;
  const auto pictures = MaximizeUnits(fixed, {.at = "block2.relu"}, units, ascent);
  ASSERT_TRUE(pictures.ok()) << pictures.status();
  const auto of_free = MaximizeUnits(free, {.at = "block2.relu"}, units, ascent).value();
  for (size_t i = 0; i < 3; ++i) ExpectNear((*pictures)[i].x, of_free[i].x, 1e-3);
  EXPECT_EQ(ClassPrototypes(fixed, ascent)->size(), 10u);
  const auto patches = TopPatches(fixed, data, "block2.relu", units, {.count = 2});
  ASSERT_TRUE(patches.ok()) << patches.status();
  const auto expected = TopPatches(free, data, "block2.relu", units, {.count = 2}).value();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*patches)[i].patches[0].example, expected[i].patches[0].example);
  }
}

}  // namespace
}  // namespace weft
