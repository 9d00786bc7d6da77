#include "frontend/inspect/attribution/attribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "frontend/build/builder.h"
#include "frontend/inspect/attribution/attribution_common.h"
#include "frontend/inspect/attribution/map_layers.h"
#include "frontend/inspect/planes.h"
#include "testing_attribution.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Attribution, GradientIsTheFiniteDifferenceInF64) {
  const Model model = CurvedNet(DType::kF64);
  const Tensor x = Waves({1, 2, 8, 8});
  const auto what = GradientAttribution(model, x, {.target = 1});
  ASSERT_TRUE(what.ok()) << what.status();
  EXPECT_EQ(what->elements.dims(), (Dims{2, 8, 8}));
  EXPECT_EQ(what->map.dims(), (Dims{8, 8}));
  const Tensor wide = *x.Converted(DType::kF64);
  const double step = 1e-6;
  for (const int64_t i : {0, 9, 37, 64, 100, 127}) {
    Tensor above = wide, below = wide;
    above.mutable_values<double>()[static_cast<size_t>(i)] += step;
    below.mutable_values<double>()[static_cast<size_t>(i)] -= step;
    const double difference = (ScoreOf(model, above, 1) - ScoreOf(model, below, 1)) / (2 * step);
    EXPECT_NEAR(what->elements.At(i), difference, 1e-6) << i;
  }
  for (int64_t i = 0; i < 64; ++i) {
    EXPECT_EQ(what->map.At(i),
              std::max(std::abs(what->elements.At(i)), std::abs(what->elements.At(64 + i))));
  }
  const auto times = GradientTimesInput(model, x, {.target = 1});
  ASSERT_TRUE(times.ok()) << times.status();
  for (int64_t i = 0; i < 64; ++i) {
    EXPECT_NEAR(times->map.At(i),
                x.At(i) * what->elements.At(i) + x.At(64 + i) * what->elements.At(64 + i), 1e-6);
  }
}

// Grad-CAM's weights are the means over places of d score / d map. In f64: each map is moved by
// what is added to a network's input behind which the layer stands.
TEST(Attribution, GradCamWeighsByFiniteDifferencesInF64) {
  Builder b({.seed = 4, .dtype = DType::kF64});
  Value h = b.Input("maps", {"N", 3, 4, 4});
  h = b.Identity(h, {.name = "layer"});
  h = b.Silu(b.Conv2d(h, {.channels = 4, .kernel = 3}));
  b.Output("scores", b.Linear(b.Flatten(h), {.features = 2}));
  const Model model = b.Build().value();
  const Tensor maps = Waves({1, 3, 4, 4});
  const auto what = GradCam(model, maps, {.at = "layer", .target = 1});
  ASSERT_TRUE(what.ok()) << what.status();
  const Tensor wide = *maps.Converted(DType::kF64);
  const double step = 1e-6;
  std::vector<double> expected(16);
  for (int64_t c = 0; c < 3; ++c) {
    double weight = 0;
    for (int64_t i = c * 16; i < (c + 1) * 16; ++i) {
      Tensor above = wide, below = wide;
      above.mutable_values<double>()[static_cast<size_t>(i)] += step;
      below.mutable_values<double>()[static_cast<size_t>(i)] -= step;
      weight += (ScoreOf(model, above, 1) - ScoreOf(model, below, 1)) / (2 * step) / 16;
    }
    for (int64_t i = 0; i < 16; ++i) {
      expected[static_cast<size_t>(i)] += weight * maps.At(c * 16 + i);
    }
  }
  for (int64_t i = 0; i < 16; ++i) {
    EXPECT_NEAR(what->map.At(i), std::max(expected[static_cast<size_t>(i)], 0.0), 1e-6) << i;
  }
}

TEST(Attribution, GradCamTakesTheLastMapsUnlessALayerIsNamed) {
  const Model model = PooledNet();
  const Tensor x = Waves({1, 2, 8, 8});
  const Attribution last = *GradCam(model, x), named = *GradCam(model, x, {.at = "relu2"});
  EXPECT_EQ(last.map, named.map);
  EXPECT_EQ(last.layer, "relu2");
  EXPECT_EQ(last.map.dims(), (Dims{8, 8}));
  EXPECT_TRUE(last.elements.is_empty());
  EXPECT_FALSE(*GradCam(model, x, {.at = "conv1"})->map.values<float>().begin() < 0);
  EXPECT_THAT(GradCam(model, x, {.at = "conv3"}).status().message(),
              HasSubstr("no layer is called conv3, did you mean conv1?"));
  EXPECT_THAT(GradCam(model, x, {.at = "fc"}).status().message(),
              HasSubstr("expected a layer with maps between input and scores, such as relu2"));
  std::vector<std::string> names;
  const std::vector<const Node*> layers = LayersWithMaps(model.graph).value();
  for (const Node* layer : layers) names.push_back(layer->name());
  EXPECT_THAT(names, ElementsAre("conv1", "relu1", "conv2", "relu2"));
}

// Selvaraju et al. 2017, section 3.1: where CAM applies, Grad-CAM's sum is CAM's over the number of
// places.
TEST(Attribution, CamIsGradCamUpToScale) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const Model model = PooledNet(dtype);
    const Tensor x = Waves({1, 2, 8, 8});
    for (const int64_t target : {0, 1, 2}) {
      const auto cam = ClassActivationMap(model, x, {.target = target});
      const auto grad_cam = GradCam(model, x, {.target = target});
      ASSERT_TRUE(cam.ok()) << cam.status();
      ASSERT_TRUE(grad_cam.ok()) << grad_cam.status();
      const Tensor maps =
          (*Probe::Create(model, {.at = {"relu2"}, .towards = {}}).value()->Values(x))[0];
      ASSERT_EQ(maps.dims(), (Dims{1, 6, 4, 4}));
      // At the layer's own size there is no resizing between Grad-CAM's rectifier and this.
      const Tensor& weights = LeafValue(*model.graph.Find("fc.weight"));
      std::vector<double> row;
      for (int64_t c = 0; c < 6; ++c) row.push_back(weights.At(target * 6 + c));
      Tensor sum = *WeightedMaps(maps, row);
      EXPECT_EQ(cam->map, *ResizedPlanes(sum, 8, 8));
      for (float& v : sum.mutable_values<float>()) v = std::max(v, 0.0f) / 16;
      const Tensor expected = *ResizedPlanes(sum, 8, 8);
      for (int64_t i = 0; i < 64; ++i) EXPECT_NEAR(grad_cam->map.At(i), expected.At(i), 1e-6);
    }
  }
}

TEST(Attribution, CamSaysWhatTheNetworkLacks) {
  const Tensor x = Waves({1, 2, 8, 8});
  EXPECT_THAT(ClassActivationMap(CurvedNet(DType::kF32), x).status().message(),
              HasSubstr("relu2 (Relu) is no global average pooling"));
  EXPECT_THAT(ClassActivationMap(PooledNet(), x, {.at = "relu1"}).status().message(),
              HasSubstr("expected the layer that is pooled, relu2, got relu1"));
  Builder b;
  const Value h = b.Conv2d(b.Input("x", {"N", 1, 4, 4}), {.channels = 2, .kernel = 3});
  b.Output("y", b.Relu(b.Linear(b.GlobalAvgPool(h), {.features = 2}), {.name = "top"}));
  EXPECT_THAT(ClassActivationMap(b.Build().value(), Waves({1, 1, 4, 4})).status().message(),
              HasSubstr("top (Relu) is no linear layer"));
}

// A window at a time by hand, one inference each.
TEST(Attribution, OcclusionIsWhatMaskedInferencesLose) {
  const Model model = CurvedNet(DType::kF32);
  const Tensor x = Waves({1, 2, 8, 8});
  const auto what =
      Occlusion(model, x, {.target = 2, .window = 3, .stride = 2, .fill = 0.5f, .batch_size = 4});
  ASSERT_TRUE(what.ok()) << what.status();
  const double score = ScoreOf(model, x, 2);
  std::vector<double> lost(64), covers(64);
  for (const int64_t top : {0, 2, 4, 5}) {
    for (const int64_t left : {0, 2, 4, 5}) {
      Tensor masked = x;
      for (int64_t i = 0; i < 128; ++i) {
        const int64_t row = i % 64 / 8, column = i % 8;
        if (row < top || row >= top + 3 || column < left || column >= left + 3) continue;
        masked.mutable_values<float>()[static_cast<size_t>(i)] = 0.5f;
      }
      const double loss = score - ScoreOf(model, masked, 2);
      for (size_t i = 0; i < 64; ++i) {
        const auto row = static_cast<int64_t>(i / 8), column = static_cast<int64_t>(i % 8);
        if (row < top || row >= top + 3 || column < left || column >= left + 3) continue;
        lost[i] += loss;
        covers[i] += 1;
      }
    }
  }
  for (size_t i = 0; i < 64; ++i) {
    EXPECT_NEAR(what->map.At(static_cast<int64_t>(i)), lost[i] / covers[i], 1e-6) << i;
  }
}

// Of a score that is the sum of all elements, a window of one place takes what lies there.
TEST(Attribution, OcclusionOfASumIsTheInput) {
  Builder b;
  const Value x = b.Input("x", {"N", 1, 2, 3});
  b.Output("y", b.ReduceSum(b.Flatten(x), {.axes = {1}}));
  const Model model = b.Build().value();
  const Tensor in =
      Tensor::FromValues<float>({1, 1, 2, 3}, std::array{1.f, 2.f, 3.f, 4.f, 5.f, 9.f}).value();
  const auto zero = Occlusion(model, in, {.window = 1, .stride = 1, .fill = 0.0f});
  ASSERT_TRUE(zero.ok()) << zero.status();
  EXPECT_THAT(ValuesOf(zero->map), ElementsAre(1, 2, 3, 4, 5, 9));
  // Filled with the channel's mean, 4.
  const auto mean = Occlusion(model, in, {.window = 1, .stride = 1});
  EXPECT_THAT(ValuesOf(mean->map), ElementsAre(-3, -2, -1, 0, 1, 5));
  EXPECT_THAT(Occlusion(model, in, {.window = 1, .stride = 2}).status().message(),
              HasSubstr("a stride from 1 to the window, got 1 and 2"));
  EXPECT_THAT(Occlusion(model, in, {.window = 4}).status().message(),
              HasSubstr("expected a window from 1 to 3"));
}

// x 4x4, a convolution of one 2x2 kernel (1 -1; 0 2) with zeros at the end, Relu, pooling 2x2, and
// a score 1 2 3 -1. By hand:
//
//   x              conv            Relu, pooled   switches
//   1  0  0 -1      7 -6 -3 -1     7 0            (0,0) (0,2), the first of zeros
//   0  3 -3 -2     -3  6 -1 -2     4 8            (2,0) (2,2)
//   2  0  0  0      4  0  8  0
//   0  1  0  4     -1  1 -4  4
//
// At the switches 1 2 3 -1 comes back. The gradient lets it pass Relu where conv is above zero,
// 1 0 3 -1; guided backpropagation where the signal is too, 1 0 3 0; deconvolution where only the
// signal is, 1 2 3 0. The convolution's transpose puts s at (i,j), -s at (i,j+1), 2s at (i+1,j+1).
TEST(Attribution, GuidedBackpropagationAndDeconvolutionByHand) {
  const auto floats = [](Dims dims, std::vector<float> values) {
    return Tensor::FromValues<float>(std::move(dims), values).value();
  };
  Builder b;
  const Value x = b.Input("x", {"N", 1, 4, 4});
  const Value kernel = b.Constant(floats({1, 1, 2, 2}, {1, -1, 0, 2}));
  Value h = b.Op(
      "Conv", {x, kernel},
      {{"kernel_shape", std::vector<int64_t>{2, 2}}, {"pads", std::vector<int64_t>{0, 0, 1, 1}}});
  h = b.Flatten(b.MaxPool2d(b.Relu(h), {.kernel = 2}));
  b.Output("y", b.MatMul(h, b.Constant(floats({4, 1}, {1, 2, 3, -1}))));
  const Model model = b.Build().value();
  const Tensor in = floats({1, 1, 4, 4}, {1, 0, 0, -1, 0, 3, -3, -2, 2, 0, 0, 0, 0, 1, 0, 4});
  const Attribution gradient = *GradientAttribution(model, in);
  EXPECT_EQ(gradient.score, 7 + 0 + 12 - 8);
  EXPECT_THAT(ValuesOf(gradient.elements),
              ElementsAre(1, -1, 0, 0, 0, 2, 0, 0, 3, -3, -1, 1, 0, 6, 0, -2));
  EXPECT_THAT(ValuesOf(GuidedBackpropagation(model, in)->elements),
              ElementsAre(1, -1, 0, 0, 0, 2, 0, 0, 3, -3, 0, 0, 0, 6, 0, 0));
  const Attribution deconvolution = *Deconvolution(model, in);
  EXPECT_THAT(ValuesOf(deconvolution.elements),
              ElementsAre(1, -1, 2, -2, 0, 2, 0, 4, 3, -3, 0, 0, 0, 6, 0, 0));
  EXPECT_THAT(ValuesOf(deconvolution.map),
              ElementsAre(1, 1, 2, 2, 0, 2, 0, 4, 3, 3, 0, 0, 0, 6, 0, 0));
}

TEST(Attribution, RulesOfRectifiersNeedRectifiers) {
  Builder b;
  b.Output("y", b.Linear(b.Flatten(b.Silu(b.Input("x", {"N", 1, 2, 2}))), {.features = 2}));
  const Model model = b.Build().value();
  EXPECT_THAT(Deconvolution(model, Waves({1, 1, 2, 2})).status().message(),
              HasSubstr("expected a network with rectifiers (Relu, Clip)"));
  EXPECT_FALSE(GuidedBackpropagation(model, Waves({1, 1, 2, 2})).ok());
}

TEST(Attribution, AnAttributorGivesWhatTheModelGives) {
  const Model model = PooledNet();
  const Tensor x = Waves({1, 2, 8, 8});
  const Attributor of(model);
  for (const AttributionMethod& method : AttributionMethods()) {
    const auto once = method.run(model, x, {}), kept = method.run(of, x, {}),
               again = method.run(of, x, {});
    ASSERT_TRUE(once.ok()) << method.name << once.status();
    EXPECT_EQ(once->map, kept->map) << method.name;
    EXPECT_EQ(kept->map, again->map) << method.name;
    EXPECT_EQ(once->map.dims(), (Dims{8, 8}));
  }
  EXPECT_EQ(*of.ProbeFor({}), *of.ProbeFor({}));
  EXPECT_FALSE(of.ProbeFor({.objectives =
                                [](Emitter&, std::span<const Value> v) {
                                  return std::vector<Value>(v.begin(), v.end());
                                }})
                   .ok());
}

TEST(Attribution, SaysWhatDoesNotFit) {
  const Model model = PooledNet();
  const Tensor x = Waves({1, 2, 8, 8});
  EXPECT_THAT(GradientAttribution(model, x, {.target = 3}).status().message(),
              HasSubstr("expected a class from 0 to 2, got 3"));
  EXPECT_THAT(GradientAttribution(model, Waves({2, 2, 8, 8})).status().message(),
              HasSubstr("expected one example of f32[N,2,8,8], got f32[2,2,8,8]"));
  EXPECT_THAT(SmoothGrad(model, x, {.batch_size = -1}).status().message(),
              HasSubstr("expected a batch size of 1 or more"));
  EXPECT_EQ(GradientAttribution(model, Waves({2, 8, 8}))->map.dims(), (Dims{8, 8}));
}

}  // namespace
}  // namespace weft
