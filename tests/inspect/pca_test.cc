#include "frontend/inspect/data/pca.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "frontend/data/random.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// Rows whose columns have different deviations and hang together.
Tensor CorrelatedRows(int64_t n, int64_t width) {
  Tensor rows = Tensor::Zeros(DType::kF32, {n, width}).value();
  const std::span<float> values = rows.mutable_values<float>();
  for (int64_t i = 0; i < n; ++i) {
    RandomStream random(3, RandomPurpose::kNoise, static_cast<uint64_t>(i));
    const float common = random.Bell();
    for (int64_t d = 0; d < width; ++d) {
      values[static_cast<size_t>(i * width + d)] =
          2 + common + static_cast<float>(1 + d % 7) * random.Bell();
    }
  }
  return rows;
}

struct Eigen2 {
  double value = 0;
  std::vector<double> vector;
};

// Jacobi's rotations of a symmetric matrix until nothing is left off the diagonal; the largest
// eigenvalue first.
std::vector<Eigen2> JacobiEigen(std::vector<std::vector<double>> a) {
  const size_t n = a.size();
  std::vector<std::vector<double>> v(n, std::vector<double>(n));
  for (size_t i = 0; i < n; ++i) v[i][i] = 1;
  for (int sweep = 0; sweep < 60; ++sweep) {
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        if (a[p][q] == 0) continue;
        const double angle = 0.5 * std::atan2(2 * a[p][q], a[q][q] - a[p][p]);
        const double c = std::cos(angle), s = std::sin(angle);
        for (size_t k = 0; k < n; ++k) {
          const double kp = a[k][p], kq = a[k][q];
          a[k][p] = c * kp - s * kq;
          a[k][q] = s * kp + c * kq;
        }
        for (size_t k = 0; k < n; ++k) {
          const double pk = a[p][k], qk = a[q][k];
          a[p][k] = c * pk - s * qk;
          a[q][k] = s * pk + c * qk;
          const double kp = v[k][p], kq = v[k][q];
          v[k][p] = c * kp - s * kq;
          v[k][q] = s * kp + c * kq;
        }
      }
    }
  }
  std::vector<Eigen2> pairs(n);
  for (size_t i = 0; i < n; ++i) {
    pairs[i].value = a[i][i];
    for (size_t k = 0; k < n; ++k) pairs[i].vector.push_back(v[k][i]);
  }
  std::ranges::sort(pairs, std::ranges::greater(), &Eigen2::value);
  return pairs;
}

std::vector<std::vector<double>> CovarianceOf(const Tensor& rows) {
  const int64_t n = rows.dims()[0], width = rows.dims()[1];
  const auto at = [&](int64_t i, int64_t d) { return rows.At(i * width + d); };
  std::vector<double> mean(static_cast<size_t>(width));
  for (int64_t i = 0; i < n * width; ++i) {
    mean[static_cast<size_t>(i % width)] += rows.At(i) / static_cast<double>(n);
  }
  std::vector<std::vector<double>> covariance(mean.size(), std::vector<double>(mean.size()));
  for (size_t a = 0; a < mean.size(); ++a) {
    for (size_t b = 0; b < mean.size(); ++b) {
      for (int64_t i = 0; i < n; ++i) {
        covariance[a][b] += (at(i, static_cast<int64_t>(a)) - mean[a]) *
                            (at(i, static_cast<int64_t>(b)) - mean[b]) / static_cast<double>(n - 1);
      }
    }
  }
  return covariance;
}

// Both sides: more rows than columns, and fewer.
TEST(Pca, IsTheEigenDecompositionOfTheCovariance) {
  for (const auto& [n, width] : {std::pair<int64_t, int64_t>{50, 7}, {9, 24}}) {
    const Tensor rows = CorrelatedRows(n, width);
    const std::vector<Eigen2> expected = JacobiEigen(CovarianceOf(rows));
    const auto pca = ComputePca(rows, 5);
    ASSERT_TRUE(pca.ok()) << pca.status();
    double trace = 0;
    for (const Eigen2& e : expected) trace += e.value;
    EXPECT_NEAR(pca->total_variance, trace, 1e-9 * trace);
    for (size_t i = 0; i < 5; ++i) {
      EXPECT_NEAR(pca->variance[i], expected[i].value, 1e-9 * trace) << i;
      EXPECT_NEAR(pca->Explained(i), expected[i].value / trace, 1e-9);
      double product = 0, largest = 0;
      for (int64_t d = 0; d < width; ++d) {
        const double element = pca->components.At(static_cast<int64_t>(i) * width + d);
        product += element * expected[i].vector[static_cast<size_t>(d)];
        if (std::abs(element) > std::abs(largest)) largest = element;
      }
      EXPECT_NEAR(std::abs(product), 1, 1e-6) << i;
      EXPECT_GT(largest, 0);
    }
    EXPECT_EQ(pca->coordinates.dims(), (Dims{n, 5}));
    const Tensor projected = Project(*pca, rows).value();
    for (int64_t i = 0; i < projected.size(); ++i) {
      EXPECT_NEAR(projected.At(i), pca->coordinates.At(i), 1e-5);
    }
  }
}

// Rows made of cosines (the DCT's basis, orthonormal and of mean 0) by given singular values, on
// both sides of where the matrix of products is no longer made.
TEST(Pca, OfKnownSingularValues) {
  const std::vector<double> singular = {40, 39.9, 25, 12, 11, 3, 3, 1};
  const auto cosine = [](int64_t i, size_t frequency, int64_t n) {
    const double turn = M_PI * (static_cast<double>(i) + 0.5) * static_cast<double>(frequency + 1);
    return std::sqrt(2.0 / static_cast<double>(n)) * std::cos(turn / static_cast<double>(n));
  };
  for (const auto& [n, width] :
       {std::pair<int64_t, int64_t>{700, 90}, {90, 700}, {800, 600}, {600, 800}}) {
    Tensor rows = Tensor::Zeros(DType::kF32, {n, width}).value();
    const std::span<float> values = rows.mutable_values<float>();
    for (int64_t at = 0; at < n * width; ++at) {
      double sum = 0.5;
      for (size_t r = 0; r < singular.size(); ++r) {
        sum += singular[r] * cosine(at / width, r, n) * cosine(at % width, r + 2, width);
      }
      values[static_cast<size_t>(at)] = static_cast<float>(sum);
    }
    const auto pca = ComputePca(rows, 5);
    ASSERT_TRUE(pca.ok()) << pca.status();
    for (size_t i = 0; i < 5; ++i) {
      const double variance = singular[i] * singular[i] / static_cast<double>(n - 1);
      EXPECT_NEAR(pca->variance[i] / variance, 1, 1e-6) << n << " " << i;
      double product = 0;
      for (int64_t d = 0; d < width; ++d) {
        product +=
            pca->components.At(static_cast<int64_t>(i) * width + d) * cosine(d, i + 2, width);
      }
      EXPECT_NEAR(std::abs(product), 1, 1e-5) << n << " " << i;
    }
  }
  // Directions without variance: the method goes on where it cannot reach more.
  Tensor flat = Tensor::Zeros(DType::kF32, {700, 600}).value();
  flat.mutable_values<float>()[5] = 3;
  const Pca pca = ComputePca(flat, 3).value();
  EXPECT_NEAR(pca.Explained(0), 1, 1e-12);
  EXPECT_EQ(pca.components.At(5), 1);
  EXPECT_EQ(pca.variance[1], 0);
}

TEST(Pca, OfALineIsTheLine) {
  const Tensor rows =
      Tensor::FromValues<float>({4, 2}, std::array{0.f, 1.f, 1.f, 3.f, 2.f, 5.f, 3.f, 7.f}).value();
  const Pca pca = ComputePca(rows, 2).value();
  EXPECT_NEAR(pca.components.At(0), 1 / std::sqrt(5), 1e-7);
  EXPECT_NEAR(pca.components.At(1), 2 / std::sqrt(5), 1e-7);
  EXPECT_NEAR(pca.variance[0], 5 * 5.0 / 3, 1e-12);  // of 0,1,2,3: 5/3
  EXPECT_NEAR(pca.Explained(0), 1, 1e-12);
  EXPECT_EQ(pca.components.At(2), 0);  // there is no second direction
  EXPECT_EQ(pca.components.At(3), 0);
  EXPECT_NEAR(pca.coordinates.At(6), 1.5 * std::sqrt(5), 1e-6);
}

// Rows +-c e_d: the products of columns are 2 c^2 on the diagonal, three of them equal.
TEST(Pca, FindsEqualVariancesAsOftenAsTheyAreThere) {
  constexpr int64_t kWidth = 600;
  Tensor rows = Tensor::Zeros(DType::kF32, {2 * kWidth, kWidth}).value();
  const std::span<float> values = rows.mutable_values<float>();
  for (int64_t d = 0; d < kWidth; ++d) {
    const float length = d % 200 == 7 ? 4.f : 1.f + static_cast<float>(d) / kWidth;
    values[static_cast<size_t>(2 * d * kWidth + d)] = length;
    values[static_cast<size_t>((2 * d + 1) * kWidth + d)] = -length;
  }
  const auto pca = ComputePca(rows, 4);
  ASSERT_TRUE(pca.ok()) << pca.status();
  for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(pca->variance[i] * (2 * kWidth - 1), 32, 1e-6) << i;
  EXPECT_NEAR(pca->variance[3] * (2 * kWidth - 1), 2 * std::pow(1 + 599.0 / 600, 2), 1e-5);
  for (int64_t i = 0; i < 3; ++i) {
    for (int64_t j = 0; j < 3; ++j) {
      double product = 0;
      for (int64_t d = 0; d < kWidth; ++d) {
        product += pca->components.At(i * kWidth + d) * pca->components.At(j * kWidth + d);
      }
      EXPECT_NEAR(product, i == j, 1e-6);
    }
  }
}

TEST(Pca, SaysWhatIsWrong) {
  EXPECT_THAT(ComputePca(CorrelatedRows(3, 8), 4).status().message(),
              HasSubstr("expected 1 to 3 components of f32[3,8], got 4"));
  EXPECT_THAT(ComputePca(CorrelatedRows(1, 8), 1).status().message(), HasSubstr("got one"));
  EXPECT_THAT(ComputePca(Tensor(), 1).status().message(), HasSubstr("got nothing"));
  Tensor rows = CorrelatedRows(5, 3);
  rows.mutable_values<float>()[7] = std::nanf("");
  EXPECT_THAT(ComputePca(rows, 1).status().message(),
              HasSubstr("expected finite numbers, example 2 has nan"));
  EXPECT_THAT(
      Project(ComputePca(CorrelatedRows(5, 3), 1).value(), CorrelatedRows(5, 4)).status().message(),
      HasSubstr("expected rows of 3 numbers, got f32[5,4]"));
}

}  // namespace
}  // namespace weft
