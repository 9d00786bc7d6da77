#include <utility>

#include "absl/strings/str_cat.h"
#include "frontend/zoo/blocks.h"
#include "frontend/zoo/families.h"

namespace weft {
namespace {

// Depthwise 3x3, pointwise, batch normalization.
Value Separable(Builder& b, Value x, int64_t channels, std::string name) {
  const Value h = b.DepthwiseSeparableConv2d(x, {.channels = channels,
                                                 .kernel = 3,
                                                 .padding = 1,
                                                 .bias = false,
                                                 .init = Initializer::HeNormal(),
                                                 .name = name});
  return b.BatchNorm2d(h, {.name = absl::StrCat(name, ".bn")});
}

// Two separable convolutions and pooling beside a projection.
Value DownBlock(Builder& b, Value x, int64_t first, int64_t second, bool relu_first) {
  Value h = relu_first ? b.Relu(x) : x;
  h = b.Relu(Separable(b, h, first, "sep1"));
  h = Separable(b, h, second, "sep2");
  h = b.MaxPool2d(h, {.kernel = 3, .stride = 2, .padding = 1});
  return b.Add(h, ConvBn(b, x, {.channels = second, .stride = 2, .conv = "skip", .bn = "skipbn"}));
}

Value MiddleBlock(Builder& b, Value x) {
  Value h = x;
  for (const char* name : {"sep1", "sep2", "sep3"}) {
    h = Separable(b, b.Relu(h), ChannelsOf(x), name);
  }
  return b.Add(h, x);
}

// Chollet 2017, figure 5: entry flow, middle flow, exit flow.
Value Xception(Builder& b, Value x, const ZooOptions& o) {
  int block = 0;
  const auto next = [&] { return b.Scope(absl::StrCat("block", ++block)); };
  Value h = ConvBnRelu(b, x,
                       {.channels = o.Wide(32),
                        .kernel = 3,
                        .stride = 2,
                        .padding = 0,
                        .conv = "conv1",
                        .bn = "bn1"});
  h = ConvBnRelu(b, h,
                 {.channels = o.Wide(64), .kernel = 3, .padding = 0, .conv = "conv2", .bn = "bn2"});
  for (const int64_t channels : {128, 256, 728}) {
    const auto scope = next();
    h = DownBlock(b, h, o.Wide(channels), o.Wide(channels), /*relu_first=*/block > 1);
  }
  for (int i = 0; i < 8; ++i) {
    const auto scope = next();
    h = MiddleBlock(b, h);
  }
  {
    const auto scope = next();
    h = DownBlock(b, h, o.Wide(728), o.Wide(1024), /*relu_first=*/true);
  }
  h = b.Relu(Separable(b, h, o.Wide(1536), "conv3"));
  h = b.Relu(Separable(b, h, o.Wide(2048), "conv4"));
  return b.Linear(b.GlobalAvgPool(h), {.features = o.classes, .name = "fc"});
}

}  // namespace

std::vector<ZooEntry> Xceptions() {
  return {{.name = "xception",
           .description = "depthwise separable convolutions throughout",
           .paper = "Chollet: Xception",
           .year = 2017,
           .layers = Xception,
           .input = {3, 299, 299},
           .pixels = InceptionPixels()}};
}

}  // namespace weft
