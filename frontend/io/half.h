#ifndef WEFT_FRONTEND_IO_HALF_H_
#define WEFT_FRONTEND_IO_HALF_H_

#include <cstdint>

#include "graph/tensor.h"

namespace weft {

// The 16-bit floats of files, as bits: f16 is IEEE 754's binary16, bf16 the upper half of a float.
// To float is exact, subnormals, infinities and NaNs (with their payload's bits) included. From
// float rounds to the nearest, ties to even; what is too large becomes infinite, a NaN stays one.
float F16ToFloat(uint16_t bits);
uint16_t FloatToF16(float value);
float BF16ToFloat(uint16_t bits);
uint16_t FloatToBF16(float value);

// A copy of an f16 or bf16 tensor as f32 or f64, exact. Errors: other dtypes, not enough memory.
absl::StatusOr<Tensor> WidenHalf(const Tensor& half, DType dtype);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_HALF_H_
