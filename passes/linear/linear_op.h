#ifndef WEFT_PASSES_LINEAR_LINEAR_OP_H_
#define WEFT_PASSES_LINEAR_LINEAR_OP_H_

#include "passes/rule.h"

namespace weft {

// Conv, ConvTranspose, Gemm and MatMul by what they have in common: a channel m of the result is a
// sum over the channels c of x,
//
//   y[m] = alpha * sum over c of x[c] * w[c, m] + beta * b[m]
//
// They differ in which axes hold the channels. Where there are groups, axis 0 of w counts the
// channels of all groups and axis 1 those of one: Conv's w is [M, C/group, taps...],
// ConvTranspose's is [C, M/group, taps...].
struct LinearOp {
  const Node* node = nullptr;
  std::string_view kind = {};  // "Conv" of a Conv and of a FusedConv
  int64_t group = 1;
  int x_axis = 1;  // of x: the channels c
  int y_axis = 1;  // of y: the channels m
  int w_in = 1;    // of w: c
  int w_out = 0;   // of w: m
  double alpha = 1;
  double beta = 1;
  Value w = {};
  Value bias = {};  // null where there is none, or one that beta = 0 leaves out
};

// Of the node that a LinearPattern matched.
LinearOp ReadLinearOp(const Match& match);

// The op, called "linear", of x, "w" and, where there is one, "b".
Pattern LinearPattern(Pattern x);
// Or one that goes on with its result, whose further inputs are operands of post-ops.
Pattern FusedLinearPattern(Pattern x);

// Conditions on "linear".
// Its weights can be rewritten: they are elements of a matrix or of a convolution's kernels.
Condition HasChannels(const Match& match);
// It has a bias or may be given one: MatMul only where Gemm can do its work.
Condition MayHaveBias(const Match& match);

// The weights with w[c, m] times scale[c] (axis `op.w_in`) or scale[m] (`op.w_out`).
Value ScaledWeights(Rewriter& r, const LinearOp& op, Value scale, int axis);
// What y[m] grows by at each tap where shift[c] is added to all of x: weights of one channel, of no
// groups.
Value EffectOfTaps(Rewriter& r, const LinearOp& op, Value shift);
// What it grows by where all taps are summed.
Value EffectOfShift(Rewriter& r, const LinearOp& op, Value shift);
// bias * scale + shift, a number for each m; null for 1 and 0. Null where there is no bias and no
// shift.
Value NewBias(Rewriter& r, const LinearOp& op, Value scale, Value shift);
// The op with other operands, under its old name. `bias` stands for beta * b.
Value WithOperands(Rewriter& r, const LinearOp& op, Value x, Value w, Value bias);

}  // namespace weft

#endif  // WEFT_PASSES_LINEAR_LINEAR_OP_H_
