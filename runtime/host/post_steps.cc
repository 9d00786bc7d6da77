#include "runtime/host/post_steps.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "ops/broadcast.h"
#include "ops/post_ops.h"
#include "runtime/exec/parallel.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/host/post_steps.cc"
#include "runtime/host/simd/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace weft::HWY_NAMESPACE {
namespace {

struct PostPlus {
  HWY_INLINE Vf operator()(Vf y, Vf z) const { return hn::Add(y, z); }
};
struct PostTimes {
  HWY_INLINE Vf operator()(Vf y, Vf z) const { return hn::Mul(y, z); }
};
struct PostLeaky {
  HWY_INLINE Vf operator()(Vf y, Vf slope) const {
    return hn::IfThenElse(hn::Lt(y, hn::Zero(Df())), hn::Mul(y, slope), y);
  }
};

template <typename F>
struct PostWithOne {
  Vf z;
  HWY_INLINE Vf operator()(Vf y) const { return F()(y, z); }
};

template <typename F>
void PostPairs(int64_t n, const float* z, int64_t step, float* y) {
  if (step == 1) return MapRange(n, y, false, F(), y, z);
  if (step == 0) return MapRange(n, y, false, PostWithOne<F>{Fill(*z)}, y);
  for (int64_t i = 0; i < n; ++i)
    MapRange(1, y + i, false, PostWithOne<F>{Fill(z[i * step])}, y + i);
}

}  // namespace

PostPairFn FindPostPair(std::string_view op) {
  if (op == "Add") return PostPairs<PostPlus>;
  if (op == "Mul") return PostPairs<PostTimes>;
  return op == "PRelu" ? PostPairs<PostLeaky> : nullptr;
}

}  // namespace weft::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace weft {

HWY_EXPORT(FindPostPair);

namespace {

constexpr int64_t kPiece = 4096;  // floats that stay in the L1 cache from step to step

// The axes from the one with the largest stride to the one with the smallest.
std::vector<size_t> AxesInMemory(const Dims& strides) {
  std::vector<size_t> axes(strides.size());
  std::iota(axes.begin(), axes.end(), size_t{0});
  std::ranges::stable_sort(axes, std::greater<>(), [&](size_t axis) { return strides[axis]; });
  return axes;
}

Dims InOrder(const Dims& values, const std::vector<size_t>& axes) {
  Dims result;
  for (size_t axis : axes) result.push_back(values[axis]);
  return result;
}

}  // namespace

PostSteps::Place PostSteps::RowMajorPlace(const Dims& dims) {
  return {RowMajorStrides(dims),
          std::accumulate(dims.begin(), dims.end(), int64_t{1}, std::multiplies<>())};
}

absl::StatusOr<PostSteps::Step> PostSteps::MakeStep(const KernelRequest& request,
                                                    const Place& place, const PostOp& post) {
  const OpDef& op = *FindPostOp(post.op);
  Step step;
  if (!TakesOperand(op)) {
    AttributeMap attributes = post.attributes;
    WEFT_RETURN_IF_ERROR(CheckAttributes(op, attributes));  // fills in defaults
    step.activation = FindEltwiseCall(op, attributes);
    if (step.activation) return step;
    return absl::UnimplementedError(absl::StrCat("no vectors for ", post.op));
  }
  step.pair = HWY_DYNAMIC_DISPATCH(FindPostPair)(post.op);
  if (step.pair == nullptr) return absl::UnimplementedError(absl::StrCat("no loop for ", post.op));
  const Dims &y = request.outputs[0], &z = request.in(static_cast<int>(post.input)).dims();
  step.operand = {static_cast<int>(post.input), y == z};
  if (step.operand.whole) {
    step.loops = {{place.size}, {{1}}};
    return step;
  }
  if (place.strides.size() != y.size()) {
    return absl::UnimplementedError("an operand is broadcast over blocks of channels");
  }
  const std::vector<size_t> axes = AxesInMemory(place.strides);
  step.loops = MergeAxes(InOrder(y, axes), {InOrder(BroadcastStrides(z, y), axes)});
  return step;
}

absl::StatusOr<PostSteps> PostSteps::Make(const KernelRequest& request, const Place& place,
                                          std::span<const PostOp> posts) {
  PostSteps result;
  result.size_ = place.size;
  for (const PostOp& post : posts) {
    WEFT_ASSIGN_OR_RETURN(result.steps_.emplace_back(), MakeStep(request, place, post));
  }
  return result;
}

bool PostSteps::KeepsZero() const {
  return std::ranges::all_of(
      steps_, [](const Step& step) { return !step.activation || step.activation->KeepsZero(); });
}

std::vector<PostSteps::Operand> PostSteps::operands() const {
  std::vector<Operand> result;
  for (const Step& step : steps_) {
    if (!step.activation) result.push_back(step.operand);
  }
  return result;
}

void PostSteps::RunStep(const Step& step, int64_t begin, int64_t end, const float* z, float* y) {
  if (step.activation) return step.activation->Forward(end - begin, y + begin, y + begin);
  ForEachRunOf(step.loops, begin, end, [&](int64_t to, std::span<const int64_t> at, int64_t n) {
    step.pair(n, z + at[0], step.loops.step(0), y + to);
  });
}

void PostSteps::RunPart(float* y, int64_t begin, int64_t end,
                        absl::FunctionRef<const float*(int)> operand) const {
  for (; begin < end; begin += kPiece) {
    for (const Step& step : steps_) {
      const float* z = step.activation ? nullptr : operand(step.operand.input);
      RunStep(step, begin, std::min(begin + kPiece, end), z, y);
    }
  }
}

void PostSteps::Run(float* y, absl::FunctionRef<const float*(int)> operand) const {
  ParallelFor(size_, kMathGrain,
              [&](int64_t begin, int64_t end) { RunPart(y, begin, end, operand); });
}

}  // namespace weft
#endif  // HWY_ONCE
