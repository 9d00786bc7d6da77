#include "runtime/host/depthwise/chain.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ops/post_ops.h"
#include "runtime/channel_blocks.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/conv_form.h"
#include "runtime/host/depthwise/problem.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/pointwise/filters.h"
#include "runtime/host/pointwise/problem.h"
#include "runtime/host/post_steps.h"

namespace weft {
namespace {

constexpr int kImage = 0, kWeights = 1, kBiasOf = 2;  // inputs of a convolution
constexpr int64_t kBandRows = 4;  // of the result, or half of it where rows are long
// What is between two convolutions stays in an L2 cache.
constexpr int64_t kChainFloats = int64_t{1} << 17;
constexpr int64_t kChainThreadMacs = int64_t{1} << 17;  // that are worth a thread

// Activations of a convolution's result: bounds, in registers, and what follows those.
struct ChainPosts {
  ResultBounds bounds;
  PostSteps rest;
};

// Where the operands of a convolution are among the kernel's inputs; -1 for none.
struct ChainOperands {
  int weights = -1, bias = -1, addend = -1;
};

struct ChainPointwise {
  PointwiseProblem p;  // its results lie densely, or as the kernel's
  ChainOperands at;
  PostSteps rest;
  ScratchArray<float> v;
};

struct ChainPlan {
  explicit ChainPlan(int threads) : scratch(threads) {}

  // Rows of wide under `rows` of the depthwise result.
  int64_t RowsUnder(int64_t rows) const { return (rows - 1) * depthwise.stride + depthwise.taps; }
  int64_t wide_row() const { return depthwise.columns * depthwise.channels; }
  int64_t narrow_row() const { return depthwise.out_columns * depthwise.channels; }

  std::optional<ChainPointwise> expand, project;
  DepthwiseProblem depthwise;
  ChainOperands at;  // of the depthwise convolution
  PostSteps rest;
  int64_t result_pixel = 0;  // floats from pixel to pixel of the result
  int64_t band_rows = 0;     // of the result, that are computed at a time
  int64_t wide_rows = 0;     // that there is room for
  ScratchPlan scratch;
  ScratchArray<float> wide, narrow;
};

// The bounds and the activations of a result; nothing where other post-ops follow.
absl::StatusOr<std::optional<ChainPosts>> ReadChainPosts(const KernelRequest& request,
                                                         std::vector<PostOp> posts) {
  ChainPosts result;
  WEFT_ASSIGN_OR_RETURN(result.bounds, TakeBounds(posts));
  auto rest = PostSteps::Make(request, PostSteps::RowMajorPlace(request.outputs[0]), posts);
  if (absl::IsUnimplemented(rest.status())) return std::nullopt;
  WEFT_ASSIGN_OR_RETURN(result.rest, std::move(rest));
  if (!result.rest.operands().empty()) return std::nullopt;
  return result;
}

// One thread's work: rows of the images, from the first to the last.
class ChainRows {
 public:
  ChainRows(const ChainPlan& plan, const HostContext& context, int thread)
      : plan_(plan),
        c_(context),
        x_(In(kImage)),
        z_(static_cast<float*>(context.out().data)),
        wide_(plan.wide.In(context.scratch, thread)),
        narrow_(plan.narrow.In(context.scratch, thread)),
        thread_(thread) {}

  // Rows [begin, end) of all images' results.
  void Run(int64_t begin, int64_t end) {
    const DepthwiseProblem& d = plan_.depthwise;
    for (int64_t i = begin; i < end;) {
      const int64_t image = i / d.out_rows, row = i % d.out_rows;
      const int64_t rows = std::min({plan_.band_rows, d.out_rows - row, end - i});
      RunBand(image, row, rows);
      i += rows;
    }
  }

 private:
  const float* In(int i) const {
    return i < 0 ? nullptr : static_cast<const float*>(c_.in(i).data);
  }

  void RunBand(int64_t image, int64_t row, int64_t rows) {
    const DepthwiseProblem& d = plan_.depthwise;
    const int64_t first = row * d.stride - d.top;
    const int64_t begin = std::clamp<int64_t>(first, 0, d.rows);
    const int64_t end = std::clamp<int64_t>(first + plan_.RowsUnder(rows), begin, d.rows);
    const float* under = x_ + (image * d.rows + begin) * d.columns * XPixel();
    if (plan_.expand) under = Expand(image, begin, end);
    const int64_t pixel = (image * d.out_rows + row) * d.out_columns;  // of the result
    float* z = z_ + pixel * plan_.result_pixel;
    float* y = plan_.project ? narrow_ : z;
    Filter(under, end - begin, begin - first, rows, y);
    if (!plan_.project) return;
    const ChainPointwise& project = *plan_.project;
    const float* addend = In(project.at.addend);
    if (addend != nullptr) addend += pixel * project.p.addend_stride;
    Multiply(project, narrow_, addend, rows * d.out_columns, z);
  }

  // Makes rows [begin, end) of an image be in wide; returns where. The last ones of the band before
  // are there already, and move only when there is no room behind them.
  const float* Expand(int64_t image, int64_t begin, int64_t end) {
    const int64_t row_floats = plan_.wide_row();
    if (image != image_ || begin < base_ || begin > end_) {
      base_ = end_ = begin;
    } else if (end - base_ > plan_.wide_rows) {
      std::memmove(wide_, wide_ + (begin - base_) * row_floats,
                   static_cast<size_t>((end_ - begin) * row_floats) * sizeof(float));
      base_ = begin;
    }
    image_ = image;
    const ChainPointwise& expand = *plan_.expand;
    const int64_t columns = plan_.depthwise.columns;
    const int64_t pixel = (image * plan_.depthwise.rows + end_) * columns;
    const int64_t pixels = (end - end_) * columns;
    if (pixels > 0) {
      float* to = wide_ + (end_ - base_) * row_floats;
      Multiply(expand, x_ + pixel * expand.p.x_stride, nullptr, pixels, to);
      RunRest(expand.rest, to, pixels * expand.p.filters);
      end_ = end;
    }
    return wide_ + (begin - base_) * row_floats;
  }

  void Multiply(const ChainPointwise& conv, const float* x, const float* addend, int64_t pixels,
                float* y) {
    RunPointwiseBand(
        conv.p,
        {.x = x, .u = In(conv.at.weights), .bias = In(conv.at.bias), .addend = addend, .y = {y}},
        {.pixels = pixels, .end_block = conv.p.blocks()}, conv.v.In(c_.scratch, thread_));
  }

  // `rows` rows of the depthwise result from the x_rows that there are under them, `top` rows
  // further down than the window of the first.
  void Filter(const float* x, int64_t x_rows, int64_t top, int64_t rows, float* y) {
    DepthwiseProblem d = plan_.depthwise;
    d.rows = x_rows;
    d.top = top;
    const DepthwiseOperands operands{
        .x = x, .w = In(plan_.at.weights), .bias = In(plan_.at.bias), .y = y};
    const int64_t together = DepthwiseChannelsTogether(d);
    for (DepthwiseBand band{.end_row = rows}; band.channel < d.channels;
         band.channel = band.end_channel) {
      band.end_channel = std::min(band.channel + together, d.channels);
      RunDepthwiseBand(d, operands, band);
    }
    RunRest(plan_.rest, y, rows * d.y_row());
  }

  static void RunRest(const PostSteps& rest, float* y, int64_t floats) {
    if (!rest.empty()) rest.RunPart(y, 0, floats, [](int) { return nullptr; });
  }

  int64_t XPixel() const {
    return plan_.expand ? plan_.expand->p.x_stride : plan_.depthwise.x_pixel;
  }

  const ChainPlan& plan_;
  const HostContext& c_;
  const float* x_;
  float* z_;
  float* wide_;
  float* narrow_;
  int thread_;
  int64_t image_ = -1, base_ = 0, end_ = 0;  // rows [base, end) of that image are in wide
};

void RunChain(const ChainPlan& plan, const HostContext& c) {
  const DepthwiseProblem& d = plan.depthwise;
  int64_t macs = d.out_columns * d.channels * d.taps * d.taps;  // of a row
  if (plan.expand) macs += d.columns * d.stride * d.channels * plan.expand->p.channels;
  if (plan.project) macs += d.out_columns * d.channels * plan.project->p.filters;
  ParallelFor(
      d.images * d.out_rows, std::max<int64_t>(kChainThreadMacs / macs, 1),
      [&](int thread, int64_t begin, int64_t end) { ChainRows(plan, c, thread).Run(begin, end); });
}

// Collects the operands of the kernel while the plan is made.
class ChainMaker {
 public:
  explicit ChainMaker(const DepthwiseChain& chain, const Layout& result)
      : chain_(chain),
        result_(result),
        plan_(std::make_shared<ChainPlan>(chain.depthwise.threads)) {}

  absl::StatusOr<std::unique_ptr<Kernel>> Make() {
    const std::optional<int64_t> result_pixel = FindPixelStride(result_);
    if (!result_pixel) return nullptr;
    plan_->result_pixel = *result_pixel;
    if (chain_.expand != nullptr) {
      WEFT_ASSIGN_OR_RETURN(plan_->expand, Pointwise(*chain_.expand, /*last=*/false));
      if (!plan_->expand) return nullptr;
    }
    WEFT_ASSIGN_OR_RETURN(const bool taken, Depthwise());
    if (!taken) return nullptr;
    if (chain_.project != nullptr) {
      WEFT_ASSIGN_OR_RETURN(plan_->project, Pointwise(*chain_.project, /*last=*/true));
      if (!plan_->project) return nullptr;
    }
    if (!LayOut()) return nullptr;
    auto kernel = MakeHostKernel(
        chain_.depthwise, "weft", Name(),
        [plan = plan_](const HostContext& c) { RunChain(*plan, c); },
        /*in_place=*/false, plan_->scratch);
    kernel->SetLayouts(std::move(inputs_), {result_});
    return kernel;
  }

 private:
  int Take(Layout layout) {
    inputs_.push_back(std::move(layout));
    return static_cast<int>(inputs_.size()) - 1;
  }
  int TakeBias(const KernelRequest& request) {
    return request.has(kBiasOf) ? Take(request.in(kBiasOf)) : -1;
  }
  // The image of the first convolution; the others' are between.
  void TakeImage(const KernelRequest& request, int64_t pixel) {
    if (inputs_.empty()) Take(ChannelsLastLayout(request.in(kImage).dims(), pixel));
  }

  absl::StatusOr<std::optional<ChainPointwise>> Pointwise(const KernelRequest& request, bool last) {
    WEFT_ASSIGN_OR_RETURN(std::optional<PointwiseProblem> p, ReadPointwise(request));
    if (!p || p->row_step != 1 || p->column_step != 1 || !request.constant[kWeights]) {
      return std::nullopt;
    }
    if (!last) TakeImage(request, p->x_stride);
    ChainPointwise conv{.p = *p, .at = {}, .rest = {}, .v = {}};
    conv.at.weights = Take(PointwiseFilters{p->channels, p->filters}.layout());
    conv.at.bias = TakeBias(request);
    std::vector<PostOp> posts = GetPostOps(request.node.attributes(), "post_ops");
    if (last && !posts.empty() && posts[0].op == "Add") {
      const int addend = static_cast<int>(posts[0].input);
      const Layout& layout = request.in(addend);
      const std::optional<int64_t> pixel = FindPixelStride(layout);
      if (layout.dims() != request.outputs[0] || !pixel) return std::nullopt;
      conv.p.addend_stride = *pixel;
      conv.at.addend = Take(layout);
      posts.erase(posts.begin());
    }
    WEFT_ASSIGN_OR_RETURN(std::optional<ChainPosts> after, ReadChainPosts(request, posts));
    if (!after || (last && !after->rest.empty())) return std::nullopt;
    conv.p.bounds = after->bounds;
    conv.rest = std::move(after->rest);
    const int64_t stride = last ? plan_->result_pixel : p->filters;
    if (last) conv.p.x_stride = plan_->depthwise.channels;
    conv.p.results = {{.first = 0, .filters = p->filters, .stride = stride}};
    conv.p.packs = !conv.p.StaysInCache();
    if (conv.p.packs) {
      conv.v = plan_->scratch.PerThread<float>(conv.p.v_floats() * PointwisePanelPixels());
    }
    return conv;
  }

  absl::StatusOr<bool> Depthwise() {
    const KernelRequest& request = chain_.depthwise;
    WEFT_ASSIGN_OR_RETURN(const std::optional<DepthwiseProblem> p, ReadDepthwise(request));
    if (!p) return false;
    DepthwiseProblem& d = plan_->depthwise = *p;
    TakeImage(request, p->x_pixel);
    WEFT_ASSIGN_OR_RETURN(const Layout weights, FiltersSideBySide(request.in(kWeights).dims()));
    plan_->at.weights = Take(weights);
    plan_->at.bias = TakeBias(request);
    WEFT_ASSIGN_OR_RETURN(
        std::optional<ChainPosts> after,
        ReadChainPosts(request, GetPostOps(request.node.attributes(), "post_ops")));
    if (!after) return false;
    d.bounds = after->bounds;
    plan_->rest = std::move(after->rest);
    if (plan_->expand) d.x_pixel = d.channels;
    d.y_pixel = chain_.project != nullptr ? d.channels : plan_->result_pixel;
    // What follows runs over dense rows.
    return plan_->rest.empty() || d.y_pixel == d.channels;
  }

  // Shares the floats out to wide and narrow. False where they are too few.
  bool LayOut() {
    ChainPlan& plan = *plan_;
    for (const int64_t rows : {kBandRows, kBandRows / 2}) {
      plan.band_rows = std::min(rows, plan.depthwise.out_rows);
      const int64_t narrow = chain_.project != nullptr ? plan.band_rows * plan.narrow_row() : 0;
      if (narrow > kChainFloats) continue;
      if (chain_.expand != nullptr) {
        const int64_t all = plan.depthwise.rows, room = (kChainFloats - narrow) / plan.wide_row();
        plan.wide_rows = std::min(room, all);
        if (plan.wide_rows < std::min(plan.RowsUnder(plan.band_rows), all)) continue;
        plan.wide = plan.scratch.PerThread<float>(plan.wide_rows * plan.wide_row());
      }
      if (narrow > 0) plan.narrow = plan.scratch.PerThread<float>(narrow);
      return true;
    }
    return false;
  }

  std::string Name() const {
    return absl::StrCat(plan_->expand ? "pointwise, " : "", "depthwise:", plan_->depthwise.taps,
                        "x", plan_->depthwise.taps, plan_->project ? ", pointwise" : "");
  }

  const DepthwiseChain& chain_;
  const Layout& result_;
  std::shared_ptr<ChainPlan> plan_;
  std::vector<Layout> inputs_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> MakeDepthwiseChain(const DepthwiseChain& chain,
                                                           const Layout& result) {
  return ChainMaker(chain, result).Make();
}

}  // namespace weft
