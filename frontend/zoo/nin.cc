#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Lin et al. 2013: convolutions that are small perceptrons, and instead of a linear layer a map for
// each class and its mean. ImageNet's form, as lectures have it: 96x54x54, 256x26x26, 384x12x12.
Value NetworkInNetwork(Builder& b, Value x, const ZooOptions& o) {
  const auto block = [&](Value v, int64_t channels, MlpConvOptions options) {
    options.channels = {channels, channels, channels};
    options.init = Initializer::HeNormal();
    return b.MlpConv(v, options);
  };
  const auto pool = [&](Value v) { return b.MaxPool2d(v, {.kernel = 3, .stride = 2}); };
  Value h = pool(block(x, o.Wide(96), {.kernel = 11, .stride = 4, .name = "block1"}));
  h = pool(block(h, o.Wide(256), {.kernel = 5, .padding = 2, .name = "block2"}));
  h = pool(block(h, o.Wide(384), {.kernel = 3, .padding = 1, .name = "block3"}));
  h = block(b.Dropout(h), o.classes, {.kernel = 3, .padding = 1, .name = "block4"});
  return b.GlobalAvgPool(h);
}

}  // namespace

std::vector<ZooEntry> NetworksInNetworks() {
  return {{.name = "nin",
           .description = "perceptrons as convolutions, no linear layer",
           .paper = "Lin et al.: Network in network",
           .year = 2013,
           .layers = NetworkInNetwork}};
}

}  // namespace weft
