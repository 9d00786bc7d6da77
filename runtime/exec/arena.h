#ifndef WEFT_RUNTIME_EXEC_ARENA_H_
#define WEFT_RUNTIME_EXEC_ARENA_H_

#include <cstddef>
#include <memory>

#include "graph/status.h"

namespace weft {

// Memory for the arenas of contexts of which one runs at a time: as large as the largest of them
// needs. Nothing in it outlives a run. Not thread-safe.
class Arena {
 public:
  // Makes room for `bytes`. Where that is more than there was, the memory is another one and what
  // was in it is gone. Errors: not enough memory; there is none then.
  absl::Status Reserve(size_t bytes);
  std::byte* data() const { return memory_.get(); }
  size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<std::byte> memory_;
  size_t bytes_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_ARENA_H_
