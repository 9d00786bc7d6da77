#ifndef WEFT_RUNTIME_SCRATCH_H_
#define WEFT_RUNTIME_SCRATCH_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "graph/tensor.h"

namespace weft {

// Bytes rounded up, so that what comes after them is aligned.
constexpr size_t AlignedBytes(size_t bytes) {
  return (bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
}

// Elements of a kernel's scratch memory, or as many for each thread of a run: a part of what a
// ScratchPlan laid out. A run begins with any contents in it.
template <typename T>
class ScratchArray {
 public:
  ScratchArray() = default;  // of no elements
  // Where the elements are, 64-byte aligned: those of thread number `thread` of the run (see
  // ParallelFor), which is 0 where all threads share them. `scratch`: Bindings::scratch.
  T* In(std::byte* scratch, int thread = 0) const {
    return reinterpret_cast<T*>(scratch + offset_ + static_cast<size_t>(thread) * step_);
  }

 private:
  friend class ScratchPlan;
  size_t offset_ = 0;
  size_t step_ = 0;  // bytes from one thread's elements to the next one's
};

// Lays out what a kernel needs while it runs, one array after the other, when the kernel is made.
class ScratchPlan {
 public:
  explicit ScratchPlan(int threads) : threads_(static_cast<size_t>(std::max(threads, 1))) {}

  template <typename T>
  ScratchArray<T> Shared(int64_t count) {
    return Add<T>(count, 1);
  }
  template <typename T>
  ScratchArray<T> PerThread(int64_t count) {
    return Add<T>(count, threads_);
  }
  size_t bytes() const { return bytes_; }  // Kernel::scratch_bytes()

 private:
  template <typename T>
  ScratchArray<T> Add(int64_t count, size_t times) {
    ScratchArray<T> array;
    array.offset_ = bytes_;
    array.step_ = AlignedBytes(static_cast<size_t>(count) * sizeof(T));
    bytes_ += array.step_ * times;
    return array;
  }

  size_t threads_;
  size_t bytes_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_SCRATCH_H_
