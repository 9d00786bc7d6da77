#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

constexpr double kMomentum = 1 - 0.9997;  // of the running statistics, torchvision's

// A stack of figure 7 of Tan et al. 2019.
struct Stack {
  int64_t channels, kernel, stride, expansion;
  int repeats;
};

constexpr Stack kStacks[] = {{24, 3, 2, 3, 3}, {40, 5, 2, 3, 3},  {80, 5, 2, 6, 3},
                             {96, 3, 1, 6, 2}, {192, 5, 2, 6, 4}, {320, 3, 1, 6, 1}};

// 1x1, depthwise, 1x1 without an activation.
Value MnasBlock(Builder& b, Value x, const Stack& s, int64_t channels, int64_t stride) {
  const auto scope = b.Scope("layers");
  const int64_t wide = ChannelsOf(x) * s.expansion;
  Value h = ConvBnRelu(b, x, {.channels = wide, .momentum = kMomentum, .conv = "0", .bn = "1"});
  h = ConvBnRelu(b, h,
                 {.channels = wide,
                  .kernel = s.kernel,
                  .stride = stride,
                  .groups = wide,
                  .momentum = kMomentum,
                  .conv = "3",
                  .bn = "4"});
  h = ConvBn(b, h, {.channels = channels, .momentum = kMomentum, .conv = "6", .bn = "7"});
  return stride == 1 && ChannelsOf(x) == channels ? b.Add(h, x) : h;
}

Value MnasNet(Builder& b, Value x, const ZooOptions& o) {
  Value h = x;
  {
    const auto scope = b.Scope("layers");
    h = ConvBnRelu(b, h,
                   {.channels = o.Wide(32),
                    .kernel = 3,
                    .stride = 2,
                    .momentum = kMomentum,
                    .conv = "0",
                    .bn = "1"});
    h = ConvBnRelu(b, h,
                   {.channels = ChannelsOf(h),
                    .kernel = 3,
                    .groups = ChannelsOf(h),
                    .momentum = kMomentum,
                    .conv = "3",
                    .bn = "4"});
    h = ConvBn(b, h, {.channels = o.Wide(16), .momentum = kMomentum, .conv = "6", .bn = "7"});
    int index = 8;
    for (const Stack& stack : kStacks) {
      for (int i = 0; i < stack.repeats; ++i) {
        const auto block = b.Scope(absl::StrCat(index, ".", i));
        h = MnasBlock(b, h, stack, o.Wide(stack.channels), i == 0 ? stack.stride : 1);
      }
      ++index;
    }
    h = ConvBnRelu(b, h,
                   {.channels = o.Wide(1280), .momentum = kMomentum, .conv = "14", .bn = "15"});
  }
  h = b.Dropout(b.GlobalAvgPool(h), {.ratio = 0.2});
  return b.Linear(h, {.features = o.classes, .name = "classifier.1"});
}

}  // namespace

std::vector<ZooEntry> MnasNets() {
  return {{.name = "mnasnet1_0",
           .description = "searched for accuracy and latency",
           .paper = "Tan et al.: MnasNet",
           .year = 2019,
           .layers = MnasNet}};
}

}  // namespace weft
