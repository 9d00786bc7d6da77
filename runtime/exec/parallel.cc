#include "runtime/exec/parallel.h"

#include <omp.h>
#include <xmmintrin.h>

#include <algorithm>
#include <atomic>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

constexpr unsigned kFlushDenormals = 0x8040;  // FTZ (bit 15) and DAZ (bit 6) of MXCSR

thread_local int run_threads = 1;

// oneDNN's threads for a run of `threads`.
int LibraryThreads([[maybe_unused]] int threads) {
#ifdef WEFT_STD_THREADS
  return 1;  // Barriers inside its kernels are invisible to ThreadSanitizer.
#else
  return threads;
#endif
}

std::atomic<bool> split_finely = false;

}  // namespace

absl::Status CheckThreads(int64_t threads) {
  if (threads >= 0 && threads <= kMaxThreads) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected 0 (all) to ", kMaxThreads, " threads, got ", threads));
}

RunScope::RunScope(int threads)
    : previous_threads_(run_threads),
      previous_library_threads_(omp_get_max_threads()),
      previous_mxcsr_(_mm_getcsr()) {
  Use(threads);
  _mm_setcsr(previous_mxcsr_ | kFlushDenormals);  // A team takes it from its caller.
}

void RunScope::Use(int threads) {
  threads = std::max(1, threads);
  if (threads == run_threads && omp_get_max_threads() == LibraryThreads(threads)) return;
  run_threads = threads;
  omp_set_num_threads(LibraryThreads(threads));
}

RunScope::~RunScope() {
  _mm_setcsr(previous_mxcsr_);
  run_threads = previous_threads_;
  omp_set_num_threads(previous_library_threads_);
}

int RunThreads() { return run_threads; }

void SplitFinely(bool on) { split_finely = on; }

bool SplitsFinely() { return split_finely; }

void ParallelFor(int64_t count, int64_t grain, absl::FunctionRef<void(int64_t, int64_t)> body) {
  ParallelFor(count, grain, [&](int, int64_t begin, int64_t end) { body(begin, end); });
}

void ParallelFor(int64_t count, int64_t grain,
                 absl::FunctionRef<void(int, int64_t, int64_t)> body) {
  if (count <= 0) return;
  if (split_finely) grain = 1;
  const int64_t parts = std::min<int64_t>(run_threads, count / std::max<int64_t>(grain, 1));
  if (parts <= 1) {
    body(0, 0, count);
    return;
  }
  RunParts(static_cast<int>(parts),
           [&](int part) { body(part, count * part / parts, count * (part + 1) / parts); });
}

}  // namespace weft
