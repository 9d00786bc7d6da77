#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr double kEpsilon = 1e-6;
Initializer Init() { return Initializer::Normal(0, 0.02); }

// Liu et al. 2022: figure 9's ConvNeXt-T.
struct ConvNextConfig {
  std::array<int64_t, 4> channels;
  std::array<int, 4> blocks;
  double stochastic_depth;  // of the last block
};

Value ToChannelsLast(Builder& b, Value x) { return b.Transpose(x, {0, 2, 3, 1}); }
Value ToChannelsFirst(Builder& b, Value x) { return b.Transpose(x, {0, 3, 1, 2}); }

// Over the channels of each pixel.
Value PixelNorm(Builder& b, Value x, std::string name) {
  return ToChannelsFirst(b, b.LayerNorm(ToChannelsLast(b, x),
                                        {.axes = 1, .epsilon = kEpsilon, .name = std::move(name)}));
}

// x + scale * branch: depthwise 7x7, normalization, and a perceptron at each pixel.
Value ConvNeXtBlock(Builder& b, Value x, double drop) {
  const int64_t channels = ChannelsOf(x);
  Value h;
  {
    const auto scope = b.Scope("block");
    h = b.Conv2d(x, {.channels = channels,
                     .kernel = 7,
                     .padding = 3,
                     .groups = std::max<int64_t>(channels, 1),
                     .init = Init(),
                     .name = "0"});
    h = b.LayerNorm(ToChannelsLast(b, h), {.axes = 1, .epsilon = kEpsilon, .name = "2"});
    h = b.Gelu(b.Linear(h, {.features = 4 * channels, .init = Init(), .name = "3"}));
    h = ToChannelsFirst(b, b.Linear(h, {.features = channels, .init = Init(), .name = "5"}));
  }
  const Value scale =
      b.Parameter("layer_scale", {channels, 1, 1}, {.init = Initializer::Constant(1e-6)});
  return b.Add(x, b.StochasticDepth(b.Mul(h, scale), {.ratio = drop}));
}

Value ConvNext(Builder& b, Value x, const ZooOptions& o, const ConvNextConfig& c) {
  int blocks = 0;
  for (const int n : c.blocks) blocks += n;
  int block = 0;
  Value h = x;
  for (size_t stage = 0; stage < c.channels.size(); ++stage) {
    {
      const auto scope = b.Scope(absl::StrCat("features.", 2 * stage));
      if (stage > 0) h = PixelNorm(b, h, "0");
      h = b.Conv2d(h, {.channels = o.Wide(c.channels[stage]),
                       .kernel = stage == 0 ? 4 : 2,
                       .stride = stage == 0 ? 4 : 2,
                       .init = Init(),
                       .name = stage == 0 ? "0" : "1"});
      if (stage == 0) h = PixelNorm(b, h, "1");
    }
    for (int i = 0; i < c.blocks[stage]; ++i) {
      const auto scope = b.Scope(absl::StrCat("features.", 2 * stage + 1, ".", i));
      h = ConvNeXtBlock(b, h, c.stochastic_depth * block++ / (blocks - 1));
    }
  }
  h = b.LayerNorm(b.GlobalAvgPool(h), {.axes = 1, .epsilon = kEpsilon, .name = "classifier.0"});
  return b.Linear(h, {.features = o.classes, .init = Init(), .name = "classifier.2"});
}

}  // namespace

std::vector<ZooEntry> ConvNexts() {
  const ConvNextConfig tiny = {{96, 192, 384, 768}, {3, 3, 9, 3}, 0.1};
  return {{.name = "convnext_tiny",
           .description = "depthwise 7x7, layer normalization, GELU: a ResNet modernized",
           .paper = "Liu et al.: A ConvNet for the 2020s",
           .year = 2022,
           .layers = [tiny](Builder& b, Value x, const ZooOptions& o) {
             return ConvNext(b, x, o, tiny);
           }}};
}

}  // namespace weft
