#include "ops/reduce.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "runtime/channel_blocks.h"
#include "runtime/host/host_families.h"
#include "runtime/host/host_kernel.h"
#include "runtime/host/loops.h"
#include "runtime/host/simd/fold.h"

namespace weft {
namespace {

// The dims of input `input` with 1 for every axis that goes: its reduction has their elements in
// their order.
absl::StatusOr<Dims> KeptDims(const KernelRequest& request, int input = 0) {
  const Dims& x = request.in(input).dims();
  const std::string_view op = request.node.op_name();
  if (op == "ReduceToLike" || op == "MulReduceToLike") {
    const Dims& like = request.outputs[0];
    Dims kept(x.size() - like.size(), 1);
    kept.insert(kept.end(), like.begin(), like.end());
    return kept;
  }
  WEFT_ASSIGN_OR_RETURN(const auto axes,
                        ReducedAxes(request.node.attributes(), static_cast<int>(x.size())));
  return WithoutAxes(x, axes, /*keep=*/true);
}

// Input elements for one output element.
double CountFolded(const Dims& x, const Dims& kept) {
  double count = 1;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if (kept[axis] != x[axis]) count *= static_cast<double>(x[axis]);
  }
  return count;
}

enum class Finish { kNone, kDivide, kRoot, kLog };

// What an op makes of its fold.
struct Recipe {
  Fold fold;
  Finish finish = Finish::kNone;
};

Recipe RecipeOf(std::string_view op) {
  static const auto& recipes = *new std::map<std::string_view, Recipe>{
      {"MulReduceToLike", {Fold::kDot}},
      {"ReduceL1", {Fold::kMagnitude}},
      {"ReduceL2", {Fold::kSquare, Finish::kRoot}},
      {"ReduceLogSum", {Fold::kSum, Finish::kLog}},
      {"ReduceLogSumExp", {Fold::kExp, Finish::kLog}},
      {"ReduceMax", {Fold::kLargest}},
      {"ReduceMean", {Fold::kSum, Finish::kDivide}},
      {"ReduceMin", {Fold::kSmallest}},
      {"ReduceProd", {Fold::kProduct}},
      {"ReduceSum", {Fold::kSum}},
      {"ReduceSumSquare", {Fold::kSquare}},
      {"ReduceToLike", {Fold::kSum}},
  };
  return recipes.at(op);
}

double Finished(Finish finish, double folded, double divisor) {
  switch (finish) {
    case Finish::kNone:
      return folded;
    case Finish::kDivide:
      return folded / divisor;
    case Finish::kRoot:
      return std::sqrt(folded);
    case Finish::kLog:
      return std::log(folded);
  }
  return folded;
}

// What is taken out of the exponents: the largest, if finite. It waits in the output.
void FindShifts(const HostContext& c, const FoldPlan& plan, const float* x, float* shift) {
  plan.Run(Fold::kLargest, x, {}, c.scratch, [&](int64_t first, std::span<const double> largest) {
    for (size_t i = 0; i < largest.size(); ++i) {
      shift[first + static_cast<int64_t>(i)] =
          std::isfinite(largest[i]) ? static_cast<float>(largest[i]) : 0.0f;
    }
  });
}

void ComputeReduction(const HostContext& c, const FoldPlan& plan, const Recipe& recipe,
                      double divisor) {
  const float* x = c.in(0).in<float>().data();
  float* y = c.out().out<float>().data();
  const bool shifted = recipe.fold == Fold::kExp;
  FoldOperands more;
  if (recipe.fold == Fold::kDot) more.other = c.in(1).in<float>().data();
  if (shifted) {
    FindShifts(c, plan, x, y);
    more.shift = y;
  }
  plan.Run(recipe.fold, x, more, c.scratch, [&](int64_t first, std::span<const double> folded) {
    for (size_t i = 0; i < folded.size(); ++i) {
      float& result = y[first + static_cast<int64_t>(i)];
      const double shift = shifted ? result : 0;
      result = static_cast<float>(shift + Finished(recipe.finish, folded[i], divisor));
    }
  });
}

// Whether the node folds all positions of images that lie channels-last: what is left is in the
// order of row-major dims then, and X is read as it comes.
bool FoldsImages(const KernelRequest& request, const Dims& kept) {
  const Layout& x = request.in(0);
  const std::optional<int64_t> stride = FindPixelStride(x);
  return request.node.num_inputs() == 1 && stride && *stride == x.dims()[1] &&
         std::all_of(kept.begin() + 2, kept.end(), [](int64_t extent) { return extent == 1; });
}

Dims WithChannelsLast(Dims dims) {
  std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return dims;
}

// What the gradient of a product computes in: of every output, the product of what is not zero, and
// the number of zeros.
struct Products {
  ScratchArray<double> products, zeros;
};

// dx = dy times the product of the other elements (ops/reduce_extreme.cc).
void ComputeProdGrad(const HostContext& c, const FoldPlan& plan, const Loops& loops,
                     const Products& memory) {
  const float* dy = c.in(0).in<float>().data();
  const float* x = c.in(1).in<float>().data();
  float* dx = c.out().out<float>().data();
  const auto fold = [&](Fold how, double* to) {
    plan.Run(how, x, {}, c.scratch, [&](int64_t first, std::span<const double> folded) {
      std::copy(folded.begin(), folded.end(), to + first);
    });
  };
  double *products = memory.products.In(c.scratch), *zeros = memory.zeros.In(c.scratch);
  fold(Fold::kNonzeroProduct, products);
  fold(Fold::kZeros, zeros);
  const int64_t step = loops.step(0);
  ForEachRun(loops, [&](int64_t to, std::span<const int64_t> at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t o = at[0] + i * step;
      const double e = x[to + i];
      const double others = zeros[o] == 0             ? products[o] / e
                            : zeros[o] == 1 && e == 0 ? products[o]
                                                      : 0;
      dx[to + i] = static_cast<float>(dy[o] * others);
    }
  });
}

}  // namespace

absl::StatusOr<Kernels> HostReduce(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  WEFT_ASSIGN_OR_RETURN(Dims kept, KeptDims(request));
  Dims x = request.in(0).dims();
  const bool images = FoldsImages(request, kept);
  if (images) {
    x = WithChannelsLast(std::move(x));
    kept = WithChannelsLast(std::move(kept));
  }
  ScratchPlan scratch(request.threads);
  const auto run = [plan = FoldPlan(x, kept, scratch), recipe = RecipeOf(request.node.op_name()),
                    divisor = CountFolded(x, kept)](const HostContext& c) {
    ComputeReduction(c, plan, recipe, divisor);
  };
  auto kernel = MakeHostKernel(request, "weft", "fold loops", run, /*in_place=*/false, scratch);
  if (images) kernel->SetLayouts({request.in(0)}, kernel->outputs());
  return Single(std::move(kernel));
}

absl::StatusOr<Kernels> HostReduceProdGrad(const KernelRequest& request) {
  if (request.in(0).dtype() != DType::kF32) return Kernels();
  WEFT_ASSIGN_OR_RETURN(const Dims kept, KeptDims(request, 1));
  const Dims& x = request.in(1).dims();
  ScratchPlan scratch(request.threads);
  const FoldPlan plan(x, kept, scratch);
  const Products memory{scratch.Shared<double>(plan.outputs()),
                        scratch.Shared<double>(plan.outputs())};
  const auto run = [plan, memory, loops = MergeAxes(x, {BroadcastStrides(kept, x)})](
                       const HostContext& c) { ComputeProdGrad(c, plan, loops, memory); };
  return Single(MakeHostKernel(request, "weft", "fold loops", run, /*in_place=*/false, scratch));
}

}  // namespace weft
