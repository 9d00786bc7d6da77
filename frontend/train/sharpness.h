#ifndef WEFT_FRONTEND_TRAIN_SHARPNESS_H_
#define WEFT_FRONTEND_TRAIN_SHARPNESS_H_

#include "frontend/train/optimizer.h"
#include "graph/graph.h"

namespace weft {

// Makes a step sharpness-aware (Foret et al. 2021, Sharpness-Aware Minimization, equation 2 and
// algorithm 1): the descent's gradients become those where `loss` is highest, to first order,
// within `rho` of its parameters,
//
//   w -> L(w) -> g = dL/dw -> w' = w + rho g / |g| -> L(w') -> dL(w')/dw'
//
// |g| being the norm of all of them together. L(w') has the examples and the random draws of L(w);
// statistics of batch normalizations follow the first pass alone. A step does its work twice. A
// `rho` of 0 changes nothing.
absl::Status SharpenGradients(Graph& graph, Value loss, double rho, Descent& descent);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_SHARPNESS_H_
