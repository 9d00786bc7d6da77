#ifndef WEFT_RUNTIME_HOST_SCRATCH_H_
#define WEFT_RUNTIME_HOST_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "graph/tensor.h"

namespace weft {

// Memory that grows as it is asked for more: what a kernel keeps thread_local where its need can be
// so large that it may be refused.
class FloatScratch {
 public:
  // `n` floats of any contents, until the next call; null where there is not enough memory.
  float* Get(int64_t n) {
    if (n > size_ || memory_ == nullptr) {
      memory_.reset();  // first, so that both need not fit
      memory_ = AllocateAligned(static_cast<size_t>(n) * sizeof(float));
      size_ = memory_ == nullptr ? 0 : n;
    }
    return reinterpret_cast<float*>(memory_.get());
  }

 private:
  std::shared_ptr<std::byte> memory_;
  int64_t size_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SCRATCH_H_
