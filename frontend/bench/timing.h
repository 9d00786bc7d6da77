#ifndef WEFT_FRONTEND_BENCH_TIMING_H_
#define WEFT_FRONTEND_BENCH_TIMING_H_

#include <chrono>
#include <span>
#include <vector>

namespace weft {

// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

// How measurements lie: a twentieth is below p5, a twentieth above p95.
struct Spread {
  double p5 = 0, median = 0, p95 = 0;
};

// The value that a share `q` in [0,1] of the sorted values is below, between two of them where it
// falls there. At least one value.
double Quantile(std::span<const double> sorted, double q);
// Of at least one value, in any order.
Spread SpreadOf(std::vector<double> values);
double MedianOf(std::vector<double> values);

}  // namespace weft

#endif  // WEFT_FRONTEND_BENCH_TIMING_H_
