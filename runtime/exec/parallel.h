#ifndef WEFT_RUNTIME_EXEC_PARALLEL_H_
#define WEFT_RUNTIME_EXEC_PARALLEL_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "graph/status.h"
#include "runtime/exec/cpus.h"
#include "runtime/exec/team.h"

namespace weft {

// OK for 0, all that this process may use, and up to kMaxThreads. OpenMP takes any number and dies.
inline constexpr int64_t kMaxThreads = 1024;
absl::Status CheckThreads(int64_t threads);

// Sets up the calling thread for a run: the number of threads that oneDNN and ParallelFor use from
// this thread, and flushing of denormals (FTZ and DAZ) in all of them. Undone by the destructor.
class RunScope {
 public:
  explicit RunScope(int threads);
  ~RunScope();
  RunScope(const RunScope&) = delete;
  RunScope& operator=(const RunScope&) = delete;

  // Changes the number of threads for what follows.
  void Use(int threads);

 private:
  TeamScope team_;
  int previous_threads_;
  int previous_library_threads_;
  unsigned previous_mxcsr_;
};

// Threads of the innermost RunScope of the calling thread; 1 outside of one.
int RunThreads();

// Splits [0, count) into at most RunThreads() contiguous parts of at least `grain` items (one part
// where there are fewer) and calls body(begin, end) for each, on as many threads, or on fewer while
// other programs want the CPUs: no part may wait for another. The parts depend on count, grain and
// thread count only. Returns when all are done; `body` must not throw.
void ParallelFor(int64_t count, int64_t grain, absl::FunctionRef<void(int64_t, int64_t)> body);
// The same for bodies that need memory of their thread's own: body(thread, begin, end), where
// `thread` in [0, RunThreads()) is the part's number, which no other part has.
void ParallelFor(int64_t count, int64_t grain, absl::FunctionRef<void(int, int64_t, int64_t)> body);

// Elements that are worth a thread, and where each takes much arithmetic.
inline constexpr int64_t kGrain = int64_t{1} << 14;
inline constexpr int64_t kMathGrain = int64_t{1} << 13;

// For tests of kernels: while on, ParallelFor takes every grain as 1 and plans price no step, so
// that small tensors are split among threads too. Of the whole process.
void SplitFinely(bool on);
bool SplitsFinely();

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_PARALLEL_H_
