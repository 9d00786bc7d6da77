#include "frontend/inspect/data/nearest_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "frontend/data/random.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;

// Far from the origin, where products of f32 lose digits.
Tensor FarRows(int64_t n, int64_t width, uint64_t seed) {
  Tensor rows = Tensor::Zeros(DType::kF32, {n, width}).value();
  RandomStream random(seed, RandomPurpose::kNoise, 0);
  for (float& v : rows.mutable_values<float>()) v = 30 + random.Bell();
  return rows;
}

TEST(NearestRows, AreThoseOfAllPairs) {
  const Tensor rows = FarRows(600, 5, 1), queries = FarRows(300, 5, 2);
  const auto nearest = FindNearest(rows, queries, 7, RowDistance::kSquared);
  ASSERT_TRUE(nearest.ok()) << nearest.status();
  for (int64_t q = 0; q < 300; ++q) {
    std::vector<std::pair<double, int64_t>> all;
    for (int64_t i = 0; i < 600; ++i) {
      double sum = 0;
      for (int64_t d = 0; d < 5; ++d) {
        sum += std::pow(rows.At(i * 5 + d) - queries.At(q * 5 + d), 2);
      }
      all.emplace_back(sum, i);
    }
    std::ranges::sort(all);
    for (size_t i = 0; i < 7; ++i) {
      EXPECT_EQ(nearest->IndexOf(q)[i], all[i].second);
      EXPECT_NEAR(nearest->DistanceOf(q)[i], all[i].first, 1e-4);
    }
  }
}

TEST(NearestRows, ByCosineAndAmongOthers) {
  const Tensor rows =
      Tensor::FromValues<float>({4, 2}, std::array{1.f, 0.f, 0.f, 5.f, 3.f, 3.f, -2.f, 0.f})
          .value();
  const NearestRows nearest = FindNearestOthers(rows, 3, RowDistance::kCosine).value();
  EXPECT_THAT(nearest.IndexOf(0), ElementsAre(2, 1, 3));
  EXPECT_NEAR(nearest.DistanceOf(0)[0], 1 - std::sqrt(0.5), 1e-6);
  EXPECT_NEAR(nearest.DistanceOf(0)[1], 1, 1e-6);
  EXPECT_NEAR(nearest.DistanceOf(0)[2], 2, 1e-6);
}

TEST(NearestRows, AnyNumberOfThreadsGivesTheSameBits) {
  const Tensor rows = FarRows(700, 9, 1);
  const NearestRows one = FindNearestOthers(rows, 12, RowDistance::kSquared, 1).value();
  for (const int threads : {2, 3}) {
    const NearestRows more = FindNearestOthers(rows, 12, RowDistance::kSquared, threads).value();
    EXPECT_EQ(one.index, more.index);
    EXPECT_EQ(one.distance, more.distance);
  }
}

// By the definition, in f64: the k nearest others of a row.
std::vector<int64_t> NearestByDefinition(const Tensor& rows, int64_t row, int64_t k) {
  const int64_t n = rows.dims()[0], width = rows.dims()[1];
  std::vector<std::pair<double, int64_t>> all;
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (int64_t d = 0; d < width; ++d) {
      sum += std::pow(rows.At(i * width + d) - rows.At(row * width + d), 2);
    }
    if (i != row) all.emplace_back(sum, i);
  }
  std::ranges::sort(all);
  std::vector<int64_t> nearest;
  for (int64_t i = 0; i < k; ++i) nearest.push_back(all[static_cast<size_t>(i)].second);
  return nearest;
}

// Products of f32 say nothing about who is near within a cluster.
TEST(NearestRows, AreExactInClustersFarApart) {
  Tensor rows = Tensor::Zeros(DType::kF32, {400, 4}).value();
  const std::span<float> values = rows.mutable_values<float>();
  RandomStream random(3, RandomPurpose::kNoise, 0);
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = (i / 4 % 2 == 0 ? 1000.f : -1000.f) + 0.1f * random.Bell();
  }
  const NearestRows nearest = FindNearestOthers(rows, 5, RowDistance::kSquared).value();
  for (int64_t i = 0; i < 400; ++i) {
    EXPECT_THAT(nearest.IndexOf(i), ElementsAreArray(NearestByDefinition(rows, i, 5))) << i;
  }
}

TEST(NearestRows, MayHaveLargeNumbers) {
  Tensor rows = FarRows(60, 3, 4);
  for (float& v : rows.mutable_values<float>()) v = (v - 30) * 1e20f;
  const NearestRows nearest = FindNearestOthers(rows, 5, RowDistance::kSquared).value();
  for (int64_t i = 0; i < 60; ++i) {
    EXPECT_THAT(nearest.IndexOf(i), ElementsAreArray(NearestByDefinition(rows, i, 5))) << i;
  }
  EXPECT_GT(nearest.DistanceOf(0)[0], 1e36);
}

TEST(NearestRows, RowsWithoutADirectionAreAtCosineDistance1) {
  Tensor rows = Tensor::Zeros(DType::kF32, {40, 2}).value();
  const std::span<float> values = rows.mutable_values<float>();
  for (size_t i = 0; i < 20; ++i) values[4 * i] = -1;  // every other row
  values[4 * 3 + 1] = 1;
  const NearestRows nearest = FindNearestOthers(rows, 39, RowDistance::kCosine).value();
  // Row 1 is zero: all are at distance 1, those of zeros and those with a direction.
  for (const double distance : nearest.DistanceOf(1)) EXPECT_EQ(distance, 1);
  const NearestRows few = FindNearestOthers(rows, 3, RowDistance::kCosine).value();
  EXPECT_THAT(few.IndexOf(1), ElementsAre(0, 2, 3));  // the first ones of equals
  EXPECT_THAT(few.IndexOf(0), ElementsAre(2, 4, 8));
  EXPECT_THAT(few.DistanceOf(0), ElementsAre(0, 0, 0));
}

// 0 and 1 are near each other, as are 10 and 11; 12 is of the other class.
TEST(NearestRows, TellClasses) {
  const Tensor rows =
      Tensor::FromValues<float>({5, 1}, std::array{0.f, 1.f, 10.f, 11.f, 12.5f}).value();
  EXPECT_DOUBLE_EQ(NeighbourAccuracy(rows, std::array<int64_t, 5>{0, 0, 1, 1, 0}, 1).value(), 0.8);
}

TEST(NearestRows, SayWhatIsWrong) {
  const Tensor rows = FarRows(6, 2, 1);
  EXPECT_THAT(FindNearestOthers(rows, 6, RowDistance::kSquared).status().message(),
              HasSubstr("expected 1 to 5 neighbours, got 6"));
  EXPECT_THAT(FindNearest(rows, FarRows(6, 3, 1), 1, RowDistance::kSquared).status().message(),
              HasSubstr("expected rows of 2 numbers, got f32[6,3]"));
  EXPECT_THAT(NeighbourAccuracy(rows, std::array<int64_t, 1>{0}, 1).status().message(),
              HasSubstr("expected a label a row, got 1 for f32[6,2]"));
}

}  // namespace
}  // namespace weft
