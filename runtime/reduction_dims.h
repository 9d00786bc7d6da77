#ifndef WEFT_RUNTIME_REDUCTION_DIMS_H_
#define WEFT_RUNTIME_REDUCTION_DIMS_H_

#include "runtime/kernel.h"

namespace weft {

// What a ReduceSum, ReduceMean or ReduceToLike sums: its input's axes, 1 in `summed` where they are
// added up. The output has the elements of `summed` in its order.
struct Reduction {
  Dims summed;
  int64_t summands = 1;  // input elements for one output element
  bool mean = false;
};

absl::StatusOr<Reduction> ReadReduction(const KernelRequest& request);

}  // namespace weft

#endif  // WEFT_RUNTIME_REDUCTION_DIMS_H_
