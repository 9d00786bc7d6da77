#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/any_layout_kernel.h"
#include "runtime/host/conv_form.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/post_steps.h"
#include "runtime/host/winograd/filters.h"
#include "runtime/host/winograd/problem.h"
#include "runtime/host/winograd/request.h"

// Conv, FusedConv and the data gradient by Winograd (problem.h), for images channels-last and in
// blocks of 16 channels. An infinity or NaN in x makes NaN of all outputs of a tile that see it.

namespace weft {
namespace {

constexpr int64_t kWinogradThreadMacs = int64_t{1} << 17;  // that are worth a thread
constexpr int64_t kWinogradUnknownCache = int64_t{1} << 20;

// What a node asks for, whichever tiles and layouts it is computed with.
struct WinogradNode {
  int image = 0;                  // the input that is filtered; input 1 has the weights
  bool backward = false;          // filters as WinogradFilters::backward
  int64_t top = 0, left = 0;      // as WinogradProblem's
  int bias = -1, addend = -1;     // inputs, -1 for none
  bool relu = false;              // after the addend
  std::vector<PostOp> rest = {};  // post-ops after that
};

// How a node is computed.
struct WinogradPlan {
  WinogradPlan(const KernelRequest& request, const WinogradNode& of, const WinogradProblem& problem,
               const WinogradFilters& transformed);

  WinogradNode node;
  WinogradProblem p;
  WinogradFilters filters;
  bool packed;  // the weights come transformed
  // Work is shared out in `bands` of tiles, each of them in `parts` of the filters.
  int64_t bands = 1, parts = 1;
  ScratchPlan scratch;
  ScratchArray<float> v, m, u;
  PostSteps rest = {};

  int64_t band_tiles() const { return (p.tiles() + bands - 1) / bands; }
};

// Bands whose v and m fill a part of the L2 cache. Each thread gets as many, or where that would
// leave panels half empty, each gets a part of the filters.
void ShareOutWinograd(int64_t threads, WinogradPlan& plan) {
  const WinogradProblem& p = plan.p;
  const int64_t panel = WinogradPanelTiles();
  const int64_t bytes = (p.v_floats() + p.m_floats()) * static_cast<int64_t>(sizeof(float));
  const int64_t fitting =
      std::max(static_cast<int64_t>(CacheBytesOr(2, kWinogradUnknownCache)) * 5 / 8 / bytes / panel,
               int64_t{1}) *
      panel;
  plan.bands = (p.tiles() + fitting - 1) / fitting;
  if (p.tiles() < threads * panel && p.blocks() >= threads) {
    plan.parts = threads;
  } else {
    plan.bands = std::min((plan.bands + threads - 1) / threads * threads, p.tiles());
  }
}

WinogradPlan::WinogradPlan(const KernelRequest& request, const WinogradNode& of,
                           const WinogradProblem& problem, const WinogradFilters& transformed)
    : node(of),
      p(problem),
      filters(transformed),
      packed(request.constant.size() > 1 && request.constant[1]),
      scratch(request.threads) {
  ShareOutWinograd(std::max(request.threads, 1), *this);
  v = scratch.PerThread<float>(p.v_floats() * band_tiles());
  m = scratch.PerThread<float>(p.m_floats() * band_tiles());
  if (!packed) u = scratch.Shared<float>(filters.floats());
}

void RunWinograd(const WinogradPlan& plan, const HostContext& c) {
  const auto in = [&c](int i) { return i < 0 ? nullptr : static_cast<const float*>(c.in(i).data); };
  const WinogradProblem& p = plan.p;
  WinogradOperands operands{.x = in(plan.node.image),
                            .u = in(1),
                            .bias = in(plan.node.bias),
                            .addend = in(plan.node.addend),
                            .y = static_cast<float*>(c.out().data)};
  if (!plan.packed) {
    float* u = plan.u.In(c.scratch);
    TransformFilters(plan.filters, in(1), u);
    operands.u = u;
  }
  const int64_t macs = plan.band_tiles() * plan.filters.floats() / plan.parts;
  ParallelFor(plan.bands * plan.parts,
              std::max<int64_t>(kWinogradThreadMacs / std::max<int64_t>(macs, 1), 1),
              [&](int thread, int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const int64_t part = i / plan.bands, at = i % plan.bands;
                  WinogradBand band{.tile = p.tiles() * at / plan.bands,
                                    .block = p.blocks() * part / plan.parts,
                                    .end_block = p.blocks() * (part + 1) / plan.parts};
                  band.tiles = p.tiles() * (at + 1) / plan.bands - band.tile;
                  RunWinogradBand(p, operands, band, plan.v.In(c.scratch, thread),
                                  plan.m.In(c.scratch, thread));
                }
              });
  if (!plan.rest.empty()) plan.rest.Run(operands.y, in);
}

class WinogradKernel : public HostKernel {
 public:
  WinogradKernel(const KernelRequest& request, std::shared_ptr<const WinogradPlan> plan)
      : HostKernel(
            request, "weft", absl::StrCat("winograd:", plan->p.tile, "x", plan->p.tile),
            [plan](const HostContext& c) {
              RunWinograd(*plan, c);
              return absl::OkStatus();
            },
            /*in_place=*/true, /*may_fail=*/false, plan->scratch.bytes()),
        addend_(plan->node.addend) {}

  // Each element of the addend is read just before the result's is written.
  bool AllowsInPlace(int, int input) const override { return input == addend_; }

 private:
  int addend_;
};

PostSteps::Place WinogradPlaceOf(const WinogradProblem& p, const Layout& layout) {
  const WinogradImages& y = p.y;
  const int64_t size = p.images * y.image();
  if (IsPadded(layout) || y.stored() != y.width) return {Dims(), size};
  return {{y.image(), 1, y.columns * y.width, y.width}, size};
}

// The kernel for tiles of `tile` and images of which `width` channels lie side by side (0: all).
// Unimplemented where post-ops cannot run there.
absl::StatusOr<std::unique_ptr<Kernel>> MakeWinogradKernel(const KernelRequest& request,
                                                           const WinogradNode& node, int64_t tile,
                                                           int64_t width) {
  const Dims &from = request.in(node.image).dims(), &to = request.outputs[0];
  const WinogradProblem problem{.tile = tile,
                                .images = to[0],
                                .x = WinogradImagesOf(from, width),
                                .y = WinogradImagesOf(to, width),
                                .top = node.top,
                                .left = node.left,
                                .relu = node.relu};
  const WinogradFilters filters{tile, node.backward, from[1], to[1]};
  auto plan = std::make_shared<WinogradPlan>(request, node, problem, filters);
  WEFT_ASSIGN_OR_RETURN(const Layout image, ChannelsSideBySide(from, width));
  WEFT_ASSIGN_OR_RETURN(const Layout result, ChannelsSideBySide(to, width));
  WEFT_ASSIGN_OR_RETURN(plan->rest,
                        PostSteps::Make(request, WinogradPlaceOf(problem, result), node.rest));
  if (IsPadded(result) && !plan->rest.KeepsZero()) {
    return absl::UnimplementedError("padding would not stay zero");
  }
  auto kernel = std::make_unique<WinogradKernel>(request, plan);
  std::vector<Layout> inputs = kernel->inputs();
  const auto input = [&inputs](int i) -> Layout& { return inputs[static_cast<size_t>(i)]; };
  input(node.image) = image;
  if (plan->packed) input(1) = filters.layout();
  if (node.addend >= 0) input(node.addend) = result;
  for (const PostSteps::Operand& z : plan->rest.operands()) {
    if (z.whole) input(z.input) = result;
  }
  kernel->SetLayouts(std::move(inputs), {result});
  return kernel;
}

absl::StatusOr<Kernels> MakeWinogradKernels(const KernelRequest& request,
                                            const WinogradNode& node) {
  Kernels kernels;
  const int64_t fewest = std::min(request.in(node.image).dims()[1], request.outputs[0][1]);
  for (const int64_t width : {int64_t{0}, kWinogradChunk}) {
    if (fewest < width) continue;  // mostly padding
    for (const int64_t tile : {4, 2}) {
      auto kernel = MakeWinogradKernel(request, node, tile, width);
      if (absl::IsUnimplemented(kernel.status())) continue;
      WEFT_RETURN_IF_ERROR(kernel.status());
      kernels.push_back(*std::move(kernel));
    }
  }
  return kernels;
}

// The first post-ops that the kernel does itself: an addend of the result's dims, Relu.
void TakeWinogradPosts(const KernelRequest& request, WinogradNode& node) {
  node.rest = GetPostOps(request.node.attributes(), "post_ops");
  auto next = node.rest.begin();
  if (next != node.rest.end() && next->op == "Add" &&
      request.in(static_cast<int>(next->input)).dims() == request.outputs[0]) {
    node.addend = static_cast<int>(next++->input);
  }
  node.relu = next != node.rest.end() && next->op == "Relu";
  if (node.relu) ++next;
  node.rest.erase(node.rest.begin(), next);
}

}  // namespace

absl::StatusOr<std::optional<ConvWindow>> WinogradWindow(const KernelRequest& request,
                                                         const Dims& x, const Dims& w) {
  if (!AllF32(request)) return std::nullopt;
  WEFT_ASSIGN_OR_RETURN(ConvWindow window, ReadConvWindow(request.node.attributes(), x, w));
  const bool takes = window.rank() == 2 && window.group == 1 && AllAre(window.kernel, 3) &&
                     AllAre(window.strides, 1) && AllAre(window.dilations, 1) && window.batch > 0 &&
                     window.in_channels > 0 && window.out_channels > 0 && window.input_size() > 0;
  if (!takes) return std::nullopt;
  return window;
}

WinogradImages WinogradImagesOf(const Dims& dims, int64_t width) {
  return {dims[1], dims[2], dims[3], width == 0 ? dims[1] : width};
}

absl::StatusOr<Kernels> HostWinogradConv(const KernelRequest& request) {
  constexpr int kX = 0, kW = 1, kBias = 2;
  WEFT_ASSIGN_OR_RETURN(const std::optional<ConvWindow> window,
                        WinogradWindow(request, request.in(kX).dims(), request.in(kW).dims()));
  if (!window) return Kernels();
  WinogradNode node{.image = kX, .top = window->pads_begin[0], .left = window->pads_begin[1]};
  if (request.has(kBias)) node.bias = kBias;
  TakeWinogradPosts(request, node);
  return MakeWinogradKernels(request, node);
}

// dX = the convolution of dY with the filters turned around, from as far outside as it was padded
// less.
absl::StatusOr<Kernels> HostWinogradGradInput(const KernelRequest& request) {
  constexpr int kDy = 0, kW = 1, kX = 2;
  WEFT_ASSIGN_OR_RETURN(const std::optional<ConvWindow> window,
                        WinogradWindow(request, request.in(kX).dims(), request.in(kW).dims()));
  if (!window) return Kernels();
  return MakeWinogradKernels(request, {.image = kDy,
                                       .backward = true,
                                       .top = 2 - window->pads_begin[0],
                                       .left = 2 - window->pads_begin[1]});
}

}  // namespace weft
