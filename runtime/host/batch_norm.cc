#include "runtime/host/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "ops/batch_norm.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/batch_norm.cc"
#include "runtime/host/simd/channel_norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Forward, in either mode.
struct Normalize {
  Normalize(const EvalContext& context, const ChannelMemory& memory, const ResultBounds& bounds)
      : c(context),
        p(c.in(bn::kX).dims),
        x(Input(c, bn::kX)),
        y(Output(c, 0)),
        epsilon(GetFloat(c.attributes, "epsilon")),
        keep(GetFloat(c.attributes, "momentum")),
        stream(IsStreamed(p.size(), y, x)),
        maps(memory.maps),
        grid(memory.grid),
        least(Fill(bounds.least)),
        most(Fill(bounds.most)) {}

  double Shift(int64_t channel) const {
    return x[grid == nullptr ? p.at(0, channel) : grid->First(channel)];
  }
  void FillNumbers(const ChannelMemory& memory) const {
    FillColumns(p, memory, 0, [&](int64_t channel) { return Shift(channel); });
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
    const AffineMap affine(map.mean, map.v, map.w);
    MapRange(
        p.inner, y + at, stream, [&](Vf v) HWY_ATTR { return Bounded(affine(v)); }, x + at);
  }
  void MapLine(int64_t at, int64_t n, bool stream, const ColumnNumbers& numbers) const {
    StoreLines(n, y + at, stream, [&](const auto& tile, int64_t j, int k) HWY_ATTR {
      const auto of = [&](const float* q) HWY_ATTR { return tile.Load(q + j, k); };
      return Bounded(
          hn::MulAdd(hn::Sub(of(x + at), of(numbers[0])), of(numbers[2]), of(numbers[3])));
    });
  }
  HWY_INLINE Vf Bounded(Vf v) const {  // NaN stays NaN
    v = hn::IfThenElse(hn::Lt(v, least), least, v);
    return hn::IfThenElse(hn::Gt(v, most), most, v);
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
  Vf least, most;
};

}  // namespace

void TrainBatchNorm(const EvalContext& c, const ChannelMemory& memory, const ResultBounds& bounds) {
  const Normalize normalize(c, memory, bounds);
  SumAndMap(normalize.p, memory, normalize);
}

void InferBatchNorm(const EvalContext& c, const ChannelMemory& memory, const ResultBounds& bounds) {
  const Normalize normalize(c, memory, bounds);
  const Planes& p = normalize.p;
  for (int64_t channel = 0; channel < p.channels; ++channel) {
    normalize.SetMap(channel, {Input(c, bn::kMean)[channel], Input(c, bn::kVar)[channel]});
  }
  if (memory.grid != nullptr) return MapColumns(p, memory, normalize);
  ForEachPlane(p, [&](int64_t n, int64_t channel) HWY_ATTR { normalize.Map(n, channel); });
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

HWY_EXPORT(TrainBatchNorm);
HWY_EXPORT(InferBatchNorm);

constexpr int64_t kNarrow = 16;  // planes below this are narrow

// How X, whose channels lie so, is taken by columns; nothing where it is by planes.
std::optional<ColumnGrid> GridOf(const ChannelBlocks& b) {
  const bool empty = b.images * b.channels() * b.positions == 0;
  if (empty || (b.width == 1 && b.positions >= kNarrow)) return std::nullopt;
  return ColumnGrid(b);
}

}  // namespace

std::unique_ptr<HostKernel> MakeChannelKernel(const KernelRequest& request, int x, ChannelRun run,
                                              std::string_view with) {
  const Layout& layout = request.in(x);
  if (layout.dtype() != DType::kF32) return nullptr;
  const std::optional<ChannelBlocks> blocks = FindChannelBlocks(layout);
  if (!blocks) return nullptr;
  const int64_t channels = layout.dims()[kChannelAxis];
  const std::optional<ColumnGrid> grid = GridOf(*blocks);
  ScratchPlan scratch(request.threads);
  const auto maps = scratch.Shared<ChannelMap>(channels);
  const auto numbers =
      scratch.Shared<float>(grid ? ChannelMemory::kNumbers * grid->blocks * grid->line : 0);
  const auto sums = scratch.Shared<double>(grid ? 2 * grid->planes * grid->parts * grid->width
                                                : 2 * blocks->images * channels);
  const auto compute = [=, run = std::move(run)](const HostContext& c) {
    run(c,
        {grid ? &*grid : nullptr, maps.In(c.scratch), numbers.In(c.scratch), sums.In(c.scratch)});
  };
  std::string how = grid ? "channel columns" : "channel loops";
  absl::StrAppend(&how, Absl(with));
  auto kernel =
      MakeHostKernel(request, "weft", std::move(how), compute, /*in_place=*/true, scratch);
  std::vector<Layout> inputs = kernel->inputs(), outputs = kernel->outputs();
  for (int i = 0; i <= x; ++i) inputs[static_cast<size_t>(i)] = layout;
  outputs[0] = layout;
  kernel->SetLayouts(std::move(inputs), std::move(outputs));
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> MakeBatchNorm(const KernelRequest& request,
                                                      const NormActivation& activation) {
  const ResultBounds bounds = activation.bounds;
  if (bounds.least > 0 || bounds.most < 0) return nullptr;
  const bool training = GetString(request.node.attributes(), "mode") == "training";
  // Statistics of nothing are an error of the op's.
  int64_t size = 1;
  for (int64_t extent : request.in(bn::kX).dims()) size *= extent;
  if (training && size == 0) return nullptr;
  return MakeChannelKernel(
      request, bn::kX,
      [training, bounds](const EvalContext& c, const ChannelMemory& memory) {
        if (training) {
          HWY_DYNAMIC_DISPATCH(TrainBatchNorm)(c, memory, bounds);
        } else {
          HWY_DYNAMIC_DISPATCH(InferBatchNorm)(c, memory, bounds);
        }
      },
      bounds.any() ? ", bounds" : "");
}

absl::StatusOr<Kernels> HostBatchNorm(const KernelRequest& request) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel, MakeBatchNorm(request, {}));
  if (kernel == nullptr) return Kernels();
  return Single(std::move(kernel));
}

}  // namespace weft
#endif
