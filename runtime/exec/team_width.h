#ifndef WEFT_RUNTIME_EXEC_TEAM_WIDTH_H_
#define WEFT_RUNTIME_EXEC_TEAM_WIDTH_H_

#include <chrono>

namespace weft {

// How many threads pay for regions whose parts do not wait for one another. Where other programs
// want the CPUs, the system puts several threads of a team on one, and a region takes longer than
// its parts would one after the other on the calling thread. So now and then a region is measured:
//
//   use = CPU time of the thread that has most to do / time from beginning to end
//
// Without others that is near 1, however unevenly the parts are shared out; two threads that share
// a CPU make it 1/2. Where it is less than kLeastUse, so many threads are taken from then on as
// would do the same when busy all the time. After a pause twice as many are tried, and the pause is
// the longer the more often that was in vain. What the machine below a virtual one takes away is
// not seen: it counts as CPU time.
//
// For one thread at a time.
class TeamWidth {
 public:
  using Clock = std::chrono::steady_clock;

  // The threads for the next region of `parts`, which begins now; 1 to `parts`.
  int Next(int parts, Clock::time_point now);
  // Whether that region is to be measured, and then Learn called.
  bool measures() const { return measures_; }
  struct Region {
    Clock::time_point begin, end;
    std::chrono::nanoseconds cpu{};      // of all threads
    std::chrono::nanoseconds longest{};  // of the thread that took most
  };
  void Learn(const Region& region);

 private:
  static constexpr double kLeastUse = 0.55;
  // One region of so many is measured: reading the CPU time of a thread takes up to 0.5 us. Primes,
  // since the regions of a network come again and again.
  static constexpr unsigned kEvery = 61, kEveryOfTrial = 5;
  // A decision takes so many of them, and so much time, to which a time slice is short.
  static constexpr int kEnough = 8;
  static constexpr std::chrono::milliseconds kLongEnough{10};
  static constexpr std::chrono::milliseconds kShortestPause{20}, kLongestPause{1280};

  void Begin(bool trial, Clock::time_point now);

  int width_ = 0;  // 0: as many as there are parts
  Clock::time_point resume_;
  std::chrono::milliseconds pause_ = kShortestPause;
  unsigned regions_ = 0;
  bool measures_ = false;
  // Since the last decision:
  bool trial_ = false;  // which was to take twice the threads
  Clock::time_point begin_;
  int measured_ = 0;
  double took_ = 0, longest_ = 0, cpu_ = 0;  // ns
};

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_TEAM_WIDTH_H_
