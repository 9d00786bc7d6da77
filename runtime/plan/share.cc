#include "runtime/exec/parallel.h"
#include "runtime/plan/lowering.h"

namespace weft {
namespace {

// What one core does in a microsecond where a step is small and its operands are in the cache.
constexpr double kProductFlops = 60e3;  // of convolutions and matrix products
constexpr double kOtherFlops = 5e3;
constexpr double kBytes = 20e3;

// Handing work to a waiting thread and back takes 2 us, to a sleeping one 10 or more.
constexpr double kWorthSharing = 20;  // us

int Share(double microseconds, int threads) {
  return microseconds < kWorthSharing && !SplitsFinely() ? 1 : threads;
}

}  // namespace

int ThreadsFor(const Node& node, int threads) {
  const absl::StatusOr<Cost> cost = CostOf(node);
  if (!cost.ok()) return threads;
  const double products = 2 * static_cast<double>(cost->macs);
  return Share(
      products / kProductFlops + (cost->flops - products) / kOtherFlops + cost->bytes / kBytes,
      threads);
}

int ThreadsToCopy(size_t bytes, int threads) {
  return Share(2 * static_cast<double>(bytes) / kBytes, threads);
}

}  // namespace weft
