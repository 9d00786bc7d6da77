#ifndef WEFT_RUNTIME_EXEC_TEAM_H_
#define WEFT_RUNTIME_EXEC_TEAM_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace weft {

// The threads behind ParallelFor and behind oneDNN's regions, the same ones for both:
//
//   calling thread   region 1 | region 2 |  one-thread step  | region 3 |  the run ends
//   its worker       region 1 | region 2 | spins, then sleeps| region 3 | spins, then sleeps
//
// Debian's oneDNN is built for OpenMP, whose runtime (libgomp) lets a thread that waits spin for
// milliseconds. Where two programs want the same CPUs, that time is taken from the very thread that
// is waited for, and a step of milliseconds takes a second; only the environment, before the
// program starts, can change it. So the five functions with which oneDNN asks for threads are
// defined here as well, and the dynamic linker takes a program's own definitions first. They serve
// calls from inside a run; all others, those of a program that uses OpenMP itself, go on to
// libgomp. Our threads learn how long it pays to look for the next region before they sleep.

// Lets the calling thread use a team until the outermost TeamScope of this thread ends. Teams go
// from run to run, and there are never more of them than there were runs at one time.
class TeamScope {
 public:
  TeamScope();
  ~TeamScope();
  TeamScope(const TeamScope&) = delete;
  TeamScope& operator=(const TeamScope&) = delete;
};

// Calls body(0) on the calling thread and each of body(1) to body(parts - 1) on a thread of its
// own, all at the same time, with the calling thread's floating-point control; returns when all
// have returned. Called from such a body, it calls one after the other. Needs a TeamScope for more
// than one part. `body` must not throw.
void RunTogether(int parts, absl::FunctionRef<void(int)> body);

// Calls body(0) to body(parts - 1), which do not wait for one another, on up to `parts` threads,
// the calling one among them; a thread may have several, in ascending order. Fewer threads than
// parts are used while other programs want the CPUs. Otherwise like RunTogether.
void RunParts(int parts, absl::FunctionRef<void(int)> body);

// While it lives, RunParts takes a thread for each part, as if no other program wanted the CPUs:
// for the calling thread's regions that are timed, of which the quickest counts.
class WholeTeams {
 public:
  WholeTeams();
  ~WholeTeams();
  WholeTeams(const WholeTeams&) = delete;
  WholeTeams& operator=(const WholeTeams&) = delete;

 private:
  bool previous_;
};

// For tests: while on, RunParts takes the calling thread alone. Of the whole process.
void RunPartsOneByOne(bool on);

// While it lives, the calling thread's regions of oneDNN run like RunParts, if `independent`: they
// have no barrier and no thread that spins for what another does.
class IndependentParts {
 public:
  explicit IndependentParts(bool independent);
  ~IndependentParts();
  IndependentParts(const IndependentParts&) = delete;
  IndependentParts& operator=(const IndependentParts&) = delete;

 private:
  bool previous_;
};

// Calls body() so that all regions in it, those of oneDNN too, run on the calling thread alone.
void RunAlone(absl::FunctionRef<void()> body);

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_TEAM_H_
