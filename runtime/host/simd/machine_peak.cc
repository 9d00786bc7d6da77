#include "runtime/host/simd/machine_peak.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <map>
#include <mutex>

#include "absl/functional/function_ref.h"
#include "runtime/exec/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/simd/machine_peak.cc"
#include "runtime/host/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

// Independent operations that hide the latency of each: two units, five cycles.
inline constexpr size_t kChains = 12;

// Adds up what `step` makes of kChains vectors in so many rounds, so that all of it is computed.
template <typename Step>
HWY_INLINE float RunChains(int64_t rounds, const Step& step) {
  Vf chains[kChains];
  for (size_t c = 0; c < kChains; ++c) chains[c] = Fill(static_cast<float>(c));
  for (int64_t r = 0; r < rounds; ++r) {
    for (size_t c = 0; c < kChains; ++c) chains[c] = step(r, static_cast<int64_t>(c), chains[c]);
  }
  for (size_t c = 1; c < kChains; ++c) chains[0] = hn::Add(chains[0], chains[c]);
  return SumOf(chains[0]);
}

float PeakMultiplyAdds(int64_t rounds) {
  const Vf a = Fill(0.999F), b = Fill(0.001F);
  return RunChains(rounds, [a, b](int64_t, int64_t, Vf x) HWY_ATTR { return hn::MulAdd(x, a, b); });
}

int64_t PeakRoundFloats() { return static_cast<int64_t>(kChains) * Lanes(); }

// The sum of the floats of so many rounds.
float PeakReads(const float* p, int64_t rounds) {
  const int64_t lanes = Lanes(), chains = static_cast<int64_t>(kChains);
  return RunChains(rounds, [=](int64_t round, int64_t chain, Vf sum) HWY_ATTR {
    return hn::Add(sum, hn::LoadU(Df(), p + (round * chains + chain) * lanes));
  });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(PeakMultiplyAdds);
HWY_EXPORT(PeakRoundFloats);
HWY_EXPORT(PeakReads);

namespace {

constexpr int kPeakTries = 8;
constexpr int64_t kPeakRounds = int64_t{1} << 17;  // some milliseconds
// Working sets, in floats: 256 KiB, 2 MiB, 16 MiB, 128 MiB.
constexpr int64_t kReadSizes[] = {1 << 16, 1 << 19, 1 << 22, 1 << 25};
constexpr int64_t kLeastRead = 1 << 22;  // floats a try

// The least seconds of a few tries of `work`: whatever disturbs one makes it slower.
double LeastSeconds(absl::FunctionRef<float()> work) {
  using Clock = std::chrono::steady_clock;
  static std::atomic<float> sink;  // what is computed must be of use
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kPeakTries; ++i) {
    const auto start = Clock::now();
    sink = work();
    least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return least;
}

// Calls part(begin, end) on all threads of the run, for a piece of [0, n) each.
float OnEachThread(int64_t n, absl::FunctionRef<float(int64_t, int64_t)> part) {
  const int64_t threads = RunThreads();
  std::atomic<float> any = 0;
  RunTogether(static_cast<int>(threads),
              [&](int t) { any = part(n * t / threads, n * (t + 1) / threads); });
  return any;
}

double MeasureFlops() {
  const auto work = [](int64_t begin, int64_t end) {
    return HWY_DYNAMIC_DISPATCH(PeakMultiplyAdds)(end - begin);
  };
  const int64_t rounds = kPeakRounds * RunThreads();
  const double seconds = LeastSeconds([&] { return OnEachThread(rounds, work); });
  return 2 * static_cast<double>(rounds * HWY_DYNAMIC_DISPATCH(PeakRoundFloats)()) / seconds;
}

std::vector<MachinePeak::Reads> MeasureReads() {
  std::vector<MachinePeak::Reads> reads;
  const int64_t round = HWY_DYNAMIC_DISPATCH(PeakRoundFloats)();
  const std::vector<float> memory(static_cast<size_t>(*std::prev(std::end(kReadSizes))), 1.0F);
  for (const int64_t size : kReadSizes) {
    const int64_t rounds = size / round;  // shared as a whole: what is counted is what is read
    const int64_t times = std::max<int64_t>(1, kLeastRead / size);
    const auto work = [&](int64_t begin, int64_t end) {
      float sum = 0;
      for (int64_t i = 0; i < times; ++i) {
        sum += HWY_DYNAMIC_DISPATCH(PeakReads)(memory.data() + round * begin, end - begin);
      }
      return sum;
    };
    const double seconds = LeastSeconds([&] { return OnEachThread(rounds, work); });
    const double bytes = static_cast<double>(rounds * round) * sizeof(float);
    double rate = bytes * static_cast<double>(times) / seconds;
    if (!reads.empty()) rate = std::min(rate, reads.back().per_second);
    reads.push_back({.bytes = bytes, .per_second = rate});
  }
  return reads;
}

}  // namespace

double MachinePeak::ReadRate(double bytes) const {
  double rate = reads.front().per_second;
  for (const Reads& r : reads) {
    if (r.bytes <= bytes) rate = r.per_second;
  }
  return rate;
}

double MachinePeak::LowerBound(double operations, double bytes) const {
  return std::max(operations / flops, bytes / ReadRate(bytes));
}

MachinePeak MeasuredPeak(int threads) {
  static std::mutex mutex;
  static std::map<int, MachinePeak> measured;
  const std::lock_guard<std::mutex> lock(mutex);
  const auto known = measured.find(threads);
  if (known != measured.end()) return known->second;
  const RunScope scope(threads);
  return measured[threads] = {.flops = MeasureFlops(), .reads = MeasureReads()};
}

}  // namespace weft
#endif  // HWY_ONCE
