#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

enum class Bypass { kNone, kSimple, kComplex };

// Iandola et al. 2016, table 1. A stage of fire modules comes before each pooling but the first;
// each module squeezes to `squeeze` channels and expands to four times as many of 1x1 and of 3x3.
struct SqueezeNetConfig {
  int64_t channels;  // of the first convolution
  int64_t kernel;
  std::vector<std::vector<int64_t>> stages;
  Bypass bypass = Bypass::kNone;  // figure 2
};

Value Conv(Builder& b, Value x, int64_t channels, int64_t kernel, std::string name) {
  return b.Relu(b.Conv2d(x, {.channels = channels,
                             .kernel = kernel,
                             .padding = kernel / 2,
                             .init = Initializer::HeNormal(),
                             .name = std::move(name)}));
}

Value Fire(Builder& b, Value x, int64_t squeeze, int64_t expand) {
  const Value s = Conv(b, x, squeeze, 1, "squeeze");
  return b.Concat({Conv(b, s, expand, 1, "expand1x1"), Conv(b, s, expand, 3, "expand3x3")}, 1);
}

// Around a module that keeps the number of channels the input itself; in the complex form a 1x1
// convolution around the others.
Value AddBypass(Builder& b, Value x, Value fire, Bypass bypass) {
  if (bypass == Bypass::kNone || x.null() || fire.null()) return fire;
  if (ChannelsOf(x) == ChannelsOf(fire)) return b.Add(fire, x);
  if (bypass == Bypass::kSimple) return fire;
  return b.Add(fire, b.Conv2d(x, {.channels = ChannelsOf(fire), .kernel = 1, .name = "bypass"}));
}

Value SqueezeNet(Builder& b, Value x, const ZooOptions& o, const SqueezeNetConfig& c) {
  Value h = x;
  {
    const auto features = b.Scope("features");
    h = b.Relu(b.Conv2d(h, {.channels = o.Wide(c.channels),
                            .kernel = c.kernel,
                            .stride = 2,
                            .init = Initializer::HeNormal(),
                            .name = "0"}));
    int layer = 2;  // torchvision counts the activation and the poolings
    for (const auto& stage : c.stages) {
      h = b.MaxPool2d(h, {.kernel = 3, .stride = 2, .ceil_mode = true});
      ++layer;
      for (const int64_t squeeze : stage) {
        const auto scope = b.Scope(absl::StrCat(layer++));
        const Value fire = Fire(b, h, o.Wide(squeeze), o.Wide(4 * squeeze));
        h = AddBypass(b, h, fire, c.bypass);
      }
    }
  }
  // No linear layer: a map for each class, and its mean.
  h = b.Conv2d(b.Dropout(h), {.channels = o.classes,
                              .kernel = 1,
                              .init = Initializer::HeNormal(),
                              .name = "classifier.1"});
  return b.GlobalAvgPool(b.Relu(h));
}

ZooEntry SqueezeNetEntry(std::string name, std::string description, const SqueezeNetConfig& c) {
  return {
      .name = std::move(name),
      .description = std::move(description),
      .paper = "Iandola et al.: SqueezeNet",
      .year = 2016,
      .layers = [c](Builder& b, Value x, const ZooOptions& o) { return SqueezeNet(b, x, o, c); },
      .fit = ZooFit(c.bypass == Bypass::kComplex ? 0.003 : 0.01)};
}

}  // namespace

std::vector<ZooEntry> SqueezeNets() {
  SqueezeNetConfig v1_0 = {96, 7, {{16, 16, 32}, {32, 48, 48, 64}, {64}}};
  const SqueezeNetConfig v1_1 = {64, 3, {{16, 16}, {32, 32}, {48, 48, 64, 64}}};
  SqueezeNetConfig simple = v1_0, complex = v1_0;
  simple.bypass = Bypass::kSimple;
  complex.bypass = Bypass::kComplex;
  return {SqueezeNetEntry("squeezenet1_0", "fire modules", v1_0),
          SqueezeNetEntry("squeezenet1_0_simple_bypass",
                          "the input added around every other module", simple),
          SqueezeNetEntry("squeezenet1_0_complex_bypass", "1x1 convolutions around the others",
                          complex),
          SqueezeNetEntry("squeezenet1_1", "pooling earlier, 2.4 times less to compute", v1_1)};
}

}  // namespace weft
