#include "runtime/exec/team.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <omp.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <climits>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/exec/team_width.h"

namespace weft {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// Whether the system took the CPU from the calling thread for another since it asked last; it asks
// at each 16th call.
bool WasPreempted() {
  thread_local int calls = 0;
  thread_local int64_t before = -1;  // it has never asked
  if (++calls % 16 != 0) return false;
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const int64_t last = std::exchange(before, usage.ru_nivcsw);
  return last >= 0 && last != usage.ru_nivcsw;
}

// How long the threads of a team look before they sleep. Waking one takes 5 to 50 us, and the steps
// of a small network come as fast; but where others want the CPUs, looking keeps them from the very
// thread that is waited for. So the time shrinks when the system has taken the CPU from one that
// waits, and grows slowly otherwise. That a wait was long says nothing: so was what it waited for.
class Patience {
 public:
  nanoseconds now() const { return nanoseconds(now_.load(std::memory_order_relaxed)); }
  // After each wait, on the thread that waited.
  void Learn() {
    const int64_t old = now_.load(std::memory_order_relaxed);
    now_.store(WasPreempted() ? std::max(old / kDrop, kLeast) : std::min(old + kStep, kMost),
               std::memory_order_relaxed);
  }

 private:
  static constexpr int64_t kLeast = 1'000, kMost = 1'000'000, kStep = 2'000, kDrop = 8;
  std::atomic<int64_t> now_ = kMost;  // Two threads may lose a lesson; more will come.
};

// Counts events. Any number of threads may wait for the next one.
class Bell {
 public:
  uint32_t count() const { return count_.load(std::memory_order_acquire); }

  void Ring() {
    count_.fetch_add(1);
    // Sequentially consistent, as is Await: either it sees the new count or this sees the sleeper.
    if (sleepers_.load() > 0) Futex(FUTEX_WAKE_PRIVATE, INT_MAX);
  }

  // Returns once the count is another than `old`. Looks for `most` at most, then sleeps.
  void Await(uint32_t old, nanoseconds most) {
    const Clock::time_point end = Clock::now() + most;
    while (count() == old && Clock::now() < end) {
      for (int i = 0; i < 8 && count() == old; ++i) _mm_pause();
    }
    if (count() != old) return;
    sleepers_.fetch_add(1);
    while (count_.load() == old) Futex(FUTEX_WAIT_PRIVATE, old);
    sleepers_.fetch_sub(1);
  }

 private:
  // std::atomic's own wait() yields a few times before it sleeps: where others want the CPU, each
  // time costs a time slice, while a thread that is woken comes first.
  void Futex(int operation, uint32_t argument) {
    syscall(SYS_futex, &count_, operation, argument, nullptr, nullptr, 0);
  }

  std::atomic<uint32_t> count_ = 0;  // may wrap around
  std::atomic<int> sleepers_ = 0;
};

std::atomic<bool> one_by_one = false;
thread_local bool whole_teams = false;

// The CPU time that the calling thread has taken so far.
nanoseconds CpuTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

// One caller's threads, and the region that they are in.
class Team {
 public:
  // A region of parts that wait for one another: each has a thread of its own.
  void RunTogether(int parts, absl::FunctionRef<void(int)> body);
  // A region of parts that do not: a thread may have several.
  void RunParts(int parts, absl::FunctionRef<void(int)> body);
  // Of a part of the region: returns when all parts are here.
  void Barrier();
  int parts() const { return parts_; }

 private:
  struct alignas(64) Worker {
    Bell start;
    nanoseconds cpu{};  // of its parts, in a region that is measured
  };
  void Run(int parts, int threads, absl::FunctionRef<void(int)> body);
  // The parts of thread number `first`; the CPU time they took, if the region is measured.
  nanoseconds RunPartsOf(int first);
  void Work(Worker& worker, int number);
  void Wait(Bell& bell, uint32_t old) {
    bell.Await(old, patience_.now());
    patience_.Learn();
  }

  std::vector<std::unique_ptr<Worker>> workers_;
  TeamWidth width_;
  alignas(64) Patience patience_;
  const absl::FunctionRef<void(int)>* body_ = nullptr;
  int parts_ = 0;
  int threads_ = 0;
  bool measures_ = false;
  nanoseconds cpu_{};  // of the calling thread's parts
  unsigned mxcsr_ = 0;
  alignas(64) std::atomic<int> running_ = 0;  // workers
  Bell done_;
  alignas(64) std::atomic<int> arrived_ = 0;  // parts, at the barrier
  Bell released_;
};

// The part of a region that a thread is in.
struct Part {
  Team* team;  // null for a region of one thread
  int number;
  bool is_parallel;  // this region or one around it has several threads
};
thread_local std::optional<Part> current_part;

// Makes `part` the thread's own while it lives.
class PartScope {
 public:
  explicit PartScope(Part part) : previous_(std::exchange(current_part, part)) {}
  ~PartScope() { current_part = previous_; }
  PartScope(const PartScope&) = delete;
  PartScope& operator=(const PartScope&) = delete;

 private:
  std::optional<Part> previous_;
};

void Team::RunTogether(int parts, absl::FunctionRef<void(int)> body) {
  measures_ = false;
  Run(parts, parts, body);
}

void Team::RunParts(int parts, absl::FunctionRef<void(int)> body) {
  const Clock::time_point begin = Clock::now();
  const int threads = one_by_one ? 1 : whole_teams ? parts : width_.Next(parts, begin);
  measures_ = threads > 1 && !whole_teams && width_.measures();
  Run(parts, threads, body);
  if (!measures_) return;
  TeamWidth::Region region{.begin = begin, .end = Clock::now(), .cpu = cpu_, .longest = cpu_};
  for (size_t i = 0; std::cmp_less(i, threads - 1); ++i) {
    region.cpu += workers_[i]->cpu;
    region.longest = std::max(region.longest, workers_[i]->cpu);
  }
  width_.Learn(region);
}

void Team::Run(int parts, int threads, absl::FunctionRef<void(int)> body) {
  while (std::cmp_less(workers_.size(), threads - 1)) {
    Worker& worker = *workers_.emplace_back(std::make_unique<Worker>());
    std::thread([this, &worker, number = static_cast<int>(workers_.size())] {
      Work(worker, number);
    }).detach();  // They live as long as the process.
  }
  body_ = &body;
  parts_ = parts;
  threads_ = threads;
  mxcsr_ = _mm_getcsr();
  running_ = threads - 1;
  const uint32_t done = done_.count();
  for (size_t i = 0; std::cmp_less(i, threads - 1); ++i) workers_[i]->start.Ring();
  cpu_ = RunPartsOf(0);
  if (threads > 1) Wait(done_, done);
}

nanoseconds Team::RunPartsOf(int first) {
  const nanoseconds before = measures_ ? CpuTime() : nanoseconds();
  for (int part = first; part < parts_; part += threads_) {
    const PartScope scope({this, part, true});
    (*body_)(part);
  }
  return measures_ ? CpuTime() - before : nanoseconds();
}

void Team::Work(Worker& worker, int number) {
  for (uint32_t started = 0;; ++started) {
    Wait(worker.start, started);
    _mm_setcsr(mxcsr_);
    worker.cpu = RunPartsOf(number);
    if (running_.fetch_sub(1) == 1) done_.Ring();
  }
}

void Team::Barrier() {
  const uint32_t released = released_.count();
  if (arrived_.fetch_add(1) + 1 == parts_) {
    arrived_ = 0;
    released_.Ring();
  } else {
    Wait(released_, released);
  }
}

// What the calling thread has until its outermost TeamScope ends.
struct Hold {
  int scopes = 0;
  Team* team = nullptr;  // since its first region
};
thread_local Hold hold;

// Teams that no caller has.
struct FreeTeams {
  std::mutex mutex;
  std::vector<Team*> teams;
};
// Never destroyed: the threads outlive everything.
FreeTeams& Free() {
  static FreeTeams& free = *[] {
    // A forked process has the calling thread only.
    pthread_atfork([] { Free().mutex.lock(); }, [] { Free().mutex.unlock(); },
                   [] {
                     Free().teams.clear();
                     hold.team = nullptr;
                     Free().mutex.unlock();
                   });
    return new FreeTeams;
  }();
  return free;
}

Team& TakeTeam() {
  if (hold.team != nullptr) return *hold.team;
  const std::lock_guard lock(Free().mutex);
  if (Free().teams.empty()) {
    hold.team = new Team;
  } else {
    hold.team = Free().teams.back();
    Free().teams.pop_back();
  }
  return *hold.team;
}

// Regions of the library that the calling thread begins are of parts that do not wait.
thread_local bool parts_are_independent = false;

bool IsOurs() { return hold.scopes > 0 || current_part.has_value(); }

// libgomp's own definition of a function that this file defines too.
template <typename Function>
Function* Library(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

TeamScope::TeamScope() { ++hold.scopes; }

TeamScope::~TeamScope() {
  if (--hold.scopes > 0 || hold.team == nullptr) return;
  const std::lock_guard lock(Free().mutex);
  Free().teams.push_back(std::exchange(hold.team, nullptr));
}

void RunTogether(int parts, absl::FunctionRef<void(int)> body) {
  if (parts > 1 && !current_part) return TakeTeam().RunTogether(parts, body);
  for (int part = 0; part < parts; ++part) body(part);
}

void RunParts(int parts, absl::FunctionRef<void(int)> body) {
  if (parts > 1 && !current_part) return TakeTeam().RunParts(parts, body);
  for (int part = 0; part < parts; ++part) body(part);
}

void RunPartsOneByOne(bool on) { one_by_one = on; }

WholeTeams::WholeTeams() : previous_(std::exchange(whole_teams, true)) {}

WholeTeams::~WholeTeams() { whole_teams = previous_; }

IndependentParts::IndependentParts(bool independent)
    : previous_(std::exchange(parts_are_independent, independent)) {}

IndependentParts::~IndependentParts() { parts_are_independent = previous_; }

void RunAlone(absl::FunctionRef<void()> body) {
  const PartScope scope({nullptr, 0, false});
  body();
}

}  // namespace weft

// What oneDNN calls. libgomp's contracts: a region inside a region has one thread. The names in
// asm() are declared in <omp.h>, which compilers do not agree on.
extern "C" {

[[gnu::visibility("default")]] void GOMP_parallel(void (*body)(void*), void* data, unsigned threads,
                                                  unsigned flags);
[[gnu::visibility("default")]] void GOMP_barrier();
[[gnu::visibility("default")]] int WeftRegionThreads() asm("omp_get_num_threads");
[[gnu::visibility("default")]] int WeftRegionThread() asm("omp_get_thread_num");
[[gnu::visibility("default")]] int WeftInRegion() asm("omp_in_parallel");

void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags) {
  if (!weft::IsOurs()) {
    static const auto library =
        weft::Library<void(void (*)(void*), void*, unsigned, unsigned)>("GOMP_parallel");
    return library(body, data, threads, flags);
  }
  const int parts = threads > 0 ? static_cast<int>(threads) : omp_get_max_threads();
  if (parts > 1 && !weft::current_part) {
    return (weft::parts_are_independent ? weft::RunParts : weft::RunTogether)(
        parts, [&](int) { body(data); });
  }
  const weft::PartScope scope({nullptr, 0, weft::current_part && weft::current_part->is_parallel});
  body(data);
}

void GOMP_barrier() {
  if (weft::current_part) {
    if (weft::current_part->team != nullptr) weft::current_part->team->Barrier();
    return;
  }
  static const auto library = weft::Library<void()>("GOMP_barrier");
  library();
}

int WeftRegionThreads() {
  if (weft::current_part) {
    return weft::current_part->team != nullptr ? weft::current_part->team->parts() : 1;
  }
  static const auto library = weft::Library<int()>("omp_get_num_threads");
  return library();
}

int WeftRegionThread() {
  if (weft::current_part) return weft::current_part->number;
  static const auto library = weft::Library<int()>("omp_get_thread_num");
  return library();
}

int WeftInRegion() {
  if (weft::current_part) return weft::current_part->is_parallel ? 1 : 0;
  static const auto library = weft::Library<int()>("omp_in_parallel");
  return library();
}

}  // extern "C"
