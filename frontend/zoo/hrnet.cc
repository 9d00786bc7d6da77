#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Sun et al. 2019, "High-resolution representations for labeling pixels and regions": one branch a
// resolution, each half of the one before it, that exchange what they know after every module.
using Branches = std::vector<Value>;
constexpr int kBasicBlocks = 4;        // of a branch in a module
constexpr int kModules[] = {1, 4, 3};  // of stages 2 to 4

ConvBnOptions Conv3x3(int64_t channels, int64_t stride = 1) {
  return {.channels = channels, .kernel = 3, .stride = stride};
}

Value Named(Builder& b, Value x, const std::string& name, const ConvBnOptions& options) {
  const auto scope = b.Scope(name);
  return ConvBn(b, x, options);
}

Value BasicBlock(Builder& b, Value x) {
  const int64_t channels = ChannelsOf(x);
  const Value h = b.Relu(Named(b, x, "1", Conv3x3(channels)));
  return b.Relu(b.Add(Named(b, h, "2", Conv3x3(channels)), x));
}

Value Bottleneck(Builder& b, Value x, int64_t planes) {
  Value h = b.Relu(Named(b, x, "1", {.channels = planes}));
  h = b.Relu(Named(b, h, "2", Conv3x3(planes)));
  h = Named(b, h, "3", {.channels = 4 * planes});
  if (ChannelsOf(x) == 4 * planes) return b.Relu(b.Add(h, x));
  return b.Relu(b.Add(h, Named(b, x, "downsample", {.channels = 4 * planes})));
}

// What branch `from` tells branch `to`: from a lower resolution by 1x1 and enlarging, from a higher
// one by 3x3 of stride 2, as often as it takes.
Value Message(Builder& b, const Branches& branches, size_t from, size_t to) {
  Value h = branches[from];
  const int64_t channels = ChannelsOf(branches[to]);
  const std::string name = absl::StrCat("fuse.", to, ".", from);
  if (from == to) return h;
  if (from > to) {
    h = Named(b, h, name, {.channels = channels});
    return b.Upsample(h, {.scale = {static_cast<double>(int64_t{1} << (from - to))}});
  }
  for (size_t step = from; step < to; ++step) {
    const bool last = step + 1 == to;
    h = Named(b, h, absl::StrCat(name, ".", step - from),
              Conv3x3(last ? channels : ChannelsOf(h), 2));
    if (!last) h = b.Relu(h);
  }
  return h;
}

Branches Module(Builder& b, Branches branches) {
  for (size_t i = 0; i < branches.size(); ++i) {
    for (int block = 0; block < kBasicBlocks; ++block) {
      const auto scope = b.Scope(absl::StrCat("branches.", i, ".", block));
      branches[i] = BasicBlock(b, branches[i]);
    }
  }
  Branches fused;
  for (size_t to = 0; to < branches.size(); ++to) {
    Value sum = Message(b, branches, 0, to);
    for (size_t from = 1; from < branches.size(); ++from) {
      sum = b.Add(sum, Message(b, branches, from, to));
    }
    fused.push_back(b.Relu(sum));
  }
  return fused;
}

// Each branch widened, the higher resolutions added to the next lower one.
Value Classify(Builder& b, const Branches& branches, const ZooOptions& o) {
  Value h;
  for (size_t i = 0; i < branches.size(); ++i) {
    const auto scope = b.Scope(absl::StrCat("head.", i));
    const Value wide = Bottleneck(b, branches[i], o.Wide(int64_t{32} << i));
    if (i == 0) {
      h = wide;
      continue;
    }
    h = b.Conv2d(h, {.channels = ChannelsOf(wide),
                     .kernel = 3,
                     .stride = 2,
                     .padding = 1,
                     .init = Initializer::HeNormal(),
                     .name = "down"});
    h = b.Add(wide, b.Relu(b.BatchNorm2d(h, {.name = "down.bn"})));
  }
  h = b.Conv2d(
      h, {.channels = o.Wide(2048), .kernel = 1, .init = Initializer::HeNormal(), .name = "final"});
  h = b.Relu(b.BatchNorm2d(h, {.name = "final.bn"}));
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "classifier"});
}

Value HrNet(Builder& b, Value x, const ZooOptions& o, int64_t width) {
  Value h = b.Relu(Named(b, x, "stem.1", Conv3x3(o.Wide(64), 2)));
  h = b.Relu(Named(b, h, "stem.2", Conv3x3(o.Wide(64), 2)));
  for (int i = 0; i < 4; ++i) {
    const auto scope = b.Scope(absl::StrCat("layer1.", i));
    h = Bottleneck(b, h, o.Wide(64));
  }
  // A new branch of half the resolution before each stage.
  Branches branches = {b.Relu(Named(b, h, "transition1.0", Conv3x3(o.Wide(width))))};
  for (int stage = 2; stage <= 4; ++stage) {
    const Value source = stage == 2 ? h : branches.back();
    const int64_t channels = o.Wide(width << (stage - 1));
    branches.push_back(b.Relu(
        Named(b, source, absl::StrCat("transition", stage - 1, ".new"), Conv3x3(channels, 2))));
    for (int module = 0; module < kModules[stage - 2]; ++module) {
      const auto scope = b.Scope(absl::StrCat("stage", stage, ".", module));
      branches = Module(b, std::move(branches));
    }
  }
  return Classify(b, branches, o);
}

}  // namespace

std::vector<ZooEntry> HrNets() {
  return {{.name = "hrnet_w18",
           .description = "all resolutions side by side, exchanging",
           .paper = "Sun et al.: High-resolution representations",
           .year = 2019,
           .layers = [](Builder& b, Value x, const ZooOptions& o) { return HrNet(b, x, o, 18); },
           .input_multiple = 32}};
}

}  // namespace weft
