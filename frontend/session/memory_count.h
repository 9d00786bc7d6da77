#ifndef WEFT_FRONTEND_SESSION_MEMORY_COUNT_H_
#define WEFT_FRONTEND_SESSION_MEMORY_COUNT_H_

#include <cstddef>
#include <unordered_set>

#include "graph/graph.h"
#include "graph/tensor.h"

namespace weft {

// Adds up the memory that several objects hold; tensors that share their bytes count once.
class MemoryCount {
 public:
  void Add(size_t bytes) { bytes_ += bytes; }
  void Add(const Tensor& tensor);
  // The values of the graph's constants and variables, but for an optimizer's initial slots and for
  // those in mapped files, which whoever has read them gives back (ReleasePages).
  void Add(const Graph& graph);
  size_t bytes() const { return bytes_; }

 private:
  std::unordered_set<const std::byte*> counted_;
  size_t bytes_ = 0;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_MEMORY_COUNT_H_
