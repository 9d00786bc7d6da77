#ifndef WEFT_PASSES_LINEAR_AFFINE_H_
#define WEFT_PASSES_LINEAR_AFFINE_H_

#include "passes/rule.h"

namespace weft {

// An op, "affine" in patterns, that scales and shifts by constants, one a channel or one for all:
// a batch normalization at inference, or Add, Sub, Mul or Div with such a constant (x / c, not
// c / x).
struct Affine {
  Value scale;  // [C] or [1]; null: 1
  Value shift;  // [C] or [1]; null: 0
};

// What a batch normalization at inference does: s = scale / sqrt(var + epsilon) and bias - mean*s,
// both [C].
Affine ScaleAndShiftOf(const Node& batch_norm, Emitter& e);
// Its operands are constants, and s is finite: an infinite factor would make NaN of what it shifts.
Condition HasFiniteScale(const Match& match, std::string_view batch_norm);

// The op of `x` with any constants, named for what follows.
Pattern BatchNormOf(Pattern x);
Pattern ArithmeticOf(Pattern x, Pattern constant);

// What can be said of "affine" by its op.
bool Scales(const Match& match);
bool Shifts(const Match& match);
// It is a batch normalization only at inference.
Condition IsAtInference(const Match& match);
// It keeps the type of `x`, its operands are constants, finite, and go with the channels that `x`
// has on `axis`.
Condition IsAffine(const Match& match, std::string_view x, int axis);

Affine ReadAffine(const Match& match, Rewriter& r);

}  // namespace weft

#endif  // WEFT_PASSES_LINEAR_AFFINE_H_
