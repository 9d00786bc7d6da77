#ifndef WEFT_AUTODIFF_GRADIENTS_H_
#define WEFT_AUTODIFF_GRADIENTS_H_

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/op.h"

namespace weft {

// Rules that stand in for ops' own, by op name: what flows back is then no derivative, such as in
// guided backpropagation.
using GradientRules =
    std::map<std::string, std::function<InputGradients(GradientContext&)>, std::less<>>;

// Adds to `graph` the nodes that compute d(sum of ys . cotangents)/dx for each x, by one reverse
// sweep over the nodes between xs and ys (Griewank and Walther, Evaluating Derivatives, ch. 3.2).
// The result has one value per x, of x's type; an x that no y depends on gets zeros.
// `cotangents` are of the ys' types; empty means one for every y, each of which must then be a
// scalar. Calling it on its own results gives second derivatives. Errors: a y or x that is not
// floating-point, a cotangent of another type, an op on the way without a gradient rule (named,
// with its reason); the nodes added until then stay, read by nothing. New nodes are called
// grad/FORWARD/OP after the forward node whose derivative they compute.
absl::StatusOr<std::vector<Value>> Gradients(Graph& graph, std::span<const Value> ys,
                                             std::span<const Value> xs,
                                             std::span<const Value> cotangents = {},
                                             const GradientRules& rules = {});

// Whether input `i` of `node` is one that derivatives flow through: present, floating-point, read
// for more than its shape, and not excluded by the op.
bool IsDifferentiable(const Node& node, int i);

}  // namespace weft

#endif  // WEFT_AUTODIFF_GRADIENTS_H_
