#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// He et al. 2016, "Identity mappings in deep residual networks": normalization and activation come
// before each convolution, and nothing stands in the way of the shortcut.
struct PreActConfig {
  std::array<int, 4> blocks;
  bool bottleneck = true;
};

Value BnReluConv(Builder& b, Value x, int number, Conv2dOptions conv) {
  conv.padding = conv.kernel.height / 2;
  conv.bias = false;
  conv.init = Initializer::HeNormal();
  conv.name = absl::StrCat("conv", number);
  return b.Conv2d(b.Relu(b.BatchNorm2d(x, {.name = absl::StrCat("bn", number)})), conv);
}

Value PreActBlock(Builder& b, Value x, int64_t planes, int64_t stride, bool bottleneck) {
  const int64_t channels = bottleneck ? 4 * planes : planes;
  const bool projected = stride != 1 || ChannelsOf(x) != channels;
  // Where the shortcut is projected, the first activation is before both.
  const Value active = b.Relu(b.BatchNorm2d(x, {.name = "bn1"}));
  Value shortcut = x;
  if (projected) {
    shortcut = b.Conv2d(active, {.channels = channels,
                                 .kernel = 1,
                                 .stride = stride,
                                 .bias = false,
                                 .init = Initializer::HeNormal(),
                                 .name = "downsample"});
  }
  Value h = b.Conv2d(active, {.channels = planes,
                              .kernel = bottleneck ? 1 : 3,
                              .stride = bottleneck ? 1 : stride,
                              .padding = bottleneck ? 0 : 1,
                              .bias = false,
                              .init = Initializer::HeNormal(),
                              .name = "conv1"});
  h = BnReluConv(b, h, 2, {.channels = planes, .kernel = 3, .stride = bottleneck ? stride : 1});
  if (bottleneck) h = BnReluConv(b, h, 3, {.channels = channels, .kernel = 1});
  return b.Add(h, shortcut);
}

Value PreActResNet(Builder& b, Value x, const ZooOptions& o, const PreActConfig& c) {
  Value h = ConvBnRelu(
      b, x, {.channels = o.Wide(64), .kernel = 7, .stride = 2, .conv = "conv1", .bn = "bn1"});
  h = b.MaxPool2d(h, {.kernel = 3, .stride = 2, .padding = 1});
  for (size_t stage = 0; stage < c.blocks.size(); ++stage) {
    for (int i = 0; i < c.blocks[stage]; ++i) {
      const auto scope = b.Scope(absl::StrCat("layer", stage + 1, ".", i));
      h = PreActBlock(b, h, o.Wide(int64_t{64} << stage), stage > 0 && i == 0 ? 2 : 1,
                      c.bottleneck);
    }
  }
  h = b.Relu(b.BatchNorm2d(h, {.name = "bn2"}));
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "fc"});
}

ZooEntry PreActResNetEntry(std::string name, const PreActConfig& c) {
  return {
      .name = std::move(name),
      .description =
          c.bottleneck ? "bottlenecks, full pre-activation" : "basic blocks, full pre-activation",
      .paper = "He et al.: Identity mappings in deep residual networks",
      .year = 2016,
      .layers = [c](Builder& b, Value x, const ZooOptions& o) { return PreActResNet(b, x, o, c); }};
}

}  // namespace

std::vector<ZooEntry> PreActResNets() {
  return {PreActResNetEntry("preact_resnet18", {{2, 2, 2, 2}, false}),
          PreActResNetEntry("preact_resnet34", {{3, 4, 6, 3}, false}),
          PreActResNetEntry("preact_resnet50", {{3, 4, 6, 3}}),
          PreActResNetEntry("preact_resnet101", {{3, 4, 23, 3}}),
          PreActResNetEntry("preact_resnet152", {{3, 8, 36, 3}}),
          PreActResNetEntry("preact_resnet200", {{3, 24, 36, 3}})};
}

}  // namespace weft
