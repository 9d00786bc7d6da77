#ifndef WEFT_RUNTIME_HOST_SIMD_MACHINE_PEAK_H_
#define WEFT_RUNTIME_HOST_SIMD_MACHINE_PEAK_H_

#include <vector>

namespace weft {

// The most that a number of threads of this machine do, as measured.
struct MachinePeak {
  // How fast so many bytes are read again and again.
  struct Reads {
    double bytes = 0;
    double per_second = 0;
  };

  double flops = 0;  // f32 a second; a multiply-add is two
  std::vector<Reads>
      reads;  // of few bytes, which stay in a cache, to many; never faster than fewer

  // Of memory: of more bytes than the caches hold.
  double memory_rate() const { return reads.back().per_second; }
  // Of a working set of that size; not less than is possible.
  double ReadRate(double bytes) const;
  // Seconds that so many operations on so many bytes take at least.
  double LowerBound(double operations, double bytes) const;
};

// Measured at the first call for so many threads, at least 1, in a fraction of a second. Other
// programs that run meanwhile make it smaller. Any thread may call it.
MachinePeak MeasuredPeak(int threads);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SIMD_MACHINE_PEAK_H_
