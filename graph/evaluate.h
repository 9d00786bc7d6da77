#ifndef WEFT_GRAPH_EVALUATE_H_
#define WEFT_GRAPH_EVALUATE_H_

#include <optional>
#include <span>
#include <vector>

#include "absl/functional/function_ref.h"
#include "graph/op.h"

namespace weft {

// The tensor's bytes for a kernel; absent for an empty one.
TensorView ViewOf(const Tensor& tensor);

// Runs the reference kernel of `node`, whose types are static, on views of its inputs (one each, of
// the inputs' types). Errors: no reference kernel, a symbolic type, not enough memory, the
// kernel's.
absl::StatusOr<std::vector<Tensor>> EvaluateNode(const Node& node,
                                                 std::span<const TensorView> inputs,
                                                 const RandomKey& key);

// What is known before a run is one question, which the importer, Bind and constant folding ask.

// Where tensors come from: null for a value that is not known.
using KnownTensors = absl::FunctionRef<const Tensor*(Value)>;

// Whether a node of `op` can be computed from what is known: it has a reference kernel and draws no
// numbers; every input is absent, known, or read for a shape that is static; there is one.
bool IsKnown(const OpDef& op, std::span<const Value> inputs, KnownTensors tensors = ConstantValue);

// What is computed before a run, other than weights, has at most so many elements an output:
// shapes, scales, tables of indices.
inline constexpr int64_t kMostKnownElements = 4096;

// What may be computed before a run: a small file can ask for any amount.
struct KnownBudget {
  double flops = 4e9;                // of the reference kernels
  double bytes = 256.0 * (1 << 20);  // of tensors that the file does not hold

  // Takes from both, or from neither where either is short.
  bool Spend(double more_flops, double more_bytes);
  // Whether `node` is small in outputs and work and fits into what is left, from which it takes.
  bool SpendOn(const Node& node);
};

// The only output of a node that IsKnown from constants, where the budget allows. nullopt otherwise
// and where the kernel fails.
std::optional<Tensor> KnownOutput(const Node& node, KnownBudget& budget);

}  // namespace weft

#endif  // WEFT_GRAPH_EVALUATE_H_
