#include "runtime/host/simd/strided_copy.h"

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "runtime/exec/parallel.h"

namespace weft {
namespace {

constexpr int64_t kGrainBytes = int64_t{1} << 16;   // that are worth a thread
constexpr int64_t kStreamBytes = int64_t{1} << 24;  // a target that no cache keeps
constexpr int64_t kShortestStream = int64_t{1} << 10;
constexpr int64_t kLineBytes = 64;
constexpr int64_t kRowBlock = 512;
constexpr size_t kMostAxes = 2 * kMaxRank + 2;

template <typename Word>
void FillLoop(const std::byte* from, std::byte* to, int64_t count) {
  Word value;
  std::memcpy(&value, from, sizeof value);
  std::fill_n(reinterpret_cast<Word*>(to), count, value);
}

template <typename Word>
void ElementLoop(const std::byte* from, int64_t from_step, std::byte* to, int64_t to_step,
                 int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    std::memcpy(to + i * to_step, from + i * from_step, sizeof(Word));
  }
}

void AddLoop(const std::byte* from, int64_t from_step, std::byte* to, int64_t to_step,
             int64_t count) {
  const auto* x = reinterpret_cast<const float*>(from);
  auto* y = reinterpret_cast<float*>(to);
  constexpr int64_t kDense = sizeof(float);
  if (from_step == kDense && to_step == kDense) {
    for (int64_t i = 0; i < count; ++i) y[i] += x[i];
    return;
  }
  for (int64_t i = 0; i < count; ++i) y[i * to_step / kDense] += x[i * from_step / kDense];
}

// What a transposition moves: `count` elements dense in the source, `rows`
// dense in the target.
struct Tile {
  const std::byte* from;
  int64_t from_step;  // bytes between rows
  std::byte* to;
  int64_t to_step;  // bytes between elements of a row
};

template <typename Word>
void TransposeElements(const Tile& t, int64_t count, int64_t rows) {
  for (int64_t i = 0; i < count; ++i) {
    ElementLoop<Word>(t.from + i * static_cast<int64_t>(sizeof(Word)), t.from_step,
                      t.to + i * t.to_step, sizeof(Word), rows);
  }
}

// 4 x 4 words in registers.
inline void Transpose4x4(const Tile& t) {
  const auto load = [&](int64_t row) {
    return _mm_loadu_ps(reinterpret_cast<const float*>(t.from + row * t.from_step));
  };
  __m128 a = load(0), b = load(1), c = load(2), d = load(3);
  _MM_TRANSPOSE4_PS(a, b, c, d);
  const auto store = [&](int64_t i, __m128 v) {
    _mm_storeu_ps(reinterpret_cast<float*>(t.to + i * t.to_step), v);
  };
  store(0, a), store(1, b), store(2, c), store(3, d);
}

// The lines that follow those of four rows, which the next unit reads: the processor does not
// foresee so many streams.
inline void PrefetchNext(const Tile& t) {
  for (int64_t i = 0; i < 4; ++i) {
    _mm_prefetch(reinterpret_cast<const char*>(t.from + i * t.from_step + kLineBytes), _MM_HINT_T0);
  }
}

constexpr int64_t kWord = 4;
constexpr int64_t kLineWords = kLineBytes / kWord;

// A cache line each way, past the caches. Through a buffer, so that every line is read and written
// once and whole, whatever the steps are.
void StreamTransposedLines(const Tile& t) {
  alignas(kLineBytes) std::array<std::byte, kLineWords * kLineBytes> buffer;
  for (int64_t row = 0; row < kLineWords; row += 4) {
    const Tile four = {t.from + row * t.from_step, t.from_step, buffer.data() + row * kWord,
                       kLineBytes};
    PrefetchNext(four);
    for (int64_t i = 0; i < kLineWords; i += 4) {
      Transpose4x4({four.from + i * kWord, four.from_step, four.to + i * kLineBytes, four.to_step});
    }
  }
  for (int64_t i = 0; i < kLineWords; ++i) {
    const auto* line = reinterpret_cast<const __m128i*>(buffer.data() + i * kLineBytes);
    auto* to = reinterpret_cast<__m128i*>(t.to + i * t.to_step);
    for (int k = 0; k < 4; ++k) _mm_stream_si128(to + k, _mm_load_si128(line + k));
  }
}

void TransposeWords(const Tile& t, int64_t count, int64_t rows) {
  const int64_t whole = count / 4 * 4, whole_rows = rows / 4 * 4;
  for (int64_t row = 0; row < whole_rows; row += 4) {
    const Tile four = {t.from + row * t.from_step, t.from_step, t.to + row * kWord, t.to_step};
    PrefetchNext(four);
    for (int64_t i = 0; i < whole; i += 4) {
      Transpose4x4({four.from + i * kWord, t.from_step, four.to + i * t.to_step, t.to_step});
    }
  }
  if (whole_rows < rows) {
    TransposeElements<uint32_t>(
        {t.from + whole_rows * t.from_step, t.from_step, t.to + whole_rows * kWord, t.to_step},
        whole, rows - whole_rows);
  }
  if (whole < count) {
    TransposeElements<uint32_t>(
        {t.from + whole * kWord, t.from_step, t.to + whole * t.to_step, t.to_step}, count - whole,
        rows);
  }
}

void StreamTransposedWords(const Tile& t, int64_t count, int64_t rows) {
  const auto places = reinterpret_cast<uintptr_t>(t.to) | static_cast<uintptr_t>(t.to_step);
  int64_t row = 0;
  if (count == kLineWords && places % sizeof(__m128i) == 0) {
    for (; row + kLineWords <= rows; row += kLineWords) {
      StreamTransposedLines(
          {t.from + row * t.from_step, t.from_step, t.to + row * kWord, t.to_step});
    }
  }
  TransposeWords({t.from + row * t.from_step, t.from_step, t.to + row * kWord, t.to_step}, count,
                 rows - row);
}

}  // namespace

void StreamCopy(std::byte* to, const std::byte* from, size_t bytes) {
  const size_t misplaced = reinterpret_cast<uintptr_t>(to) % kLineBytes;
  const size_t head = std::min(bytes, misplaced == 0 ? 0 : kLineBytes - misplaced);
  std::memcpy(to, from, head);
  size_t i = head;
  for (; i + kLineBytes <= bytes; i += kLineBytes) {
    const auto* source = reinterpret_cast<const __m128i*>(from + i);
    auto* target = reinterpret_cast<__m128i*>(to + i);
    const __m128i a = _mm_loadu_si128(source), b = _mm_loadu_si128(source + 1),
                  c = _mm_loadu_si128(source + 2), d = _mm_loadu_si128(source + 3);
    _mm_stream_si128(target, a);
    _mm_stream_si128(target + 1, b);
    _mm_stream_si128(target + 2, c);
    _mm_stream_si128(target + 3, d);
  }
  _mm_sfence();
  std::memcpy(to + i, from + i, bytes - i);
}

StridedCopy::StridedCopy(const BoxCopy& box, size_t width, Mode mode)
    : width_(static_cast<int64_t>(width)) {
  if (box.is_empty()) {
    units_ = 0;
    return;
  }
  Prepare(box);
  ChooseInner(box.input == BoxCopy::kZeros, mode);
  for (const Axis& axis : axes_) units_ *= axis.extent;
}

void StridedCopy::Prepare(const BoxCopy& box) {
  std::vector<Axis> axes;
  bytes_ = width_;
  for (size_t i = 0; i < box.dims.size(); ++i) {
    bytes_ *= box.dims[i];
    if (box.dims[i] == 1) continue;
    Axis axis{box.dims[i], box.from_strides[i] * width_, box.to_strides[i] * width_};
    if (axis.to < 0) {  // written forwards
      start_from_ += (axis.extent - 1) * axis.from;
      start_to_ += (axis.extent - 1) * axis.to;
      axis.from = -axis.from;
      axis.to = -axis.to;
    }
    axes.push_back(axis);
  }
  std::stable_sort(axes.begin(), axes.end(),
                   [](const Axis& a, const Axis& b) { return a.to > b.to; });
  for (const Axis& axis : axes) {
    if (!axes_.empty() && axes_.back().from == axis.from * axis.extent &&
        axes_.back().to == axis.to * axis.extent) {
      axes_.back() = {axes_.back().extent * axis.extent, axis.from, axis.to};
    } else {
      axes_.push_back(axis);
    }
  }
  if (axes_.empty()) axes_.push_back({1, width_, width_});
}

void StridedCopy::ChooseInner(bool zeros, Mode mode) {
  const size_t last = axes_.size() - 1;
  const Axis& inner = axes_[last];
  const bool dense = inner.to == width_;
  if (mode == Mode::kAdd) {
    kind_ = Kind::kAdd;
  } else if (dense && zeros) {
    kind_ = Kind::kZero;
  } else if (dense && inner.from == width_) {
    kind_ = Kind::kRun;
    streams_ = inner.extent * width_ >= kShortestStream;
  } else if (dense && inner.from == 0) {
    kind_ = Kind::kFill;
  } else {
    kind_ = Kind::kLoop;
    for (size_t axis = 0; dense && axis < last; ++axis) {
      if (axes_[axis].from == width_) kind_ = Kind::kTranspose;
    }
  }
  streams_ = (streams_ || kind_ == Kind::kTranspose) && bytes_ >= kStreamBytes;
  if (kind_ == Kind::kTranspose) {
    row_block_ = std::min(kRowBlock, inner.extent);
    rows_ = TakeInner(last, row_block_);
    const auto source = std::find_if(axes_.begin(), axes_.end(),
                                     [this](const Axis& axis) { return axis.from == width_; });
    block_ = std::min(kLineBytes / width_, source->extent);
    inner_ = TakeInner(static_cast<size_t>(source - axes_.begin()), block_);
    return;
  }
  block_ = std::min(kGrainBytes / width_, inner.extent);
  inner_ = TakeInner(last, block_);
}

StridedCopy::Axis StridedCopy::TakeInner(size_t axis, int64_t block) {
  const Axis taken = axes_[axis];
  axes_.erase(axes_.begin() + static_cast<std::ptrdiff_t>(axis));
  axes_.push_back({(taken.extent - 1) / block + 1, taken.from * block, taken.to * block});
  return taken;
}

void StridedCopy::RunOnThreads(const std::byte* from, std::byte* to) const {
  const int64_t unit = std::max<int64_t>(bytes_ / std::max<int64_t>(units_, 1), 1);
  const int64_t grain = std::max<int64_t>(kGrainBytes / unit, 1);
  ParallelFor(units_, grain, [&](int64_t begin, int64_t end) { RunUnits(from, to, begin, end); });
}

void StridedCopy::RunUnits(const std::byte* from, std::byte* to, int64_t begin, int64_t end) const {
  std::array<int64_t, kMostAxes> index;
  const size_t rank = axes_.size();
  int64_t rest = begin;
  from += start_from_;
  to += start_to_;
  for (size_t i = rank; i-- > 0; rest /= axes_[i].extent) {
    index[i] = rest % axes_[i].extent;
    from += index[i] * axes_[i].from;
    to += index[i] * axes_[i].to;
  }
  const auto count_at = [&index](const Axis& axis, size_t i, int64_t block) {
    return std::min(block, axis.extent - index[i] * block);
  };
  for (int64_t unit = begin; unit < end; ++unit) {
    RunUnit(from, to, count_at(inner_, rank - 1, block_),
            kind_ == Kind::kTranspose ? count_at(rows_, rank - 2, row_block_) : 1);
    for (size_t i = rank; i-- > 0;) {  // the next one: count up as an odometer does
      from += axes_[i].from;
      to += axes_[i].to;
      if (++index[i] < axes_[i].extent) break;
      from -= axes_[i].from * axes_[i].extent;
      to -= axes_[i].to * axes_[i].extent;
      index[i] = 0;
    }
  }
  if (streams_) _mm_sfence();
}

void StridedCopy::RunUnit(const std::byte* from, std::byte* to, int64_t count, int64_t rows) const {
  const auto by_width = [this](auto one, auto two, auto four, auto eight) {
    return width_ == 1 ? one : width_ == 2 ? two : width_ == 4 ? four : eight;
  };
  switch (kind_) {
    case Kind::kRun:
      if (streams_) return StreamCopy(to, from, static_cast<size_t>(count * width_));
      std::memcpy(to, from, static_cast<size_t>(count * width_));
      return;
    case Kind::kZero:
      std::memset(to, 0, static_cast<size_t>(count * width_));
      return;
    case Kind::kFill:
      return by_width(FillLoop<uint8_t>, FillLoop<uint16_t>, FillLoop<uint32_t>,
                      FillLoop<uint64_t>)(from, to, count);
    case Kind::kTranspose:
      return by_width(TransposeElements<uint8_t>, TransposeElements<uint16_t>,
                      streams_ ? StreamTransposedWords : TransposeWords,
                      TransposeElements<uint64_t>)({from, rows_.from, to, inner_.to}, count, rows);
    case Kind::kLoop:
      return by_width(ElementLoop<uint8_t>, ElementLoop<uint16_t>, ElementLoop<uint32_t>,
                      ElementLoop<uint64_t>)(from, inner_.from, to, inner_.to, count);
    case Kind::kAdd:
      return AddLoop(from, inner_.from, to, inner_.to, count);
  }
}

}  // namespace weft
