#ifndef WEFT_RUNTIME_PLAN_STEP_PATTERNS_H_
#define WEFT_RUNTIME_PLAN_STEP_PATTERNS_H_

#include "runtime/plan/plan.h"

// What stages that replace kernels of steps ask about them.

namespace weft {

// What asks for kernels like that of the step, which has a node.
KernelRequest RequestOf(const PlanStep& step);

// Whether it is a convolution by a fast kernel, with the operands of its node and no others. It may
// write parts of the node's result.
bool IsConv(const PlanStep& step);

// Whether it is Relu(x * scale + shift) of an image [N,C,H,W] with one number a channel, its inputs
// being x, scale and shift.
bool IsScaleShift(const PlanStep& step);

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_STEP_PATTERNS_H_
