#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// A row of table 1 of Tan and Le 2019: MBConv, or Fused-MBConv (Tan and Le 2021), whose expansion
// and depthwise convolution are one.
struct Stage {
  bool fused;
  int64_t expansion, kernel, stride, channels;
  int repeats;
};

struct EfficientNetConfig {
  std::vector<Stage> stages;
  int64_t stem = 32;
  int64_t last = 0;  // channels before the classifier; 0: four times those of the last stage
  double width = 1;  // compound scaling, section 4
  double depth = 1;
  double dropout = 0.2;
  double epsilon = 1e-5;
  double momentum = 0.1;
};

Value Silu(Builder& b, Value x) { return b.Silu(x); }

class EfficientNet {
 public:
  EfficientNet(Builder& b, const ZooOptions& o, const EfficientNetConfig& c)
      : b_(b), o_(o), c_(c), scale_{.width = c.width} {
    for (const Stage& stage : c.stages) blocks_ += Repeats(stage);
  }

  Value Logits(Value x) {
    Value h = Layer(x, "features.0", {.channels = Channels(c_.stem), .kernel = 3, .stride = 2});
    int index = 1;
    for (const Stage& stage : c_.stages) {
      const auto features = b_.Scope(absl::StrCat("features.", index++));
      for (int i = 0; i < Repeats(stage); ++i) {
        const auto scope = b_.Scope(absl::StrCat(i));
        h = Block(h, stage, i == 0 ? stage.stride : 1);
      }
    }
    const int64_t last = c_.last == 0 ? 4 * ChannelsOf(h) : o_.Wide(c_.last);
    h = Layer(h, absl::StrCat("features.", index), {.channels = last});
    h = b_.Dropout(b_.GlobalAvgPool(h), {.ratio = c_.dropout});
    return b_.Linear(h, {.features = o_.classes, .name = "classifier.1"});
  }

 private:
  int64_t Channels(int64_t channels) const { return o_.Wide(scale_.Wide(channels)); }
  int Repeats(const Stage& stage) const {
    return static_cast<int>(std::ceil(stage.repeats * c_.depth));
  }

  Value Linear(Value x, const std::string& name, ConvBnOptions options) {
    options.epsilon = c_.epsilon;
    options.momentum = c_.momentum;
    return ConvBnModule(b_, x, name, options);
  }
  Value Layer(Value x, const std::string& name, const ConvBnOptions& options) {
    return b_.Silu(Linear(x, name, options));
  }

  // x + what the block computes, where shapes allow; deeper blocks are dropped more often.
  Value Block(Value x, const Stage& stage, int64_t stride) {
    const auto scope = b_.Scope("block");
    const int64_t channels = Channels(stage.channels);
    const Value h =
        stage.fused ? Fused(x, stage, channels, stride) : MbConv(x, stage, channels, stride);
    const double ratio = 0.2 * block_++ / blocks_;
    if (stride != 1 || ChannelsOf(x) != channels) return h;
    return b_.Add(b_.StochasticDepth(h, {.ratio = ratio}), x);
  }

  // 1x1, depthwise, squeeze and excitation of a quarter of the input's channels, 1x1.
  Value MbConv(Value x, const Stage& stage, int64_t channels, int64_t stride) {
    const int64_t expanded = ChannelsOf(x) * stage.expansion;
    int index = 0;
    Value h = x;
    if (stage.expansion != 1) h = Layer(h, absl::StrCat(index++), {.channels = expanded});
    h = Layer(h, absl::StrCat(index++),
              {.channels = expanded, .kernel = stage.kernel, .stride = stride, .groups = expanded});
    {
      const auto scope = b_.Scope(absl::StrCat(index++));
      const int64_t squeeze = std::max<int64_t>(ChannelsOf(x) / 4, 1);
      h = SqueezeExcite(b_, h, {.squeeze = squeeze, .activation = Silu});
    }
    return Linear(h, absl::StrCat(index), {.channels = channels});
  }

  Value Fused(Value x, const Stage& stage, int64_t channels, int64_t stride) {
    const bool one = stage.expansion == 1;
    const int64_t expanded = one ? channels : ChannelsOf(x) * stage.expansion;
    const Value h = Layer(x, "0", {.channels = expanded, .kernel = stage.kernel, .stride = stride});
    return one ? h : Linear(h, "1", {.channels = channels});
  }

  Builder& b_;
  const ZooOptions& o_;
  const EfficientNetConfig& c_;
  const ZooOptions scale_;
  int blocks_ = 0;
  int block_ = 0;
};

ZooEntry EfficientNetEntry(std::string name, int64_t size, const EfficientNetConfig& c) {
  const bool second = c.last != 0;
  return {.name = std::move(name),
          .description = second ? "fused blocks first, trained faster"
                                : "depth, width and resolution scaled together",
          .paper = second ? "Tan and Le: EfficientNetV2" : "Tan and Le: EfficientNet",
          .year = second ? 2021 : 2019,
          .layers = [c](Builder& b, Value x,
                        const ZooOptions& o) { return EfficientNet(b, o, c).Logits(x); },
          .input = {3, size, size}};
}

}  // namespace

std::vector<ZooEntry> EfficientNets() {
  const std::vector<Stage> b0 = {{false, 1, 3, 1, 16, 1},  {false, 6, 3, 2, 24, 2},
                                 {false, 6, 5, 2, 40, 2},  {false, 6, 3, 2, 80, 3},
                                 {false, 6, 5, 1, 112, 3}, {false, 6, 5, 2, 192, 4},
                                 {false, 6, 3, 1, 320, 1}};
  const std::vector<Stage> v2_s = {{true, 1, 3, 1, 24, 2},   {true, 4, 3, 2, 48, 4},
                                   {true, 4, 3, 2, 64, 4},   {false, 4, 3, 2, 128, 6},
                                   {false, 6, 3, 1, 160, 9}, {false, 6, 3, 2, 256, 15}};
  const auto scaled = [&](double width, double depth, double dropout, bool large = false) {
    return EfficientNetConfig{.stages = b0,
                              .width = width,
                              .depth = depth,
                              .dropout = dropout,
                              .epsilon = large ? 1e-3 : 1e-5,
                              .momentum = large ? 0.01 : 0.1};
  };
  return {EfficientNetEntry("efficientnet_b0", 224, scaled(1, 1, 0.2)),
          EfficientNetEntry("efficientnet_b1", 240, scaled(1, 1.1, 0.2)),
          EfficientNetEntry("efficientnet_b2", 288, scaled(1.1, 1.2, 0.3)),
          EfficientNetEntry("efficientnet_b3", 300, scaled(1.2, 1.4, 0.3)),
          EfficientNetEntry("efficientnet_b4", 380, scaled(1.4, 1.8, 0.4)),
          EfficientNetEntry("efficientnet_b5", 456, scaled(1.6, 2.2, 0.4, true)),
          EfficientNetEntry("efficientnet_b6", 528, scaled(1.8, 2.6, 0.5, true)),
          EfficientNetEntry("efficientnet_b7", 600, scaled(2, 3.1, 0.5, true)),
          EfficientNetEntry("efficientnet_v2_s", 384,
                            {.stages = v2_s, .stem = 24, .last = 1280, .epsilon = 1e-3})};
}

}  // namespace weft
