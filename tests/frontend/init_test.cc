// Initial values: moments, bounds, right angles, names.
#include "frontend/build/init.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "frontend/build/builder.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

struct Moments {
  double mean = 0, std = 0, largest = 0;
};

// Of [100,50,3,3]: fans 450 and 900.
const Dims kDims = {100, 50, 3, 3};

Moments MomentsOf(const Initializer& init) {
  const Tensor t = init.Make(DType::kF64, kDims, FansOf(kDims), 3, "w").value();
  Moments m;
  for (const double v : t.values<double>()) {
    m.mean += v;
    m.std += v * v;
    m.largest = std::max(m.largest, std::abs(v));
  }
  const auto n = static_cast<double>(t.size());
  m.mean /= n;
  m.std = std::sqrt(m.std / n - m.mean * m.mean);
  return m;
}

// 45,000 numbers: their deviation is within 1 % of the distribution's.
void ExpectNormal(const Initializer& init, double std) {
  const Moments m = MomentsOf(init);
  EXPECT_NEAR(m.mean, 0, 0.02 * std);
  EXPECT_NEAR(m.std, std, 0.01 * std);
  EXPECT_GT(m.largest, 3 * std);
}
void ExpectUniform(const Initializer& init, double std) {
  const Moments m = MomentsOf(init);
  EXPECT_NEAR(m.mean, 0, 0.02 * std);
  EXPECT_NEAR(m.std, std, 0.01 * std);
  EXPECT_LE(m.largest, std::sqrt(3) * std);
  EXPECT_GT(m.largest, 0.999 * std::sqrt(3) * std);
}

TEST(Init, VariancesFollowTheFans) {
  ExpectNormal(Initializer::HeNormal(), std::sqrt(2.0 / 450));
  ExpectUniform(Initializer::HeUniform(), std::sqrt(2.0 / 450));
  ExpectNormal(Initializer::HeNormal(Fan::kOut), std::sqrt(2.0 / 900));
  ExpectUniform(Initializer::HeUniform(Fan::kOut, 3), 3 / std::sqrt(900.0));
  ExpectNormal(Initializer::HeNormal(Fan::kIn, 0.5), 0.5 / std::sqrt(450.0));
  ExpectNormal(Initializer::LeCunNormal(), 1 / std::sqrt(450.0));
  ExpectUniform(Initializer::LeCunUniform(), 1 / std::sqrt(450.0));
  ExpectNormal(Initializer::XavierNormal(2), 2 * std::sqrt(2.0 / 1350));
  ExpectUniform(Initializer::XavierUniform(), std::sqrt(2.0 / 1350));
}

// The deviation of a normal distribution cut at two: sqrt(1 - 4 phi(2) / (2 Phi(2) - 1)).
TEST(Init, TheTruncatedNormalEndsAtTwoDeviations) {
  const double density = std::exp(-2.0) / std::sqrt(2 * std::numbers::pi);
  const double deviation = std::sqrt(1 - 4 * density / std::erf(std::numbers::sqrt2));
  EXPECT_NEAR(deviation, 0.8796, 1e-4);
  const Moments m = MomentsOf(Initializer::TruncatedNormal(0, 0.02));
  EXPECT_NEAR(m.std, 0.02 * deviation, 0.01 * 0.02);
  EXPECT_LE(m.largest, 0.04);
  EXPECT_GT(m.largest, 0.0399);
  EXPECT_NEAR(MomentsOf(Initializer::TruncatedNormal(1, 0.02)).mean, 1, 1e-3);
}

// gain^2 where a row or column meets itself, 0 where it meets another.
void ExpectOrthogonal(const Dims& dims, double gain) {
  const Tensor t =
      Initializer::Orthogonal(gain).Make(DType::kF64, dims, FansOf(dims), 1, "w").value();
  const auto v = t.values<double>();
  const auto rows = static_cast<size_t>(dims[0]);
  const size_t columns = v.size() / rows;
  const bool wide = rows <= columns;
  const size_t count = std::min(rows, columns), length = std::max(rows, columns);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j <= i; ++j) {
      double dot = 0;
      for (size_t k = 0; k < length; ++k) {
        dot += wide ? v[i * columns + k] * v[j * columns + k]
                    : v[k * columns + i] * v[k * columns + j];
      }
      EXPECT_NEAR(dot, i == j ? gain * gain : 0, 1e-12) << i << " " << j;
    }
  }
}

TEST(Init, OrthogonalWeightsKeepLengths) {
  ExpectOrthogonal({5, 12}, 1);
  ExpectOrthogonal({12, 5}, 2);
  ExpectOrthogonal({7, 7}, 1);
  ExpectOrthogonal({4, 3, 3, 3}, 0.5);
  EXPECT_THAT(MessageOf(Initializer::Orthogonal().Make(DType::kF32, {3}, {}, 1, "b").status()),
              HasSubstr("orthogonal initial values of b: expected a matrix, got [3]"));
}

TEST(Init, ValuesAreTaken) {
  const Tensor values = Tensor::FromValues<double>({2, 2}, std::vector<double>{1, 2, 3, 4}).value();
  Builder b;
  const Value w = b.Parameter("w", {2, 2}, {.init = Initializer::Values(values)});
  b.Output("y", b.MatMul(b.Input("x", {"N", 2}), w));
  const Model model = b.Build().value();
  EXPECT_EQ(LeafValue(*model.graph.Find("w")), values.Converted(DType::kF32).value());
  EXPECT_THAT(MessageOf(Initializer::Values(values).Make(DType::kF32, {4}, {}, 1, "w").status()),
              HasSubstr("initial values of w: expected [4], got [2,2]"));
}

TEST(Init, HaveTheNamesThatPeopleKnow) {
  const auto make = [](const Initializer& init) {
    return init.Make(DType::kF32, {4, 6}, FansOf({4, 6}), 2, "w").value();
  };
  const auto named = [&](const char* name) { return make(ParseInitializer(name).value()); };
  EXPECT_EQ(named("he_normal"), make(Initializer::HeNormal()));
  EXPECT_EQ(named("kaiming_uniform"), make(Initializer::HeUniform()));
  EXPECT_EQ(named("glorot_uniform"), make(Initializer::XavierUniform()));
  EXPECT_EQ(named("xavier_normal(1.5)"), make(Initializer::XavierNormal(1.5)));
  EXPECT_EQ(named("lecun_normal"), make(Initializer::LeCunNormal()));
  EXPECT_EQ(named("orthogonal(2)"), make(Initializer::Orthogonal(2)));
  EXPECT_EQ(named("truncated_normal(0, 0.02)"), make(Initializer::TruncatedNormal(0, 0.02)));
  EXPECT_EQ(named("uniform(-1,1)"), make(Initializer::Uniform(-1, 1)));
  EXPECT_EQ(named("zeros"), make(Initializer::Constant(0)));
  EXPECT_EQ(named("pytorch"), make(Initializer::PyTorch()));
  const auto error = [](const char* name) { return MessageOf(ParseInitializer(name).status()); };
  EXPECT_THAT(error("henormel"), HasSubstr("initializer \"henormel\": unknown; there are he_"));
  EXPECT_THAT(error("normal(1)"), HasSubstr("expected 2 to 2 numbers, got 1"));
  EXPECT_THAT(error("normal(1,a)"), HasSubstr("expected numbers in ()"));
  EXPECT_THAT(error("normal(0,nan)"), HasSubstr("expected numbers in ()"));
  EXPECT_THAT(error("normal(1,2"), HasSubstr("expected a ) at its end"));
}

}  // namespace
}  // namespace weft
