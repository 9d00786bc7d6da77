#ifndef WEFT_RUNTIME_HOST_SIMD_CELL_ACTIVATION_H_
#define WEFT_RUNTIME_HOST_SIMD_CELL_ACTIVATION_H_

#include <cstdint>

#include "ops/recurrent.h"

namespace weft {

// ActivateEach on f32; sigmoid and tanh in vectors.
void ActivateCell(const CellActivation& f, int64_t n, const float* x, float* y, float* d);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SIMD_CELL_ACTIVATION_H_
