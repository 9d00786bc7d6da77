#include "runtime/host/pool/block.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "runtime/host/simd/random_simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/pool/block.cc"
#include "runtime/host/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {

using Rows = PoolBlock::Rows;
using Du = hn::RebindToUnsigned<Df>;
using Vu = hn::Vec<Du>;
using Dd = hn::ScalableTag<double>;
using Vd = hn::Vec<Dd>;
using Numbers = uint32_t[PoolBlock::kMostTaps][PoolBlock::kLanes];

// Calls f(lane) for the first lane of each vector of floats.
template <typename F>
HWY_INLINE void ForEachLanes(F f) {
  for (int64_t l = 0; l < PoolBlock::kLanes; l += Lanes()) f(l);
}

HWY_INLINE Vf LoadRow(const Rows& rows, int64_t tap, int64_t lane) {
  return hn::LoadU(Df(), rows[tap] + lane);
}

bool AllOrdered(const PoolBlock& b) {
  bool ordered = true;
  ForEachLanes([&](int64_t l) HWY_ATTR {
    Mf nan = hn::IsNaN(LoadRow(b.keys, 0, l));
    for (int64_t t = 1; t < b.taps; ++t) nan = hn::Or(nan, hn::IsNaN(LoadRow(b.keys, t, l)));
    ordered &= hn::AllFalse(Df(), nan);
  });
  return ordered;
}

// How many taps of its window come before each: smaller ones, and equal ones in front of it.
HWY_INLINE void Order(const PoolBlock& b, int64_t lane, Numbers& before) {
  const Du du;
  const Vu one = hn::Set(du, 1);
  for (int64_t t = 0; t < b.taps; ++t) {
    const Vf key = LoadRow(b.keys, t, lane);
    Vu mine = hn::Zero(du);
    for (int64_t s = 0; s < t; ++s) {
      const auto less = hn::RebindMask(du, hn::Lt(key, LoadRow(b.keys, s, lane)));
      const Vu its = hn::LoadU(du, before[s] + lane);
      hn::StoreU(hn::Add(its, hn::IfThenElseZero(less, one)), du, before[s] + lane);
      mine = hn::Add(mine, hn::IfThenZeroElse(less, one));
    }
    hn::StoreU(mine, du, before[t] + lane);
  }
}

// Weights by the place in the order.
void WeighByOrder(const float* by_place, PoolBlock& b) {
  const Du du;
  HWY_ALIGN Numbers before;
  ForEachLanes([&](int64_t l) HWY_ATTR {
    Order(b, l, before);
    for (int64_t t = 0; t < b.taps; ++t) {
      const Vu place = hn::LoadU(du, before[t] + l);
      const auto indices = hn::BitCast(hn::RebindToSigned<Df>(), place);
      hn::StoreU(hn::GatherIndex(Df(), by_place, indices), Df(), b.weights[t] + l);
    }
  });
}

void MultiplyRows(const float* factors, PoolBlock& b) {
  const Vf zero = hn::Zero(Df());
  ForEachLanes([&](int64_t l) HWY_ATTR {
    const Vf factor = hn::LoadU(Df(), factors + l);
    for (int64_t t = 0; t < b.taps; ++t) {
      const Vf weight = LoadRow(b.weights, t, l);
      hn::StoreU(hn::IfThenZeroElse(hn::Eq(weight, zero), hn::Mul(weight, factor)), Df(),
                 b.weights[t] + l);
    }
  });
}

void AddWeightedRows(const PoolBlock& b, const Rows& x, float* sums) {
  const Vf zero = hn::Zero(Df());
  ForEachLanes([&](int64_t l) HWY_ATTR {
    Vf sum = zero;
    for (int64_t t = 0; t < b.taps; ++t) {
      const Vf weight = LoadRow(b.weights, t, l);
      const Vf product = hn::Mul(weight, LoadRow(x, t, l));
      sum = hn::Add(sum, hn::IfThenZeroElse(hn::Eq(weight, zero), product));
    }
    hn::StoreU(sum, Df(), sums + l);
  });
}

// Half a vector of keys in double precision, negative ones as 0.
HWY_INLINE Vd LoadPositive(const PoolBlock& b, int64_t tap, int64_t lane) {
  const Dd d;
  const hn::Rebind<float, Dd> half;
  const Vd a = hn::PromoteTo(d, hn::LoadU(half, b.keys[tap] + lane));
  return hn::IfThenElseZero(hn::Gt(a, hn::Zero(d)), a);
}

HWY_INLINE void StoreWeights(Vd weights, PoolBlock& b, int64_t tap, int64_t lane) {
  const hn::Rebind<float, Dd> half;
  hn::StoreU(hn::DemoteTo(half, weights), half, b.weights[tap] + lane);
}

template <typename F>
HWY_INLINE void ForEachHalf(F f) {
  for (int64_t l = 0; l < PoolBlock::kLanes; l += static_cast<int64_t>(hn::Lanes(Dd()))) f(l);
}

HWY_INLINE Vd SumOfPositives(const PoolBlock& b, int64_t lane) {
  Vd sum = hn::Zero(Dd());
  for (int64_t t = 0; t < b.taps; ++t) sum = hn::Add(sum, LoadPositive(b, t, lane));
  return sum;
}

// One tap each: where the running sum passes `uniform` of the whole. The same sums in the same
// order as Chooser's: the same samples.
void WeighSamples(const double* uniform, PoolBlock& b) {
  const Dd d;
  const Vd zero = hn::Zero(d), one = hn::Set(d, 1);
  ForEachHalf([&](int64_t l) HWY_ATTR {
    const Vd sum = SumOfPositives(b, l);
    const Vd level = hn::Mul(hn::Mul(sum, hn::LoadU(d, uniform + l)), hn::Set(d, 0x1p-32));
    Vd reached = zero;
    auto wanted = hn::Gt(sum, zero);
    for (int64_t t = 0; t < b.taps; ++t) {
      reached = hn::Add(reached, LoadPositive(b, t, l));
      const auto here = hn::And(wanted, hn::Ge(reached, level));
      StoreWeights(hn::IfThenElseZero(here, one), b, t, l);
      wanted = hn::AndNot(here, wanted);
    }
  });
}

// The mean weighted by the positive keys, or its derivative.
void WeighMeans(bool derivative, PoolBlock& b) {
  const Dd d;
  const Vd zero = hn::Zero(d);
  ForEachHalf([&](int64_t l) HWY_ATTR {
    const Vd sum = SumOfPositives(b, l);
    const Vd scale =
        hn::Div(hn::Set(d, 1), hn::Max(sum, hn::Set(d, std::numeric_limits<double>::min())));
    Vd mean = zero;
    for (int64_t t = 0; t < b.taps; ++t) {
      const Vd a = LoadPositive(b, t, l);
      mean = hn::Add(mean, hn::Mul(hn::Mul(a, scale), a));
    }
    for (int64_t t = 0; t < b.taps; ++t) {
      const Vd a = LoadPositive(b, t, l);
      const Vd share = derivative ? hn::Sub(hn::Add(a, a), mean) : a;
      StoreWeights(hn::IfThenElseZero(hn::Gt(a, zero), hn::Mul(share, scale)), b, t, l);
    }
  });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(AllOrdered);
HWY_EXPORT(AddWeightedRows);
HWY_EXPORT(MultiplyRows);
HWY_EXPORT(WeighByOrder);
HWY_EXPORT(WeighMeans);
HWY_EXPORT(WeighSamples);

namespace {

void ChooseMedian(PoolBlock& b) {
  float by_place[PoolBlock::kMostTaps] = {};
  by_place[(b.taps - 1) / 2] += 0.5f;
  by_place[b.taps / 2] += 0.5f;
  HWY_DYNAMIC_DISPATCH(WeighByOrder)(by_place, b);
}

// `chances` of the largest, the next, ….
void ChooseExpectedWinner(const std::vector<double>& chances, PoolBlock& b) {
  float by_place[PoolBlock::kMostTaps] = {};
  for (size_t r = 0; r < chances.size(); ++r) {
    by_place[static_cast<size_t>(b.taps) - 1 - r] = static_cast<float>(chances[r]);
  }
  HWY_DYNAMIC_DISPATCH(WeighByOrder)(by_place, b);
}

// The chooser's words [first, first + count) of the plane's example.
class DrawnWords {
 public:
  DrawnWords(const Chooser<float>& chooser, int64_t plane, int64_t first, int64_t count)
      : skipped_(first % 4) {
    const uint64_t example = static_cast<uint64_t>(chooser.ExampleOf(plane));
    DrawWords(chooser.philox_key(), chooser.key().step, chooser.key().first_example + example,
              first / 4, (skipped_ + count + 3) / 4, words_);
  }
  const uint32_t* from(int64_t i) const { return words_ + skipped_ + i; }

 private:
  int64_t skipped_;
  uint32_t words_[PoolBlock::kLanes * PoolBlock::kMostTaps + 8];
};

// The largest of the taps that a Fisher-Yates shuffle of `words` puts first. Comparisons are
// arithmetic: which way they go cannot be foreseen.
class Tournament {
 public:
  Tournament(const PoolBlock& block, int64_t contestants)
      : block_(block), contestants_(std::min(contestants, block.taps)) {
    for (int64_t t = 0; t < PoolBlock::kMostTaps; ++t) in_order_[t] = static_cast<uint8_t>(t);
  }

  int64_t Winner(int64_t lane, const uint32_t* words) const {
    const int64_t n = block_.taps;
    if (contestants_ == 2) {  // in registers
      const int64_t one = Below(words[0], n), other = 1 + Below(words[1], n - 1);
      return Larger(lane, one, (other != one) * other);
    }
    uint8_t taps[PoolBlock::kMostTaps];
    std::memcpy(taps, in_order_, sizeof(taps));
    int64_t best = Below(words[0], n);
    taps[best] = 0;
    for (int64_t i = 1; i < contestants_; ++i) {
      const int64_t j = i + Below(words[i], n - i), tap = taps[j];
      taps[j] = taps[i];
      best = Larger(lane, best, tap);
    }
    return best;
  }

 private:
  static int64_t Below(uint64_t word, int64_t n) {
    return static_cast<int64_t>(word * static_cast<uint64_t>(n) >> 32);
  }
  int64_t Larger(int64_t lane, int64_t a, int64_t b) const {
    return a + (block_.keys[b][lane] > block_.keys[a][lane]) * (b - a);
  }

  const PoolBlock& block_;
  int64_t contestants_;
  uint8_t in_order_[PoolBlock::kMostTaps];
};

// At most kMostTaps contestants.
void ChooseWinner(int64_t contestants, const Chooser<float>& chooser, int64_t plane, int64_t o,
                  PoolBlock& b) {
  const DrawnWords words(chooser, plane, chooser.PlaceOf(plane, o) * contestants,
                         b.count * contestants);
  const Tournament tournament(b, contestants);
  std::memset(b.weights, 0, static_cast<size_t>(b.taps) * sizeof(b.weights[0]));
  for (int64_t l = 0; l < b.count; ++l) {
    b.weights[tournament.Winner(l, words.from(l * contestants))][l] = 1;
  }
}

void ChooseSample(const Chooser<float>& chooser, int64_t plane, int64_t o, PoolBlock& b) {
  double uniform[PoolBlock::kLanes] = {};
  const DrawnWords words(chooser, plane, chooser.PlaceOf(plane, o), b.count);
  for (int64_t l = 0; l < b.count; ++l) uniform[l] = *words.from(l) + 0.5;
  HWY_DYNAMIC_DISPATCH(WeighSamples)(uniform, b);
}

}  // namespace

void PoolBlock::Take(const WindowPlan& p, std::span<const RowLink> links, int64_t column) {
  const TapRange* ranges = p.taps.data() + column;
  const int64_t most = std::min(kLanes, p.columns - column);
  for (count = 0; count < most && ranges[count].count == ranges[0].count; ++count) {
    first[count] = ranges[count].first;
  }
  std::fill(first + count, first + kLanes, first[count - 1]);
  taps = 0;
  for (const RowLink& link : links) {
    for (int64_t i = 0; i < ranges[0].count; ++i) {
      offsets[taps++] = link.row * p.width + i * ranges[0].step;
    }
  }
}

void PoolBlock::Load(const float* plane, Rows& values) const {
  for (int64_t t = 0; t < taps; ++t) {
    const float* row = plane + offsets[t];
    for (int64_t l = 0; l < kLanes; ++l) values[t][l] = row[first[l]];
  }
}

bool IsOrdered(const PoolBlock& block) { return HWY_DYNAMIC_DISPATCH(AllOrdered)(block); }

void MultiplyWeights(const float* factors, PoolBlock& block) {
  HWY_DYNAMIC_DISPATCH(MultiplyRows)(factors, block);
}

void AddWeighted(const PoolBlock& block, const PoolBlock::Rows& x, float* sums) {
  HWY_DYNAMIC_DISPATCH(AddWeightedRows)(block, x, sums);
}

void ChooseWeights(const ChoicePool& pool, Chooser<float>& chooser, int64_t plane, int64_t o,
                   PoolBlock& b) {
  switch (pool.choice) {
    case Choice::kMedian:
      return ChooseMedian(b);
    case Choice::kTournament:
      return ChooseWinner(pool.contestants, chooser, plane, o, b);
    case Choice::kTournamentMean:
      return ChooseExpectedWinner(chooser.Chances(b.taps), b);
    case Choice::kSample:
      return ChooseSample(chooser, plane, o, b);
    case Choice::kSampleMean:
    case Choice::kSampleMeanGrad:
      return HWY_DYNAMIC_DISPATCH(WeighMeans)(pool.choice == Choice::kSampleMeanGrad, b);
    case Choice::kMax:  // has kernels of its own
      break;
  }
}

}  // namespace weft
#endif
