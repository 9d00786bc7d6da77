#ifndef WEFT_RUNTIME_HOST_SQUEEZE_PRODUCT_H_
#define WEFT_RUNTIME_HOST_SQUEEZE_PRODUCT_H_

#include <cstdint>

namespace weft {

// y[i] = W x[i] + b for each example i, of which `x` and `y` keep x_step and y_step floats.
struct SqueezeProduct {
  int64_t examples, rows, columns, x_step, y_step;
  const float *w, *b, *x;  // b may be null
  float* y;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SQUEEZE_PRODUCT_H_
