#ifndef WEFT_PASSES_LINEAR_SHIFT_MAP_H_
#define WEFT_PASSES_LINEAR_SHIFT_MAP_H_

#include "graph/evaluator.h"
#include "passes/linear/linear_op.h"

namespace weft {

// What a linear op makes of a shift of each channel that it reads is a number for each channel m
// where every element sums it over the same taps. It is a map [1, M, places...] where elements in
// the border sum it over fewer taps than those inside, because zeros surround the image, and where
// a transposed convolution reaches some places with more taps than others.

// The shift of "affine" is one number for each m: no convolution with padding, not transposed.
Condition SeesWholeShift(const Match& m);
// Otherwise the map can be computed once, and to add it moves fewer bytes than "affine" does.
Condition PaysAsMap(const Match& m, const CostModel& costs);
// The map, of constants.
Value MapOfShift(Rewriter& r, const LinearOp& op, Value shift);

}  // namespace weft

#endif  // WEFT_PASSES_LINEAR_SHIFT_MAP_H_
