#ifndef WEFT_AUTODIFF_GRADIENT_CHECK_H_
#define WEFT_AUTODIFF_GRADIENT_CHECK_H_

#include <cstdint>
#include <span>
#include <string>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

struct GradientCheckOptions {
  // Half the distance of a central difference. No kink may lie within it of the point.
  double step = 1.0 / 256;
  // At most so many elements of an x are varied one by one, drawn at random where it has more.
  int max_elements = 48;
  // Random directions of +-1 in which all elements of an x are varied together.
  int directions = 2;
  uint64_t seed = 1;  // of the cotangents, directions and drawn elements
};

struct GradientCheckResult {
  // The largest relative error: |a - n| / max(|a|, |n|, max|g|, 1e-4), where a is the derivative by
  // Gradients, n the numerical one, and g the whole gradient of that x.
  double error = 0;
  std::string where;        // "W[0,2,1,1]: by rule 0.25, numerically 0.26"
  int64_t comparisons = 0;  // derivatives compared; 0 where every x is empty
};

// Compares Gradients with numerical differentiation of `evaluator`'s results at the point `feeds`:
// central differences with steps h and h/2, extrapolated to O(h^4) (Richardson), of the sum of all
// elements of the ys weighted by random cotangents. All ys and xs are f64; each x is an Input,
// Variable or Constant of `graph`, which stays unchanged. Errors: an x that is no leaf, a value
// that is not f64, whatever Gradients or the evaluator say.
absl::StatusOr<GradientCheckResult> CheckGradients(const Graph& graph, std::span<const Value> ys,
                                                   std::span<const Value> xs,
                                                   const TensorMap& feeds, Evaluator& evaluator,
                                                   const GradientCheckOptions& options = {});

}  // namespace weft

#endif  // WEFT_AUTODIFF_GRADIENT_CHECK_H_
