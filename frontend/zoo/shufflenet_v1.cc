#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr int kUnitsOfV1[] = {4, 8, 4};

// Figure 2 of Zhang et al. 2018: grouped 1x1, shuffle, depthwise 3x3, grouped 1x1. With stride 2
// the input's mean joins the result instead of being added.
Value Unit(Builder& b, Value x, int64_t channels, int64_t groups, int64_t first_groups,
           int64_t stride) {
  const int64_t bottleneck = channels / 4;
  Value h = ConvBnRelu(
      b, x, {.channels = bottleneck, .groups = first_groups, .conv = "conv1", .bn = "bn1"});
  if (first_groups > 1) h = b.ChannelShuffle(h, first_groups);
  h = ConvBn(b, h,
             {.channels = bottleneck,
              .kernel = 3,
              .stride = stride,
              .groups = bottleneck,
              .conv = "conv2",
              .bn = "bn2"});
  const int64_t added = stride == 1 ? channels : channels - ChannelsOf(x);
  h = ConvBn(b, h, {.channels = added, .groups = groups, .conv = "conv3", .bn = "bn3"});
  if (stride == 1) return b.Relu(b.Add(x, h));
  const Value mean = b.AvgPool2d(x, {.kernel = 3, .stride = 2, .padding = 1});
  return b.Relu(b.Concat({mean, h}, 1));
}

// Table 1; the first 1x1 of stage 2 has few channels and no groups.
Value ShuffleNetV1(Builder& b, Value x, const ZooOptions& o, int64_t groups, int64_t channels) {
  Value h = ConvBnRelu(
      b, x, {.channels = o.Wide(24, 24), .kernel = 3, .stride = 2, .conv = "conv1", .bn = "bn1"});
  h = b.MaxPool2d(h, {.kernel = 3, .stride = 2, .padding = 1});
  for (int stage = 0; stage < 3; ++stage) {
    const int64_t wide = o.Wide(channels << stage, 4 * groups);
    for (int i = 0; i < kUnitsOfV1[stage]; ++i) {
      const auto scope = b.Scope(absl::StrCat("stage", stage + 2, ".", i));
      h = Unit(b, h, wide, groups, stage == 0 && i == 0 ? 1 : groups, i == 0 ? 2 : 1);
    }
  }
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "fc"});
}

}  // namespace

std::vector<ZooEntry> ShuffleNetV1s() {
  struct Column {
    int64_t groups, channels;  // of stage 2
  };
  std::vector<ZooEntry> entries;
  for (const auto& [g, c] : {Column{1, 144}, {2, 200}, {3, 240}, {4, 272}, {8, 384}}) {
    entries.push_back({.name = absl::StrCat("shufflenet_v1_g", g),
                       .description = absl::StrCat("1x1 convolutions in ", g, " groups, shuffled"),
                       .paper = "Zhang et al.: ShuffleNet",
                       .year = 2017,
                       .layers = [g = g, c = c](Builder& b, Value x, const ZooOptions& o) {
                         return ShuffleNetV1(b, x, o, g, c);
                       }});
  }
  return entries;
}

}  // namespace weft
