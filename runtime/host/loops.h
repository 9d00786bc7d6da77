#ifndef WEFT_RUNTIME_HOST_LOOPS_H_
#define WEFT_RUNTIME_HOST_LOOPS_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "ops/broadcast.h"
#include "runtime/exec/parallel.h"
#include "runtime/kernel.h"

// How our own kernels walk over broadcast operands.

namespace weft {

// The node's inputs, broadcast to its first output.
Loops BroadcastLoops(const KernelRequest& request);

inline constexpr int64_t kLoopGrain = 16384;  // elements that are worth a thread
// Items of so many elements each that are worth one.
inline int64_t ItemGrain(int64_t elements) {
  return std::max<int64_t>(1, kLoopGrain / std::max<int64_t>(elements, 1));
}

// Calls f(to, at, count) for runs along the last axis that make up the elements [begin, end):
// offset of the result, offsets of the operands, elements.
template <typename F>
void ForEachRunOf(const Loops& loops, int64_t begin, int64_t end, const F& f) {
  const int64_t inner = loops.dims.back();
  const size_t operands = loops.strides.size();
  absl::InlinedVector<int64_t, 8> at(operands);
  while (begin < end) {
    int64_t row = begin / inner;
    const int64_t first = begin % inner, count = std::min(inner - first, end - begin);
    for (size_t k = 0; k < operands; ++k) at[k] = first * loops.step(k);
    for (size_t axis = loops.dims.size() - 1; axis-- > 0; row /= loops.dims[axis]) {
      const int64_t index = row % loops.dims[axis];
      for (size_t k = 0; k < operands; ++k) at[k] += index * loops.strides[k][axis];
    }
    f(begin, std::span<const int64_t>(at.data(), operands), count);
    begin += count;
  }
}

// Calls f(thread, to, at, count) for all elements on the run's threads, with the number of the
// thread (see ParallelFor).
template <typename F>
void ForEachRunOfThread(const Loops& loops, const F& f) {
  ParallelFor(loops.size(), kLoopGrain, [&](int thread, int64_t begin, int64_t end) {
    ForEachRunOf(loops, begin, end, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
      f(thread, to, at, count);
    });
  });
}

// The same where f(to, at, count) needs no thread's number.
template <typename F>
void ForEachRun(const Loops& loops, const F& f) {
  ForEachRunOfThread(loops, [&f](int, int64_t to, std::span<const int64_t> at, int64_t count) {
    f(to, at, count);
  });
}

// y[i] = f(a[i], b[i]) over broadcast loops of two operands.
template <typename A, typename B, typename Y, typename F>
void MapPairs(const Loops& loops, const A* a, const B* b, Y* y, const F& f) {
  const int64_t step_a = loops.step(0), step_b = loops.step(1);
  ForEachRun(loops, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
    const A* from_a = a + at[0];
    const B* from_b = b + at[1];
    Y* result = y + to;
    if (step_a == 0) {
      const A x = *from_a;
      for (int64_t i = 0; i < count; ++i) result[i] = f(x, from_b[i * step_b]);
    } else if (step_b == 0) {
      const B x = *from_b;
      for (int64_t i = 0; i < count; ++i) result[i] = f(from_a[i], x);
    } else {
      for (int64_t i = 0; i < count; ++i) result[i] = f(from_a[i], from_b[i]);
    }
  });
}

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_LOOPS_H_
