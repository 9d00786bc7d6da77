#ifndef WEFT_RUNTIME_ONEDNN_GATHER_VIEW_H_
#define WEFT_RUNTIME_ONEDNN_GATHER_VIEW_H_

#include <cstdint>
#include <vector>

#include "graph/type.h"
#include "runtime/scratch.h"

namespace weft {

// A strided view of floats, some of whose axes are summed over.
struct GatherView {
  Dims dims = {};  // of the result
  std::vector<int64_t> strides = {};
  Dims summed = {};
  std::vector<int64_t> summed_strides = {};
};

// Copies such a view, or the sums of its elements.
class Gather {
 public:
  Gather(GatherView view, ScratchPlan& scratch);
  // y, dense, gets the elements of the view or their sums, which are kept in double. On the run's
  // threads; the bits do not depend on their number.
  void Run(const float* x, float* y, std::byte* scratch) const;

 private:
  GatherView view_;
  int64_t summands_;           // of an element
  bool blocks_;                // the summands lie along memory, not the result's elements
  ScratchArray<double> sums_;  // of a row of the result
};

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_GATHER_VIEW_H_
