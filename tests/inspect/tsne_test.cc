#include "frontend/inspect/data/tsne.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

#include "frontend/data/random.h"
#include "frontend/inspect/data/quad_tree.h"
#include "frontend/inspect/data/tsne_affinities.h"
#include "frontend/train/finetune_features.h"
#include "testing_golden.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// Clouds of points in 8 dimensions.
Tensor Clouds(int64_t n, int64_t clouds) {
  Tensor rows = Tensor::Zeros(DType::kF32, {n, 8}).value();
  const std::span<float> values = rows.mutable_values<float>();
  for (int64_t i = 0; i < n; ++i) {
    RandomStream random(1, RandomPurpose::kNoise, static_cast<uint64_t>(i));
    RandomStream middle(2, RandomPurpose::kNoise, static_cast<uint64_t>(i % clouds));
    for (size_t d = 0; d < 8; ++d) {
      values[static_cast<size_t>(i) * 8 + d] = 4 * middle.Bell() + random.Bell();
    }
  }
  return rows;
}

std::vector<PlanePoint> PlaneCloud(size_t n) {
  std::vector<PlanePoint> points;
  RandomStream random(7, RandomPurpose::kNoise, 0);
  for (size_t i = 0; i < n; ++i) points.push_back({10 * random.Bell(), 6 * random.Bell()});
  return points;
}

// Of point i, by its definition.
QuadTree::Push PushByAllPairs(const std::vector<PlanePoint>& points, size_t i) {
  QuadTree::Push push;
  for (size_t j = 0; j < points.size(); ++j) {
    if (j == i) continue;
    const double dx = points[i].x - points[j].x, dy = points[i].y - points[j].y;
    const double q = 1 / (1 + dx * dx + dy * dy);
    push.x += q * q * dx;
    push.y += q * q * dy;
    push.sum += q;
  }
  return push;
}

TEST(QuadTree, SumsOverAllPairsAtTheta0) {
  std::vector<PlanePoint> points = PlaneCloud(500);
  for (size_t i = 0; i < 20; ++i) points.push_back(points[3]);  // at one place
  QuadTree tree;
  tree.Build(points);
  for (size_t place = 0; place < points.size(); ++place) {
    const QuadTree::Push exact = PushByAllPairs(points, tree.order()[place]);
    const QuadTree::Push push = tree.PushOf(place, 0);
    EXPECT_NEAR(push.x, exact.x, 1e-10);
    EXPECT_NEAR(push.y, exact.y, 1e-10);
    EXPECT_NEAR(push.sum, exact.sum, 1e-10);
  }
}

// A square's mean stands for its points to first order. The second one: of points spread evenly in
// a square of side w at distance d, 1/d^2 is w^2 / 6d^2 of itself larger on average, so that sums
// of q are short by theta^2 / 6 at most, and errors fall with theta^2.
TEST(QuadTree, ErrorsFallWithThetaSquared) {
  const std::vector<PlanePoint> points = PlaneCloud(2000);
  QuadTree tree;
  tree.Build(points);
  double last = 0;
  for (const double theta : {0.8, 0.4, 0.2}) {
    double error = 0, size = 0, total = 0, exact_total = 0;
    for (size_t place = 0; place < points.size(); ++place) {
      const QuadTree::Push exact = PushByAllPairs(points, tree.order()[place]);
      const QuadTree::Push push = tree.PushOf(place, theta);
      error += std::hypot(push.x - exact.x, push.y - exact.y);
      size += std::hypot(exact.x, exact.y);
      total += push.sum;
      exact_total += exact.sum;
    }
    EXPECT_LT(std::abs(total / exact_total - 1), theta * theta / 6) << theta;
    if (last > 0) {
      EXPECT_LT(error / size, last / 3) << theta;  // a quarter at the limit
    }
    last = error / size;
  }
}

TEST(TsneAffinities, HaveTheirPerplexity) {
  std::vector<double> distances;
  for (int i = 0; i < 90; ++i) distances.push_back(100 + i * i * 0.3);
  const std::vector<double> p = ConditionalAffinities(distances, 30);
  double sum = 0, entropy = 0;
  for (const double v : p) {
    sum += v;
    if (v > 0) entropy -= v * std::log(v);
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_NEAR(std::exp(entropy), 30, 1e-6);
  // p_j / p_i is exp(-beta (d_j - d_i)) for one beta.
  const double beta = std::log(p[0] / p[1]) / (distances[1] - distances[0]);
  EXPECT_NEAR(std::log(p[0] / p[40]), beta * (distances[40] - distances[0]), 1e-9);
  // Equal distances have no other affinities than equal ones.
  for (const double v : ConditionalAffinities(std::vector<double>(10, 4.0), 3)) {
    EXPECT_DOUBLE_EQ(v, 0.1);
  }
}

TEST(TsneAffinities, AreSymmetricAndAddTo1) {
  const NearestRows nearest =
      FindNearestOthers(Clouds(100, 4), 15, RowDistance::kSquared, 1).value();
  const Affinities a = AffinitiesOf(nearest, 5, 1);
  std::vector<double> dense(100 * 100);
  double sum = 0;
  for (size_t i = 0; i < 100; ++i) {
    for (size_t at = a.row[i]; at < a.row[i + 1]; ++at) {
      dense[i * 100 + a.column[at]] = a.p[at];
      sum += a.p[at];
    }
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  for (size_t i = 0; i < 100; ++i) {
    for (size_t j = 0; j < 100; ++j) EXPECT_EQ(dense[i * 100 + j], dense[j * 100 + i]);
  }
}

// KL(P || Q) by its definition: q_ij over all pairs.
double DivergenceByAllPairs(const Affinities& a, const std::vector<double>& y) {
  const size_t n = y.size() / 2;
  const auto q = [&](size_t i, size_t j) {
    return 1 / (1 + std::pow(y[2 * i] - y[2 * j], 2) + std::pow(y[2 * i + 1] - y[2 * j + 1], 2));
  };
  double total = 0, sum = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) total += i == j ? 0 : q(i, j);
  }
  for (size_t i = 0; i < n; ++i) {
    for (size_t at = a.row[i]; at < a.row[i + 1]; ++at) {
      if (a.p[at] > 0) sum += a.p[at] * std::log(a.p[at] * total / q(i, a.column[at]));
    }
  }
  return sum;
}

double LargestDifference(const Affinities& a, std::vector<double> y) {
  double largest = 0;
  const double step = 1e-4;
  for (size_t i = 0; i < y.size(); i += 5) {
    const double at = y[i];
    y[i] = at + step;
    const double above = DivergenceByAllPairs(a, y);
    y[i] = at - step;
    const double below = DivergenceByAllPairs(a, y);
    y[i] = at;
    largest = std::max(largest, std::abs(above - below) / (2 * step));
  }
  return largest;
}

// Finite differences of the divergence vanish where the descent ends. All are neighbours of all:
// others drift apart for ever, the more slowly the further they are, and so do these from most
// starts: the seed is one from which they stay together.
TEST(Tsne, EndsWhereTheDivergenceIsLeast) {
  const Tensor rows = Clouds(31, 1);
  const auto tsne = ComputeTsne(
      rows, {.perplexity = 10, .theta = 0, .iterations = 30000, .learning_rate = 10, .seed = 4});
  ASSERT_TRUE(tsne.ok()) << tsne.status();
  const Affinities a =
      AffinitiesOf(FindNearestOthers(rows, 30, RowDistance::kSquared, 1).value(), 10, 1);
  std::vector<double> y;
  for (int64_t i = 0; i < tsne->coordinates.size(); ++i) y.push_back(tsne->coordinates.At(i));
  EXPECT_NEAR(tsne->divergence, DivergenceByAllPairs(a, y), 1e-5);
  const double there = LargestDifference(a, y);
  for (double& v : y) v *= 0.9;
  EXPECT_LT(there, 1e-3 * LargestDifference(a, y));
}

TEST(Tsne, ASeedGivesTheSameBitsWithAnyNumberOfThreads) {
  const Tensor rows = Clouds(600, 5);
  const TsneOptions options{.iterations = 60, .seed = 4, .threads = 1};
  const Tensor one = ComputeTsne(rows, options)->coordinates;
  for (const int threads : {1, 2, 3}) {
    TsneOptions other = options;
    other.threads = threads;
    EXPECT_EQ(ComputeTsne(rows, other)->coordinates, one) << threads;
  }
  TsneOptions other = options;
  other.seed = 5;
  EXPECT_FALSE(ComputeTsne(rows, other)->coordinates == one);
}

TEST(Tsne, KeepsTheTenClustersOfDigits) {
  const Model model = GoldenModel("digits");
  const Features features = ComputeFeatures(model, GoldenData("digits")).value();
  const auto tsne = ComputeTsne(features.values);
  ASSERT_TRUE(tsne.ok()) << tsne.status();
  EXPECT_GT(NeighbourAccuracy(tsne->coordinates, features.labels.values<int64_t>(), 10).value(),
            0.9);
}

TEST(Tsne, SaysWhatIsWrong) {
  EXPECT_THAT(ComputeTsne(Clouds(60, 2)).status().message(),
              HasSubstr("expected a perplexity from 1 to 19.6667 for 60 examples, got 30"));
  EXPECT_THAT(ComputeTsne(Clouds(3, 2)).status().message(), HasSubstr("4 examples or more, got 3"));
  EXPECT_THAT(ComputeTsne(Clouds(200, 2), {.theta = 2}).status().message(),
              HasSubstr("theta in [0,1]"));
  EXPECT_FALSE(ComputeTsne(Clouds(200, 2), {.threads = -1}).ok());
  EXPECT_THAT(ComputeTsne(Clouds(200, 2), {.learning_rate = 1e300}).status().message(),
              HasSubstr("a learning rate of 0 (chosen) to 1e9"));
  EXPECT_THAT(ComputeTsne(Clouds(200, 2), {.exaggeration = 1e300}).status().message(),
              HasSubstr("places are not finite after iteration 0"));
}

}  // namespace
}  // namespace weft
