#include <algorithm>

#include "absl/container/inlined_vector.h"
#include "runtime/host/pointwise/problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/pointwise/band.cc"
#include "runtime/host/simd/product-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Where in x the pixel of a result is. From one to the next without divisions.
class PixelOfX {
 public:
  PixelOfX(const PointwiseProblem& p, int64_t pixel)
      : p_(p),
        column_(pixel % p.y_columns),
        row_(pixel / p.y_columns % p.y_rows),
        image_(pixel / p.y_columns / p.y_rows) {}
  int64_t offset() const {
    const int64_t row = image_ * p_.x_rows + row_ * p_.row_step;
    return (row * p_.x_columns + column_ * p_.column_step) * p_.x_stride;
  }
  void Next() {
    if (++column_ < p_.y_columns) return;
    column_ = 0;
    if (++row_ < p_.y_rows) return;
    row_ = 0;
    ++image_;
  }

 private:
  const PointwiseProblem& p_;
  int64_t column_, row_, image_;
};

// A vector of `n` channels of a pixel.
HWY_INLINE Vf LoadChannels(const float* x, int64_t n) {
  return n >= kLanes ? hn::LoadU(Df(), x) : LoadFirst(x, n);
}

struct AsItIs {
  HWY_INLINE Vf Channels(Vf x, int64_t, int64_t) const { return x; }
};
struct ScaledAndShifted {
  HWY_INLINE Vf Channels(Vf x, int64_t c, int64_t n) const {
    const Vf y = hn::Add(hn::Mul(x, LoadChannels(scale + c, n)), LoadChannels(shift + c, n));
    return hn::IfThenZeroElse(hn::Lt(y, hn::Zero(Df())), y);
  }

  const float* scale;
  const float* shift;
};

// The channels of one pixel, in chunks that are `step` apart.
template <typename Of>
HWY_INLINE void PackPixel(int64_t channels, const float* x, const Of& of, int64_t step, float* v) {
  int64_t c = 0;
  for (; c + kChannelChunk <= channels; c += kChannelChunk, v += step) {
    for (int64_t i = 0; i < kChannelChunk; i += kLanes) {
      hn::StoreU(of.Channels(hn::LoadU(Df(), x + c + i), c + i, kLanes), Df(), v + i);
    }
  }
  for (; c < channels; c += kLanes, v += kLanes) {
    const int64_t n = channels - c;
    hn::StoreU(of.Channels(LoadChannels(x + c, n), c, n), Df(), v);
  }
}

// The pixels of panels [begin, end).
template <typename Of>
void Pack(const PointwiseProblem& p, const float* x, const Of& of, int64_t pixel,
          const Panels& panels, int64_t begin, int64_t end, float* v) {
  PixelOfX at(p, pixel + panels.first(begin));
  for (int64_t panel = begin; panel < end; ++panel) {
    const int64_t rows = panels.rows(panel);
    for (int64_t r = 0; r < rows; ++r, at.Next()) {
      PackPixel(p.channels, x + at.offset(), of, rows * kChannelChunk, v + r * kChannelChunk);
    }
    v += rows * p.v_floats();
  }
}

// Where the sums of one vector of filters go.
struct ResultPixels {
  float* y;
  int64_t stride;  // from pixel to pixel
};

// What becomes of the sums of a panel, for filters from k on, the first of which are result `i`'s.
struct FinishPixels {
  FinishPixels(const PointwiseProblem& problem, const PointwiseOperands& o, int64_t pixel,
               int64_t k, size_t i)
      : p(problem),
        left(p.filters - k),
        bias(o.bias == nullptr ? nullptr : o.bias + k),
        addend(o.addend == nullptr ? nullptr : o.addend + pixel * p.addend_stride + k),
        to{PixelsOf(o, pixel, k, i), PixelsOf(o, pixel, k + kLanes, i)} {}

  bool two() const { return left > kLanes; }  // vectors

  HWY_INLINE Vf Start(int vector) const {
    return bias == nullptr ? hn::Zero(Df())
                           : LoadChannels(bias + vector * kLanes, left - vector * kLanes);
  }

  template <int kRows, int kVectors>
  HWY_INLINE void Take(Vf (&sums)[kRows][kVectors]) const {
    const bool whole = left >= kVectors * kLanes;
    if (addend != nullptr) Add(sums, whole);
    if (p.bounds.any()) Bound(sums);
    Store(sums, whole);
  }

 private:
  template <int kRows, int kVectors>
  HWY_INLINE void Add(Vf (&sums)[kRows][kVectors], bool whole) const {
    const int64_t last = left - (kVectors - 1) * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const float* from = addend + r * p.addend_stride;
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i, from += kLanes) {
        const bool full = whole || i + 1 < kVectors;
        sums[r][i] = hn::Add(sums[r][i], full ? hn::LoadU(Df(), from) : LoadFirst(from, last));
      }
    }
  }

  // NaN stays NaN.
  template <int kRows, int kVectors>
  HWY_INLINE void Bound(Vf (&sums)[kRows][kVectors]) const {
    const Vf lowest = Fill(p.bounds.least), highest = Fill(p.bounds.most);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) {
        Vf y = sums[r][i];
        y = hn::IfThenElse(hn::Lt(y, lowest), lowest, y);
        sums[r][i] = hn::IfThenElse(hn::Gt(y, highest), highest, y);
      }
    }
  }

  template <int kRows, int kVectors>
  HWY_INLINE void Store(const Vf (&sums)[kRows][kVectors], bool whole) const {
    const int64_t last = left - (kVectors - 1) * kLanes;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int i = 0; i < kVectors; ++i) {
        const bool full = whole || i + 1 < kVectors;
        float* y = to[i].y + r * to[i].stride;
        full ? hn::StoreU(sums[r][i], Df(), y) : StoreFirst(sums[r][i], y, last);
      }
    }
  }

  // A result begins with a vector, so that all of one are of the same. The last one may have
  // vectors behind it, which nothing is stored to.
  ResultPixels PixelsOf(const PointwiseOperands& o, int64_t pixel, int64_t k, size_t i) const {
    if (k >= p.results[i].end() && i + 1 < p.results.size()) ++i;
    const PointwiseResult& result = p.results[i];
    return {o.y[i] + pixel * result.stride + k - result.first, result.stride};
  }

  const PointwiseProblem& p;
  int64_t left;  // filters
  const float* bias;
  const float* addend;
  ResultPixels to[2];
};

template <int kRows>
struct ProductOfPixels {
  static void Run(const Factors& f, const FinishPixels& finish) {
    finish.two() ? Product<kRows, 2, 0>(f, finish) : Product<kRows, 1, 0>(f, finish);
  }
};

// What the products of a panel fetch of an image, with each block of filters a part of it.
class Fetched {
 public:
  Fetched(const PointwiseProblem& p, int64_t blocks, const float* image, int64_t width,
          int64_t stride)
      : image_(image) {
    const int64_t channels = p.v_floats(), chunks = channels / kChannelChunk;
    if (stride == width) {  // in one go
      step_ = RoundUp(kPanelRows * width, channels * blocks);
      chunk_step_ = kChannelChunk * step_;
      block_step_ = channels * step_;
    } else {  // a line of each pixel, then the next one
      step_ = stride;
      chunk_step_ = RoundUp(width, chunks * blocks);
      block_step_ = chunks * chunk_step_;
    }
  }
  // From the place `offset` in the image on.
  Ahead From(int64_t offset, int64_t block) const {
    return {image_ + offset + block * block_step_, step_, chunk_step_};
  }

 private:
  static int64_t RoundUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

  const float* image_;
  int64_t step_, chunk_step_, block_step_;
};

// A band of pixels, with a part of the filters.
class BandOfPixels {
 public:
  BandOfPixels(const PointwiseProblem& p, const PointwiseOperands& o, const PointwiseBand& band,
               float* v)
      : p_(p),
        o_(o),
        band_(band),
        v_(v),
        panels_(band.pixels),
        x_(p, blocks(), o.x, p.channels, p.x_stride * p.column_step) {
    for (size_t i = 0; i < p.results.size(); ++i) {
      const auto& [first, filters, stride] = p.results[i];
      y_.emplace_back(p, std::min(blocks(), BlocksOf(filters)), o.y[i], filters, stride);
    }
  }

  void Run() const {
    for (int64_t panel = 0; panel < panels_.count; panel += p_.panels_at_once) {
      RunPanels(panel, std::min(panel + p_.panels_at_once, panels_.count));
    }
  }

 private:
  int64_t blocks() const { return band_.end_block - band_.block; }
  int64_t pixel(int64_t panel) const { return band_.pixel + panels_.first(panel); }

  int64_t OffsetInX(int64_t panel) const {
    return p_.packs ? PixelOfX(p_, pixel(panel)).offset() : pixel(panel) * p_.x_stride;
  }

  static int64_t BlocksOf(int64_t filters) { return (filters + kFilterBlock - 1) / kFilterBlock; }

  // What the next panel writes of a block, or of the result that the block begins in.
  Ahead NextResults(int64_t panel, int64_t block) const {
    const int64_t k = (band_.block + block) * kFilterBlock;
    const size_t i = ResultOf(k);
    const int64_t first = std::max(p_.results[i].first, band_.block * kFilterBlock);
    return y_[i].From(pixel(panel) * p_.results[i].stride, (k - first) / kFilterBlock);
  }
  size_t ResultOf(int64_t k) const {
    size_t i = 0;
    while (k >= p_.results[i].end()) ++i;
    return i;
  }

  void RunPanels(int64_t begin, int64_t end) const {
    if (o_.scale != nullptr) {
      Pack(p_, o_.x, ScaledAndShifted{o_.scale, o_.shift}, band_.pixel, panels_, begin, end, v_);
    } else if (p_.packs) {
      Pack(p_, o_.x, AsItIs(), band_.pixel, panels_, begin, end, v_);
    }
    for (int64_t block = 0; block < blocks(); ++block) {
      const float* u = o_.u + (band_.block + block) * p_.channels * kFilterBlock;
      for (int64_t panel = begin; panel < end; ++panel) {
        Factors f = FactorsOf(panel, begin);
        f.u = u;
        if (end - begin == 1) {  // what the next panel reads and writes
          f.ahead[0] = x_.From(OffsetInX(panel + 1), block);
          f.ahead[1] = NextResults(panel + 1, block);
        } else {  // each its share of the next block
          const int64_t step = kFilterBlock / (end - begin);
          const float* next = u + p_.channels * (kFilterBlock + (panel - begin) * step);
          f.ahead[0] = {next, step};
          f.ahead[1] = {next + kFilterBlock / 2, step};
        }
        Multiply(f, panel, band_.block + block);
      }
    }
  }

  Factors FactorsOf(int64_t panel, int64_t first_packed) const {
    Factors f{.channels = p_.channels};
    if (p_.packs) {
      f.v = v_ + (panels_.first(panel) - panels_.first(first_packed)) * p_.v_floats();
      f.row_step = kChannelChunk;
      f.chunk_step = panels_.rows(panel) * kChannelChunk;
    } else {
      f.v = o_.x + OffsetInX(panel);
      f.row_step = p_.x_stride;
      f.chunk_step = kChannelChunk;
    }
    return f;
  }

  void Multiply(Factors f, int64_t panel, int64_t block) const {
    const auto product = ByRows<ProductOfPixels>::For(panels_.rows(panel));
    const int64_t end = std::min((block + 1) * kFilterBlock, p_.filters);
    for (int64_t k = block * kFilterBlock; k < end; k += 2 * kLanes, f.u += 2 * kLanes) {
      product(f, FinishPixels(p_, o_, pixel(panel), k, ResultOf(k)));
    }
  }

  const PointwiseProblem& p_;
  const PointwiseOperands& o_;
  const PointwiseBand& band_;
  float* v_;
  Panels panels_;
  Fetched x_;
  absl::InlinedVector<Fetched, kMostResults> y_;  // by result
};

}  // namespace

void RunBandOfPixels(const PointwiseProblem& p, const PointwiseOperands& o,
                     const PointwiseBand& band, float* v) {
  BandOfPixels(p, o, band, v).Run();
}

int64_t PanelPixels() { return kPanelRows; }

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(RunBandOfPixels);
HWY_EXPORT(PanelPixels);

void RunPointwiseBand(const PointwiseProblem& p, const PointwiseOperands& o,
                      const PointwiseBand& band, float* v) {
  HWY_DYNAMIC_DISPATCH(RunBandOfPixels)(p, o, band, v);
}

int64_t PointwisePanelPixels() { return HWY_DYNAMIC_DISPATCH(PanelPixels)(); }

}  // namespace weft
#endif  // HWY_ONCE
