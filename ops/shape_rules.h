#ifndef WEFT_OPS_SHAPE_RULES_H_
#define WEFT_OPS_SHAPE_RULES_H_

#include <optional>
#include <string_view>
#include <vector>

#include "ops/shape_value.h"

// What each op makes of the elements of short lists: the arithmetic of shapes.

namespace weft {

using ShapeElements = std::vector<std::optional<Dim>>;

// The elements of a node's outputs, one after the other, from those of its operands; nullopt: they
// are not known. The node's first output has a ListLengthOf.
using ElementsFn = std::optional<ShapeElements> (*)(const Node&, ShapeValues&);

// Null where the op is no arithmetic that is followed.
ElementsFn FindElementsFn(std::string_view op);

}  // namespace weft

#endif  // WEFT_OPS_SHAPE_RULES_H_
