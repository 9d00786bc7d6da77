#ifndef WEFT_FRONTEND_TRAIN_OPTIMIZER_H_
#define WEFT_FRONTEND_TRAIN_OPTIMIZER_H_

#include <span>
#include <string_view>

#include "graph/graph.h"

namespace weft {

// The scalar inputs of a training graph: the learning rate, of the parameters' dtype, and the
// number of steps taken before this one, i64.
inline constexpr std::string_view kLearningRateInput = "learning_rate";
inline constexpr std::string_view kStepInput = "step";

// Stochastic gradient descent as PyTorch's SGD does it, with w a parameter, g its gradient:
//   d = g + weight_decay * w;  v = momentum * v + d (v = d at step 0)
//   w <- w - learning_rate * v, or, Nesterov's, w - learning_rate * (d + momentum * v)
struct OptimizerOptions {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  // False leaves parameters of one axis out of the decay: biases, scales of normalizations.
  bool decay_vectors = true;
  friend bool operator==(const OptimizerOptions&, const OptimizerOptions&) = default;
};

// Adds the optimizer's step to `graph` as updates of `parameters`: w - learning_rate * g without
// momentum, otherwise Momentum nodes with one slot variable a parameter, called PARAMETER/momentum,
// role kOptimizerSlot. Adds the inputs above that it reads. Errors: options out of their range,
// nothing to train, a gradient of another type than its parameter's.
absl::Status AddOptimizer(Graph& graph, std::span<Node* const> parameters,
                          std::span<const Value> gradients, const OptimizerOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_OPTIMIZER_H_
