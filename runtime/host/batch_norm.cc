#include "ops/batch_norm.h"

#include <algorithm>
#include <cmath>

#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/batch_norm.cc"
#include "runtime/host/simd/norm-inl.h"

// BatchNormalization and its gradient on row-major X [N,C,...]. A channel is N planes of `inner`
// elements. Where there are enough channels, a thread takes one after the other, so that the second
// pass over a channel finds it in the cache; else planes are shared out in both passes. Sums are
// made by plane and added in the order of the batch, so that both ways give the same bits. Narrow
// planes ([N,C]) are summed by columns of X as [N, C * inner] instead.

#ifndef WEFT_RUNTIME_HOST_BATCH_NORM_ONCE
#define WEFT_RUNTIME_HOST_BATCH_NORM_ONCE
namespace weft {
namespace {

constexpr int64_t kNarrow = 16;  // planes below this are narrow

// y = (x - mean) v + w, or dx = dy u + (x - mean) v + w, of one channel.
struct ChannelMap {
  double mean, u, v, w;
};

// What a run computes in.
struct ChannelMemory {
  ChannelMap* maps;  // of the channels
  float* numbers;    // of narrow planes: four for each column of X
  double* sums;      // of other planes: two each
};

}  // namespace
}  // namespace weft
#endif

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

constexpr int64_t kFewChannels = 8;
constexpr int64_t kColumns = 64;  // columns that are summed together

struct Planes {
  explicit Planes(std::span<const int64_t> dims) : batch(dims[0]), channels(dims[1]) {
    for (int64_t extent : dims.subspan(2)) inner *= extent;
  }
  int64_t batch, channels, inner = 1;

  int64_t size() const { return batch * channels * inner; }
  int64_t columns() const { return channels * inner; }
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

// The sums of all channels by columns. op.AddColumns(row, first, width, a, b) adds what row `row`
// has at the columns from `first` on.
template <typename Op>
void SumNarrow(const Planes& p, const Op& op) {
  const int64_t step = std::max<int64_t>(1, kColumns / std::max<int64_t>(p.inner, 1)),
                blocks = (p.channels + step - 1) / step;
  ParallelFor(blocks, Grain(step * p.inner * p.batch), [&](int64_t from, int64_t to) HWY_ATTR {
    for (int64_t c = from * step; c < std::min(to * step, p.channels); c += step) {
      double a[kColumns] = {}, b[kColumns] = {};
      const int64_t channels = std::min(step, p.channels - c);
      for (int64_t n = 0; n < p.batch; ++n) {
        op.AddColumns(n, c * p.inner, channels * p.inner, a, b);
      }
      for (int64_t i = 0; i < channels; ++i) {
        TwoSums sums;
        for (int64_t k = i * p.inner; k < (i + 1) * p.inner; ++k) sums += {{a[k], b[k]}};
        op.Finish(c + i, sums);
      }
    }
  });
}

// op.MapRow(n, mean, u, v, w) with the maps' numbers for every column.
template <typename Op>
void MapNarrow(const Planes& p, const ChannelMemory& memory, const Op& op) {
  const int64_t columns = p.columns();
  float* const numbers = memory.numbers;
  for (int64_t i = 0; i < columns; ++i) {
    const ChannelMap& map = memory.maps[i / p.inner];
    const float mean = static_cast<float>(map.mean);
    numbers[i] = mean;
    numbers[columns + i] = static_cast<float>(map.u);
    numbers[2 * columns + i] = static_cast<float>(map.v);
    numbers[3 * columns + i] = static_cast<float>(map.w - (map.mean - mean) * map.v);
  }
  ParallelFor(p.batch, Grain(columns), [&](int64_t from, int64_t to) HWY_ATTR {
    for (int64_t n = from; n < to; ++n) {
      op.MapRow(n, numbers, numbers + columns, numbers + 2 * columns, numbers + 3 * columns);
    }
  });
}

// All sums op.Sum(n, c) of a channel's planes go to op.Finish(c, sums), which makes its map; then
// op.Map(n, c) for all planes.
template <typename Op>
void SumAndMap(const Planes& p, const ChannelMemory& memory, const Op& op) {
  if (p.inner < kNarrow) {
    SumNarrow(p, op);
    MapNarrow(p, memory, op);
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
  Normalize(const EvalContext& context, ChannelMap* of_channels)
      : c(context),
        p(c.in(bn::kX).dims),
        x(Input(c, bn::kX)),
        y(Output(c, 0)),
        epsilon(GetFloat(c.attributes, "epsilon")),
        keep(GetFloat(c.attributes, "momentum")),
        stream(IsStreamed(p.size(), y, x)),
        maps(of_channels) {}

  double Shift(int64_t channel) const { return x[p.at(0, channel)]; }
  TwoSums Sum(int64_t n, int64_t channel) const {
    return SumOver(p.inner, ShiftedMoments{x + p.at(n, channel), Shift(channel)});
  }
  void AddColumns(int64_t n, int64_t first, int64_t width, double* __restrict a,
                  double* __restrict b) const {
    const float* row = x + n * p.columns() + first;
    double shift[kColumns];
    for (int64_t j = 0; j < width; ++j) shift[j] = Shift((first + j) / p.inner);
    for (int64_t j = 0; j < width; ++j) {
      const double v = row[j] - shift[j];
      a[j] += v;
      b[j] += v * v;
    }
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
  void MapRow(int64_t n, const float* mean, const float*, const float* v, const float* w) const {
    const int64_t at = n * p.columns();
    const auto map = [](Vf value, Vf m, Vf factor, Vf shift)
                         HWY_ATTR { return hn::MulAdd(hn::Sub(value, m), factor, shift); };
    MapRange(p.columns(), y + at, false, map, x + at, mean, v, w);
  }

  const EvalContext& c;
  Planes p;
  const float* x;
  float* y;
  double epsilon, keep;
  bool stream;
  ChannelMap* maps;
};

// Inputs dY, X, scale, mean, var; the formulas are in ops/batch_norm.cc.
struct Back {
  Back(const EvalContext& context, ChannelMap* of_channels)
      : c(context),
        p(c.in(1).dims),
        dy(Input(c, 0)),
        x(Input(c, 1)),
        mean(Input(c, 3)),
        dx(Output(c, 0)),
        epsilon(GetFloat(c.attributes, "epsilon")),
        stream(IsStreamed(p.size(), dx, dy)),
        maps(of_channels) {}

  TwoSums Sum(int64_t n, int64_t channel) const {
    const int64_t at = p.at(n, channel);
    return SumOver(p.inner, GradientMoments{dy + at, x + at, mean[channel]});
  }
  void AddColumns(int64_t n, int64_t first, int64_t width, double* __restrict a,
                  double* __restrict b) const {
    const int64_t at = n * p.columns() + first;
    double shift[kColumns];
    for (int64_t j = 0; j < width; ++j) shift[j] = mean[(first + j) / p.inner];
    for (int64_t j = 0; j < width; ++j) {
      a[j] += dy[at + j];
      b[j] += dy[at + j] * (x[at + j] - shift[j]);
    }
  }
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
  void MapRow(int64_t n, const float* m, const float* u, const float* v, const float* w) const {
    const int64_t at = n * p.columns();
    const auto map = [](Vf g, Vf value, Vf center, Vf of_g, Vf of_x, Vf shift) HWY_ATTR {
      return hn::MulAdd(g, of_g, hn::MulAdd(hn::Sub(value, center), of_x, shift));
    };
    MapRange(p.columns(), dx + at, false, map, dy + at, x + at, m, u, v, w);
  }

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
  const Normalize normalize(c, memory.maps);
  SumAndMap(normalize.p, memory, normalize);
}

void InferBatchNorm(const EvalContext& c, const ChannelMemory& memory) {
  const Normalize normalize(c, memory.maps);
  const Planes& p = normalize.p;
  for (int64_t channel = 0; channel < p.channels; ++channel) {
    normalize.SetMap(channel, {Input(c, bn::kMean)[channel], Input(c, bn::kVar)[channel]});
  }
  if (p.inner < kNarrow) return MapNarrow(p, memory, normalize);
  ForEachPlane(p, [&](int64_t n, int64_t channel) HWY_ATTR { normalize.Map(n, channel); });
}

void BatchNormBack(const EvalContext& c, const ChannelMemory& memory) {
  const Back back(c, memory.maps);
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

// Only where X is row-major: what comes in a layout of the library's stays in it.
absl::StatusOr<Kernels> Make(const KernelRequest& request, int x, RunFn run, bool in_place) {
  if (request.in(x).dtype() != DType::kF32 || !request.in(x).is_plain()) return Kernels();
  const Dims& dims = request.in(x).dims();
  int64_t inner = 1;
  for (size_t axis = 2; axis < dims.size(); ++axis) inner *= dims[axis];
  const bool narrow = inner < kNarrow;
  ScratchPlan scratch(request.threads);
  const auto maps = scratch.Shared<ChannelMap>(dims[1]);
  const auto numbers = scratch.Shared<float>(narrow ? 4 * dims[1] * inner : 0);
  const auto sums = scratch.Shared<double>(narrow ? 0 : 2 * dims[0] * dims[1]);
  const auto compute = [=](const HostContext& c) {
    run(c, {maps.In(c.scratch), numbers.In(c.scratch), sums.In(c.scratch)});
  };
  return Single(MakeHostKernel(request, "weft", "channel loops", compute, in_place, scratch));
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
