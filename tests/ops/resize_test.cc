// Resize: the values of ONNX's node tests.

#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::ElementsAre;

constexpr double kTolerance = 1e-6;

Tensor Scales(std::initializer_list<float> scales) {
  return F32({static_cast<int64_t>(scales.size())}, scales);
}
Tensor Sizes(std::initializer_list<int64_t> sizes) {
  return I64({static_cast<int64_t>(sizes.size())}, sizes);
}

Tensor Resized(std::vector<Tensor> inputs, AttributeMap attributes = {}) {
  return RunOp("Resize", std::move(inputs), std::move(attributes), {.constants = true});
}

AttributeMap Mode(const char* mode, const char* coordinates = "half_pixel") {
  return {{"mode", mode}, {"coordinate_transformation_mode", coordinates}};
}

// 1 to n.
Tensor FromOne(Dims dims) {
  Tensor x = Counting(std::move(dims));
  for (double& v : x.mutable_values<double>()) v += 1;
  return x;
}

std::vector<double> FirstRow(const Tensor& tensor) {
  std::vector<double> numbers = Numbers(tensor);
  numbers.resize(static_cast<size_t>(tensor.dims().back()));
  return numbers;
}

TEST(ResizeTest, NearestRepeats) {
  const Tensor x = U8({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(Resized({x, {}, Scales({2, 3})}),
            U8({4, 6}, {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4}));
  const std::vector<double> column = Numbers(Resized({FromOne({2, 1}), {}, {}, Sizes({7, 1})}));
  EXPECT_EQ(column, (std::vector<double>{1, 1, 1, 1, 2, 2, 2}));
  EXPECT_THAT(Numbers(Resized({FromOne({2, 4}), {}, Scales({0.6f, 0.6f})})), ElementsAre(1, 3));
}

TEST(ResizeTest, NearestRoundsAsAsked) {
  const auto row = [](const char* coordinates, const char* rounding) {
    AttributeMap attributes = Mode("nearest", coordinates);
    attributes["nearest_mode"] = rounding;
    return FirstRow(Resized({FromOne({1, 4}), {}, {}, Sizes({1, 8})}, attributes));
  };
  EXPECT_THAT(row("align_corners", "floor"), ElementsAre(1, 1, 1, 2, 2, 3, 3, 4));
  EXPECT_THAT(row("asymmetric", "round_prefer_ceil"), ElementsAre(1, 2, 2, 3, 3, 4, 4, 4));
  EXPECT_THAT(row("half_pixel", "ceil"), ElementsAre(1, 2, 2, 3, 3, 4, 4, 4));
  EXPECT_THAT(row("asymmetric", "round_prefer_floor"), ElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
}

// 9 * 14 / 18 is 7, 6 / 1.2 is 5, and 3.5 / 0.7 - 0.5 is 4.5, whatever they are when rounded on the
// way.
TEST(ResizeTest, PlacesThatAreWholeComeOutWhole) {
  AttributeMap floor = Mode("nearest", "asymmetric");
  floor["nearest_mode"] = "floor";
  EXPECT_EQ(Resized({Counting({14}), {}, {}, Sizes({18})}, floor).At(9), 7);
  EXPECT_EQ(Resized({Counting({10}), {}, Scales({1.2f})}, floor).At(6), 5);
  EXPECT_EQ(Resized({Counting({10}), {}, Scales({0.7f})}).At(3), 4);
}

TEST(ResizeTest, InterpolatedPlacesLieAtADistanceInSinglePrecision) {
  const std::vector<double> y =
      Numbers(Resized({FromOne({1, 20}), {}, {}, Sizes({1, 78})}, Mode("linear")));
  const double exact = 74.5 * 20 / 78 + 0.5;
  EXPECT_NEAR(y[74] - exact, 74.5 * (static_cast<double>(20.0f / 78.0f) - 20.0 / 78), 1e-12);
  EXPECT_GT(y[74] - exact, 1e-6);
  const std::vector<double> whole =
      Numbers(Resized({FromOne({1, 20}), {}, {}, Sizes({1, 60})}, Mode("linear")));
  EXPECT_EQ(whole[1], 1);  // 1.5 / 3 - 0.5, though a third is none in f32
}

TEST(ResizeTest, NothingOnTheWayIsLargerThanBothEnds) {
  const int64_t n = int64_t{1} << 18;  // n x n would be too much
  Tensor x = Counting({1, n});
  const Tensor y = Resized({x, {}, {}, Sizes({n, 1})}, Mode("linear", "align_corners"));
  EXPECT_EQ(y.dims(), (Dims{n, 1}));
  EXPECT_EQ(y.At(n - 1), 0);
}

TEST(ResizeTest, LinearInBothCornerConventions) {
  const Tensor x = FromOne({1, 1, 2, 2});
  const Tensor twice = Scales({1, 1, 2, 2});
  EXPECT_THAT(Resized({x, {}, twice}, Mode("linear")),
              NumbersAre(std::vector<double>{1, 1.25, 1.75, 2, 1.5, 1.75, 2.25, 2.5, 2.5, 2.75,
                                             3.25, 3.5, 3, 3.25, 3.75, 4},
                         kTolerance));
  const double t = 1.0 / 3;
  EXPECT_THAT(Resized({x, {}, twice}, Mode("linear", "align_corners")),
              NumbersAre(std::vector<double>{1, 1 + t, 2 - t, 2, 2 - t, 2, 2 + t, 3 - t, 2 + t,
                                             3 - t, 3, 3 + t, 3, 3 + t, 4 - t, 4},
                         kTolerance));
  EXPECT_THAT(Resized({FromOne({2, 4}), {}, Scales({0.6f, 0.6f})}, Mode("linear")),
              NumbersAre(std::vector<double>{2.6666665, 4.3333331}, kTolerance));
}

// Of 2 * 1.75 = 3.5 elements there are 3, the last of which lies in the corner. (ONNX's suite puts
// the last of 3.5 there; PyTorch, ONNX Runtime and TensorRT do not.)
TEST(ResizeTest, CornersAreAlignedWithTheElementsThatThereAre) {
  const Tensor line = FromOne({1, 1, 5});
  const auto row = [&](const char* mode) {
    AttributeMap attributes = Mode(mode, "align_corners");
    attributes["nearest_mode"] = "floor";
    return Numbers(Resized({line, {}, Scales({1, 1, 1.5f})}, attributes));
  };
  const double t = 2.0 / 3;  // 7 elements for 5
  EXPECT_THAT(row("linear"),
              testing::Pointwise(testing::DoubleNear(kTolerance),
                                 std::vector<double>{1, 1 + t, 1 + 2 * t, 3, 3 + t, 3 + 2 * t, 5}));
  EXPECT_THAT(row("nearest"), ElementsAre(1, 1, 2, 3, 3, 4, 5));
  const std::vector<double> cubic = row("cubic");
  EXPECT_NEAR(cubic[0], 1, kTolerance);
  EXPECT_NEAR(cubic[3], 3, kTolerance);
  EXPECT_NEAR(cubic[6], 5, kTolerance);
  EXPECT_THAT(Resized({FromOne({2, 2}), {}, Scales({1.75f, 1})}, Mode("linear", "align_corners")),
              NumbersAre(std::vector<double>{1, 2, 2, 3, 3, 4}, kTolerance));
  EXPECT_THAT(Numbers(Resized({FromOne({2, 2, 2}), {}, Scales({1.75f, 1.4f, 1.9f})},
                              Mode("linear", "align_corners"))),
              testing::Pointwise(testing::DoubleNear(kTolerance),
                                 std::vector<double>{1, 1.5, 2, 3, 3.5, 4, 3, 3.5, 4, 5, 5.5, 6, 5,
                                                     5.5, 6, 7, 7.5, 8}));
  // Down to one element it is the first.
  EXPECT_THAT(Resized({FromOne({2, 4}), {}, Scales({0.6f, 0.6f})}, Mode("linear", "align_corners")),
              NumbersAre(std::vector<double>{1, 4}, kTolerance));
}

// The other conventions place by the scale itself, whatever is left over.
TEST(ResizeTest, WithoutCornersPlacesFollowTheScale) {
  const auto row = [](const char* coordinates) {
    return Numbers(Resized({FromOne({1, 5}), {}, Scales({1, 1.5f})}, Mode("linear", coordinates)));
  };
  std::vector<double> centers, edges;
  for (int o = 0; o < 7; ++o) {
    centers.push_back(std::clamp(1 + (o + 0.5) / 1.5 - 0.5, 1.0, 5.0));
    edges.push_back(std::min(1 + o / 1.5, 5.0));
  }
  const auto near = [](const std::vector<double>& expected) {
    return testing::Pointwise(testing::DoubleNear(kTolerance), expected);
  };
  EXPECT_THAT(row("half_pixel"), near(centers));
  EXPECT_THAT(row("pytorch_half_pixel"), near(centers));
  EXPECT_THAT(row("asymmetric"), near(edges));
}

// ONNX: 5 elements by 0.5 are 2.5, of which 2 are left: their middle is the image's, 2.
TEST(ResizeTest, HalfPixelSymmetricKeepsTheMiddle) {
  const AttributeMap symmetric = Mode("linear", "half_pixel_symmetric");
  EXPECT_THAT(Resized({Counting({5}), {}, Scales({0.5f})}, symmetric),
              NumbersAre(std::vector<double>{1, 3}, kTolerance));
  EXPECT_THAT(Resized({Counting({5}), {}, Scales({0.5f})}, Mode("linear")),
              NumbersAre(std::vector<double>{0.5, 2.5}, kTolerance));
  EXPECT_EQ(Resized({Counting({5}), {}, {}, Sizes({7})}, symmetric),
            Resized({Counting({5}), {}, {}, Sizes({7})}, Mode("linear")));
}

TEST(ResizeTest, PyTorchHalfPixelTakesTheCornerForOneElement) {
  EXPECT_THAT(
      Resized({FromOne({4, 4}), {}, {}, Sizes({3, 1})}, Mode("linear", "pytorch_half_pixel")),
      NumbersAre(std::vector<double>{1 + 2.0 / 3, 7, 12 + 1.0 / 3}, kTolerance));
}

TEST(ResizeTest, CubicWeights) {
  const Tensor x = FromOne({4, 4});
  EXPECT_THAT(FirstRow(Resized({x, {}, Scales({2, 2})}, Mode("cubic"))),
              testing::Pointwise(testing::DoubleNear(kTolerance),
                                 {0.47265625, 0.76953125, 1.24609375, 1.875, 2.28125, 2.91015625,
                                  3.38671875, 3.68359375}));
  AttributeMap keys = Mode("cubic");
  keys["cubic_coeff_a"] = -0.5;
  keys["exclude_outside"] = 1;
  EXPECT_THAT(FirstRow(Resized({x, {}, Scales({2, 2})}, keys)),
              testing::Pointwise(testing::DoubleNear(1e-5),
                                 {0.55882353, 0.81494204, 1.35698249, 1.89705882, 2.39705882,
                                  2.93713516, 3.47917561, 3.73529412}));
}

TEST(ResizeTest, CropsARegion) {
  const Tensor x = FromOne({1, 1, 4, 4});
  AttributeMap crop = Mode("linear", "tf_crop_and_resize");
  const Tensor inside = F64({8}, {0, 0, 0.4, 0.6, 1, 1, 0.6, 0.8});
  EXPECT_THAT(
      Resized({x, inside, {}, Sizes({1, 1, 3, 3})}, crop),
      NumbersAre(std::vector<double>{7.6, 7.9, 8.2, 8.8, 9.1, 9.4, 10, 10.3, 10.6}, kTolerance));
  crop["extrapolation_value"] = 10.0;
  const Tensor beyond = F64({8}, {0, 0, 0.4, 0.6, 1, 1, 1.2, 1.7});
  EXPECT_THAT(Resized({x, beyond, {}, Sizes({1, 1, 3, 3})}, crop),
              NumbersAre(std::vector<double>{7.6, 10, 10, 12.4, 10, 10, 10, 10, 10}, kTolerance));
}

TEST(ResizeTest, TheGradientGoesBackByTheWeights) {
  const Tensor dy = F64({1, 4}, {1, 2, 3, 4});
  const auto dx = [&](AttributeMap attributes) {
    return Numbers(RunOp("ResizeGrad", {dy, Counting({1, 2}), {}, {}, Sizes({1, 4})},
                         std::move(attributes), {.constants = true}));
  };
  EXPECT_THAT(dx(Mode("nearest")), ElementsAre(3, 7));
  // 1, 0.75 | 0.25, 0.25 | 0.75, 1
  EXPECT_THAT(dx(Mode("linear")), ElementsAre(1 + 1.5 + 0.75, 0.5 + 2.25 + 4));
}

TEST(ResizeTest, InfersSymbols) {
  Graph graph(StandardOps());
  const Value x = *graph.AddInput("x", F32Type({"N", "3", "H", "8"}));
  const Value scales = *graph.AddConstant("scales", Scales({1, 1, 2, 1.5f}));
  const auto node = graph.AddNode({.op = "Resize", .name = "up", .inputs = {x, {}, scales}});
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(ToString((*node)->type()), "f32[N,3,2*H,12]");
  const Value sizes = *graph.AddConstant("sizes", Sizes({5, 6}));
  const auto sized = graph.AddNode({.op = "Resize",
                                    .name = "sized",
                                    .inputs = {x, {}, {}, sizes},
                                    .attributes = {{"axes", Ints{2, 3}}}});
  ASSERT_TRUE(sized.ok()) << sized.status();
  EXPECT_EQ(ToString((*sized)->type()), "f32[N,3,5,6]");
}

TEST(ResizeTest, ScalesAreMultipliedInSinglePrecision) {
  EXPECT_EQ(Resized({Counting({10}), {}, Scales({0.7f})}).dims(), (Dims{7}));
}

}  // namespace
}  // namespace weft
