#ifndef WEFT_FRONTEND_ZOO_BLOCKS_H_
#define WEFT_FRONTEND_ZOO_BLOCKS_H_

#include <string>
#include <string_view>

#include "frontend/build/builder.h"

// Blocks that several families share.

namespace weft {

// Convolution without bias, then batch normalization. The names of the two layers are "conv" and
// "bn" where torchvision has a BasicConv2d, "0" and "1" where it has a Sequential.
struct ConvBnOptions {
  int64_t channels = 0;  // of the output; required
  Extent2 kernel = 1;
  Extent2 stride = 1;
  Padding padding = "half";  // "half": half of the (dilated) kernel, which keeps the extent
  Extent2 dilation = 1;
  int64_t groups = 1;
  double epsilon = 1e-5;
  double momentum = 0.1;
  std::string conv = "conv";
  std::string bn = "bn";
};
Value ConvBn(Builder& b, Value x, const ConvBnOptions& o, Where where = Where::current());
// The same with a ReLU.
Value ConvBnRelu(Builder& b, Value x, const ConvBnOptions& o, Where where = Where::current());

// ConvBn in a scope called `name`, its layers "0" and "1": torchvision's Conv2dNormActivation.
Value ConvBnModule(Builder& b, Value x, std::string_view name, ConvBnOptions o,
                   Where where = Where::current());

// Global average [N,C,1,1], 1x1 convolution to `squeeze` channels, ReLU, 1x1 convolution, gate:
// Hu et al. 2018, "Squeeze-and-excitation networks". `activation` and `gate` are functions of
// (Builder&, Value). Layers are called `reduce` and `expand` in the current scope.
struct SqueezeExciteOptions {
  int64_t squeeze = 0;                                 // required
  Value (*activation)(Builder& b, Value x) = nullptr;  // none: ReLU
  Value (*gate)(Builder& b, Value x) = nullptr;        // none: sigmoid
  std::string reduce = "fc1";
  std::string expand = "fc2";
};
Value SqueezeExcite(Builder& b, Value x, const SqueezeExciteOptions& o,
                    Where where = Where::current());

// The number of channels of x [N,C,...]; 0 after a mistake.
int64_t ChannelsOf(Value x);

}  // namespace weft

#endif  // WEFT_FRONTEND_ZOO_BLOCKS_H_
