#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Radosavovic et al. 2020, table 4: what the design space's parameters come to.
struct RegNetConfig {
  std::array<int64_t, 4> channels;
  std::array<int, 4> blocks;
  int64_t group_width;
};

// 1x1, 3x3 in groups, squeeze and excitation of a quarter of the block's input, 1x1.
Value Branch(Builder& b, Value x, int64_t channels, int64_t stride, int64_t group_width) {
  const auto scope = b.Scope("f");
  const int64_t groups = std::max<int64_t>(channels / group_width, 1);
  Value h = b.Relu(ConvBnModule(b, x, "a", {.channels = channels}));
  h = b.Relu(ConvBnModule(b, h, "b",
                          {.channels = channels, .kernel = 3, .stride = stride, .groups = groups}));
  {
    const auto se = b.Scope("se");
    h = SqueezeExcite(b, h, {.squeeze = std::lround(0.25 * static_cast<double>(ChannelsOf(x)))});
  }
  return ConvBnModule(b, h, "c", {.channels = channels});
}

Value RegNetBlock(Builder& b, Value x, int64_t channels, int64_t stride, int64_t group_width) {
  Value shortcut = x;
  if (stride != 1 || ChannelsOf(x) != channels) {
    shortcut = ConvBnModule(b, x, "proj", {.channels = channels, .stride = stride});
  }
  return b.Relu(b.Add(shortcut, Branch(b, x, channels, stride, group_width)));
}

Value RegNet(Builder& b, Value x, const ZooOptions& o, const RegNetConfig& c) {
  Value h = b.Relu(ConvBnModule(b, x, "stem", {.channels = o.Wide(32), .kernel = 3, .stride = 2}));
  for (size_t stage = 0; stage < c.channels.size(); ++stage) {
    for (int i = 0; i < c.blocks[stage]; ++i) {
      const auto scope =
          b.Scope(absl::StrCat("trunk_output.block", stage + 1, ".block", stage + 1, "-", i));
      h = RegNetBlock(b, h, o.Wide(c.channels[stage], c.group_width), i == 0 ? 2 : 1,
                      c.group_width);
    }
  }
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "fc"});
}

}  // namespace

std::vector<ZooEntry> RegNets() {
  const RegNetConfig y400 = {{48, 104, 208, 440}, {1, 3, 6, 6}, 8};
  return {{.name = "regnet_y_400mf",
           .description = "a network of a designed space, squeeze and excitation",
           .paper = "Radosavovic et al.: Designing network design spaces",
           .year = 2020,
           .layers = [y400](Builder& b, Value x, const ZooOptions& o) {
             return RegNet(b, x, o, y400);
           }}};
}

}  // namespace weft
