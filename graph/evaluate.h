#ifndef WEFT_GRAPH_EVALUATE_H_
#define WEFT_GRAPH_EVALUATE_H_

#include <optional>
#include <span>
#include <vector>

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

// What is computed before a run has at most so many elements: shapes, scales, tables of indices.
inline constexpr int64_t kMostKnownElements = 4096;
inline constexpr double kMostKnownFlops = 1e8;

// The only output of `node` where it can be told before a run: every input is a Constant, or read
// for a shape that is static, and the result is small (a shape, a scale). nullopt otherwise, and
// where it would be random or the kernel fails.
std::optional<Tensor> KnownOutput(const Node& node);
// Whether every input of an op is as KnownOutput wants it.
bool AreKnown(const OpDef& op, std::span<const Value> inputs);

}  // namespace weft

#endif  // WEFT_GRAPH_EVALUATE_H_
