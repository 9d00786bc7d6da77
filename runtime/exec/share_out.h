#ifndef WEFT_RUNTIME_EXEC_SHARE_OUT_H_
#define WEFT_RUNTIME_EXEC_SHARE_OUT_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace weft {

// Calls f(i) once for each i in [0, count), on the calling thread and on up to `threads` - 1 new
// ones, each taking the next i when it has done one; returns when all have been. For preparations
// that differ in length and use a library as if they were alone: no thread is part of a region, as
// ParallelFor's are. `f` must not throw.
void ShareOut(int64_t count, int threads, absl::FunctionRef<void(int64_t)> f);

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_SHARE_OUT_H_
