#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// A column of table 1 of Huang et al. 2017.
struct DenseNetConfig {
  std::array<int, 4> layers;
  int64_t growth = 32;  // channels that each layer adds
  int64_t first = 64;   // of the stem
};

// Normalization comes before the convolution, after the concatenation of all earlier layers.
Value BnReluConv(Builder& b, Value x, const Conv2dOptions& conv, const std::string& norm) {
  return b.Conv2d(b.Relu(b.BatchNorm2d(x, {.name = norm})), conv);
}

Conv2dOptions Conv(int64_t channels, int64_t kernel, std::string name) {
  return {.channels = channels,
          .kernel = kernel,
          .padding = kernel / 2,
          .bias = false,
          .init = Initializer::HeNormal(),
          .name = std::move(name)};
}

// 1x1 to four times the growth, 3x3 to the growth; what comes out joins what came in.
Value DenseLayer(Builder& b, Value x, int64_t growth) {
  Value h = BnReluConv(b, x, Conv(4 * growth, 1, "conv1"), "norm1");
  h = BnReluConv(b, h, Conv(growth, 3, "conv2"), "norm2");
  return b.Concat({x, h}, 1);
}

// Half the channels, half the extent.
Value Transition(Builder& b, Value x) {
  const Value h = BnReluConv(b, x, Conv(ChannelsOf(x) / 2, 1, "conv"), "norm");
  return b.AvgPool2d(h, {.kernel = 2});
}

Value DenseNet(Builder& b, Value x, const ZooOptions& o, const DenseNetConfig& c) {
  Value h;
  {
    const auto features = b.Scope("features");
    h = ConvBnRelu(
        b, x,
        {.channels = o.Wide(c.first), .kernel = 7, .stride = 2, .conv = "conv0", .bn = "norm0"});
    h = b.MaxPool2d(h, {.kernel = 3, .stride = 2, .padding = 1});
    for (size_t block = 0; block < c.layers.size(); ++block) {
      for (int i = 0; i < c.layers[block]; ++i) {
        const auto scope = b.Scope(absl::StrCat("denseblock", block + 1, ".denselayer", i + 1));
        h = DenseLayer(b, h, o.Wide(c.growth));
      }
      if (block + 1 == c.layers.size()) break;
      const auto scope = b.Scope(absl::StrCat("transition", block + 1));
      h = Transition(b, h);
    }
    h = b.Relu(b.BatchNorm2d(h, {.name = "norm5"}));
  }
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "classifier"});
}

ZooEntry DenseNetEntry(std::string name, const DenseNetConfig& c) {
  return {.name = std::move(name),
          .description = absl::StrCat("each layer reads all before it, growth ", c.growth),
          .paper = "Huang et al.: Densely connected convolutional networks",
          .year = 2017,
          .layers = [c](Builder& b, Value x, const ZooOptions& o) { return DenseNet(b, x, o, c); }};
}

}  // namespace

std::vector<ZooEntry> DenseNets() {
  return {DenseNetEntry("densenet121", {{6, 12, 24, 16}}),
          DenseNetEntry("densenet161", {{6, 12, 36, 24}, 48, 96}),
          DenseNetEntry("densenet169", {{6, 12, 32, 32}}),
          DenseNetEntry("densenet201", {{6, 12, 48, 32}})};
}

}  // namespace weft
