#ifndef WEFT_OPS_POOL_CHOICE_H_
#define WEFT_OPS_POOL_CHOICE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "ops/philox.h"
#include "ops/pool_regions.h"

// Poolings that take one element of each region, or a weighted sum of its elements in order: which
// ones depends on the region's values, on drawn numbers, or both. With the weights given, the
// pooling gathers and its gradient scatters; the loops are the same for all of them, in the
// reference and in the parallel kernel.

namespace weft {

enum class Choice {
  kMax,             // the first of equals
  kMedian,          // the middle one, or half of each of the middle two
  kTournament,      // the largest of `contestants` taps drawn without replacement
  kTournamentMean,  // its expectation
  kSample,          // one drawn with probability a+ / sum a+, where a+ = max(a, 0)
  kSampleMean,      // its expectation
  kSampleMeanGrad,  // the derivative of that
};

// Regions that are drawn anew for each step (FractionalMaxPool).
struct FractionalSteps {
  bool drawn = false;   // false: the regions of phase 0
  bool random = false;  // a shuffle of the steps; false: a random phase
  bool overlapping = false;
};

struct ChoicePool {
  Choice choice = Choice::kMax;
  int64_t planes = 0;
  int64_t channels = 1;
  Regions regions;
  int64_t contestants = 1;
  FractionalSteps fractional;
  uint64_t stream = 0;
};

// What an op of this kind does for X of dims `x`. Errors: those of its shape.
using ReadChoiceFn = absl::StatusOr<ChoicePool> (*)(const AttributeMap& attributes,
                                                    std::span<const int64_t> x);
absl::StatusOr<ChoicePool> ReadAdaptiveMaxPool(const AttributeMap&, std::span<const int64_t> x);
absl::StatusOr<ChoicePool> ReadFractionalMaxPool(const AttributeMap&, std::span<const int64_t> x);
absl::StatusOr<ChoicePool> ReadMedianPool(const AttributeMap&, std::span<const int64_t> x);
absl::StatusOr<ChoicePool> ReadStochasticPool(const AttributeMap&, std::span<const int64_t> x);
absl::StatusOr<ChoicePool> ReadStochasticPoolGrad(const AttributeMap&, std::span<const int64_t> x);
absl::StatusOr<ChoicePool> ReadTournamentPool(const AttributeMap&, std::span<const int64_t> x);

// FractionalMaxPool's shape: an InferPoolShape. Errors: output_size and ratio both or neither, of
// another length, more outputs than inputs.
absl::StatusOr<Shape> InferFractionalShape(const AttributeMap& attributes, const Shape& x);

// The regions of a run with `key`: the pool's, or for drawn ones those in `drawn`, filled here.
const Regions& RegionsOf(const ChoicePool& pool, const RandomKey& key, Regions& drawn);

// How much of the element at `offset` of the plane an output takes.
struct Share {
  int64_t offset = 0;
  double weight = 1;
};

// What the loops below and a Chooser keep from output to output.
template <typename T>
struct ChoiceMemory {
  RegionScratch regions;
  Regions drawn;
  std::vector<Share> shares;
  std::vector<T> values;
  std::vector<size_t> order;
  std::vector<double> chances;
  std::vector<int64_t> contestants;
};

// The shares of one region after the other. NaN wins every region that it is in.
template <typename T>
class Chooser {
 public:
  Chooser(const ChoicePool& pool, const RandomKey& key, ChoiceMemory<T>& memory)
      : pool_(pool),
        key_(key),
        philox_key_(StreamKey(key.seed, pool.stream)),
        shares_(memory.shares),
        values_(memory.values),
        order_(memory.order),
        chances_(memory.chances),
        contestants_(memory.contestants) {}

  // Of output `o` of the plane number `plane`, whose elements are `values`.
  const std::vector<Share>& Choose(const T* values, std::span<const int64_t> offsets, int64_t plane,
                                   int64_t o) {
    shares_.clear();
    switch (pool_.choice) {
      case Choice::kMax:
        TakeMaximum(values, offsets);
        break;
      case Choice::kMedian:
        if (Order(values, offsets)) TakeMiddle(offsets);
        break;
      case Choice::kTournament:
        DrawContestants(offsets, plane, o);
        TakeMaximum(values, contestants_);
        break;
      case Choice::kTournamentMean:
        if (Order(values, offsets)) TakeExpectedWinner(offsets);
        break;
      case Choice::kSample:
        TakeSample(values, offsets, plane, o);
        break;
      case Choice::kSampleMean:
      case Choice::kSampleMeanGrad:
        TakeProbabilities(values, offsets);
        break;
    }
    return shares_;
  }

  // The random words of an example, four a draw; in order they cost least.
  uint32_t Word(int64_t example, int64_t index) {
    if (example != drawn_example_ || index / 4 != drawn_block_) {
      drawn_example_ = example;
      drawn_block_ = index / 4;
      drawn_ =
          Philox4x32(StreamCounter(key_.step, key_.first_example + static_cast<uint64_t>(example),
                                   static_cast<uint64_t>(drawn_block_)),
                     philox_key_);
    }
    return drawn_[static_cast<size_t>(index % 4)];
  }
  const RandomKey& key() const { return key_; }
  const PhiloxKey& philox_key() const { return philox_key_; }
  int64_t ExampleOf(int64_t plane) const { return plane / pool_.channels; }
  // The place of an output in its example.
  int64_t PlaceOf(int64_t plane, int64_t o) const {
    return plane % pool_.channels * pool_.regions.output_size() + o;
  }

  // The largest of n taps wins k of n drawn with probability k/n, the r-th largest with
  // C(n-r,k-1) / C(n,k), which is followed by (n-r-k+1)/(n-r) of it.
  const std::vector<double>& Chances(int64_t n) {
    if (chances_of_ == n) return chances_;
    const int64_t k = std::min(pool_.contestants, n);
    chances_.resize(static_cast<size_t>(n - k + 1));
    double chance = static_cast<double>(k) / static_cast<double>(n);
    for (int64_t rank = 1; rank <= n - k + 1; ++rank) {
      chances_[static_cast<size_t>(rank - 1)] = chance;
      if (rank < n) chance *= static_cast<double>(n - rank - k + 1) / static_cast<double>(n - rank);
    }
    chances_of_ = n;
    return chances_;
  }

 private:
  static constexpr size_t kFew = 32;  // taps that comparing all pairs orders fastest

  void TakeMaximum(const T* values, std::span<const int64_t> offsets) {
    int64_t best = offsets[0];
    for (const int64_t at : offsets) {
      if (values[at] > values[best] || std::isnan(values[at])) best = at;
    }
    shares_.push_back({best, 1});
  }

  // Fills order_ with the numbers of the taps in increasing order of their values, equal ones in
  // the order of the input; or returns false with the NaN as the only share.
  bool Order(const T* values, std::span<const int64_t> offsets) {
    const size_t n = offsets.size();
    values_.resize(n);
    order_.resize(n);
    bool ordered = true;
    for (size_t i = 0; i < n; ++i) {
      values_[i] = values[offsets[i]];
      ordered &= values_[i] == values_[i];
    }
    if (!ordered) {
      TakeMaximum(values, offsets);
    } else if (n <= kFew) {
      OrderFew();
    } else {
      std::iota(order_.begin(), order_.end(), size_t{0});
      std::sort(order_.begin(), order_.end(), [this](size_t a, size_t b) {
        return values_[a] < values_[b] || (values_[a] == values_[b] && a < b);
      });
    }
    return ordered;
  }

  // Counts for each tap those before it: no branches that a processor could not foresee.
  void OrderFew() {
    const size_t n = values_.size();
    uint32_t before[kFew] = {};
    for (size_t i = 1; i < n; ++i) {
      for (size_t j = 0; j < i; ++j) {
        const uint32_t less = values_[i] < values_[j];
        before[j] += less;
        before[i] += 1 - less;
      }
    }
    for (size_t i = 0; i < n; ++i) order_[before[i]] = i;
  }

  void TakeMiddle(std::span<const int64_t> offsets) {
    const size_t n = offsets.size();
    if (n % 2 == 1) {
      shares_.push_back({offsets[order_[n / 2]], 1});
    } else {
      shares_.push_back({offsets[order_[n / 2 - 1]], 0.5});
      shares_.push_back({offsets[order_[n / 2]], 0.5});
    }
  }

  void TakeExpectedWinner(std::span<const int64_t> offsets) {
    const size_t n = offsets.size();
    const std::vector<double>& chances = Chances(static_cast<int64_t>(n));
    for (size_t r = 0; r < chances.size(); ++r) {
      shares_.push_back({offsets[order_[n - 1 - r]], chances[r]});
    }
  }

  // The first steps of a Fisher-Yates shuffle, a 32-bit word each.
  void DrawContestants(std::span<const int64_t> offsets, int64_t plane, int64_t o) {
    contestants_.assign(offsets.begin(), offsets.end());
    const int64_t n = static_cast<int64_t>(offsets.size());
    const int64_t k = std::min(pool_.contestants, n);
    for (int64_t i = 0; i < k; ++i) {
      const uint64_t word = Word(ExampleOf(plane), PlaceOf(plane, o) * pool_.contestants + i);
      const int64_t j = i + static_cast<int64_t>(word * static_cast<uint64_t>(n - i) >> 32);
      std::swap(contestants_[static_cast<size_t>(i)], contestants_[static_cast<size_t>(j)]);
    }
    contestants_.resize(static_cast<size_t>(k));
  }

  // max(a, 0), with NaN kept.
  static double Positive(T a) { return a < 0 ? 0 : static_cast<double>(a); }

  double PositiveSum(const T* values, std::span<const int64_t> offsets) const {
    double sum = 0;
    for (const int64_t at : offsets) sum += Positive(values[at]);
    return sum;
  }

  // The tap where the running sum of probabilities passes a uniform number.
  void TakeSample(const T* values, std::span<const int64_t> offsets, int64_t plane, int64_t o) {
    const double sum = PositiveSum(values, offsets);
    if (sum == 0) return;
    if (std::isnan(sum)) return TakeMaximum(values, offsets);
    const double level = sum * (Word(ExampleOf(plane), PlaceOf(plane, o)) + 0.5) * 0x1p-32;
    double reached = 0;
    int64_t taken = -1;
    for (const int64_t at : offsets) {
      const double a = Positive(values[at]);
      if (a == 0) continue;
      taken = at;
      reached += a;
      if (reached >= level) break;
    }
    shares_.push_back({taken, 1});
  }

  // y = sum p_i a_i with p_i = a_i+ / S and S = sum a+. Its derivative in a_i > 0 is
  // (2 a_i - y) / S.
  void TakeProbabilities(const T* values, std::span<const int64_t> offsets) {
    const double sum = PositiveSum(values, offsets);
    if (sum == 0) return;
    const double scale = 1 / std::max(sum, std::numeric_limits<double>::min());
    double mean = 0;
    for (const int64_t at : offsets) mean += Positive(values[at]) * scale * Positive(values[at]);
    const bool derivative = pool_.choice == Choice::kSampleMeanGrad;
    for (const int64_t at : offsets) {
      const double a = Positive(values[at]);
      if (a != 0) shares_.push_back({at, (derivative ? 2 * a - mean : a) * scale});
    }
  }

  const ChoicePool& pool_;
  const RandomKey key_;
  const PhiloxKey philox_key_;
  std::vector<Share>& shares_;
  std::vector<T>& values_;
  std::vector<size_t>& order_;
  std::vector<double>& chances_;
  std::vector<int64_t>& contestants_;
  int64_t chances_of_ = 0;
  PhiloxCounter drawn_ = {};
  int64_t drawn_example_ = -1, drawn_block_ = -1;
};

// Calls f(plane, o, shares) for every output of the planes [begin, end), in order; the shares are
// chosen by the values of `keys`, a tensor of X's shape.
template <typename T, typename F>
void ForEachChoice(const ChoicePool& pool, const RandomKey& key, const T* keys, int64_t begin,
                   int64_t end, F f) {
  ChoiceMemory<T> memory;
  const Regions& regions = RegionsOf(pool, key, memory.drawn);
  Chooser<T> chooser(pool, key, memory);
  const int64_t size = regions.input_size();
  for (int64_t plane = begin; plane < end; ++plane) {
    const T* values = keys + plane * size;
    ForEachRegion(regions, memory.regions, [&](int64_t o, std::span<const int64_t> offsets) {
      f(plane, o, chooser.Choose(values, offsets, plane, o));
    });
  }
}

// y = the shares of x, for the planes [begin, end).
template <typename T>
void GatherChosen(const ChoicePool& pool, const RandomKey& key, const T* x, const T* keys, T* y,
                  int64_t begin, int64_t end) {
  const int64_t inputs = pool.regions.input_size(), outputs = pool.regions.output_size();
  ForEachChoice(pool, key, keys, begin, end,
                [&](int64_t plane, int64_t o, const std::vector<Share>& shares) {
                  double sum = 0;
                  for (const Share& s : shares) sum += s.weight * x[plane * inputs + s.offset];
                  y[plane * outputs + o] = static_cast<T>(sum);
                });
}

// dx = dy added at the shares, for the planes [begin, end).
template <typename T>
void ScatterChosen(const ChoicePool& pool, const RandomKey& key, const T* dy, const T* keys, T* dx,
                   int64_t begin, int64_t end) {
  const int64_t inputs = pool.regions.input_size(), outputs = pool.regions.output_size();
  std::fill(dx + begin * inputs, dx + end * inputs, T{0});
  ForEachChoice(pool, key, keys, begin, end,
                [&](int64_t plane, int64_t o, const std::vector<Share>& shares) {
                  const double d = dy[plane * outputs + o];
                  for (const Share& s : shares) {
                    T& at = dx[plane * inputs + s.offset];
                    at = static_cast<T>(at + s.weight * d);
                  }
                });
}

}  // namespace weft

#endif  // WEFT_OPS_POOL_CHOICE_H_
