#include "frontend/inspect/units/picture_losses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/inspect/probe.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// Maps that are not linear in the input: x -> tanh(conv(x)), f64.
Model CurvedNet(Dims extents = {2, 5, 4}) {
  Builder b({.seed = 3, .dtype = DType::kF64});
  const Value x = b.Input("image", {"N", extents[0], extents[1], extents[2]});
  b.Output("maps",
           b.Tanh(b.Conv2d(x, {.channels = 3, .kernel = 3, .name = "conv"}), {.name = "maps"}));
  return b.Build().value();
}

Tensor Waves(Dims dims, double phase = 1) {
  Tensor x = Tensor::Zeros(DType::kF64, std::move(dims)).value();
  const std::span<double> values = x.mutable_values<double>();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(1.7 * static_cast<double>(i) + phase);
  }
  return x;
}

std::unique_ptr<Probe> LossProbe(const Model& model, const std::string& at, Objectives loss) {
  auto probe = Probe::Create(model, {.at = {at}, .objectives = std::move(loss)});
  EXPECT_TRUE(probe.ok()) << probe.status();
  return *std::move(probe);
}

// The gradient of the first example's loss against central differences, for every element.
void ExpectDifferences(Probe& probe, const Tensor& x) {
  const Tensor one = Tensor::FromValues<double>({1, 1}, std::array{1.0}).value();
  const auto result = probe.Backward(x, std::array{one});
  ASSERT_TRUE(result.ok()) << result.status();
  const double step = 1e-5;
  for (int64_t i = 0; i < x.size(); ++i) {
    Tensor above = x, below = x;
    above.mutable_values<double>()[static_cast<size_t>(i)] += step;
    below.mutable_values<double>()[static_cast<size_t>(i)] -= step;
    const double difference =
        ((*probe.Values(above))[0].At(0) - (*probe.Values(below))[0].At(0)) / (2 * step);
    EXPECT_NEAR(result->gradients[0].At(i), difference, 1e-8 * (1 + std::abs(difference))) << i;
  }
}

Tensor Values(std::vector<double> values, Dims dims) {
  return Tensor::FromValues<double>(std::move(dims), values).value();
}

Model Plain(Dims extents) {
  Builder b({.dtype = DType::kF64});
  const Value x = b.Input("image", {"N", extents[0], extents[1], extents[2]});
  b.Output("same", b.Identity(x, {.name = "same"}));
  return b.Build().value();
}

TEST(PictureLosses, TotalVariationByHand) {
  const auto probe = LossProbe(Plain({1, 2, 3}), "image", [](Emitter& e, auto v) {
    return std::vector<Value>{TotalVariation(e, v[0])};
  });
  // Down: 3^2 + 0 + 3^2; right: 1 + 4 + 4 + 25; of 6 elements each. The second example is flat.
  const Tensor x = Values({1, 2, 4, 4, 2, 7, 5, 5, 5, 5, 5, 5}, {2, 1, 2, 3});
  const Tensor loss = (*probe->Values(x))[0];
  ASSERT_EQ(loss.dims(), (Dims{2, 1}));
  EXPECT_DOUBLE_EQ(loss.At(0), (9 + 0 + 9 + 1 + 4 + 4 + 25) / 6.0);
  EXPECT_DOUBLE_EQ(loss.At(1), 0);
}

TEST(PictureLosses, MeanSquareByHand) {
  const auto probe = LossProbe(Plain({1, 1, 3}), "image", [](Emitter& e, auto v) {
    return std::vector<Value>{MeanSquare(e, v[0])};
  });
  EXPECT_DOUBLE_EQ((*probe->Values(Values({1, -2, 4}, {1, 1, 1, 3})))[0].At(0), 7);
}

TEST(PictureLosses, GramMatrixByHand) {
  const auto probe = LossProbe(Plain({2, 1, 3}), "image", [](Emitter& e, auto v) {
    return std::vector<Value>{GramMatrix(e, v[0])};
  });
  // Rows (1,2,3) and (0,-1,1).
  const Tensor gram = (*probe->Values(Values({1, 2, 3, 0, -1, 1}, {1, 2, 1, 3})))[0];
  ASSERT_EQ(gram.dims(), (Dims{1, 2, 2}));
  EXPECT_DOUBLE_EQ(gram.At(0), 14 / 3.0);
  EXPECT_DOUBLE_EQ(gram.At(1), 1 / 3.0);
  EXPECT_DOUBLE_EQ(gram.At(2), 1 / 3.0);
  EXPECT_DOUBLE_EQ(gram.At(3), 2 / 3.0);
}

TEST(PictureLosses, RelativeDistanceByHand) {
  const Tensor target = Values({3, 0, 4}, {1, 1, 1, 3});
  const auto probe = LossProbe(Plain({1, 1, 3}), "image", [&](Emitter& e, auto v) {
    return std::vector<Value>{RelativeDistance(e, v[0], target)};
  });
  EXPECT_DOUBLE_EQ((*probe->Values(target))[0].At(0), 0);
  EXPECT_DOUBLE_EQ((*probe->Values(Values({3, 1, 2}, {1, 1, 1, 3})))[0].At(0), 5 / 25.0);
}

TEST(PictureLosses, TotalVariationsGradientIsTheFiniteDifference) {
  const auto probe = LossProbe(CurvedNet(), "maps", [](Emitter& e, auto v) {
    return std::vector<Value>{TotalVariation(e, v[0])};
  });
  ExpectDifferences(*probe, Waves({1, 2, 5, 4}));
}

TEST(PictureLosses, GramLosssGradientIsTheFiniteDifference) {
  const Model model = CurvedNet();
  const auto gram = LossProbe(
      model, "maps", [](Emitter& e, auto v) { return std::vector<Value>{GramMatrix(e, v[0])}; });
  const Tensor target = (*gram->Values(Waves({1, 2, 5, 4}, 2)))[0];
  const auto probe = LossProbe(model, "maps", [&](Emitter& e, auto v) {
    return std::vector<Value>{RelativeDistance(e, GramMatrix(e, v[0]), target)};
  });
  ExpectDifferences(*probe, Waves({1, 2, 5, 4}));
}

TEST(PictureLosses, WeightedTermsHaveTheGradientOfTheirSum) {
  const auto probe = LossProbe(CurvedNet(), "maps", [](Emitter& e, auto v) {
    const Value terms = JoinTerms(e, {MeanSquare(e, v[0]), TotalVariation(e, v[0])});
    return std::vector<Value>{e.Op("ReduceSum", {terms}, {{"axes", std::vector<int64_t>{1}}})};
  });
  ExpectDifferences(*probe, Waves({1, 2, 5, 4}));
}

TEST(PictureLosses, SayWhatDoesNotFit) {
  const Tensor zeros = Tensor::Zeros(DType::kF64, {1, 1, 1, 3}).value();
  const auto near_zero = Probe::Create(
      Plain({1, 1, 3}), {.at = {"image"}, .objectives = [&](Emitter& e, std::span<const Value> v) {
                           return std::vector<Value>{RelativeDistance(e, v[0], zeros)};
                         }});
  EXPECT_THAT(near_zero.status().message(), HasSubstr("it is zero everywhere"));
  const Tensor endless =
      Tensor::FromValues<double>({1, 1, 1, 3}, std::array{1.0, double{INFINITY}, 0.0}).value();
  const auto near_infinity = Probe::Create(
      Plain({1, 1, 3}), {.at = {"image"}, .objectives = [&](Emitter& e, std::span<const Value> v) {
                           return std::vector<Value>{RelativeDistance(e, v[0], endless)};
                         }});
  EXPECT_THAT(near_infinity.status().message(), HasSubstr("expected finite numbers"));
  Builder b({.dtype = DType::kF64});
  b.Output("same", b.Identity(b.Input("x", {"N", 3}), {.name = "same"}));
  const auto flat = Probe::Create(
      b.Build().value(), {.at = {"x"}, .objectives = [&](Emitter& e, std::span<const Value> v) {
                            return std::vector<Value>{GramMatrix(e, v[0])};
                          }});
  EXPECT_THAT(flat.status().message(), HasSubstr("expected maps [N,C,H,W], got f64[N,3]"));
}

}  // namespace
}  // namespace weft
