#ifndef WEFT_OPS_NON_ZERO_H_
#define WEFT_OPS_NON_ZERO_H_

#include "graph/op.h"

namespace weft {

// How many elements of x are not 0.
int64_t CountNonZeros(const TensorView& x);
// Their coordinates, in order: i64, one row of `stride` places for each axis.
void FillNonZeros(const TensorView& x, int64_t stride, int64_t* rows);

}  // namespace weft

#endif  // WEFT_OPS_NON_ZERO_H_
