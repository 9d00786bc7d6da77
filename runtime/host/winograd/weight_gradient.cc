#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/simd/fold.h"
#include "runtime/host/winograd/gradient.h"
#include "runtime/host/winograd/request.h"

// ConvGradWeight by Winograd (gradient.h).

namespace weft {
namespace {

// Floats of v and m in a band: as many tiles as the caches hold of them, and enough of them for
// their sums to be worth reading and writing.
constexpr int64_t kGradientBandFloats = int64_t{1} << 19;
constexpr int64_t kFewestGradientTiles = 32;
constexpr int64_t kGradientProductMacs = int64_t{1} << 17;  // that are worth a thread

struct WeightGradientPlan {
  WeightGradientPlan(const WinogradProblem& problem, int threads)
      : p(problem),
        filter_chunks((p.y.channels + kWinogradChunk - 1) / kWinogradChunk),
        band_tiles(std::clamp(
            kGradientBandFloats / (p.elements() * kWinogradChunk * (p.chunks() + filter_chunks)),
            std::min(kFewestGradientTiles, p.tiles()), p.tiles())),
        scratch(threads),
        bias(Dims{p.images, p.y.stored() / p.y.width, p.y.rows * p.y.columns, p.y.width},
             Dims{1, p.y.stored() / p.y.width, 1, p.y.width}, scratch),
        v(scratch.Shared<float>(p.v_floats() * band_tiles)),
        m(scratch.Shared<float>(p.elements() * filter_chunks * kWinogradChunk * band_tiles)),
        u(scratch.Shared<float>(p.v_floats() * p.blocks() * kWinogradBlock)) {}

  WinogradProblem p;
  int64_t filter_chunks;
  int64_t band_tiles;
  ScratchPlan scratch;
  FoldPlan bias;
  ScratchArray<float> v, m, u;
};

void RunGradientBands(const WeightGradientPlan& plan, const float* dy, const float* x,
                      std::byte* scratch) {
  const WinogradProblem& p = plan.p;
  float *v = plan.v.In(scratch), *m = plan.m.In(scratch), *u = plan.u.In(scratch);
  for (int64_t tile = 0; tile < p.tiles(); tile += plan.band_tiles) {
    const int64_t tiles = std::min(plan.band_tiles, p.tiles() - tile);
    const int64_t floats = p.v_floats() + p.elements() * plan.filter_chunks * kWinogradChunk;
    ParallelFor(tiles, std::max<int64_t>(kMathGrain / floats, 1), [&](int64_t begin, int64_t end) {
      TransformGradientTiles(p, x, dy, tile, tiles, begin, end, v, m);
    });
    const int64_t macs = tiles * p.x.channels * kWinogradBlock;
    ParallelFor(p.elements() * p.blocks(), std::max<int64_t>(kGradientProductMacs / macs, 1),
                [&](int64_t begin, int64_t end) {
                  for (int64_t i = begin; i < end; ++i) {
                    MultiplyGradient(p, tiles, i / p.blocks(), i % p.blocks(), tile > 0, v, m, u);
                  }
                });
  }
}

void RunWeightGradient(const WeightGradientPlan& plan, const HostContext& c) {
  const WinogradProblem& p = plan.p;
  const auto* dy = static_cast<const float*>(c.in(0).data);
  RunGradientBands(plan, dy, static_cast<const float*>(c.in(1).data), c.scratch);
  auto* dw = static_cast<float*>(c.out().data);
  const float* u = plan.u.In(c.scratch);
  ParallelFor(p.blocks(), std::max<int64_t>(kMathGrain / p.v_floats(), 1),
              [&](int64_t begin, int64_t end) {
                for (int64_t block = begin; block < end; ++block) {
                  StoreFilterGradient(p, block, u, dw);
                }
              });
  if (c.outputs.size() < 2 || c.out(1).data == nullptr) return;
  auto* db = static_cast<float*>(c.out(1).data);
  plan.bias.Run(Fold::kSum, dy, {}, c.scratch, [&](int64_t first, std::span<const double> sums) {
    const auto count = std::min(static_cast<int64_t>(sums.size()), p.y.channels - first);
    for (int64_t k = 0; k < count; ++k) {
      db[first + k] = static_cast<float>(sums[static_cast<size_t>(k)]);
    }
  });
}

}  // namespace

absl::StatusOr<Kernels> HostWinogradGradWeight(const KernelRequest& request) {
  const Dims &dy = request.in(0).dims(), &x = request.in(1).dims();
  WEFT_ASSIGN_OR_RETURN(const std::optional<ConvWindow> window,
                        WinogradWindow(request, x, request.in(2).dims()));
  Kernels kernels;
  if (!window) return kernels;
  for (const int64_t width : {int64_t{0}, kWinogradChunk}) {
    if (std::min(x[1], dy[1]) < width) continue;  // mostly padding
    WEFT_ASSIGN_OR_RETURN(const Layout dy_layout, ChannelsSideBySide(dy, width));
    WEFT_ASSIGN_OR_RETURN(const Layout x_layout, ChannelsSideBySide(x, width));
    for (const int64_t tile : {4, 2}) {
      const WinogradProblem problem{.tile = tile,
                                    .images = x[0],
                                    .x = WinogradImagesOf(x, width),
                                    .y = WinogradImagesOf(dy, width),
                                    .top = window->pads_begin[0],
                                    .left = window->pads_begin[1]};
      const auto plan = std::make_shared<const WeightGradientPlan>(problem, request.threads);
      auto kernel = MakeHostKernel(
          request, "weft", absl::StrCat("winograd:", tile, "x", tile),
          [plan](const HostContext& c) { RunWeightGradient(*plan, c); },
          /*in_place=*/false, plan->scratch);
      std::vector<Layout> inputs = kernel->inputs();
      inputs[0] = dy_layout;
      inputs[1] = x_layout;
      std::vector<Layout> outputs = kernel->outputs();
      kernel->SetLayouts(std::move(inputs), std::move(outputs));
      kernels.push_back(std::move(kernel));
    }
  }
  return kernels;
}

}  // namespace weft
