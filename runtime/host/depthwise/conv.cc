#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ops/post_ops.h"
#include "ops/window.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/conv_form.h"
#include "runtime/host/depthwise/problem.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/post_steps.h"

// Depthwise Conv and FusedConv (problem.h) of channels-last images, which may be regions of wider
// ones. A thread computes bands of rows that stay in the L2 cache until the post-ops have run on
// them; Relu and Clip, where they come first, are done in registers.

namespace weft {
namespace {

constexpr int64_t kDepthwiseThreadMacs = int64_t{1} << 16;  // that are worth a thread
constexpr int64_t kDepthwiseBandFloats = int64_t{1} << 16;
constexpr int64_t kDepthwiseChannels = 192;
constexpr int64_t kDepthwiseLine = 16;

enum DepthwiseInput { kDepthwiseX, kDepthwiseW, kDepthwiseBias };

struct DepthwisePlan {
  DepthwiseProblem p;
  bool has_bias = false;
  PostSteps rest = {};

  int64_t BandRows() const {
    return std::max<int64_t>(kDepthwiseBandFloats / p.y_row() / 2 * 2, 2);
  }
  int64_t ThreadRows() const {
    const int64_t macs = p.out_columns * p.channels * p.taps * p.taps;
    return std::max<int64_t>(kDepthwiseThreadMacs / macs, 1);
  }
};

void RunDepthwise(const DepthwisePlan& plan, const HostContext& c) {
  const auto in = [&c](int i) { return static_cast<const float*>(c.in(i).data); };
  const DepthwiseProblem& p = plan.p;
  const DepthwiseOperands operands{.x = in(kDepthwiseX),
                                   .w = in(kDepthwiseW),
                                   .bias = plan.has_bias ? in(kDepthwiseBias) : nullptr,
                                   .y = static_cast<float*>(c.out().data)};
  const int64_t band_rows = plan.BandRows(), together = DepthwiseChannelsTogether(p);
  ParallelFor(p.images * p.out_rows, plan.ThreadRows(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end;) {
      DepthwiseBand band{.image = i / p.out_rows, .row = i % p.out_rows};
      band.end_row = std::min({p.out_rows, band.row + end - i, band.row + band_rows});
      for (; band.channel < p.channels; band.channel = band.end_channel) {
        band.end_channel = std::min(band.channel + together, p.channels);
        RunDepthwiseBand(p, operands, band);
      }
      const int64_t rows = band.end_row - band.row;
      if (!plan.rest.empty()) {
        plan.rest.RunPart(operands.y, i * p.y_row(), (i + rows) * p.y_row(), in);
      }
      i += rows;
    }
  });
}

bool TakesDepthwise(const ConvWindow& window) {
  const bool each_channel =
      window.group > 1 && window.group == window.in_channels && window.group == window.out_channels;
  if (!each_channel || window.rank() != 2 || window.batch == 0 || window.input_size() == 0) {
    return false;
  }
  const int64_t taps = window.kernel[0], stride = window.strides[0];
  return (taps == 3 || taps == 5) && (stride == 1 || stride == 2) && AllAre(window.kernel, taps) &&
         AllAre(window.strides, stride) && AllAre(window.dilations, 1);
}

}  // namespace

int64_t DepthwiseChannelsTogether(const DepthwiseProblem& p) {
  const int64_t parts =
      std::max<int64_t>((p.channels + kDepthwiseChannels / 2) / kDepthwiseChannels, 1);
  return (p.channels / parts + kDepthwiseLine - 1) / kDepthwiseLine * kDepthwiseLine;
}

absl::StatusOr<std::optional<DepthwiseProblem>> ReadDepthwise(const KernelRequest& request) {
  if (!AllF32(request)) return std::nullopt;
  const Layout& x = request.in(kDepthwiseX);
  WEFT_ASSIGN_OR_RETURN(const ConvWindow window, ReadConvWindow(request.node.attributes(), x.dims(),
                                                                request.in(kDepthwiseW).dims()));
  if (!TakesDepthwise(window)) return std::nullopt;
  return DepthwiseProblem{.taps = window.kernel[0],
                          .stride = window.strides[0],
                          .images = window.batch,
                          .channels = window.in_channels,
                          .rows = window.input[0],
                          .columns = window.input[1],
                          .out_rows = window.output[0],
                          .out_columns = window.output[1],
                          .x_pixel = FindPixelStride(x).value_or(window.in_channels),
                          .y_pixel = window.out_channels,
                          .top = window.pads_begin[0],
                          .left = window.pads_begin[1]};
}

absl::StatusOr<Kernels> HostDepthwiseConv(const KernelRequest& request) {
  WEFT_ASSIGN_OR_RETURN(const std::optional<DepthwiseProblem> found, ReadDepthwise(request));
  if (!found) return Kernels();
  const Layout& x = request.in(kDepthwiseX);
  const Dims &w = request.in(kDepthwiseW).dims(), &y = request.outputs[0];
  DepthwisePlan plan{.p = *found, .has_bias = request.has(kDepthwiseBias)};
  std::vector<PostOp> posts = GetPostOps(request.node.attributes(), "post_ops");
  WEFT_ASSIGN_OR_RETURN(plan.p.bounds, TakeBounds(posts));
  const Layout result = ChannelsLastLayout(y, plan.p.y_pixel);
  const PostSteps::Place place{{plan.p.y_image(), 1, plan.p.y_row(), plan.p.y_pixel},
                               plan.p.images * plan.p.y_image()};
  auto rest = PostSteps::Make(request, place, posts);
  if (absl::IsUnimplemented(rest.status())) return Kernels();
  WEFT_ASSIGN_OR_RETURN(plan.rest, std::move(rest));

  auto kernel =
      MakeHostKernel(request, "weft", absl::StrCat("depthwise:", plan.p.taps, "x", plan.p.taps),
                     [plan](const HostContext& c) { RunDepthwise(plan, c); });
  std::vector<Layout> inputs = kernel->inputs();
  inputs[kDepthwiseX] = ChannelsLastLayout(x.dims(), plan.p.x_pixel);
  WEFT_ASSIGN_OR_RETURN(inputs[kDepthwiseW], FiltersSideBySide(w));
  for (const PostSteps::Operand& z : plan.rest.operands()) {
    if (z.whole) inputs[static_cast<size_t>(z.input)] = result;
  }
  kernel->SetLayouts(std::move(inputs), {result});
  return Single(std::move(kernel));
}

}  // namespace weft
