#include "runtime/host/simd/fold.h"

#include <algorithm>
#include <limits>

#include "runtime/host/loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/simd/fold.cc"
#include "runtime/host/simd/fold-inl.h"

#ifndef WEFT_FOLD_JOB
#define WEFT_FOLD_JOB
namespace weft {
namespace {

// Where a fold reads.
struct Job {
  Fold fold;
  const float* x;
  FoldOperands more;

  Job From(int64_t in, int64_t out) const {
    return {fold,
            x + in,
            {more.other == nullptr ? nullptr : more.other + in,
             more.shift == nullptr ? nullptr : more.shift + out}};
  }
};

}  // namespace
}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Calls f(fold, term) for the folds that are not of exponentials.
template <typename F>
HWY_INLINE void WithFold(const Job& job, const F& f) {
  const Elements elements{job.x};
  switch (job.fold) {
    case Fold::kSum:
      return f(SumFold(), elements);
    case Fold::kDot:
      return f(SumFold(), Products{job.x, job.more.other});
    case Fold::kMagnitude:
      return f(MagnitudeFold(), elements);
    case Fold::kSquare:
      return f(SquareFold(), elements);
    case Fold::kZeros:
      return f(ZerosFold(), elements);
    case Fold::kProduct:
      return f(ProductFold(), elements);
    case Fold::kNonzeroProduct:
      return f(NonzeroProductFold(), elements);
    case Fold::kLargest:
      return f(LargestFold(), elements);
    case Fold::kSmallest:
      return f(SmallestFold(), elements);
    case Fold::kExp:
      return;
  }
}

}  // namespace

// so_far[r] folded with the n elements of row r, for rows `row_step` elements apart.
void FoldRows(const Job& job, int64_t rows, int64_t row_step, int64_t n, double* so_far) {
  for (int64_t r = 0; r < rows; ++r) {
    const Job row = job.From(r * row_step, r);
    if (job.fold == Fold::kExp) {
      ForEachExp(row.x, n, row.more.shift, true,
                 [&](int64_t, const float* e, int64_t count)
                     HWY_ATTR { so_far[r] = FoldRow<SumFold>(Elements{e}, count, so_far[r]); });
      continue;
    }
    WithFold(row, [&](auto fold, const auto& term)
                      HWY_ATTR { so_far[r] = FoldRow<decltype(fold)>(term, n, so_far[r]); });
  }
}

// so_far[i] folded with element i of every row, n of them; four rows at a time, so that they are
// read and written less often.
void FoldColumns(const Job& job, int64_t rows, int64_t row_step, int64_t n, double* so_far) {
  constexpr int kTogether = 4;
  for (int64_t r = 0; r < rows;) {
    const Job row = job.From(r * row_step, 0);
    if (job.fold == Fold::kExp) {
      ForEachExp(row.x, n, row.more.shift, false,
                 [&](int64_t at, const float* e, int64_t count)
                     HWY_ATTR { FoldEach<SumFold, 1>(Elements{e}, 0, count, so_far + at); });
      ++r;
      continue;
    }
    const bool together = r + kTogether <= rows;
    WithFold(row, [&](auto fold, const auto& term) HWY_ATTR {
      if (together) {
        FoldEach<decltype(fold), kTogether>(term, row_step, n, so_far);
      } else {
        FoldEach<decltype(fold), 1>(term, row_step, n, so_far);
      }
    });
    r += together ? kTogether : 1;
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(FoldRows);
HWY_EXPORT(FoldColumns);

namespace {

constexpr int64_t kMaxChunks = 32;       // of a fold over the outermost axis
constexpr int64_t kBlockOutputs = 2048;  // folded at a time: they stay in the L1 cache
constexpr int64_t kManyOutputs = 4 * kBlockOutputs;

using Levels = std::span<const FoldLevel>;
using Done = absl::FunctionRef<void(int64_t, std::span<const double>)>;

double Identity(Fold fold) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (fold == Fold::kLargest) return -kInfinity;
  if (fold == Fold::kSmallest) return kInfinity;
  return fold == Fold::kProduct || fold == Fold::kNonzeroProduct ? 1 : 0;
}

double Join(Fold fold, double a, double b) {
  if (fold == Fold::kLargest) return b > a || b != b ? b : a;
  if (fold == Fold::kSmallest) return b < a || b != b ? b : a;
  return fold == Fold::kProduct || fold == Fold::kNonzeroProduct ? a * b : a + b;
}

// Folds [0, count) of the first level's extent, and all below it, into `so_far`.
void Accumulate(const Job& job, Levels levels, int64_t count, double* so_far) {
  const FoldLevel& level = levels[0];
  const bool rows_of_last = levels.size() == 2;
  if (levels.size() == 1 && level.folded) {
    HWY_DYNAMIC_DISPATCH(FoldRows)(job, 1, 0, count, so_far);
  } else if (levels.size() == 1) {
    HWY_DYNAMIC_DISPATCH(FoldColumns)(job, 1, 0, count, so_far);
  } else if (rows_of_last && level.folded) {
    HWY_DYNAMIC_DISPATCH(FoldColumns)(job, count, level.step_in, levels[1].extent, so_far);
  } else if (rows_of_last) {
    HWY_DYNAMIC_DISPATCH(FoldRows)(job, count, level.step_in, levels[1].extent, so_far);
  } else {
    for (int64_t i = 0; i < count; ++i) {
      Accumulate(job.From(i * level.step_in, i * level.step_out), levels.subspan(1),
                 levels[1].extent, so_far + i * level.step_out);
    }
  }
}

// Where a run's folds are made.
struct Memory {
  ScratchArray<double> sums;
  std::byte* scratch;

  // `n` of them, which begin as the fold's identity.
  std::span<double> Fresh(Fold fold, int thread, int64_t n) const {
    double* const first = sums.In(scratch, thread);
    std::fill_n(first, n, Identity(fold));
    return {first, static_cast<size_t>(n)};
  }
};

// Indices of a level, which is kept, that are folded at a time.
int64_t BlockOf(const FoldLevel& level) {
  return std::max<int64_t>(1, kBlockOutputs / std::max<int64_t>(level.step_out, 1));
}

int64_t ChunksOf(const FoldLevel& level) {
  return std::clamp<int64_t>(level.extent, 1, kMaxChunks);
}

// Each index of the first level, which is kept, has outputs of its own; `repeats` folds of them
// lie `stride` elements apart.
void FoldKept(const Job& job, Levels levels, int64_t repeats, int64_t stride, const Memory& memory,
              Done done) {
  const FoldLevel& top = levels[0];
  const int64_t block = BlockOf(top);
  const auto fold = [&](int thread, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += block) {
      const int64_t count = std::min(block, end - i);
      const std::span<double> folded = memory.Fresh(job.fold, thread, count * top.step_out);
      for (int64_t r = 0; r < repeats; ++r) {
        Accumulate(job.From(r * stride + i * top.step_in, i * top.step_out), levels, count,
                   folded.data());
      }
      done(i * top.step_out, folded);
    }
  };
  ParallelFor(top.extent, ItemGrain(repeats * top.step_in), fold);
}

// The first level is folded in chunks, each on its own, then together. They depend on the extents
// only.
void FoldChunks(const Job& job, Levels levels, int64_t outputs, const Memory& memory, Done done) {
  const FoldLevel& top = levels[0];
  const int64_t chunks = ChunksOf(top);
  const std::span<double> folded = memory.Fresh(job.fold, 0, chunks * outputs);
  const int64_t work = top.extent * top.step_in / chunks;
  ParallelFor(chunks, ItemGrain(work), [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t first = top.extent * chunk / chunks;
      Accumulate(job.From(first * top.step_in, 0), levels,
                 top.extent * (chunk + 1) / chunks - first, folded.data() + chunk * outputs);
    }
  });
  for (int64_t o = 0; o < outputs; ++o) {
    double& result = folded[static_cast<size_t>(o)];
    for (int64_t chunk = 1; chunk < chunks; ++chunk) {
      result = Join(job.fold, result, folded[static_cast<size_t>(chunk * outputs + o)]);
    }
  }
  done(0, folded.first(static_cast<size_t>(outputs)));
}

std::vector<FoldLevel> LevelsOf(const Dims& x, const Dims& kept) {
  std::vector<FoldLevel> levels;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (x[axis] == 1) continue;
    const bool folded = kept[axis] != x[axis];
    if (levels.empty() || levels.back().folded != folded) levels.push_back({1, folded, 1, 0});
    levels.back().extent *= x[axis];
  }
  if (levels.empty()) levels.push_back({});
  int64_t in = 1, out = 1;
  for (size_t i = levels.size(); i-- > 0;) {
    levels[i].step_in = in;
    levels[i].step_out = levels[i].folded ? 0 : out;
    in *= levels[i].extent;
    if (!levels[i].folded) out *= levels[i].extent;
  }
  return levels;
}

// The level whose indices are shared out among the threads where each has outputs of its own: the
// first, or the second below a folded one. Null where the first is folded in chunks.
const FoldLevel* SplitLevel(Levels levels, int64_t outputs) {
  if (!levels[0].folded) return &levels[0];
  return outputs >= kManyOutputs ? &levels[1] : nullptr;
}

}  // namespace

FoldPlan::FoldPlan(const Dims& x, const Dims& kept, ScratchPlan& scratch)
    : levels_(LevelsOf(x, kept)) {
  for (const FoldLevel& level : levels_) outputs_ *= level.folded ? 1 : level.extent;
  if (const FoldLevel* split = SplitLevel(levels_, outputs_)) {
    sums_ = scratch.PerThread<double>(std::min(BlockOf(*split), split->extent) * split->step_out);
  } else {
    sums_ = scratch.Shared<double>(ChunksOf(levels_[0]) * outputs_);
  }
}

void FoldPlan::Run(Fold fold, const float* x, const FoldOperands& more, std::byte* scratch,
                   absl::FunctionRef<void(int64_t, std::span<const double>)> done) const {
  const Job job{fold, x, more};
  const Memory memory{sums_, scratch};
  const Levels levels = levels_;
  const FoldLevel& top = levels[0];
  if (!top.folded) {
    FoldKept(job, levels, 1, 0, memory, done);
  } else if (SplitLevel(levels, outputs_) != nullptr) {
    FoldKept(job, levels.subspan(1), top.extent, top.step_in, memory, done);
  } else {
    FoldChunks(job, levels, outputs_, memory, done);
  }
}

}  // namespace weft
#endif  // HWY_ONCE
