#ifndef WEFT_PASSES_SHAPE_READERS_H_
#define WEFT_PASSES_SHAPE_READERS_H_

#include "graph/graph.h"

// Inference looks back over the arithmetic that computes a shape (ops/shape_value.h), so that a
// rewrite within it can change types far behind it, which the graph, that asks the direct readers,
// does not see.

namespace weft {

// Whether inference knows the same of both.
bool AreKnownAlike(Value a, Value b);

// A node behind `value` whose types are no longer what inference gives, where only short lists and
// scalars are between; null: none.
const Node* FindStaleReader(Value value);

}  // namespace weft

#endif  // WEFT_PASSES_SHAPE_READERS_H_
