#ifndef WEFT_FRONTEND_INSPECT_RUNNING_STATISTICS_H_
#define WEFT_FRONTEND_INSPECT_RUNNING_STATISTICS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace weft {

// How many numbers lie in [low + i * width, low + (i + 1) * width).
struct Histogram {
  double low = 0, width = 0;
  std::vector<int64_t> counts = {};
  double high() const { return low + width * static_cast<double>(counts.size()); }
};
// With bins joined by pairs until there are at most `most`, 2 or more; pairs begin at even bins.
Histogram Coarsened(Histogram h, size_t most);

// What can be said of numbers that come in parts, in memory that does not grow with them.
//
// The histogram has kBins bins around zero whose width is a power of two: where a number lies
// beyond, bins are joined by pairs. The same numbers in any order and any parts give the same one.
class RunningStatistics {
 public:
  static constexpr int kBins = 256;

  void Add(std::span<const float> values);

  int64_t count() const { return finite_ + nan_ + infinite_; }
  int64_t nan() const { return nan_; }
  int64_t infinite() const { return infinite_; }
  int64_t zeros() const { return zeros_; }
  // Of the finite ones, 0 where there is none. The deviation is the population's (divided by n).
  double mean() const { return mean_; }
  double deviation() const;
  double norm() const;  // Euclid's
  double low() const { return finite_ == 0 ? 0 : low_; }
  double high() const { return finite_ == 0 ? 0 : high_; }
  double zero_share() const;  // of all numbers
  // From the first bin that has a number to the last one; no bins without finite numbers.
  Histogram histogram() const;

 private:
  void Widen(double magnitude);  // until the bins span it

  int64_t finite_ = 0, nan_ = 0, infinite_ = 0, zeros_ = 0;
  double mean_ = 0, squares_ = 0;  // the sum of squared distances to the mean
  double low_ = 0, high_ = 0;
  double width_ = 0;  // of a bin; 0: only zeros so far
  std::vector<int64_t> bins_ = std::vector<int64_t>(kBins);
};

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_RUNNING_STATISTICS_H_
