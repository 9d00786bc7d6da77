#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// A column of table 5 of Ma et al. 2018: channels of the stages, then of the last convolution.
using StageChannels = std::array<int64_t, 4>;
constexpr int kUnitsOfV2[] = {4, 8, 4};

Value Depthwise(Builder& b, Value x, int64_t stride, std::string conv, std::string bn) {
  return ConvBn(b, x,
                {.channels = ChannelsOf(x),
                 .kernel = 3,
                 .stride = stride,
                 .groups = ChannelsOf(x),
                 .conv = std::move(conv),
                 .bn = std::move(bn)});
}

// 1x1, depthwise 3x3, 1x1.
Value Branch2(Builder& b, Value x, int64_t channels, int64_t stride) {
  const auto scope = b.Scope("branch2");
  Value h = ConvBnRelu(b, x, {.channels = channels, .conv = "0", .bn = "1"});
  h = Depthwise(b, h, stride, "3", "4");
  return ConvBnRelu(b, h, {.channels = channels, .conv = "5", .bn = "6"});
}

// Figure 3c: half the channels pass by. 3d: where the extent is halved, both halves are new.
Value Unit(Builder& b, Value x, int64_t channels, int64_t stride) {
  const int64_t half = channels / 2;
  if (stride == 1) {
    const std::vector<Value> halves = b.Chunk(x, 2, 1);
    if (halves.size() != 2) return {};
    return b.ChannelShuffle(b.Concat({halves[0], Branch2(b, halves[1], half, 1)}, 1), 2);
  }
  Value first;
  {
    const auto scope = b.Scope("branch1");
    first = ConvBnRelu(b, Depthwise(b, x, stride, "0", "1"),
                       {.channels = half, .conv = "2", .bn = "3"});
  }
  return b.ChannelShuffle(b.Concat({first, Branch2(b, x, half, stride)}, 1), 2);
}

Value ShuffleNetV2(Builder& b, Value x, const ZooOptions& o, const StageChannels& channels) {
  Value h = ConvBnRelu(
      b, x, {.channels = o.Wide(24), .kernel = 3, .stride = 2, .conv = "conv1.0", .bn = "conv1.1"});
  h = b.MaxPool2d(h, {.kernel = 3, .stride = 2, .padding = 1});
  for (size_t stage = 0; stage < 3; ++stage) {
    for (int i = 0; i < kUnitsOfV2[stage]; ++i) {
      const auto scope = b.Scope(absl::StrCat("stage", stage + 2, ".", i));
      h = Unit(b, h, o.Wide(channels[stage]), i == 0 ? 2 : 1);
    }
  }
  h = ConvBnRelu(b, h, {.channels = o.Wide(channels[3]), .conv = "conv5.0", .bn = "conv5.1"});
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "fc"});
}

ZooEntry ShuffleNetV2Entry(std::string name, std::string description, const StageChannels& c) {
  return {
      .name = std::move(name),
      .description = std::move(description),
      .paper = "Ma et al.: ShuffleNet V2",
      .year = 2018,
      .layers = [c](Builder& b, Value x, const ZooOptions& o) { return ShuffleNetV2(b, x, o, c); }};
}

}  // namespace

std::vector<ZooEntry> ShuffleNetV2s() {
  return {
      ShuffleNetV2Entry("shufflenet_v2_x0_5", "half the channels pass by, then all are shuffled",
                        {48, 96, 192, 1024}),
      ShuffleNetV2Entry("shufflenet_v2_x1_0", "the same, wider", {116, 232, 464, 1024}),
      ShuffleNetV2Entry("shufflenet_v2_x1_5", "the same, wider", {176, 352, 704, 1024}),
      ShuffleNetV2Entry("shufflenet_v2_x2_0", "the same, wider", {244, 488, 976, 2048})};
}

}  // namespace weft
