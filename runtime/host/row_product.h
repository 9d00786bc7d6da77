#ifndef WEFT_RUNTIME_HOST_ROW_PRODUCT_H_
#define WEFT_RUNTIME_HOST_ROW_PRODUCT_H_

#include <cstdint>

namespace weft {

// y[i] = W x[i] + b for each example i, of which `x` and `y` keep x_step and y_step floats. W is
// row-major, [rows, columns].
struct RowProduct {
  int64_t examples = 0, rows = 0, columns = 0;
  int64_t x_step = 0, y_step = 0;
  const float* w = nullptr;
  const float* b = nullptr;  // null for none
  const float* x = nullptr;
  float* y = nullptr;
};

// On the run's threads: each reads its rows of W from the first to the last, once for four
// examples, as fast as memory gives them. The bits of a result depend on neither threads nor other
// examples.
void RunRowProduct(const RowProduct& p);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_ROW_PRODUCT_H_
