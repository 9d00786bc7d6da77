#ifndef WEFT_RUNTIME_HOST_POOL_MAX_H_
#define WEFT_RUNTIME_HOST_POOL_MAX_H_

#include "graph/graph.h"

namespace weft {

// Whether a MaxPoolGrad node's forward() is the pooling that it is the gradient of: a file may link
// any two nodes, and the indices are of use only for the same windows on the same value.
bool IsGradientOfForward(const Node& node);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_POOL_MAX_H_
