#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "autodiff/gradients.h"
#include "frontend/build/builder.h"
#include "ops/reference.h"
#include "passes/passes.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pointwise;
using ::testing::StartsWith;

using Build = std::function<Value(Builder&, Value)>;

// An f32 tensor of 1, 2, 3, …
Tensor Counting(const Dims& dims) {
  Tensor tensor = Tensor::Zeros(DType::kF32, dims).value();
  float next = 1;
  for (float& v : tensor.mutable_values<float>()) v = next++;
  return tensor;
}

// What the layer makes of x, by the reference kernels.
Tensor Forward(const Tensor& x, const Build& build, bool training = false) {
  Builder b;
  std::vector<Axis> axes;
  for (const int64_t d : x.dims()) axes.push_back(d);
  b.Output("y", build(b, b.Input("x", axes)));
  absl::StatusOr<Model> model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return Tensor();
  const auto graph = training ? ForTraining(model->graph) : ForInference(model->graph);
  EXPECT_TRUE(graph.ok()) << graph.status();
  const auto y = ReferenceEvaluator({.seed = 3}).RunGraph(*graph, {{"x", x}});
  EXPECT_TRUE(y.ok()) << y.status();
  return y.ok() ? y->at("y") : Tensor();
}

std::vector<double> Numbers(const Tensor& tensor) {
  std::vector<double> numbers;
  for (int64_t i = 0; i < tensor.size(); ++i) numbers.push_back(tensor.At(i));
  return numbers;
}

auto Near(std::vector<double> expected) {
  return Pointwise(::testing::DoubleNear(1e-5), std::move(expected));
}

std::string TypeOf(const Build& build, std::vector<Axis> x = {"N", 6, 8, 8}) {
  Builder b;
  const Value y = build(b, b.Input("x", std::move(x)));
  return y ? ToString(y.type()) : std::string(b.status().message());
}

const Tensor& Image() {  // 1 2 3 4 / 5 6 7 8 / 9 10 11 12 / 13 14 15 16
  static const Tensor& image = *new Tensor(Counting({1, 1, 4, 4}));
  return image;
}

TEST(PoolLayers, WindowsInOneTwoAndThreeDimensions) {
  EXPECT_THAT(
      Numbers(Forward(Image(), [](Builder& b, Value x) { return b.MaxPool2d(x, {.kernel = 2}); })),
      ElementsAre(6, 8, 14, 16));
  EXPECT_THAT(
      Numbers(Forward(Image(), [](Builder& b, Value x) { return b.MinPool2d(x, {.kernel = 2}); })),
      ElementsAre(1, 3, 9, 11));
  EXPECT_THAT(
      Numbers(Forward(Image(), [](Builder& b, Value x) { return b.AvgPool2d(x, {.kernel = 2}); })),
      ElementsAre(3.5, 5.5, 11.5, 13.5));
  const Tensor row = Counting({1, 1, 5});
  EXPECT_THAT(
      Numbers(Forward(row,
                      [](Builder& b, Value x) {
                        return b.MaxPool1d(x, {.kernel = 2, .stride = 3, .padding = {0, 1}});
                      })),
      ElementsAre(2, 5));
  EXPECT_THAT(Numbers(Forward(row,
                              [](Builder& b, Value x) {
                                return b.AvgPool1d(x, {.kernel = 2, .stride = 1, .dilation = 3});
                              })),
              ElementsAre(2.5, 3.5));
  EXPECT_THAT(Numbers(Forward(row,
                              [](Builder& b, Value x) {
                                return b.MinPool1d(x, {.kernel = 3, .stride = 2, .padding = 1});
                              })),
              ElementsAre(1, 2, 4));
  const Tensor cube = Counting({1, 1, 2, 2, 2});
  EXPECT_THAT(
      Numbers(Forward(cube, [](Builder& b, Value x) { return b.AvgPool3d(x, {.kernel = 2}); })),
      ElementsAre(4.5));
  EXPECT_THAT(Numbers(Forward(cube,
                              [](Builder& b, Value x) {
                                return b.MaxPool3d(x, {.kernel = {1, 2, 2}});
                              })),
              ElementsAre(4, 8));
  EXPECT_THAT(
      Numbers(Forward(cube, [](Builder& b, Value x) { return b.MinPool3d(x, {.kernel = 2}); })),
      ElementsAre(1));
}

TEST(PoolLayers, PaddingByNumbersAndByName) {
  const auto same = [](Builder& b, Value x) {
    return b.MaxPool2d(x, {.kernel = 3, .stride = 2, .padding = "same"});
  };
  EXPECT_EQ(TypeOf(same, {"N", 6, 7, 5}), "f32[N,6,4,3]");
  EXPECT_EQ(TypeOf([](Builder& b, Value x) {
              return b.MaxPool2d(x, {.kernel = 3, .stride = 1, .padding = {1, 0, 0, 2}});
            }),
            "f32[N,6,7,8]");
  EXPECT_EQ(TypeOf([](Builder& b, Value x) {
              return b.AvgPool2d(x, {.kernel = 3, .stride = 2, .padding = 1, .ceil_mode = true});
            }),
            "f32[N,6,5,5]");
  EXPECT_THAT(TypeOf([](Builder& b, Value x) {
                return b.MaxPool2d(x, {.kernel = 3, .padding = {1, 2, 3}});
              }),
              HasSubstr("expected 1, 2 or 4 paddings, got 3"));
  EXPECT_THAT(
      TypeOf([](Builder& b, Value x) { return b.MaxPool2d(x, {.kernel = 3, .padding = "full"}); }),
      HasSubstr("expected padding \"valid\", \"same\" or numbers, got \"full\""));
  EXPECT_THAT(
      TypeOf([](Builder& b, Value x) { return b.MaxPool2d(x, {.kernel = 2, .padding = 2}); }),
      HasSubstr("span of 2"));
}

TEST(PoolLayers, NormsAndOrderStatistics) {
  const Tensor row = Counting({1, 1, 4});
  EXPECT_THAT(
      Numbers(Forward(row, [](Builder& b, Value x) { return b.LpPool1d(x, {.kernel = 2}); })),
      Near({std::sqrt(5), 5}));
  EXPECT_THAT(
      Numbers(Forward(Image(),
                      [](Builder& b, Value x) { return b.LpPool2d(x, {.p = 1, .kernel = 4}); })),
      Near({136}));
  EXPECT_THAT(Numbers(Forward(Counting({1, 1, 1, 1, 2}),
                              [](Builder& b, Value x) {
                                return b.LpPool3d(x, {.p = 3, .kernel = {1, 1, 2}});
                              })),
              Near({std::cbrt(9)}));
  EXPECT_THAT(Numbers(Forward(Image(),
                              [](Builder& b, Value x) {
                                return b.MedianPool2d(x, {.kernel = 3, .stride = 1});
                              })),
              ElementsAre(6, 7, 10, 11));
}

TEST(PoolLayers, WeightedMeans) {
  EXPECT_THAT(
      Numbers(Forward(Image(),
                      [](Builder& b, Value x) {
                        return b.WeightedMeanPool2d(x, {.kernel = 2, .weights = {1, 1, 0, 2}});
                      })),
      Near({(1 + 2 + 2 * 6) / 4.0, (3 + 4 + 2 * 8) / 4.0, (9 + 10 + 2 * 14) / 4.0,
            (11 + 12 + 2 * 16) / 4.0}));
  // Learned ones begin as the average, and are positive however far they are moved.
  Builder b;
  b.Output("y", b.WeightedMeanPool2d(b.Input("x", {1, 1, 4, 4}), {.kernel = 2, .name = "mean"}));
  auto model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  ASSERT_NE(model->graph.Find("mean.weight"), nullptr);
  EXPECT_TRUE(IsTrainable(*model->graph.Find("mean.weight")));
  const auto y = ReferenceEvaluator().RunGraph(model->graph, {{"x", Image()}});
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_THAT(Numbers(y->at("y")), Near({3.5, 5.5, 11.5, 13.5}));
}

TEST(PoolLayers, MixesOfMaxAndAverage) {
  const auto mixed = [](double lambda, const char* mixing) -> Build {
    return [=](Builder& b, Value x) {
      return b.MixedPool2d(x, {.kernel = 4, .lambda = lambda, .mixing = mixing});
    };
  };
  EXPECT_THAT(Numbers(Forward(Image(), mixed(0.25, "fixed"))), Near({0.25 * 16 + 0.75 * 8.5}));
  EXPECT_THAT(Numbers(Forward(Image(), mixed(0.25, "learned"))), Near({0.25 * 16 + 0.75 * 8.5}));
  EXPECT_THAT(Numbers(Forward(Image(), mixed(0.25, "random"))), Near({0.25 * 16 + 0.75 * 8.5}));
  const double drawn = Numbers(Forward(Image(), mixed(0.5, "random"), /*training=*/true))[0];
  EXPECT_TRUE(drawn == 16 || drawn == 8.5) << drawn;
  EXPECT_THAT(Numbers(Forward(Image(), mixed(1, "random"), true)), Near({16}));
  EXPECT_THAT(Numbers(Forward(Image(), mixed(0, "random"), true)), Near({8.5}));
  EXPECT_EQ(TypeOf([](Builder& b, Value x) { return b.GatedPool2d(x, {.kernel = 2}); }),
            "f32[N,6,4,4]");
}

TEST(PoolLayers, GatesLieBetweenAverageAndMax) {
  const double y = Numbers(
      Forward(Image(), [](Builder& b, Value x) { return b.GatedPool2d(x, {.kernel = 4}); }))[0];
  EXPECT_GE(y, 8.5);
  EXPECT_LE(y, 16);
}

TEST(PoolLayers, RandomPoolingsTakeTheirExpectationInInference) {
  const Build stochastic = [](Builder& b, Value x) { return b.StochasticPool2d(x, {.kernel = 2}); };
  EXPECT_THAT(Numbers(Forward(Counting({1, 1, 2, 2}), stochastic)),
              Near({(1 + 4 + 9 + 16) / 10.0}));
  const double drawn = Numbers(Forward(Counting({1, 1, 2, 2}), stochastic, true))[0];
  EXPECT_THAT((std::vector<double>{1, 2, 3, 4}), ::testing::Contains(drawn));
  const Build tournament = [](Builder& b, Value x) {
    return b.TournamentPool2d(x, {.contestants = 2, .kernel = 2});
  };
  // Of the pairs 12 13 14 23 24 34.
  EXPECT_THAT(Numbers(Forward(Counting({1, 1, 2, 2}), tournament)),
              Near({(2 + 3 + 4 + 3 + 4 + 4) / 6.0}));
  EXPECT_GE(Numbers(Forward(Counting({1, 1, 2, 2}), tournament, true))[0], 2);
}

TEST(PoolLayers, FractionalPoolings) {
  const Build fractional = [](Builder& b, Value x) {
    return b.FractionalMaxPool2d(x, {.output_size = 3});
  };
  // Rows and columns [0,1), [1,2), [2,4).
  EXPECT_THAT(Numbers(Forward(Image(), fractional)), ElementsAre(1, 2, 4, 5, 6, 8, 13, 14, 16));
  EXPECT_EQ(Forward(Image(), fractional, true).size(), 9);
  EXPECT_EQ(TypeOf([](Builder& b, Value x) { return b.FractionalMaxPool2d(x, {.ratio = 1.5}); }),
            "f32[N,6,5,5]");
}

TEST(PoolLayers, GlobalPoolings) {
  const Tensor x = Counting({1, 2, 1, 2});
  EXPECT_THAT(Numbers(Forward(x, [](Builder& b, Value v) { return b.GlobalAvgPool(v); })),
              ElementsAre(1.5, 3.5));
  EXPECT_THAT(Numbers(Forward(x, [](Builder& b, Value v) { return b.GlobalMaxPool(v); })),
              ElementsAre(2, 4));
  EXPECT_THAT(Numbers(Forward(x, [](Builder& b, Value v) { return b.GlobalLpPool(v); })),
              Near({std::sqrt(5), 5}));
  EXPECT_THAT(Numbers(Forward(x, [](Builder& b, Value v) { return b.GlobalLpPool(v, {.p = 1}); })),
              Near({3, 7}));
  EXPECT_THAT(Numbers(Forward(x, [](Builder& b, Value v) { return b.GlobalLpPool(v, {.p = 3}); })),
              Near({std::cbrt(9), std::cbrt(91)}));
  EXPECT_EQ(TypeOf([](Builder& b, Value v) { return b.GlobalMaxPool(v, {.keep_dims = true}); }),
            "f32[N,6,1,1]");
  EXPECT_EQ(TypeOf([](Builder& b, Value v) { return b.GlobalAvgPool(v); }, {"N", 6, 5}),
            "f32[N,6]");
}

// The extents decide between one window and powers of its elements.
TEST(PoolLayers, GlobalNormsOfKnownAndUnknownExtents) {
  const auto norm = [](Builder& b, Value v) { return b.GlobalLpPool(v, {.p = 3}); };
  const auto kept = [](Builder& b, Value v) {
    return b.GlobalLpPool(v, {.p = 3, .keep_dims = true});
  };
  for (const Axis& height : {Axis(8), Axis("H")}) {
    EXPECT_EQ(TypeOf(norm, {"N", 6, height, 8}), "f32[N,6]");
    EXPECT_EQ(TypeOf(kept, {"N", 6, height, 8}), "f32[N,6,1,1]");
  }
  const Tensor large = *Tensor::FromValues<float>(
      {1, 1, 2}, std::vector<float>{3e20f, -4e20f});  // cubes are no floats
  EXPECT_NEAR(Numbers(Forward(large, norm))[0] / 1e20, std::cbrt(91), 1e-5);
}

TEST(PoolLayers, HaveNoGradientBeforeTheModeIsKnown) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 4, 4});
  b.Output("y", b.StochasticPool2d(x, {.kernel = 2}));
  absl::StatusOr<Model> model = b.Build();
  ASSERT_TRUE(model.ok()) << model.status();
  Graph& graph = model->graph;
  const std::vector<Value> y = {graph.outputs()[0].value}, of = {graph.Find("x")->output()};
  EXPECT_THAT(std::string(Gradients(graph, y, of, y).status().message()), HasSubstr("ForTraining"));
}

TEST(PoolLayers, AdaptivePoolings) {
  EXPECT_THAT(Numbers(Forward(
                  Counting({1, 1, 5}),
                  [](Builder& b, Value x) { return b.AdaptiveAvgPool1d(x, {.output_size = 3}); })),
              ElementsAre(1.5, 3, 4.5));  // 1 2, 2 3 4, 4 5
  EXPECT_THAT(Numbers(Forward(
                  Counting({1, 1, 5}),
                  [](Builder& b, Value x) { return b.AdaptiveMaxPool1d(x, {.output_size = 3}); })),
              ElementsAre(2, 4, 5));
  EXPECT_EQ(TypeOf(
                [](Builder& b, Value x) {
                  return b.AdaptiveMaxPool2d(x, {.output_size = {2, 3}});
                },
                {"N", 6, "H", "W"}),
            "f32[N,6,2,3]");
  EXPECT_EQ(TypeOf([](Builder& b, Value x) { return b.AdaptiveMaxPool3d(x, {.output_size = 2}); },
                   {"N", 6, 3, 4, 5}),
            "f32[N,6,2,2,2]");
  EXPECT_EQ(TypeOf([](Builder& b, Value x) { return b.AdaptiveAvgPool3d(x, {.output_size = 2}); },
                   {"N", 6, 3, 4, 5}),
            "f32[N,6,2,2,2]");
}

TEST(PoolLayers, AdaptiveAveragesOfExtentsThatDivideArePlainOnes) {
  for (const int64_t size : {2, 3}) {
    Builder b;
    const Value y =
        b.AdaptiveAvgPool2d(b.Input("x", {"N", 1, 4, 4}), {.output_size = size, .name = "pool"});
    ASSERT_TRUE(y) << b.status();
    EXPECT_EQ(y.node->op_name(), size == 2 ? "AveragePool" : "AdaptiveAveragePool");
    EXPECT_EQ(y.node->name(), "pool");
  }
}

TEST(PoolLayers, SpatialPyramids) {
  const Tensor y = Forward(Image(), [](Builder& b, Value x) {
    return b.SpatialPyramidPool(x, {.levels = {1, 2}});
  });
  EXPECT_EQ(y.dims(), (Dims{1, 5}));
  EXPECT_THAT(Numbers(y), ElementsAre(16, 6, 8, 14, 16));
  EXPECT_EQ(TypeOf([](Builder& b, Value x) { return b.SpatialPyramidPool(x); }, {"N", 3, 13, 9}),
            "f32[N,63]");
}

TEST(PoolLayers, UnpoolingPutsMaximaBack) {
  const Build there_and_back = [](Builder& b, Value x) {
    const PooledMaxima pooled = b.MaxPool2dWithIndices(x, {.kernel = 2});
    return b.MaxUnpool2d(pooled.values, pooled.indices, {.kernel = 2});
  };
  EXPECT_THAT(Numbers(Forward(Image(), there_and_back)),
              ElementsAre(0, 0, 0, 0, 0, 6, 0, 8, 0, 0, 0, 0, 0, 14, 0, 16));
  const Build odd = [](Builder& b, Value x) {
    const PooledMaxima pooled = b.MaxPool1dWithIndices(x, {.kernel = 2});
    return b.MaxUnpool1d(pooled.values, pooled.indices, {.kernel = 2, .output_size = 5});
  };
  EXPECT_THAT(Numbers(Forward(Counting({1, 1, 5}), odd)), ElementsAre(0, 2, 0, 4, 0));
  const Build cube = [](Builder& b, Value x) {
    const PooledMaxima pooled = b.MaxPool3dWithIndices(x, {.kernel = 2});
    return b.MaxUnpool3d(pooled.values, pooled.indices, {.kernel = 2});
  };
  EXPECT_THAT(Numbers(Forward(Counting({1, 1, 2, 2, 2}), cube)),
              ElementsAre(0, 0, 0, 0, 0, 0, 0, 8));
}

std::string ErrorOf(const Build& build) {
  Builder b;
  build(b, b.Input("x", {"N", 6, 8, 8}));
  return std::string(b.status().message());
}

TEST(PoolLayers, MistakesAreErrorsWithTheirCallSite) {
  Builder b;
  const Value x = b.Input("x", {"N", 6, 8, 8});
  const int line = __LINE__ + 1;
  EXPECT_FALSE(b.MedianPool2d(x, {.kernel = 9}));
  EXPECT_THAT(std::string(b.status().message()),
              StartsWith("frontend/layers_pool_test.cc:" + std::to_string(line) + ": "));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { return b.MaxPool1d(x, {.kernel = 2}); }),
              HasSubstr("expected an input [N,C,L], got f32[N,6,8,8]"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                return b.AvgPool2d(x, {.kernel = {2, 0}});
              }),
              HasSubstr("expected a kernel of at least 1, got 0"));
  EXPECT_THAT(
      ErrorOf([](Builder& b, Value x) { return b.MinPool2d(x, {.kernel = 2, .stride = -1}); }),
      HasSubstr("expected a stride of at least 0, got -1"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                return b.WeightedMeanPool2d(x, {.kernel = 2, .weights = {1, 2, 3}});
              }),
              HasSubstr("expected 4 weights, got 3"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                return b.WeightedMeanPool2d(x, {.kernel = 2, .weights = {1, 2, 3, -1}});
              }),
              HasSubstr("expected weights of at least 0"));
  EXPECT_THAT(
      ErrorOf([](Builder& b, Value x) { return b.MixedPool2d(x, {.kernel = 2, .lambda = 1.5}); }),
      HasSubstr("expected lambda in [0,1], got 1.5"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) {
                return b.MixedPool2d(x, {.kernel = 2, .mixing = "often"});
              }),
              HasSubstr("got \"often\""));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { return b.FractionalMaxPool2d(x, {}); }),
              HasSubstr("expected either output_size or ratio, got neither"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { return b.AdaptiveMaxPool2d(x, {}); }),
              HasSubstr("expected an output_size of at least 1, got 0"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { return b.SpatialPyramidPool(x, {.levels = {}}); }),
              HasSubstr("expected at least one level"));
  for (const std::vector<double>& weights : {std::vector<double>{}, std::vector<double>{1}}) {
    EXPECT_THAT(ErrorOf([&](Builder& b, Value x) {
                  return b.WeightedMeanPool2d(
                      x, {.kernel = {int64_t{1} << 40, int64_t{1} << 40}, .weights = weights});
                }),
                HasSubstr("expected kernel_shape of at most 2147483647"));
  }
  EXPECT_THAT(ErrorOf([](Builder& b, Value) { return b.GlobalLpPool({}, {.p = 3}); }),
              HasSubstr("expected an input [N,C,spatial axes...], got none"));
  EXPECT_THAT(ErrorOf([](Builder& b, Value x) { return b.MaxUnpool2d(x, {}, {.kernel = 2}); }),
              HasSubstr("MaxUnpool"));
}

}  // namespace
}  // namespace weft
