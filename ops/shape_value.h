#ifndef WEFT_OPS_SHAPE_VALUE_H_
#define WEFT_OPS_SHAPE_VALUE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "graph/type.h"

namespace weft {

// What the elements of a scalar or a short list are before a run, as far as they follow from the
// types of the graph: extents in terms of its symbols, numbers, truth values as 0 and 1. Exporters
// compute the target of a Reshape or Resize from Shape, Gather, arithmetic and Concat.
struct ShapeValue {
  // A symbolic element is an extent, so 0 or more; a static one may be any integer. nullopt: only
  // a run can know.
  std::vector<std::optional<Dim>> elements;
  bool scalar = false;

  // The integers where all are known and no symbol is left; nullopt otherwise.
  std::optional<Dims> Numbers() const;
};

// The length of a type that may be a shape: a scalar's, or that of a short list. nullopt: of any
// other type.
std::optional<int64_t> ListLengthOf(const TensorType& type);

// What is known of values, each looked at once: for nodes that stay as they are. One look goes back
// over a bounded number of nodes; the rest counts as not known. Not thread-safe.
class ShapeValues {
 public:
  // Null: it is no scalar or short list. Owned by this.
  const ShapeValue* Of(Value value);

 private:
  std::optional<std::vector<std::optional<Dim>>> Compute(const Node& node);

  std::unordered_map<const Node*, std::vector<std::optional<ShapeValue>>> seen_;  // by output
  int depth_ = 0;
  int left_ = 0;  // nodes that the look may still go back over
};

// What is known of `value`, as ShapeValues says it.
std::optional<ShapeValue> SymbolicValue(Value value);
// The same of a tensor's elements; those that are no integers are not known.
std::optional<ShapeValue> SymbolicValue(const Tensor& tensor);

// The argument of a Reshape of `data` to `target`: symbolic dims that are data's of the same axis
// become 0, one further symbolic dim becomes -1. nullopt where more of those are left, or a dim is
// not known. A 0 in `target` stays, which copies a dim.
std::optional<Dims> ReshapeArgument(const Shape& data, std::span<const std::optional<Dim>> target);

}  // namespace weft

#endif  // WEFT_OPS_SHAPE_VALUE_H_
