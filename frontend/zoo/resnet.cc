#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// A column of table 1 of He et al. 2015, with what later papers change in the bottleneck.
struct ResNetConfig {
  std::array<int, 4> blocks;
  bool bottleneck = true;
  int64_t groups = 1;
  int64_t width_per_group = 64;  // of the bottleneck, where the stage has 64 channels
  // The stride of a downsampling block is on its 3x3 convolution (v1.5, torchvision's and NVIDIA's)
  // rather than on the first 1x1.
  bool stride_in_3x3 = true;
  bool excite = false;        // squeeze and excitation at the end of the branch: Hu et al. 2018
  bool small_images = false;  // 32x32: the first convolution keeps their size, no pooling
};

// A stage's block: `planes` channels, four times as many at the end of a bottleneck.
struct Block {
  int64_t planes;
  int64_t stride;
};

// 3x3, 3x3.
Value Basic(Builder& b, Value x, const Block& block) {
  const Value h = ConvBnRelu(b, x,
                             {.channels = block.planes,
                              .kernel = 3,
                              .stride = block.stride,
                              .conv = "conv1",
                              .bn = "bn1"});
  return ConvBn(b, h, {.channels = block.planes, .kernel = 3, .conv = "conv2", .bn = "bn2"});
}

// 1x1, 3x3, 1x1. Wide ResNets (Zagoruyko and Komodakis 2016) have a wider 3x3, ResNeXts (Xie et al.
// 2017) one in groups.
Value Bottleneck(Builder& b, Value x, const Block& block, const ResNetConfig& c) {
  const int64_t width = std::max<int64_t>(block.planes * c.width_per_group / 64, 1) * c.groups;
  Value h = ConvBnRelu(b, x,
                       {.channels = width,
                        .stride = c.stride_in_3x3 ? 1 : block.stride,
                        .conv = "conv1",
                        .bn = "bn1"});
  h = ConvBnRelu(b, h,
                 {.channels = width,
                  .kernel = 3,
                  .stride = c.stride_in_3x3 ? block.stride : 1,
                  .groups = c.groups,
                  .conv = "conv2",
                  .bn = "bn2"});
  h = ConvBn(b, h, {.channels = 4 * block.planes, .conv = "conv3", .bn = "bn3"});
  if (!c.excite) return h;
  const auto scope = b.Scope("se");
  return SqueezeExcite(b, h, {.squeeze = std::max<int64_t>(ChannelsOf(h) / 16, 1)});
}

// relu(x + branch(x)), with a projection of x where its shape changes.
Value Residual(Builder& b, Value x, const Block& block, const ResNetConfig& c) {
  const Value branch = c.bottleneck ? Bottleneck(b, x, block, c) : Basic(b, x, block);
  Value shortcut = x;
  if (block.stride != 1 || ChannelsOf(x) != ChannelsOf(branch)) {
    const auto scope = b.Scope("downsample");
    shortcut = ConvBn(
        b, x, {.channels = ChannelsOf(branch), .stride = block.stride, .conv = "0", .bn = "1"});
  }
  return b.Relu(b.Add(branch, shortcut));
}

Value Stem(Builder& b, Value x, int64_t channels, bool small_images) {
  if (small_images) {
    return ConvBnRelu(b, x, {.channels = channels, .kernel = 3, .conv = "conv1", .bn = "bn1"});
  }
  const Value h = ConvBnRelu(
      b, x, {.channels = channels, .kernel = 7, .stride = 2, .conv = "conv1", .bn = "bn1"});
  return b.MaxPool2d(h, {.kernel = 3, .stride = 2, .padding = 1});
}

Value ResNet(Builder& b, Value x, const ZooOptions& o, const ResNetConfig& c) {
  Value h = Stem(b, x, o.Wide(64), c.small_images);
  for (size_t stage = 0; stage < c.blocks.size(); ++stage) {
    const auto layer = b.Scope(absl::StrCat("layer", stage + 1));
    for (int i = 0; i < c.blocks[stage]; ++i) {
      const auto scope = b.Scope(absl::StrCat(i));
      h = Residual(b, h, {o.Wide(int64_t{64} << stage), stage > 0 && i == 0 ? 2 : 1}, c);
    }
  }
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "fc"});
}

ZooEntry ResNetEntry(std::string name, std::string description, std::string paper, int year,
                     const ResNetConfig& c) {
  return {.name = std::move(name),
          .description = std::move(description),
          .paper = std::move(paper),
          .year = year,
          .layers = [c](Builder& b, Value x, const ZooOptions& o) { return ResNet(b, x, o, c); }};
}

// What is trained on CIFAR-10 as ResNet-18 usually: much wider than the paper's own for CIFAR.
ZooEntry CifarResNet18(const std::string& paper) {
  ZooEntry entry = ResNetEntry("resnet18_cifar", "basic blocks, for 32x32", paper, 2015,
                               {.blocks = {2, 2, 2, 2}, .bottleneck = false, .small_images = true});
  entry.input = {3, 32, 32};
  entry.classes = 10;
  entry.fit = ZooFit(0.1);
  return entry;
}

}  // namespace

std::vector<ZooEntry> ResNets() {
  const std::string he = "He et al.: Deep residual learning for image recognition";
  const std::string wide = "Zagoruyko and Komodakis: Wide residual networks";
  const std::string next = "Xie et al.: Aggregated residual transformations";
  const std::string excite = "Hu et al.: Squeeze-and-excitation networks";
  return {
      ResNetEntry("resnet18", "basic blocks", he, 2015,
                  {.blocks = {2, 2, 2, 2}, .bottleneck = false}),
      CifarResNet18(he),
      ResNetEntry("resnet34", "basic blocks", he, 2015,
                  {.blocks = {3, 4, 6, 3}, .bottleneck = false}),
      ResNetEntry("resnet50", "bottlenecks, stride on the 3x3 (v1.5)", he, 2015,
                  {.blocks = {3, 4, 6, 3}}),
      ResNetEntry("resnet50_v1", "bottlenecks, stride on the first 1x1", he, 2015,
                  {.blocks = {3, 4, 6, 3}, .stride_in_3x3 = false}),
      ResNetEntry("resnet101", "bottlenecks (v1.5)", he, 2015, {.blocks = {3, 4, 23, 3}}),
      ResNetEntry("resnet152", "bottlenecks (v1.5)", he, 2015, {.blocks = {3, 8, 36, 3}}),
      ResNetEntry("wide_resnet50_2", "bottlenecks of twice the width", wide, 2016,
                  {.blocks = {3, 4, 6, 3}, .width_per_group = 128}),
      ResNetEntry("wide_resnet101_2", "bottlenecks of twice the width", wide, 2016,
                  {.blocks = {3, 4, 23, 3}, .width_per_group = 128}),
      ResNetEntry("resnext50_32x4d", "bottlenecks of 32 groups, 4 channels each", next, 2017,
                  {.blocks = {3, 4, 6, 3}, .groups = 32, .width_per_group = 4}),
      ResNetEntry("resnext101_32x8d", "bottlenecks of 32 groups, 8 channels each", next, 2017,
                  {.blocks = {3, 4, 23, 3}, .groups = 32, .width_per_group = 8}),
      ResNetEntry("se_resnet50", "bottlenecks with squeeze and excitation", excite, 2018,
                  {.blocks = {3, 4, 6, 3}, .stride_in_3x3 = false, .excite = true}),
      ResNetEntry("se_resnext50_32x4d", "the same of 32 groups, 4 channels each", excite, 2018,
                  {.blocks = {3, 4, 6, 3}, .groups = 32, .width_per_group = 4, .excite = true}),
  };
}

}  // namespace weft
