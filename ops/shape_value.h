#ifndef WEFT_OPS_SHAPE_VALUE_H_
#define WEFT_OPS_SHAPE_VALUE_H_

#include <cstdint>
#include <optional>
#include <span>
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

// What is known of `value`. nullopt: it is no scalar or list of numbers of a known and small
// length. It looks back over a bounded number of nodes.
std::optional<ShapeValue> SymbolicValue(Value value);
// The same of a tensor's elements; those that are no integers are not known.
std::optional<ShapeValue> SymbolicValue(const Tensor& tensor);

// The argument of a Reshape of `data` to `target`: dims that are data's of the same axis become 0,
// one further dim that is no number becomes -1. nullopt where more of those are left, or a 0 is a
// real one.
std::optional<Dims> ReshapeArgument(const Shape& data, std::span<const std::optional<Dim>> target);

}  // namespace weft

#endif  // WEFT_OPS_SHAPE_VALUE_H_
