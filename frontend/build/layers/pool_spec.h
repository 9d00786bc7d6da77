#ifndef WEFT_FRONTEND_BUILD_LAYERS_POOL_SPEC_H_
#define WEFT_FRONTEND_BUILD_LAYERS_POOL_SPEC_H_

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"
#include "graph/type.h"

// What the layers of frontend/build/layers/pool.h share, for any number of spatial axes.

namespace weft {

struct PoolSpec {
  Dims kernel, stride;  // one entry a spatial axis; strides of 0 all stand for the kernel
  Dims dilation = {};   // none: 1
  Padding padding = {};
  bool ceil_mode = false;
};

template <typename Options>
PoolSpec PoolSpecOf(const Options& o) {
  PoolSpec spec{ListOf(o.kernel), ListOf(o.stride), {}, {}, false};
  if constexpr (requires { o.dilation; }) spec.dilation = ListOf(o.dilation);
  if constexpr (requires { o.padding.values; }) spec.padding = o.padding;
  if constexpr (requires { o.ceil_mode; }) spec.ceil_mode = o.ceil_mode;
  return spec;
}

// The attributes of a pooling of x, checked; empty after an error. The ops check the rest: that
// windows fit and read some of the input.
AttributeMap PoolAttributesOf(Layer& layer, Value x, const PoolSpec& spec);

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_POOL_SPEC_H_
