#include "ops/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/channel_columns.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/batch_norm.cc"
#include "runtime/host/simd/columns-inl.h"

// BatchNormalization and its gradient. In a row-major X [N,C,...] a channel is N planes of `inner`
// elements. Where there are enough channels, a thread takes one after the other, so that the second
// pass over a channel finds it in the cache; else planes are shared out in both passes. Sums are
// made by plane and added in the order of the batch, so that both ways give the same bits. Narrow
// planes ([N,C]), and channels that lie side by side in memory, are summed by columns
// (runtime/host/channel_columns.h). All sums are in double: those that the library makes in float
// are a hundred times as far off.

#ifndef WEFT_RUNTIME_HOST_BATCH_NORM_ONCE
#define WEFT_RUNTIME_HOST_BATCH_NORM_ONCE
namespace weft {
namespace {

constexpr int64_t kNarrow = 16;  // planes below this are narrow

// y = (x - mean) v + w, or dx = dy u + (x - mean) v + w, of one channel.
struct ChannelMap {
  double mean, u, v, w;

  // What the mean's float part leaves out is in the bias.
  double AffineBias() const { return w - (mean - static_cast<float>(mean)) * v; }
};

// What a run computes in.
struct ChannelMemory {
  const ColumnGrid* grid;  // null: by planes
  ChannelMap* maps;        // of the channels
  float* numbers;          // of a grid: four for each column of each block
  double* sums;            // two each of planes, or of a grid's (see SumColumns)
};

}  // namespace
}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

constexpr int64_t kFewChannels = 8;

struct Planes {
  explicit Planes(std::span<const int64_t> dims) : batch(dims[0]), channels(dims[1]) {
    for (int64_t extent : dims.subspan(2)) inner *= extent;
  }
  int64_t batch, channels, inner = 1;

  int64_t size() const { return batch * channels * inner; }
  double count() const { return static_cast<double>(batch * inner); }  // values per channel
  int64_t at(int64_t n, int64_t c) const { return (n * channels + c) * inner; }
};

int64_t Grain(int64_t elements) {
  return std::max<int64_t>(1, kMathGrain / std::max<int64_t>(elements, 1));
}

// f(n, c) for all planes, in the order of memory.
template <typename F>
void ForEachPlane(const Planes& p, const F& f) {
  ParallelFor(p.batch * p.channels, Grain(p.inner), [&](int64_t from, int64_t to) HWY_ATTR {
    for (int64_t i = from; i < to; ++i) f(i / p.channels, i % p.channels);
  });
}

// Fills numbers `k` of all columns with of_channel(c).
template <typename F>
void FillColumns(const Planes& p, const ChannelMemory& memory, int k, const F& of_channel) {
  const ColumnGrid& g = *memory.grid;
  for (int64_t block = 0; block < g.blocks; ++block) {
    float* const line = memory.numbers + (k * g.blocks + block) * g.line;
    float* to = line;
    for (int64_t c = block * g.width; c < (block + 1) * g.width; ++c) {
      const float number = c < p.channels ? static_cast<float>(of_channel(c)) : 0;  // padding
      to = std::fill_n(to, g.inner, number);
    }
    for (const int64_t once = to - line; to - line < g.line;) to = std::copy_n(line, once, to);
  }
}

// op.MapLine(at, n, stream, mean, u, v, w) for all lines, with the maps' numbers for their columns.
template <typename Op>
void MapColumns(const Planes& p, const ChannelMemory& memory, const Op& op) {
  const ColumnGrid& g = *memory.grid;
  const ChannelMap* maps = memory.maps;
  FillColumns(p, memory, 0, [=](int64_t c) { return maps[c].mean; });
  FillColumns(p, memory, 1, [=](int64_t c) { return maps[c].u; });
  FillColumns(p, memory, 2, [=](int64_t c) { return maps[c].v; });
  FillColumns(p, memory, 3, [=](int64_t c) { return maps[c].AffineBias(); });
  const int64_t step = g.blocks * g.line;
  ForEachColumnLine(g, op.result(), op.operand(),
                    [&](int64_t block, int64_t at, int64_t n, bool stream) HWY_ATTR {
                      const float* const m = memory.numbers + block * g.line;
                      op.MapLine(at, n, stream, m, m + step, m + 2 * step, m + 3 * step);
                    });
}

// The sums of all channels by columns, to op.Finish(c, sums).
template <typename Op>
void SumByColumns(const Planes& p, const ChannelMemory& memory, const Op& op) {
  FillColumns(p, memory, 0, [&](int64_t c) { return op.Shift(c); });
  SumColumns(*memory.grid, op.Columns(), memory.numbers, memory.sums);
  for (int64_t c = 0; c < p.channels; ++c) op.Finish(c, TotalOf(*memory.grid, memory.sums, c));
}

// All sums op.Sum(n, c) of a channel's planes go to op.Finish(c, sums), which makes its map; then
// op.Map(n, c) for all planes.
template <typename Op>
void SumAndMap(const Planes& p, const ChannelMemory& memory, const Op& op) {
  if (memory.grid != nullptr) {
    SumByColumns(p, memory, op);
    MapColumns(p, memory, op);
    return;
  }
  if (p.channels >= kFewChannels) {
    ParallelFor(p.channels, Grain(p.batch * p.inner), [&](int64_t from, int64_t to) HWY_ATTR {
      for (int64_t c = from; c < to; ++c) {
        TwoSums sums;
        for (int64_t n = 0; n < p.batch; ++n) sums += op.Sum(n, c);
        op.Finish(c, sums);
        for (int64_t n = 0; n < p.batch; ++n) op.Map(n, c);
      }
    });
    return;
  }
  auto* const of_planes = reinterpret_cast<TwoSums*>(memory.sums);
  ForEachPlane(
      p, [&](int64_t n, int64_t c) HWY_ATTR { of_planes[n * p.channels + c] = op.Sum(n, c); });
  for (int64_t c = 0; c < p.channels; ++c) {
    TwoSums sums;
    for (int64_t n = 0; n < p.batch; ++n) sums += of_planes[n * p.channels + c];
    op.Finish(c, sums);
  }
  ForEachPlane(p, [&](int64_t n, int64_t c) HWY_ATTR { op.Map(n, c); });
}

const float* Input(const EvalContext& c, int i) { return static_cast<const float*>(c.in(i).data); }
float* Output(const EvalContext& c, int i) {
  return i < static_cast<int>(c.outputs.size()) ? static_cast<float*>(c.out(i).data) : nullptr;
}

// Forward, in either mode.
struct Normalize {
  Normalize(const EvalContext& context, const ChannelMemory& memory)
      : c(context),
        p(c.in(bn::kX).dims),
        x(Input(c, bn::kX)),
        y(Output(c, 0)),
        epsilon(GetFloat(c.attributes, "epsilon")),
        keep(GetFloat(c.attributes, "momentum")),
        stream(IsStreamed(p.size(), y, x)),
        maps(memory.maps),
        grid(memory.grid) {}

  double Shift(int64_t channel) const {
    return x[grid == nullptr ? p.at(0, channel) : grid->First(channel)];
  }
  ColumnMoments Columns() const { return {x}; }
  TwoSums Sum(int64_t n, int64_t channel) const {
    return SumOver(p.inner, ShiftedMoments{x + p.at(n, channel), Shift(channel)});
  }
  void Finish(int64_t channel, const TwoSums& sums) const {
    const double n = p.count();
    const Moments batch = MomentsFrom(sums.of[0], sums.of[1], Shift(channel), n);
    const double running = IsUnbiased(c.attributes) ? batch.var * n / (n - 1) : batch.var;
    const auto store = [&](int output, double fresh, int old) {
      if (float* to = Output(c, output)) {
        const double kept = old < 0 ? 0 : keep * Input(c, old)[channel];
        to[channel] = static_cast<float>(kept + (old < 0 ? fresh : (1 - keep) * fresh));
      }
    };
    store(bn::kRunningMean, batch.mean, bn::kMean);
    store(bn::kRunningVar, running, bn::kVar);
    store(bn::kBatchMean, batch.mean, -1);
    store(bn::kBatchVar, batch.var, -1);
    // By the statistics that it hands on, so that whoever normalizes by them gets the same bits.
    SetMap(channel, {static_cast<float>(batch.mean), static_cast<float>(batch.var)});
  }
  void SetMap(int64_t channel, const Moments& moments) const {
    maps[channel] = {moments.mean, 0,
                     Input(c, bn::kScale)[channel] / std::sqrt(moments.var + epsilon),
                     Input(c, bn::kBias)[channel]};
  }
  void Map(int64_t n, int64_t channel) const {
    const ChannelMap& map = maps[channel];
    const int64_t at = p.at(n, channel);
    MapRange(p.inner, y + at, stream, AffineMap(map.mean, map.v, map.w), x + at);
  }
  void MapLine(int64_t at, int64_t n, bool stream, const float* mean, const float*, const float* v,
               const float* w) const {
    StoreLines(n, y + at, stream, [&](const auto& tile, int64_t j, int k) HWY_ATTR {
      const auto of = [&](const float* q) HWY_ATTR { return tile.Load(q + j, k); };
      return hn::MulAdd(hn::Sub(of(x + at), of(mean)), of(v), of(w));
    });
  }
  const float* operand() const { return x; }
  float* result() const { return y; }

  const EvalContext& c;
  Planes p;
  const float* x;
  float* y;
  double epsilon, keep;
  bool stream;
  ChannelMap* maps;
  const ColumnGrid* grid;
};

// Inputs dY, X, scale, mean, var; the formulas are in ops/batch_norm.cc.
struct Back {
  Back(const EvalContext& context, const ChannelMemory& memory)
      : c(context),
        p(c.in(1).dims),
        dy(Input(c, 0)),
        x(Input(c, 1)),
        mean(Input(c, 3)),
        dx(Output(c, 0)),
        epsilon(GetFloat(c.attributes, "epsilon")),
        stream(IsStreamed(p.size(), dx, dy)),
        maps(memory.maps) {}

  double Shift(int64_t channel) const { return mean[channel]; }
  TwoSums Sum(int64_t n, int64_t channel) const {
    const int64_t at = p.at(n, channel);
    return SumOver(p.inner, GradientMoments{dy + at, x + at, mean[channel]});
  }
  ColumnGradientMoments Columns() const { return {dy, x}; }
  void Finish(int64_t channel, const TwoSums& sums) const {
    const double rstd = 1 / std::sqrt(Input(c, 4)[channel] + epsilon), n = p.count();
    const double factor = Input(c, 2)[channel] * rstd;
    maps[channel] = {mean[channel], factor, -factor * rstd * rstd * sums.of[1] / n,
                     -factor * sums.of[0] / n};
    Output(c, 1)[channel] = static_cast<float>(sums.of[1] * rstd);
    Output(c, 2)[channel] = static_cast<float>(sums.of[0]);
  }
  void Map(int64_t n, int64_t channel) const {
    const ChannelMap& map = maps[channel];
    const int64_t at = p.at(n, channel);
    MapRange(p.inner, dx + at, stream, GradientMap(AffineMap(map.mean, map.v, map.w), map.u),
             dy + at, x + at);
  }
  void MapLine(int64_t at, int64_t n, bool stream, const float* m, const float* u, const float* v,
               const float* w) const {
    StoreLines(n, dx + at, stream, [&](const auto& tile, int64_t j, int k) HWY_ATTR {
      const auto of = [&](const float* q) HWY_ATTR { return tile.Load(q + j, k); };
      const auto affine = hn::MulAdd(hn::Sub(of(x + at), of(m)), of(v), of(w));
      return hn::MulAdd(of(dy + at), of(u), affine);
    });
  }
  const float* operand() const { return dy; }
  float* result() const { return dx; }

  const EvalContext& c;
  Planes p;
  const float *dy, *x, *mean;
  float* dx;
  double epsilon;
  bool stream;
  ChannelMap* maps;
};

}  // namespace

void TrainBatchNorm(const EvalContext& c, const ChannelMemory& memory) {
  const Normalize normalize(c, memory);
  SumAndMap(normalize.p, memory, normalize);
}

void InferBatchNorm(const EvalContext& c, const ChannelMemory& memory) {
  const Normalize normalize(c, memory);
  const Planes& p = normalize.p;
  for (int64_t channel = 0; channel < p.channels; ++channel) {
    normalize.SetMap(channel, {Input(c, bn::kMean)[channel], Input(c, bn::kVar)[channel]});
  }
  if (memory.grid != nullptr) return MapColumns(p, memory, normalize);
  ForEachPlane(p, [&](int64_t n, int64_t channel) HWY_ATTR { normalize.Map(n, channel); });
}

void BatchNormBack(const EvalContext& c, const ChannelMemory& memory) {
  const Back back(c, memory);
  SumAndMap(back.p, memory, back);
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(TrainBatchNorm);
HWY_EXPORT(InferBatchNorm);
HWY_EXPORT(BatchNormBack);

using RunFn = void (*)(const EvalContext&, const ChannelMemory&);

void RunTraining(const EvalContext& c, const ChannelMemory& memory) {
  HWY_DYNAMIC_DISPATCH(TrainBatchNorm)(c, memory);
}
void RunInference(const EvalContext& c, const ChannelMemory& memory) {
  HWY_DYNAMIC_DISPATCH(InferBatchNorm)(c, memory);
}
void RunBack(const EvalContext& c, const ChannelMemory& memory) {
  HWY_DYNAMIC_DISPATCH(BatchNormBack)(c, memory);
}

// How X, whose channels lie so, is taken by columns; nothing where it is by planes.
std::optional<ColumnGrid> GridOf(const ChannelBlocks& b) {
  const bool empty = b.images * b.channels() * b.positions == 0;
  if (empty || (b.width == 1 && b.positions >= kNarrow)) return std::nullopt;
  return ColumnGrid(b);
}

// In the layout that X comes in, and nothing where its channels lie in no way that we know. The
// other operands of X's dims are in that layout too.
absl::StatusOr<Kernels> Make(const KernelRequest& request, int x, RunFn run, bool in_place) {
  const Layout& layout = request.in(x);
  if (layout.dtype() != DType::kF32) return Kernels();
  const std::optional<ChannelBlocks> blocks = FindChannelBlocks(layout);
  if (!blocks) return Kernels();
  const int64_t channels = layout.dims()[1];
  const std::optional<ColumnGrid> grid = GridOf(*blocks);
  ScratchPlan scratch(request.threads);
  const auto maps = scratch.Shared<ChannelMap>(channels);
  const auto numbers = scratch.Shared<float>(grid ? 4 * grid->blocks * grid->line : 0);
  const auto sums = scratch.Shared<double>(grid ? 2 * grid->planes * grid->parts * grid->width
                                                : 2 * blocks->images * channels);
  const auto compute = [=](const HostContext& c) {
    run(c,
        {grid ? &*grid : nullptr, maps.In(c.scratch), numbers.In(c.scratch), sums.In(c.scratch)});
  };
  auto kernel = MakeHostKernel(request, "weft", grid ? "channel columns" : "channel loops", compute,
                               in_place, scratch);
  std::vector<Layout> inputs = kernel->inputs(), outputs = kernel->outputs();
  for (int i = 0; i <= x; ++i) inputs[static_cast<size_t>(i)] = layout;
  outputs[0] = layout;
  kernel->SetLayouts(std::move(inputs), std::move(outputs));
  return Single(std::move(kernel));
}

}  // namespace

absl::StatusOr<Kernels> HostBatchNorm(const KernelRequest& request) {
  const bool training = GetString(request.node.attributes(), "mode") == "training";
  // Statistics of nothing are an error of the op's.
  int64_t size = 1;
  for (int64_t extent : request.in(bn::kX).dims()) size *= extent;
  if (training && size == 0) return Kernels();
  return Make(request, bn::kX, training ? RunTraining : RunInference, /*in_place=*/true);
}

absl::StatusOr<Kernels> HostBatchNormGrad(const KernelRequest& request) {
  return Make(request, 1, RunBack, /*in_place=*/true);
}

}  // namespace weft
#endif
