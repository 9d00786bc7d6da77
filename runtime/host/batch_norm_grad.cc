#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>

#include "ops/batch_norm.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/batch_norm.h"
#include "runtime/host/host_families.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/batch_norm_grad.cc"
#include "runtime/host/simd/channel_norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

// Beside those of MapColumns, numbers of a column in the forward pass.
constexpr int kFactor = 4, kBias = 5;

// The forward pass's numbers: of one channel, or of columns.
struct ChannelNumbers {
  template <typename D>
  HWY_INLINE hn::Vec<D> Get(D d, int k) const {
    return hn::Set(d, k == 0 ? mean : k == kFactor ? factor : bias);
  }
  float mean, factor, bias;
};
struct LoadedNumbers {
  template <typename D>
  HWY_INLINE hn::Vec<D> Get(D d, int k) const {
    return hn::LoadU(d, numbers[k]);
  }
  ColumnNumbers numbers;
};
template <typename Tile>
struct TileNumbers {
  HWY_INLINE Vf Get(Df, int k) const { return tile.Load(numbers[k] + j, v); }
  const Tile& tile;
  ColumnNumbers numbers;
  int64_t j;
  int v;
};

// What of dY passes: all of it, or where an activation lets it, by its own input, which is computed
// again from X.
struct Everything {
  template <typename D, typename V, typename Numbers>
  HWY_INLINE V Of(D, V dy, V, const Numbers&) const {
    return dy;
  }
};
template <bool kOpen>
struct Passage {
  template <typename D, typename V, typename Numbers>
  HWY_INLINE V Of(D d, V dy, V x, const Numbers& of) const {
    const V centered = hn::Sub(x, of.Get(d, 0));
    const V y = hn::MulAdd(centered, of.Get(d, kFactor), of.Get(d, kBias));
    if constexpr (kOpen) {  // Relu
      return hn::IfThenElseZero(hn::Gt(y, hn::Set(d, least)), dy);
    } else {  // Clip: not at NaN either
      const auto out = hn::Or(hn::Lt(y, hn::Set(d, least)), hn::Gt(y, hn::Set(d, most)));
      return hn::IfThenZeroElse(out, dy);
    }
  }
  float least, most;
};

// What passes, g, and g (x - shift), as sums of a plane or of columns.
template <typename P>
struct PassedMoments {
  static constexpr int kSums = 2;
  template <typename D>
  HWY_INLINE void Add(D d, int64_t i, hn::Vec<D>* sums) const {
    const hn::Rebind<float, D> f;
    const auto v = hn::LoadU(f, x + i);
    const auto g = hn::PromoteTo(d, passage.Of(f, hn::LoadU(f, dy + i), v, numbers));
    sums[0] = hn::Add(sums[0], g);
    sums[1] = hn::MulAdd(g, hn::Sub(hn::PromoteTo(d, v), hn::Set(d, shift)), sums[1]);
  }
  HWY_INLINE void operator()(int64_t i, Vd* sums) const { Add(Dd(), i, sums); }
  HWY_INLINE void One(int64_t i, double* sums) const {
    const hn::CappedTag<double, 1> d;
    hn::Vec<decltype(d)> both[2] = {hn::Set(d, sums[0]), hn::Set(d, sums[1])};
    Add(d, i, both);
    for (int k = 0; k < 2; ++k) sums[k] = hn::GetLane(both[k]);
  }
  const float* dy;
  const float* x;
  double shift;
  P passage;
  ChannelNumbers numbers;
};
// The shift is the mean that `numbers` have first, so that x - shift is small already.
template <typename P>
struct PassedColumnMoments {
  template <typename D, typename V>
  HWY_INLINE void Add(D d, int64_t, int64_t at, const float* numbers, V* sums) const {
    const V v = hn::LoadU(d, x + at);
    const V g = passage.Of(d, hn::LoadU(d, dy + at), v, LoadedNumbers{{numbers, step}});
    sums[0] = hn::Add(sums[0], g);
    sums[1] = hn::MulAdd(g, hn::Sub(v, hn::LoadU(d, numbers)), sums[1]);
  }
  // The sums are about what they are to be about.
  template <typename D, typename V>
  HWY_INLINE void Join(D, int64_t, double, const float*, V*) const {}
  const float* dy;
  const float* x;
  int64_t step;
  P passage;
};

// Inputs dY, X, scale, mean, var; the formulas are in ops/batch_norm.cc. Where dY is behind an
// activation, the input after them is B.
template <typename P>
struct Back {
  static constexpr bool kActivated = !std::is_same_v<P, Everything>;

  Back(const EvalContext& context, const ChannelMemory& memory, const P& of)
      : c(context),
        p(c.in(1).dims),
        dy(Input(c, 0)),
        x(Input(c, 1)),
        mean(Input(c, 3)),
        dx(Output(c, 0)),
        epsilon(GetFloat(c.attributes, "epsilon")),
        stream(IsStreamed(p.size(), dx, dy)),
        maps(memory.maps),
        step(memory.grid == nullptr ? 0 : memory.grid->blocks * memory.grid->line),
        passage(of) {}

  double Shift(int64_t channel) const { return mean[channel]; }
  // As in the forward pass.
  double Factor(int64_t channel) const {
    return Input(c, 2)[channel] / std::sqrt(Input(c, 4)[channel] + epsilon);
  }
  ChannelNumbers NumbersOf(int64_t channel) const {
    if constexpr (!kActivated) return {};
    return {mean[channel], static_cast<float>(Factor(channel)), Input(c, 5)[channel]};
  }
  TwoSums Sum(int64_t n, int64_t channel) const {
    const int64_t at = p.at(n, channel);
    return SumOver(p.inner,
                   PassedMoments<P>{dy + at, x + at, mean[channel], passage, NumbersOf(channel)});
  }
  void FillNumbers(const ChannelMemory& memory) const {
    FillColumns(p, memory, 0, [&](int64_t channel) { return mean[channel]; });
    if constexpr (!kActivated) return;
    FillColumns(p, memory, kFactor, [&](int64_t channel) { return Factor(channel); });
    FillColumns(p, memory, kBias, [&](int64_t channel) { return Input(c, 5)[channel]; });
  }
  PassedColumnMoments<P> Columns() const { return {dy, x, step, passage}; }
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
    const GradientMap gradient(AffineMap(map.mean, map.v, map.w), map.u);
    const ChannelNumbers of = NumbersOf(channel);
    MapRange(
        p.inner, dx + at, stream,
        [&](Vf g, Vf v) HWY_ATTR { return gradient(passage.Of(Df(), g, v, of), v); }, dy + at,
        x + at);
  }
  void MapLine(int64_t at, int64_t n, bool stream, const ColumnNumbers& numbers) const {
    StoreLines(n, dx + at, stream, [&](const auto& tile, int64_t j, int k) HWY_ATTR {
      const TileNumbers<std::decay_t<decltype(tile)>> of{tile, numbers, j, k};
      const Vf v = tile.Load(x + at + j, k);
      const Vf g = passage.Of(Df(), tile.Load(dy + at + j, k), v, of);
      const Vf affine = hn::MulAdd(hn::Sub(v, of.Get(Df(), 0)), of.Get(Df(), 2), of.Get(Df(), 3));
      return hn::MulAdd(g, of.Get(Df(), 1), affine);
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
  int64_t step;
  P passage;
};

template <typename P>
void RunBack(const EvalContext& c, const ChannelMemory& memory, const P& passage) {
  const Back<P> back(c, memory, passage);
  SumAndMap(back.p, memory, back);
}

}  // namespace

void BatchNormBack(const EvalContext& c, const ChannelMemory& memory) {
  RunBack(c, memory, Everything());
}

void ActivatedBatchNormBack(const EvalContext& c, const ChannelMemory& memory,
                            const NormActivation& a) {
  if (a.open) {
    RunBack(c, memory, Passage<true>{a.bounds.least, a.bounds.most});
  } else {
    RunBack(c, memory, Passage<false>{a.bounds.least, a.bounds.most});
  }
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {
namespace {

constexpr int kDy = 0, kX = 1;

HWY_EXPORT(BatchNormBack);
HWY_EXPORT(ActivatedBatchNormBack);

}  // namespace

absl::StatusOr<Kernels> HostBatchNormGrad(const KernelRequest& request) {
  auto kernel =
      MakeChannelKernel(request, kX, [](const EvalContext& c, const ChannelMemory& memory) {
        HWY_DYNAMIC_DISPATCH(BatchNormBack)(c, memory);
      });
  if (kernel == nullptr) return Kernels();
  return Single(std::move(kernel));
}

absl::StatusOr<std::unique_ptr<Kernel>> MakeBatchNormGrad(const KernelRequest& request,
                                                          const NormActivation& activation,
                                                          const Layout& bias) {
  auto kernel = MakeChannelKernel(
      request, kX,
      [=](const EvalContext& c, const ChannelMemory& memory) {
        HWY_DYNAMIC_DISPATCH(ActivatedBatchNormBack)(c, memory, activation);
      },
      ", bounds");
  if (kernel == nullptr || kernel->inputs()[kDy] != request.in(kDy)) return nullptr;
  std::vector<Layout> inputs = kernel->inputs();
  inputs.push_back(bias);
  kernel->SetLayouts(std::move(inputs), kernel->outputs());
  return kernel;
}

}  // namespace weft
#endif
