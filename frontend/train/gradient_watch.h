#ifndef WEFT_FRONTEND_TRAIN_GRADIENT_WATCH_H_
#define WEFT_FRONTEND_TRAIN_GRADIENT_WATCH_H_

#include <functional>
#include <string>

#include "graph/tensor.h"
#include "runtime/exec/executable.h"

namespace weft {

// Sees the gradient of a parameter as the optimizer reads it, before it is clipped or decayed: of
// several batches a step their mean so far. An error: there is no memory to show it in.
using GradientWatch =
    std::function<void(const std::string& parameter, const absl::StatusOr<Tensor>& gradient)>;

// Shows all gradients that a step of a training plan has read, where it is an optimizer's. What the
// plan computes is the same with and without.
void ShowGradients(const PlanStepOperands& operands, const GradientWatch& watch);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_GRADIENT_WATCH_H_
