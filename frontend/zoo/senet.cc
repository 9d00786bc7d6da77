#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr std::array<int, 4> kBlocks = {3, 8, 36, 3};
constexpr int64_t kGroups = 64;
constexpr int64_t kReduction = 16;

// 1x1, 3x3 in 64 groups, 1x1, and squeeze and excitation, the first 1x1 half as wide as a
// ResNeXt's.
Value SeBlock(Builder& b, Value x, int64_t planes, int64_t stride, int64_t shortcut_kernel) {
  Value h = ConvBnRelu(b, x, {.channels = 2 * planes, .conv = "conv1", .bn = "bn1"});
  h = ConvBnRelu(b, h,
                 {.channels = 4 * planes,
                  .kernel = 3,
                  .stride = stride,
                  .groups = kGroups,
                  .conv = "conv2",
                  .bn = "bn2"});
  h = ConvBn(b, h, {.channels = 4 * planes, .conv = "conv3", .bn = "bn3"});
  {
    const auto scope = b.Scope("se_module");
    h = SqueezeExcite(b, h, {.squeeze = std::max<int64_t>(4 * planes / kReduction, 1)});
  }
  if (stride == 1 && ChannelsOf(x) == 4 * planes) return b.Relu(b.Add(h, x));
  const auto scope = b.Scope("downsample");
  return b.Relu(b.Add(h, ConvBn(b, x,
                                {.channels = 4 * planes,
                                 .kernel = shortcut_kernel,
                                 .stride = stride,
                                 .conv = "0",
                                 .bn = "1"})));
}

// SENet-154, the appendix of Hu et al. 2018: three 3x3 in place of the first 7x7, shortcuts of 3x3.
Value SeNet154(Builder& b, Value x, const ZooOptions& o) {
  Value h = x;
  {
    const auto scope = b.Scope("layer0");
    h = ConvBnRelu(
        b, h, {.channels = o.Wide(64), .kernel = 3, .stride = 2, .conv = "conv1", .bn = "bn1"});
    h = ConvBnRelu(b, h, {.channels = o.Wide(64), .kernel = 3, .conv = "conv2", .bn = "bn2"});
    h = ConvBnRelu(b, h, {.channels = o.Wide(128), .kernel = 3, .conv = "conv3", .bn = "bn3"});
    h = b.MaxPool2d(h, {.kernel = 3, .stride = 2, .ceil_mode = true});
  }
  for (size_t stage = 0; stage < kBlocks.size(); ++stage) {
    for (int i = 0; i < kBlocks[stage]; ++i) {
      const auto scope = b.Scope(absl::StrCat("layer", stage + 1, ".", i));
      h = SeBlock(b, h, o.Wide(int64_t{64} << stage, kGroups / 2), stage > 0 && i == 0 ? 2 : 1,
                  stage == 0 ? 1 : 3);
    }
  }
  h = b.Dropout(b.GlobalAvgPool(h), {.ratio = 0.2});
  return b.Linear(h, {.features = o.classes, .name = "last_linear"});
}

}  // namespace

std::vector<ZooEntry> SeNets() {
  return {{.name = "senet154",
           .description = "ResNeXt-152 of 64 groups with squeeze and excitation",
           .paper = "Hu et al.: Squeeze-and-excitation networks",
           .year = 2018,
           .layers = SeNet154}};
}

}  // namespace weft
