#include <algorithm>
#include <cmath>
#include <type_traits>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/row_problem.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/row_norm.cc"
#include "runtime/host/simd/lines-inl.h"
#include "runtime/host/simd/norm-inl.h"

// LayerNormalization and its gradient, InstanceNormalization, GroupNormalization: rows of X are
// normalized, then scaled by element or by run of elements (a channel's). Sums are made by segment
// (a part of a run) and added in order; threads share out rows, or segments where rows are few.

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

constexpr int64_t kFewRows = 8;

struct RowStatistics {
  double mean, rstd;
};

int64_t Grain(int64_t elements) {
  return std::max<int64_t>(1, kMathGrain / std::max<int64_t>(elements, 1));
}

// sum(row, segment) for all segments, whose results stay in `sums` (segments() a row); finish(row)
// once they are there; then map(row, segment).
template <typename Sum, typename Finish, typename Map>
void ForEachRow(const RowProblem& p, const Sum& sum, const Finish& finish, const Map& map) {
  const int64_t segments = p.segments();
  if (p.rows >= kFewRows || segments == 0) {
    ParallelFor(p.rows, Grain(p.row_size), [&](int64_t from, int64_t to) HWY_ATTR {
      for (int64_t row = from; row < to; ++row) {
        for (int64_t s = 0; s < segments; ++s) sum(row, s);
        finish(row);
        for (int64_t s = 0; s < segments; ++s) map(row, s);
      }
    });
    return;
  }
  const int64_t grain = Grain(p.row_size / segments);
  ParallelFor(p.rows * segments, grain, [&](int64_t from, int64_t to) HWY_ATTR {
    for (int64_t i = from; i < to; ++i) sum(i / segments, i % segments);
  });
  for (int64_t row = 0; row < p.rows; ++row) finish(row);
  ParallelFor(p.rows * segments, grain, [&](int64_t from, int64_t to) HWY_ATTR {
    for (int64_t i = from; i < to; ++i) map(i / segments, i % segments);
  });
}

// The sums of x - shift and its square of a segment, the shift being the row's first element.
TwoSums SumSegment(const RowProblem& p, const float* x, int64_t row, int64_t s) {
  const RowProblem::Segment part = p.segment(s);
  const float* first = x + row * p.row_size;
  return SumOver(part.end - part.begin, ShiftedMoments{first + part.begin, first[0]});
}

RowStatistics StatisticsOf(const RowProblem& p, const float* x, int64_t row, const TwoSums* sums) {
  TwoSums total;
  for (int64_t s = 0; s < p.segments(); ++s) total += sums[s];
  const double shift = p.row_size == 0 ? 0 : x[row * p.row_size];
  const Moments moments =
      MomentsFrom(total.of[0], total.of[1], shift, static_cast<double>(p.row_size));
  return {moments.mean, 1 / std::sqrt(moments.var + p.norm.epsilon)};
}

// (x - mean) rstd, then scale and bias by element.
struct ScaleEach {
  AffineMap normal;
  HWY_INLINE Vf operator()(Vf x, Vf scale) const { return hn::Mul(normal(x), scale); }
  HWY_INLINE Vf operator()(Vf x, Vf scale, Vf bias) const {
    return hn::MulAdd(normal(x), scale, bias);
  }
};

float* Output(const EvalContext& c, size_t i) {
  return i < c.outputs.size() ? static_cast<float*>(c.outputs[i].data) : nullptr;
}

// Whether rows go past the caches; short ones would make too many fences.
bool StreamsRows(const RowProblem& p, const float* y, const float* x) {
  return p.row_size >= 1024 && IsStreamed(p.rows * p.row_size, y, x);
}

// A row in the gradient: its statistics, and the means of g = dy scale and of g x^.
struct RowGradient {
  double mean, rstd, g, dot;
};

// By element, for some neighbouring columns of X and the rows of one phase of the period: dX, and
// the sums of dscale and dbias over the rows, in float for a few of them and then in double.
struct Columns {
  static constexpr int64_t kWidth = RowProblem::kColumns, kRows = 16;

  void Add(const RowProblem& p, const float* dy, const float* x, const RowGradient* gradients,
           const float* scale, int64_t first_row, int64_t count, float* dx) {
    std::fill_n(with_x, Padded(width), 0.0f);
    std::fill_n(alone, Padded(width), 0.0f);
    for (int64_t r = 0; r < count; ++r) {
      const int64_t row = first_row + r * p.period, at = row * p.row_size + begin;
      AddRow(Row(gradients[row]), dy + at, x + at, scale + begin, dx + at);
    }
    for (int64_t j = 0; j < width; ++j) {
      dscale[j] += with_x[j];
      dbias[j] += alone[j];
    }
    hwy::FlushStream();
  }

  int64_t begin = 0, width = 0;
  bool stream = false;
  double dscale[kWidth], dbias[kWidth];

 private:
  struct Row {
    explicit Row(const RowGradient& r)
        : normal(r.mean, r.rstd, 0),
          rstd(Fill(static_cast<float>(r.rstd))),
          along(Fill(static_cast<float>(-r.rstd * r.dot))),
          constant(Fill(static_cast<float>(-r.rstd * r.g))) {}
    AffineMap normal;
    Vf rstd, along, constant;
  };
  void AddRow(const Row& row, const float* dy, const float* x, const float* scale, float* dx) {
    ForVectors(width, [&](int64_t j, int64_t n) HWY_ATTR {
      const Vf g = LoadSome(dy + j, n), normal = row.normal(LoadSome(x + j, n));
      hn::Store(hn::MulAdd(g, normal, hn::Load(Df(), with_x + j)), Df(), with_x + j);
      hn::Store(hn::Add(g, hn::Load(Df(), alone + j)), Df(), alone + j);
      const Vf rest = hn::MulAdd(normal, row.along, row.constant);
      const Vf d = hn::MulAdd(hn::Mul(g, LoadSome(scale + j, n)), row.rstd, rest);
      StoreSome(d, dx + j, n, stream);
    });
  }
  HWY_ALIGN float with_x[kWidth];
  HWY_ALIGN float alone[kWidth];
};

// The gradient: all sums of a row at once (of x less the row's first element, so that a large mean
// loses nothing), then dX.
struct Back {
  Back(const RowProblem& problem, const EvalContext& c, const RowMemory& memory)
      : p(problem),
        dy(c.in(0).in<float>().data()),
        x(c.in(1).in<float>().data()),
        scale(p.ExpandScales(c.in(2).in<float>().data(), memory.scale)),
        dx(Output(c, 0)),
        sums(reinterpret_cast<FourSums*>(memory.segments)),
        rows(reinterpret_cast<RowGradient*>(memory.rows)) {}

  // g, g v, v and v^2 with v = x - shift; g is dy scale by element, or dy.
  void Sum(int64_t row, int64_t s) const {
    const RowProblem::Segment part = p.segment(s);
    const int64_t first = row * p.row_size, at = first + part.begin, size = part.end - part.begin;
    const float* each = scale + p.first_scale(row) + part.begin;
    OfRow(row)[s] = p.by_element
                        ? SumOver(size, JointMoments<true>{dy + at, each, x + at, x[first]})
                        : SumOver(size, JointMoments<false>{dy + at, nullptr, x + at, x[first]});
  }
  void Finish(int64_t row) const {
    FourSums total;
    for (int64_t s = 0; s < p.segments(); ++s) {
      FourSums part = OfRow(row)[s];
      if (!p.by_element) {
        const double factor = scale[p.first_scale(row) + p.segment(s).run];
        part.of[0] *= factor;
        part.of[1] *= factor;
      }
      total += part;
    }
    const double n = static_cast<double>(p.row_size);
    const double shift = p.row_size == 0 ? 0 : x[row * p.row_size];
    const Moments moments = MomentsFrom(total.of[2], total.of[3], shift, n);
    const double rstd = 1 / std::sqrt(moments.var + p.norm.epsilon);
    rows[row] = {moments.mean, rstd, total.of[0] / n,
                 WithMean(total, moments.mean - shift) * rstd / n};
  }
  // The sum of g (x - mean).
  static double WithMean(const FourSums& sums, double offset) {
    return sums.of[1] - offset * sums.of[0];
  }
  // dX of a segment that has one scale.
  void Map(int64_t row, int64_t s) const {
    const RowProblem::Segment part = p.segment(s);
    const int64_t at = row * p.row_size + part.begin;
    const RowGradient& r = rows[row];
    const AffineMap of_x(r.mean, -r.rstd * r.rstd * r.dot, -r.rstd * r.g);
    const GradientMap f(of_x, r.rstd * scale[p.first_scale(row) + part.run]);
    MapRange(part.end - part.begin, dx + at, StreamsRows(p, dx, nullptr), f, dy + at, x + at);
  }
  // dscale and dbias by run, from the sums of all segments.
  void SumRuns(double* dscale, double* dbias) const {
    std::fill_n(dscale, p.all_scales(), 0.0);
    std::fill_n(dbias, p.all_scales(), 0.0);
    for (int64_t row = 0; row < p.rows; ++row) {
      for (int64_t s = 0; s < p.segments(); ++s) {
        const int64_t i = p.first_scale(row) + p.segment(s).run;
        const FourSums& part = OfRow(row)[s];
        const double offset = rows[row].mean - x[row * p.row_size];
        dscale[i] += WithMean(part, offset) * rows[row].rstd;
        dbias[i] += part.of[0];
      }
    }
  }
  // dX, dscale and dbias by element; `partial`: RowMemory's.
  void MapColumns(double* partial, double* dscale, double* dbias) const {
    constexpr int64_t kWidth = Columns::kWidth;
    const int64_t n = p.row_size, period = p.period, blocks = p.column_blocks();
    const int64_t repeats = period == 0 ? 0 : p.rows / period, all = p.all_scales();
    const int64_t chunks = p.column_chunks();
    const bool stream = StreamsLines({1, p.rows, n}, dx, nullptr);
    const int64_t grain = Grain(repeats / chunks * std::min(n, kWidth));
    ParallelFor(chunks * period * blocks, grain, [&](int64_t from, int64_t to) HWY_ATTR {
      for (int64_t task = from; task < to; ++task) {
        const int64_t chunk = task / (period * blocks), phase = task / blocks % period;
        const int64_t end = repeats * (chunk + 1) / chunks;
        Columns columns;
        columns.begin = task % blocks * kWidth;
        columns.width = std::min(kWidth, n - columns.begin);
        columns.stream = stream;
        std::fill_n(columns.dscale, columns.width, 0.0);
        std::fill_n(columns.dbias, columns.width, 0.0);
        for (int64_t k = repeats * chunk / chunks; k < end; k += Columns::kRows) {
          columns.Add(p, dy, x, rows, scale + phase * n, k * period + phase,
                      std::min(Columns::kRows, end - k), dx);
        }
        double* to_scale = partial + 2 * chunk * all + phase * n + columns.begin;
        std::copy_n(columns.dscale, columns.width, to_scale);
        std::copy_n(columns.dbias, columns.width, to_scale + all);
      }
    });
    for (int64_t i = 0; i < all; ++i) {
      dscale[i] = dbias[i] = 0;
      for (int64_t chunk = 0; chunk < chunks; ++chunk) {
        dscale[i] += partial[2 * chunk * all + i];
        dbias[i] += partial[(2 * chunk + 1) * all + i];
      }
    }
  }
  FourSums* OfRow(int64_t row) const { return sums + row * p.segments(); }

  const RowProblem& p;
  const float *dy, *x, *scale;
  float* dx;
  FourSums* sums;  // of segments
  RowGradient* rows;
};

}  // namespace

// Inputs X, scale, bias; outputs Y, mean, rstd.
void NormalizeRowsFast(const RowProblem& p, const EvalContext& c, const RowMemory& memory) {
  const float* x = c.in(0).in<float>().data();
  const float* scale = p.ExpandScales(c.in(1).in<float>().data(), memory.scale);
  const float* bias = p.ExpandScales(c.has(2) ? c.in(2).in<float>().data() : nullptr, memory.bias);
  float *y = Output(c, 0), *means = Output(c, 1), *rstds = Output(c, 2);
  auto* const sums = reinterpret_cast<TwoSums*>(memory.segments);
  auto* const statistics = reinterpret_cast<RowStatistics*>(memory.rows);
  const bool stream = StreamsRows(p, y, x);
  ForEachRow(
      p,
      [&](int64_t row, int64_t s)
          HWY_ATTR { sums[row * p.segments() + s] = SumSegment(p, x, row, s); },
      [&](int64_t row) HWY_ATTR {
        const RowStatistics of_row = StatisticsOf(p, x, row, sums + row * p.segments());
        statistics[row] = of_row;
        if (means != nullptr) means[row] = static_cast<float>(of_row.mean);
        if (rstds != nullptr) rstds[row] = static_cast<float>(of_row.rstd);
      },
      [&](int64_t row, int64_t s) HWY_ATTR {
        const RowProblem::Segment part = p.segment(s);
        const int64_t at = row * p.row_size + part.begin, n = part.end - part.begin;
        const double mean = statistics[row].mean, rstd = statistics[row].rstd;
        if (!p.by_element) {
          const int64_t i = p.first_scale(row) + part.run;
          const AffineMap map(mean, rstd * scale[i], bias == nullptr ? 0 : bias[i]);
          MapRange(n, y + at, stream, map, x + at);
          return;
        }
        const int64_t i = p.first_scale(row) + part.begin;
        const ScaleEach map{AffineMap(mean, rstd, 0)};
        if (bias == nullptr) {
          MapRange(n, y + at, stream, map, x + at, scale + i);
        } else {
          MapRange(n, y + at, stream, map, x + at, scale + i, bias + i);
        }
      });
}

// Inputs dY, X, scale; outputs dX, dscale, dbias. The formulas are in ops/row_norm.cc.
void NormalizeRowsBack(const RowProblem& p, const EvalContext& c, const RowMemory& memory) {
  const Back back(p, c, memory);
  ForEachRow(
      p, [&](int64_t row, int64_t s) HWY_ATTR { back.Sum(row, s); },
      [&](int64_t row) HWY_ATTR { back.Finish(row); },
      [&](int64_t row, int64_t s) HWY_ATTR {
        if (!p.by_element) back.Map(row, s);
      });
  if (p.by_element) {
    back.MapColumns(memory.partial, memory.dscale, memory.dbias);
  } else {
    back.SumRuns(memory.dscale, memory.dbias);
  }
  p.StoreScales(memory.dscale, memory.folded, Output(c, 1));
  p.StoreScales(memory.dbias, memory.folded, Output(c, 2));
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(NormalizeRowsFast);
HWY_EXPORT(NormalizeRowsBack);

using RunFn = void (*)(const RowProblem&, const EvalContext&, const RowMemory&);

void Forward(const RowProblem& p, const EvalContext& c, const RowMemory& memory) {
  HWY_DYNAMIC_DISPATCH(NormalizeRowsFast)(p, c, memory);
}
void Backward(const RowProblem& p, const EvalContext& c, const RowMemory& memory) {
  HWY_DYNAMIC_DISPATCH(NormalizeRowsBack)(p, c, memory);
}

// `x`: the index of that input; the scale follows.
absl::StatusOr<Kernels> Make(const KernelRequest& request, int x, RunFn run, bool in_place) {
  if (request.in(x).dtype() != DType::kF32) return Kernels();
  const RowProblem problem(ReadRowNorm(request.node.op_name(), request.node.attributes(),
                                       request.in(x).dims(), request.in(x + 1).dims()));
  ScratchPlan scratch(request.threads);
  const RowScratch memory(problem, /*gradient=*/run == Backward, scratch);
  const auto compute = [problem, memory, run](const HostContext& c) {
    run(problem, c, memory.In(c.scratch));
  };
  return Single(MakeHostKernel(request, "weft",
                               problem.by_element ? "row loops" : "row loops, scaled by run",
                               compute, in_place, scratch));
}

}  // namespace

absl::StatusOr<Kernels> HostRowNorm(const KernelRequest& request) {
  return Make(request, 0, Forward, /*in_place=*/true);
}

absl::StatusOr<Kernels> HostRowNormGrad(const KernelRequest& request) {
  return Make(request, 1, Backward, /*in_place=*/false);
}

}  // namespace weft
#endif
