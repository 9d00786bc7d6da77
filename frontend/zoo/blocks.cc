#include "frontend/zoo/blocks.h"

namespace weft {

Value ConvBn(Builder& b, Value x, const ConvBnOptions& o, Where where) {
  Padding padding = o.padding;
  if (padding.mode == "half") {
    padding = Extent2(o.dilation.height * (o.kernel.height - 1) / 2,
                      o.dilation.width * (o.kernel.width - 1) / 2);
  }
  const Value h = b.Conv2d(x,
                           {.channels = o.channels,
                            .kernel = o.kernel,
                            .stride = o.stride,
                            .padding = padding,
                            .dilation = o.dilation,
                            .groups = o.groups,
                            .bias = false,
                            .init = Initializer::HeNormal(),
                            .name = o.conv},
                           where);
  return b.BatchNorm2d(h, {.epsilon = o.epsilon, .momentum = o.momentum, .name = o.bn}, where);
}

Value ConvBnRelu(Builder& b, Value x, const ConvBnOptions& o, Where where) {
  return b.Relu(ConvBn(b, x, o, where), {}, where);
}

Value ConvBnModule(Builder& b, Value x, std::string_view name, ConvBnOptions o, Where where) {
  const auto scope = b.Scope(name);
  o.conv = "0";
  o.bn = "1";
  return ConvBn(b, x, o, where);
}

Value SqueezeExcite(Builder& b, Value x, const SqueezeExciteOptions& o, Where where) {
  Value s = b.GlobalAvgPool(x, {.keep_dims = true}, where);
  s = b.Conv2d(s, {.channels = o.squeeze, .kernel = 1, .name = o.reduce}, where);
  s = o.activation != nullptr ? o.activation(b, s) : b.Relu(s, {}, where);
  s = b.Conv2d(s, {.channels = ChannelsOf(x), .kernel = 1, .name = o.expand}, where);
  s = o.gate != nullptr ? o.gate(b, s) : b.Sigmoid(s, {}, where);
  return b.Mul(x, s, {}, where);
}

int64_t ChannelsOf(Value x) { return x.null() ? 0 : x.type().dim(1).coefficient(); }

}  // namespace weft
