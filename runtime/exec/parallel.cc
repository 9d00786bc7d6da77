#include "runtime/exec/parallel.h"

#include <omp.h>
#include <sched.h>
#include <xmmintrin.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

#ifdef WEFT_STD_THREADS
#include <thread>
#include <vector>
#endif

namespace weft {
namespace {

constexpr unsigned kFlushDenormals = 0x8040;  // FTZ (bit 15) and DAZ (bit 6) of MXCSR

thread_local int run_threads = 1;

// CPUs that a quota of "max 100000" or "150000 100000" (microseconds per period) allows; 0 for no
// limit.
int CpusOfQuota(const std::string& quota, double period) {
  if (quota.empty() || quota == "max" || period <= 0) return 0;
  const double microseconds = std::atof(quota.c_str());
  return microseconds <= 0 ? 0 : std::max(1, static_cast<int>(std::ceil(microseconds / period)));
}

// The tightest quota on the path of this process's control group (version 2), or version 1's.
int QuotaCpus() {
  int cpus = 0;
  auto tighten = [&](int limit) {
    if (limit > 0) cpus = cpus == 0 ? limit : std::min(cpus, limit);
  };
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.rfind("0::", 0) != 0) continue;
    for (std::string path = line.substr(3);; path.resize(path.rfind('/'))) {
      std::ifstream file("/sys/fs/cgroup" + path + "/cpu.max");
      std::string quota;
      double period = 0;
      if (file >> quota >> period) tighten(CpusOfQuota(quota, period));
      if (path.rfind('/') == std::string::npos) break;
    }
  }
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  std::string quota;
  double period = 0;
  if (quota_file >> quota && period_file >> period) tighten(CpusOfQuota(quota, period));
  return cpus;
}

// oneDNN's threads for a run of `threads`.
int LibraryThreads([[maybe_unused]] int threads) {
#ifdef WEFT_STD_THREADS
  return 1;  // Its OpenMP barriers are invisible to ThreadSanitizer.
#else
  return threads;
#endif
}

std::atomic<bool> split_finely = false;

// Sets MXCSR on the threads that a run of `threads` threads uses. The register is per thread.
void SetControl([[maybe_unused]] int threads, unsigned mxcsr) {
#ifdef WEFT_STD_THREADS
  _mm_setcsr(mxcsr);
#else
  if (threads > 1) {
#pragma omp parallel num_threads(threads)
    _mm_setcsr(mxcsr);
  }
  _mm_setcsr(mxcsr);
#endif
}

}  // namespace

int AvailableCpus() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  int cpus = sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 1;
  if (const int quota = QuotaCpus(); quota > 0) cpus = std::min(cpus, quota);
  return std::max(1, cpus);
}

absl::Status CheckThreads(int64_t threads) {
  if (threads >= 0 && threads <= kMaxThreads) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected 0 (all) to ", kMaxThreads, " threads, got ", threads));
}

RunScope::RunScope(int threads)
    : previous_threads_(run_threads),
      previous_library_threads_(omp_get_max_threads()),
      previous_mxcsr_(_mm_getcsr()) {
  run_threads = std::max(1, threads);
  omp_set_num_threads(LibraryThreads(run_threads));
  SetControl(run_threads, previous_mxcsr_ | kFlushDenormals);
}

RunScope::~RunScope() {
  SetControl(run_threads, previous_mxcsr_);
  run_threads = previous_threads_;
  omp_set_num_threads(previous_library_threads_);
}

int RunThreads() { return run_threads; }

void SplitFinely(bool on) { split_finely = on; }

void ParallelFor(int64_t count, int64_t grain, absl::FunctionRef<void(int64_t, int64_t)> body) {
  ParallelFor(count, grain, [&](int, int64_t begin, int64_t end) { body(begin, end); });
}

void ParallelFor(int64_t count, int64_t grain,
                 absl::FunctionRef<void(int, int64_t, int64_t)> body) {
  if (count <= 0) return;
  if (split_finely) grain = 1;
  const int64_t parts = std::min<int64_t>(run_threads, count / std::max<int64_t>(grain, 1));
  auto run_part = [&](int64_t part) {
    body(static_cast<int>(part), count * part / parts, count * (part + 1) / parts);
  };
  if (parts <= 1) {
    body(0, 0, count);
    return;
  }
#ifdef WEFT_STD_THREADS
  std::vector<std::thread> workers;
  const unsigned mxcsr = _mm_getcsr();
  for (int64_t part = 1; part < parts; ++part) {
    workers.emplace_back([&, part] {
      _mm_setcsr(mxcsr);
      omp_set_num_threads(1);  // A library called from here must not start threads of its own.
      run_part(part);
    });
  }
  run_part(0);
  for (std::thread& worker : workers) worker.join();
#else
#pragma omp parallel for schedule(static, 1) num_threads(static_cast <int>(parts))
  for (int64_t part = 0; part < parts; ++part) run_part(part);
#endif
}

}  // namespace weft
