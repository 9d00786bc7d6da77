#include "runtime/host/pointwise/conv.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "ops/post_ops.h"
#include "ops/window.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/conv_form.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/pointwise/filters.h"
#include "runtime/host/pointwise/problem.h"
#include "runtime/host/post_steps.h"

// Conv and FusedConv of 1x1 taps, one group, no padding (problem.h). x is read where it lies if it
// is a region of a wider channels-last image.

namespace weft {
namespace {

constexpr int kX = 0, kW = 1, kBias = 2;
constexpr int64_t kPointwiseThreadMacs = int64_t{1} << 17;  // that are worth a thread
constexpr size_t kPointwiseUnknownCache = size_t{1} << 20;

// How a node is computed.
struct PointwisePlan {
  PointwisePlan(const KernelRequest& request, const PointwiseProblem& problem, bool scaled);

  PointwiseProblem p;
  PointwiseFilters filters;
  bool packed;  // the weights come packed
  bool bias;
  int addend = -1;  // an input, -1 for none
  int scale = -1;   // the same; the shift is the next one
  // Work is shared out in `bands` of pixels, each of them in `parts` of the filters.
  int64_t bands = 1, parts = 1;
  ScratchPlan scratch;
  ScratchArray<float> v, u;
  PostSteps rest = {};  // post-ops after the addend and the activation

  int64_t band_pixels() const { return (p.pixels() + bands - 1) / bands; }
};

int64_t PointwiseCacheFloats() {
  return static_cast<int64_t>(CacheBytesOr(2, kPointwiseUnknownCache) / sizeof(float));
}

void ShareOutPointwise(int64_t threads, PointwisePlan& plan) {
  PointwiseProblem& p = plan.p;
  const int64_t panel = PointwisePanelPixels();
  // Filters that would not stay in the L2 cache are multiplied with several panels at a time.
  if (plan.filters.floats() > PointwiseCacheFloats() / 2) {
    p.panels_at_once =
        std::clamp<int64_t>(PointwiseCacheFloats() / 4 / (p.v_floats() * panel), 1, 16);
  }
  // Where there are more filters than pixels, each thread gets a part of them: the larger operand
  // is then read once.
  if (p.filters > p.pixels() && p.blocks() >= threads) {
    plan.parts = threads;
  } else {
    plan.bands = std::min(threads, p.pixels());
  }
}

PointwisePlan::PointwisePlan(const KernelRequest& request, const PointwiseProblem& problem,
                             bool scaled)
    : p(problem),
      filters{p.channels, p.filters},
      packed(request.constant.size() > kW && request.constant[kW]),
      bias(request.has(kBias)),
      scratch(request.threads) {
  if (scaled) scale = request.node.num_inputs();
  p.packs = scaled || !p.StaysInCache();
  ShareOutPointwise(std::max(request.threads, 1), *this);
  if (p.packs) {
    v = scratch.PerThread<float>(p.v_floats() * p.panels_at_once * PointwisePanelPixels());
  }
  if (!packed) u = scratch.Shared<float>(filters.floats());
}

void RunPointwise(const PointwisePlan& plan, const HostContext& c) {
  const auto in = [&c](int i) { return static_cast<const float*>(c.in(i).data); };
  const PointwiseProblem& p = plan.p;
  PointwiseOperands operands{.x = in(kX), .u = in(kW)};
  for (size_t i = 0; i < p.results.size(); ++i) {
    operands.y.push_back(static_cast<float*>(c.out(static_cast<int>(i)).data));
  }
  if (plan.bias) operands.bias = in(kBias);
  if (plan.scale >= 0) {
    operands.scale = in(plan.scale);
    operands.shift = in(plan.scale + 1);
  }
  if (plan.addend >= 0) operands.addend = in(plan.addend);
  if (!plan.packed) {
    float* u = plan.u.In(c.scratch);
    PackFilters(plan.filters, in(kW), u);
    operands.u = u;
  }
  const int64_t macs = plan.band_pixels() * plan.filters.floats() / plan.parts;
  ParallelFor(plan.bands * plan.parts,
              std::max<int64_t>(kPointwiseThreadMacs / std::max<int64_t>(macs, 1), 1),
              [&](int thread, int64_t begin, int64_t end) {
                for (int64_t i = begin; i < end; ++i) {
                  const int64_t part = i / plan.bands, at = i % plan.bands;
                  PointwiseBand band{.pixel = p.pixels() * at / plan.bands,
                                     .block = p.blocks() * part / plan.parts,
                                     .end_block = p.blocks() * (part + 1) / plan.parts};
                  band.pixels = p.pixels() * (at + 1) / plan.bands - band.pixel;
                  RunPointwiseBand(p, operands, band, plan.v.In(c.scratch, thread));
                }
              });
  if (!plan.rest.empty()) plan.rest.Run(operands.y.front(), in);
}

class PointwiseKernel : public HostKernel {
 public:
  PointwiseKernel(const KernelRequest& request, std::shared_ptr<const PointwisePlan> plan)
      : HostKernel(
            request, "weft", plan->scale >= 0 ? "scale, shift, pointwise" : "pointwise",
            [plan](const HostContext& c) {
              RunPointwise(*plan, c);
              return absl::OkStatus();
            },
            /*in_place=*/true, /*may_fail=*/false, plan->scratch.bytes()),
        addend_(plan->p.results.size() == 1 ? plan->addend : -1) {}

  // Each element of the addend is read just before the only result's is written.
  bool AllowsInPlace(int, int input) const override { return input == addend_; }

 private:
  int addend_;
};

bool TakesPointwise(const KernelRequest& request, const ConvWindow& window) {
  return AllF32(request) && window.rank() == 2 && window.group == 1 && AllAre(window.kernel, 1) &&
         AllAre(window.pads_begin, 0) && AllAre(window.pads_end, 0) && window.batch > 0 &&
         window.in_channels > 0 && window.out_channels > 0 && window.input_size() > 0;
}

// Floats from pixel to pixel of an image where it lies, or of a dense one.
int64_t PixelStrideOf(const Layout& layout) {
  return FindPixelStride(layout).value_or(layout.dims()[1]);
}

// What the filters are shared out to. Nothing where a vector of filters would have two results, and
// where filters are left or lack.
std::vector<PointwiseResult> PointwiseResultsOf(const std::vector<Layout>& layouts,
                                                int64_t all_filters) {
  std::vector<PointwiseResult> results;
  int64_t first = 0;
  if (layouts.size() > kMostResults) return {};
  for (const Layout& layout : layouts) {
    const int64_t filters = layout.dims()[kChannelAxis];
    if (filters == 0 || first % kChannelChunk != 0) return {};
    results.push_back({first, filters, PixelStrideOf(layout)});
    first += filters;
  }
  return first == all_filters ? results : std::vector<PointwiseResult>();
}

// The first post-ops that the kernel does itself: an addend of the result's dims, Relu or Clip.
// Returns the others.
absl::StatusOr<std::vector<PostOp>> TakePointwisePosts(const KernelRequest& request,
                                                       PointwisePlan& plan) {
  std::vector<PostOp> posts = GetPostOps(request.node.attributes(), "post_ops");
  if (!posts.empty() && posts[0].op == "Add" &&
      request.in(static_cast<int>(posts[0].input)).dims() == request.outputs[0]) {
    plan.addend = static_cast<int>(posts[0].input);
    plan.p.addend_stride = PixelStrideOf(request.in(plan.addend));
    posts.erase(posts.begin());
  }
  WEFT_ASSIGN_OR_RETURN(plan.p.bounds, TakeBounds(posts));
  return posts;
}

}  // namespace

absl::StatusOr<std::optional<PointwiseProblem>> ReadPointwise(const KernelRequest& request) {
  WEFT_ASSIGN_OR_RETURN(
      const ConvWindow window,
      ReadConvWindow(request.node.attributes(), request.in(kX).dims(), request.in(kW).dims()));
  if (!TakesPointwise(request, window)) return std::nullopt;
  return PointwiseProblem{.images = window.batch,
                          .channels = window.in_channels,
                          .filters = window.out_channels,
                          .x_rows = window.input[0],
                          .x_columns = window.input[1],
                          .y_rows = window.output[0],
                          .y_columns = window.output[1],
                          .row_step = window.strides[0],
                          .column_step = window.strides[1],
                          .x_stride = PixelStrideOf(request.in(kX))};
}

absl::StatusOr<std::unique_ptr<Kernel>> MakePointwiseConv(const KernelRequest& request,
                                                          const PointwiseExtras& extras) {
  WEFT_ASSIGN_OR_RETURN(std::optional<PointwiseProblem> found, ReadPointwise(request));
  if (!found) return nullptr;
  PointwiseProblem& problem = *found;
  std::vector<Layout> results = extras.results;
  if (results.empty()) results.push_back(Layout::Plain(DType::kF32, request.outputs[0]));
  for (Layout& layout : results) {
    layout = ChannelsLastLayout(layout.dims(), PixelStrideOf(layout));
  }
  problem.results = PointwiseResultsOf(results, problem.filters);
  if (problem.results.empty()) return nullptr;
  const bool scaled = !extras.scale_and_shift.empty();
  auto plan = std::make_shared<PointwisePlan>(request, problem, scaled);
  const PointwiseProblem& p = plan->p;
  WEFT_ASSIGN_OR_RETURN(const std::vector<PostOp> rest, TakePointwisePosts(request, *plan));
  // Those run over all that lies between the first pixel and the last.
  const int64_t pixel = p.results.front().stride, row = p.y_columns * pixel;
  if (!rest.empty() && (results.size() > 1 || pixel != p.filters)) return nullptr;
  auto steps =
      PostSteps::Make(request, {{p.y_rows * row, 1, row, pixel}, p.pixels() * pixel}, rest);
  if (absl::IsUnimplemented(steps.status())) return nullptr;
  WEFT_ASSIGN_OR_RETURN(plan->rest, std::move(steps));

  auto kernel = std::make_unique<PointwiseKernel>(request, plan);
  std::vector<Layout> inputs = kernel->inputs();
  const auto input = [&inputs](int i) -> Layout& { return inputs[static_cast<size_t>(i)]; };
  input(kX) = ChannelsLastLayout(request.in(kX).dims(), p.x_stride);
  if (plan->packed) input(kW) = plan->filters.layout();
  if (plan->addend >= 0) {
    input(plan->addend) = ChannelsLastLayout(request.outputs[0], p.addend_stride);
  }
  for (const PostSteps::Operand& z : plan->rest.operands()) {
    if (z.whole) input(z.input) = results.front();
  }
  inputs.insert(inputs.end(), extras.scale_and_shift.begin(), extras.scale_and_shift.end());
  kernel->SetLayouts(std::move(inputs), std::move(results));
  return kernel;
}

absl::StatusOr<Kernels> HostPointwiseConv(const KernelRequest& request) {
  WEFT_ASSIGN_OR_RETURN(std::unique_ptr<Kernel> kernel,
                        MakePointwiseConv(request, PointwiseExtras()));
  if (kernel == nullptr) return Kernels();
  return Single(std::move(kernel));
}

}  // namespace weft
