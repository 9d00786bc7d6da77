#include "frontend/inspect/running_statistics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace weft {
namespace {

constexpr int kHalfBins = RunningStatistics::kBins / 2;

// Sums of a part, around its first number, so that large means cost no digits.
struct PartSums {
  int64_t finite = 0, nan = 0, infinite = 0, zeros = 0;
  double origin = 0, sum = 0, squares = 0;
  float low = 0, high = 0;

  explicit PartSums(std::span<const float> values) {
    for (const float v : values) {
      if (!std::isfinite(v)) {
        ++(std::isnan(v) ? nan : infinite);
        continue;
      }
      if (finite++ == 0) origin = low = high = v;
      zeros += v == 0;
      low = std::min(low, v);
      high = std::max(high, v);
      const double d = v - origin;
      sum += d;
      squares += d * d;
    }
  }
  double mean() const { return origin + sum / static_cast<double>(finite); }
  double squared_distances() const { return squares - sum * sum / static_cast<double>(finite); }
};

}  // namespace

Histogram Coarsened(Histogram h, size_t most) {
  while (h.counts.size() > most) {
    const auto first = static_cast<int64_t>(std::llround(h.low / h.width));
    const auto skipped = static_cast<size_t>(first & 1);
    std::vector<int64_t> joined((h.counts.size() + skipped + 1) / 2);
    for (size_t i = 0; i < h.counts.size(); ++i) joined[(i + skipped) / 2] += h.counts[i];
    h = {.low = h.low - h.width * static_cast<double>(skipped),
         .width = 2 * h.width,
         .counts = std::move(joined)};
  }
  return h;
}

// The bin -1 of the first half spans [-width, 0): floor. Joined pairs are those of a bin twice as
// wide, as zero is at a border.
void RunningStatistics::Widen(double magnitude) {
  if (magnitude == 0) return;
  if (width_ == 0) {
    int exponent = 0;
    std::frexp(magnitude, &exponent);  // magnitude < 2^exponent
    width_ = std::ldexp(1.0, exponent) / kHalfBins;
    return;
  }
  while (magnitude >= width_ * kHalfBins) {
    std::vector<int64_t> wide(bins_.size());
    for (int i = -kHalfBins; i < kHalfBins; ++i) {
      const int to = i >= 0 ? i / 2 : (i - 1) / 2;
      wide[static_cast<size_t>(to + kHalfBins)] += bins_[static_cast<size_t>(i + kHalfBins)];
    }
    bins_ = std::move(wide);
    width_ *= 2;
  }
}

void RunningStatistics::Add(std::span<const float> values) {
  const PartSums part(values);
  nan_ += part.nan;
  infinite_ += part.infinite;
  if (part.finite == 0) return;
  Widen(std::max(-static_cast<double>(part.low), static_cast<double>(part.high)));
  const double per_width = width_ == 0 ? 0 : 1 / width_;
  for (const float v : values) {
    if (!std::isfinite(v)) continue;
    const double place = v * per_width;
    int bin = static_cast<int>(place);
    bin -= place < bin;  // floor, which the compiler calls a function for
    ++bins_[static_cast<size_t>(std::clamp(bin + kHalfBins, 0, kBins - 1))];
  }
  const auto before = static_cast<double>(finite_), added = static_cast<double>(part.finite);
  const double step = part.mean() - mean_;
  low_ = finite_ == 0 ? part.low : std::min<double>(low_, part.low);
  high_ = finite_ == 0 ? part.high : std::max<double>(high_, part.high);
  finite_ += part.finite;
  zeros_ += part.zeros;
  // Chan, Golub and LeVeque 1979.
  mean_ += step * added / (before + added);
  squares_ += part.squared_distances() + step * step * before * added / (before + added);
}

double RunningStatistics::deviation() const {
  return finite_ == 0 ? 0 : std::sqrt(std::max(squares_, 0.0) / static_cast<double>(finite_));
}

double RunningStatistics::norm() const {
  return std::sqrt(std::max(squares_, 0.0) + static_cast<double>(finite_) * mean_ * mean_);
}

double RunningStatistics::zero_share() const {
  return count() == 0 ? 0 : static_cast<double>(zeros_) / static_cast<double>(count());
}

Histogram RunningStatistics::histogram() const {
  if (finite_ == 0) return {};
  const auto filled = [](int64_t n) { return n > 0; };
  const auto first = std::ranges::find_if(bins_, filled);
  const auto last = std::find_if(bins_.rbegin(), bins_.rend(), filled).base();
  const double width = width_ == 0 ? 1 : width_;
  return {.low = static_cast<double>(first - bins_.begin() - kHalfBins) * width,
          .width = width,
          .counts = {first, last}};
}

}  // namespace weft
