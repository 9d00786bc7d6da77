#include "frontend/report/weight_histogram.h"

#include <algorithm>
#include <cmath>

namespace weft {
namespace {

// Sums are of differences to the first element, so that a large mean leaves the deviation exact.
template <typename At>
WeightHistogram CountElementsBy(int64_t size, At at) {
  WeightHistogram h;
  int64_t finite = 0;
  double first = 0, sum = 0, squares = 0;
  for (int64_t i = 0; i < size; ++i) {
    const double value = at(i);
    if (!std::isfinite(value)) {
      ++h.not_finite;
      continue;
    }
    if (finite++ == 0) first = h.low = h.high = value;
    h.low = std::min(h.low, value);
    h.high = std::max(h.high, value);
    h.zeros += value == 0;
    sum += value - first;
    squares += (value - first) * (value - first);
  }
  if (finite == 0) return h;
  const double mean = sum / static_cast<double>(finite);
  h.mean = first + mean;
  h.deviation = std::sqrt(std::max(0.0, squares / static_cast<double>(finite) - mean * mean));
  const double bins = static_cast<double>(WeightHistogram::kBins);
  const double scale = h.high > h.low ? bins / (h.high - h.low) : 0;
  for (int64_t i = 0; i < size; ++i) {
    const double value = at(i);
    if (!std::isfinite(value)) continue;
    ++h.counts[static_cast<size_t>(std::min(bins - 1, (value - h.low) * scale))];
  }
  return h;
}

}  // namespace

WeightHistogram HistogramOf(const Tensor& tensor) {
  if (tensor.dtype() == DType::kF32) {
    const std::span<const float> values = tensor.values<float>();
    return CountElementsBy(tensor.size(),
                           [&](int64_t i) -> double { return values[static_cast<size_t>(i)]; });
  }
  return CountElementsBy(tensor.size(), [&](int64_t i) { return tensor.At(i); });
}

}  // namespace weft
