#ifndef WEFT_FRONTEND_BUILD_LAYERS_CONV_SPEC_H_
#define WEFT_FRONTEND_BUILD_LAYERS_CONV_SPEC_H_

#include <optional>
#include <string>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"
#include "graph/type.h"

// What the layers of frontend/build/layers/conv.h share, for any number of spatial axes.

namespace weft {

struct ConvSpec {
  int64_t channels = 0;
  Dims kernel, stride, dilation;  // one entry a spatial axis
  Padding padding = {};
  int64_t groups = 1;
  bool bias = true;
  std::string padding_mode = "zeros";
  std::optional<Initializer> init = {};

  size_t rank() const { return kernel.size(); }
  int64_t span(size_t axis) const { return (kernel[axis] - 1) * dilation[axis] + 1; }
};

// "[N,C,H,W]", for errors.
std::string_view ImageForm(size_t rank);

// Checks rank and numbers; false after an error.
bool CheckConv(Layer& layer, Value x, const ConvSpec& spec);

// The padding as ONNX's pads. Errors: a wrong number of entries, an unknown name, "same" with a
// stride on an unknown extent.
std::optional<Dims> ResolvePads(Layer& layer, Value x, const ConvSpec& spec);

// The attributes of a Conv with these pads.
AttributeMap ConvAttributesOf(const ConvSpec& spec, Dims pads);

// x with `pads` on its spatial axes, by an op Pad of that mode; x itself where they are zero.
Value PadSpatial(Layer& layer, Value x, const Dims& pads, std::string_view mode);

// The layer as one convolution with parameters of its own.
Value AddConv(Layer& layer, Value x, const ConvSpec& spec);

// `b` [C...] as [C...,1,1] beside the spatial axes of an image.
Value PerChannel(Layer& layer, Value b, size_t spatial_rank);

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_CONV_SPEC_H_
