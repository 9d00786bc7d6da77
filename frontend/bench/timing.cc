#include "frontend/bench/timing.h"

#include <algorithm>

namespace weft {

double Quantile(std::span<const double> sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

Spread SpreadOf(std::vector<double> values) {
  std::ranges::sort(values);
  return {Quantile(values, 0.05), Quantile(values, 0.5), Quantile(values, 0.95)};
}

double MedianOf(std::vector<double> values) { return SpreadOf(std::move(values)).median; }

}  // namespace weft
