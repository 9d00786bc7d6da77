#ifndef WEFT_RUNTIME_PLAN_JOINS_H_
#define WEFT_RUNTIME_PLAN_JOINS_H_

#include "runtime/plan/step_editor.h"

// Steps that become part of their neighbours: on channels-last images, but for the last kind.

namespace weft {

// A shuffle of the channels, with the concatenation before and the split behind it, becomes one
// step that moves every channel once (MakeShuffledConcat).
void JoinShuffles(StepEditor& steps);

// A pointwise convolution whose result is only split writes the parts itself:
//
//   x --Conv--> y --Split--> a, b        x --Conv--> a, b
void JoinSplits(StepEditor& steps);

// Scale, shift and Relu of an image's channels, as batch normalization becomes, whose result a
// pointwise convolution alone reads, are done while that packs its pixels:
//
//   x --FusedElementwise--> y --Conv--> z        x --Conv--> z
void JoinScaleShifts(StepEditor& steps);

// A depthwise convolution with the pointwise ones before and behind it (MakeDepthwiseChain), where
// what is between them is large against the weights:
//
//   x --Conv--> wide --Conv--> narrow --Conv--> z        x --ConvChain--> z
void JoinDepthwise(StepEditor& steps);

// Relu or Clip behind a batch normalization becomes part of it, and their gradients of its
// gradient, with the same bits: what is between them need not be kept, nor read again.
void JoinNormActivations(StepEditor& steps);

// Whether it is a step of JoinShuffles'.
bool IsShuffle(const PlanStep& step);

// Our kernel for step `s`, whosever it has, with results that lie so: the library's write no
// regions. Null where it is no pointwise convolution, and where an operand would have to lie
// otherwise that is no constant of the step's own.
StepEditor::KernelPtr PointwiseFor(StepEditor& steps, size_t s, std::vector<Layout> results);

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_JOINS_H_
