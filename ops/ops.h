#ifndef WEFT_OPS_OPS_H_
#define WEFT_OPS_OPS_H_

#include "graph/op.h"

namespace weft {

// Every op of the project. Built on first use from the explicit list in ops/ops.cc; safe from any
// thread.
const OpRegistry& StandardOps();

}  // namespace weft

#endif  // WEFT_OPS_OPS_H_
