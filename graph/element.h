#ifndef WEFT_GRAPH_ELEMENT_H_
#define WEFT_GRAPH_ELEMENT_H_

#include <cstdint>

#include "graph/dtype.h"

namespace weft {

// Element `i` of an array, as a double: exact but for i64 and u64 beyond 2^53, which are rounded.
double ElementAt(DType dtype, const void* data, int64_t i);

// Converts `count` elements; the arrays may not overlap. C++'s conversion where that is defined:
// integers wrap around, floating point is rounded to the nearest. Floating point to integer cuts
// towards zero; what does not fit becomes the nearest integer that does, NaN becomes 0. To bool:
// whether it is not 0. From and to the 16-bit types: by way of f32.
void ConvertElements(DType from, const void* source, DType to, void* target, int64_t count);

}  // namespace weft

#endif  // WEFT_GRAPH_ELEMENT_H_
