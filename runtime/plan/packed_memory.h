#ifndef WEFT_RUNTIME_PLAN_PACKED_MEMORY_H_
#define WEFT_RUNTIME_PLAN_PACKED_MEMORY_H_

#include <cstddef>
#include <memory>

#include "graph/graph.h"
#include "runtime/layout.h"

namespace weft {

// Constants in the layouts of their kernels. Those of a network lie side by side in a few large
// pieces of memory, which the system makes of huge pages, instead of each in small pages of its own
// that fault one by one.
class PackedMemory {
 public:
  explicit PackedMemory(const Graph& graph);

  // The bytes of a constant, which is row-major, in another layout. Pages of a mapped file that it
  // was read from are given back. Errors: no such reorder, not enough memory.
  absl::StatusOr<Tensor> Pack(const Tensor& constant, const Layout& wanted);

 private:
  // Zeros.
  absl::StatusOr<std::shared_ptr<std::byte>> Allocate(size_t bytes);

  size_t unpacked_ = 0;               // bytes of the graph's constants
  std::shared_ptr<std::byte> piece_;  // the last `left_` bytes of it are free
  size_t left_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_PACKED_MEMORY_H_
