#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

Value Conv3d(Builder& b, Value x, int64_t channels, std::string name) {
  return b.Relu(b.Conv3d(x, {.channels = channels,
                             .kernel = 3,
                             .padding = 1,
                             .init = Initializer::HeNormal(),
                             .name = std::move(name)}));
}

// Tran et al. 2015: 3x3x3 throughout; the first pooling leaves time alone.
Value C3d(Builder& b, Value x, const ZooOptions& o) {
  const auto pool = [&](Value v) { return b.MaxPool3d(v, {.kernel = 2}); };
  Value h = Conv3d(b, x, o.Wide(64), "conv1a");
  h = b.MaxPool3d(h, {.kernel = {1, 2, 2}});
  h = pool(Conv3d(b, h, o.Wide(128), "conv2a"));
  h = pool(Conv3d(b, Conv3d(b, h, o.Wide(256), "conv3a"), o.Wide(256), "conv3b"));
  h = pool(Conv3d(b, Conv3d(b, h, o.Wide(512), "conv4a"), o.Wide(512), "conv4b"));
  h = Conv3d(b, Conv3d(b, h, o.Wide(512), "conv5a"), o.Wide(512), "conv5b");
  h = b.Flatten(b.MaxPool3d(h, {.kernel = 2, .padding = Extent3(0, 1, 1)}));
  for (const char* name : {"fc6", "fc7"}) {
    h = b.Dropout(b.Relu(
        b.Linear(h, {.features = o.Wide(4096), .init = Initializer::HeNormal(), .name = name})));
  }
  return b.Linear(h, {.features = o.classes, .name = "fc8"});
}

struct FactorizedConv {
  int64_t channels, middle;  // of the output, and between space and time
  int64_t stride;
};

// Tran et al. 2018: a convolution over space, then one over time, with an activation between them.
Value SpaceThenTime(Builder& b, Value x, const FactorizedConv& c, const std::string& name) {
  const auto scope = b.Scope(name);
  const Initializer he = Initializer::HeNormal();
  Value h = b.Conv3d(x, {.channels = c.middle,
                         .kernel = {1, 3, 3},
                         .stride = {1, c.stride, c.stride},
                         .padding = Extent3(0, 1, 1),
                         .bias = false,
                         .init = he,
                         .name = "0.0"});
  h = b.Relu(b.BatchNorm3d(h, {.name = "0.1"}));
  h = b.Conv3d(h, {.channels = c.channels,
                   .kernel = {3, 1, 1},
                   .stride = {c.stride, 1, 1},
                   .padding = Extent3(1, 0, 0),
                   .bias = false,
                   .init = he,
                   .name = "0.3"});
  return b.BatchNorm3d(h, {.name = "1"});
}

Value Block(Builder& b, Value x, int64_t channels, int64_t stride) {
  const int64_t in = std::max<int64_t>(ChannelsOf(x), 1);
  // As many parameters as a convolution of 3x3x3 has.
  const int64_t middle = in * channels * 27 / (in * 9 + 3 * channels);
  Value h = b.Relu(SpaceThenTime(b, x, {channels, middle, stride}, "conv1"));
  h = SpaceThenTime(b, h, {channels, middle, 1}, "conv2");
  Value shortcut = x;
  if (stride != 1 || ChannelsOf(x) != channels) {
    const auto scope = b.Scope("downsample");
    shortcut = b.Conv3d(
        x, {.channels = channels, .kernel = 1, .stride = stride, .bias = false, .name = "0"});
    shortcut = b.BatchNorm3d(shortcut, {.name = "1"});
  }
  return b.Relu(b.Add(h, shortcut));
}

Value R2Plus1d18(Builder& b, Value x, const ZooOptions& o) {
  const Initializer he = Initializer::HeNormal();
  Value h = b.Conv3d(x, {.channels = o.Wide(45, 5),
                         .kernel = {1, 7, 7},
                         .stride = {1, 2, 2},
                         .padding = Extent3(0, 3, 3),
                         .bias = false,
                         .init = he,
                         .name = "stem.0"});
  h = b.Relu(b.BatchNorm3d(h, {.name = "stem.1"}));
  h = b.Conv3d(h, {.channels = o.Wide(64),
                   .kernel = {3, 1, 1},
                   .padding = Extent3(1, 0, 0),
                   .bias = false,
                   .init = he,
                   .name = "stem.3"});
  h = b.Relu(b.BatchNorm3d(h, {.name = "stem.4"}));
  for (int stage = 0; stage < 4; ++stage) {
    for (int i = 0; i < 2; ++i) {
      const auto scope = b.Scope(absl::StrCat("layer", stage + 1, ".", i));
      h = Block(b, h, o.Wide(int64_t{64} << stage), stage > 0 && i == 0 ? 2 : 1);
    }
  }
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "fc"});
}

}  // namespace

std::vector<ZooEntry> VideoNetworks() {
  return {{.name = "c3d",
           .description = "films: 3x3x3 convolutions",
           .paper = "Tran et al.: Learning spatiotemporal features with 3D networks",
           .year = 2015,
           .layers = C3d,
           .input = {3, 16, 112, 112},
           .classes = 487,
           .pixels = {}},
          {.name = "r2plus1d_18",
           .description = "films: space and time apart, residual",
           .paper = "Tran et al.: A closer look at spatiotemporal convolutions",
           .year = 2018,
           .layers = R2Plus1d18,
           .input = {3, 16, 112, 112},
           .classes = 400,
           .pixels = {}}};
}

}  // namespace weft
