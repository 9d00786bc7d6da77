#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Depthwise 3x3 and pointwise convolutions, table 1 of Howard et al. 2017.
Value MobileNetV1(Builder& b, Value x, const ZooOptions& o) {
  struct Layer {
    int64_t channels, stride;
  };
  constexpr Layer kLayers[] = {{64, 1},  {128, 2},  {128, 1}, {256, 2}, {256, 1},
                               {512, 2}, {512, 1},  {512, 1}, {512, 1}, {512, 1},
                               {512, 1}, {1024, 2}, {1024, 1}};
  Value h =
      b.Relu(ConvBnModule(b, x, "features.0", {.channels = o.Wide(32), .kernel = 3, .stride = 2}));
  int index = 0;
  for (const Layer& layer : kLayers) {
    const auto scope = b.Scope(absl::StrCat("features.", ++index));
    h = b.Relu(ConvBnModule(
        b, h, "0",
        {.channels = ChannelsOf(h), .kernel = 3, .stride = layer.stride, .groups = ChannelsOf(h)}));
    h = b.Relu(ConvBnModule(b, h, "1", {.channels = o.Wide(layer.channels)}));
  }
  return b.Linear(b.Dropout(b.GlobalAvgPool(h), {.ratio = 0.001}),
                  {.features = o.classes, .name = "classifier"});
}

// A row of table 2 of Sandler et al. 2018: expansion, channels, repeats, stride of the first.
struct InvertedResiduals {
  int64_t expansion, channels;
  int repeats;
  int64_t stride;
};

constexpr InvertedResiduals kV2[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                     {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};

// 1x1 to more channels, depthwise 3x3, and 1x1 to few again without an activation.
Value BlockV2(Builder& b, Value x, int64_t channels, int64_t expansion, int64_t stride) {
  const auto scope = b.Scope("conv");
  const int64_t wide = ChannelsOf(x) * expansion;
  int index = 0;
  Value h = x;
  const auto layer = [&](const ConvBnOptions& options) {
    h = b.Relu6(ConvBnModule(b, h, absl::StrCat(index++), options));
  };
  if (expansion != 1) layer({.channels = wide});
  layer({.channels = wide, .kernel = 3, .stride = stride, .groups = wide});
  h = ConvBn(b, h,
             {.channels = channels, .conv = absl::StrCat(index), .bn = absl::StrCat(index + 1)});
  return stride == 1 && ChannelsOf(x) == channels ? b.Add(x, h) : h;
}

Value MobileNetV2(Builder& b, Value x, const ZooOptions& o) {
  int index = 0;
  const auto end = [&](Value v, const ConvBnOptions& options) {
    return b.Relu6(ConvBnModule(b, v, absl::StrCat("features.", index++), options));
  };
  Value h = end(x, {.channels = o.Wide(32), .kernel = 3, .stride = 2});
  for (const InvertedResiduals& row : kV2) {
    for (int i = 0; i < row.repeats; ++i) {
      const auto scope = b.Scope(absl::StrCat("features.", index++));
      h = BlockV2(b, h, o.Wide(row.channels), row.expansion, i == 0 ? row.stride : 1);
    }
  }
  h = end(h, {.channels = o.Wide(1280)});
  h = b.Dropout(b.GlobalAvgPool(h), {.ratio = 0.2});
  return b.Linear(h, {.features = o.classes, .name = "classifier.1"});
}

}  // namespace

std::vector<ZooEntry> MobileNets() {
  return {{.name = "mobilenet_v1",
           .description = "depthwise separable convolutions",
           .paper = "Howard et al.: MobileNets",
           .year = 2017,
           .layers = MobileNetV1},
          {.name = "mobilenet_v2",
           .description = "inverted residuals, linear bottlenecks",
           .paper = "Sandler et al.: MobileNetV2",
           .year = 2018,
           .layers = MobileNetV2}};
}

}  // namespace weft
