#include <algorithm>
#include <limits>

#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/movement.h"
#include "ops/window.h"

namespace weft {
namespace {

// What Slice's arguments say about one axis.
struct Cut {
  int64_t axis = 0;
  int64_t start = 0;
  int64_t end = 0;
  int64_t step = 1;
};

// Elements start, start + step, … (count of them) of an axis.
struct Range {
  int64_t start = 0;
  int64_t count = 0;
};

uint64_t Distance(int64_t from,
                  int64_t to) {  // |to - from|, which may not fit 63 bits
  return from < to ? static_cast<uint64_t>(to) - static_cast<uint64_t>(from)
                   : static_cast<uint64_t>(from) - static_cast<uint64_t>(to);
}

// ONNX's rule: negative positions count from the end, then both are clamped. Backwards, a start far
// before the first element is the first one, which NumPy leaves out.
Range Clamped(const Cut& cut, int64_t n) {
  if (n == 0) return {};
  const bool forwards = cut.step > 0;
  const int64_t high = forwards ? n : n - 1;
  const auto from_front = [n](int64_t p) { return p < 0 ? p + n : p; };
  Range range{std::clamp<int64_t>(from_front(cut.start), 0, high), 0};
  const int64_t end = std::clamp<int64_t>(from_front(cut.end), forwards ? 0 : -1, high);
  if (forwards ? range.start >= end : range.start <= end) return {};
  const uint64_t step = Distance(0, cut.step);
  range.count = static_cast<int64_t>((Distance(range.start, end) - 1) / step + 1);
  return range;
}

// The dim that is left of `dim`. Of a symbolic one: all of it, or less by a
// known number from either end (H-2), or a symbol named after the cut.
absl::StatusOr<Dim> LeftOf(const Dim& dim, const Cut& cut) {
  if (dim.is_static()) return Dim(Clamped(cut, dim.coefficient()).count);
  // No extent reaches this: INT32_MAX is how 32-bit exporters write "to the
  // end".
  constexpr int64_t kFar = std::numeric_limits<int32_t>::max();
  const bool to_end = cut.end >= kFar;
  if (cut.step == 1 && cut.start >= 0 && cut.start < kFar &&
      (to_end || (cut.end < 0 && cut.end > -kFar))) {
    return PlusConstant(dim, -cut.start + (to_end ? 0 : cut.end));
  }
  const bool from_end = cut.start == -1 || cut.start >= kFar;
  if (cut.step == -1 && from_end && cut.end <= -kFar) return dim;
  return InferContext::DerivedDim(
      absl::StrCat(dim.ToString(), "[", cut.start, ":", cut.end, ":", cut.step, "]"));
}

absl::Status CheckLength(std::string_view name, int64_t length, int64_t expected) {
  if (length == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected ", Absl(name), " of ", expected,
                                                 " elements as starts has, got ", length));
}

// The arguments from input `first` on: starts, ends, axes, steps. `axes` and
// `steps` may be empty.
absl::StatusOr<std::vector<Cut>> ReadCuts(const Dims& starts, const Dims& ends, const Dims& axes,
                                          const Dims& steps, int rank) {
  std::vector<Cut> cuts;
  for (size_t i = 0; i < starts.size(); ++i) {
    Cut cut{static_cast<int64_t>(i), starts[i], ends[i], 1};
    if (!axes.empty()) cut.axis = axes[i];
    if (!steps.empty()) cut.step = steps[i];
    WEFT_ASSIGN_OR_RETURN(cut.axis, NormalizeAxis(cut.axis, rank));
    if (cut.step == 0) return absl::InvalidArgumentError("expected steps other than 0, got 0");
    if (std::any_of(cuts.begin(), cuts.end(), [&](const Cut& c) { return c.axis == cut.axis; })) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected every axis once, got axis ", cut.axis, " twice"));
    }
    cuts.push_back(cut);
  }
  return cuts;
}

// Whether arguments `first` to `first + 3` agree in their number of elements,
// which is returned.
absl::StatusOr<int64_t> CheckArguments(const InferContext& c, int first, int rank) {
  WEFT_ASSIGN_OR_RETURN(const int64_t count, ListLength(c, first, "starts", rank));
  static constexpr std::string_view kNames[] = {"starts", "ends", "axes", "steps"};
  for (int i = 1; i < 4; ++i) {
    if (!c.has(first + i)) continue;
    WEFT_ASSIGN_OR_RETURN(const int64_t length, ListLength(c, first + i, kNames[i], rank));
    WEFT_RETURN_IF_ERROR(CheckLength(kNames[i], length, count));
  }
  return count;
}

// The shape of the slice of `data`. Where an argument is not known, dims that it
// may change are symbols of the node's own.
absl::StatusOr<Shape> SlicedShape(const InferContext& c, Shape data, int first) {
  const int rank = static_cast<int>(data.size());
  WEFT_ASSIGN_OR_RETURN(const int64_t count, CheckArguments(c, first, rank));
  const auto starts = KnownDims(c, first, count), ends = KnownDims(c, first + 1, count);
  std::vector<std::optional<Dim>> steps(static_cast<size_t>(count), Dim(1));
  if (c.has(first + 3)) steps = KnownDims(c, first + 3, count);
  std::optional<Dims> axes = Dims();
  if (c.has(first + 2)) axes = KnownInts(c, first + 2);
  if (!axes) {
    for (int axis = 0; axis < rank; ++axis) {
      data[static_cast<size_t>(axis)] = c.FreshDim("d" + std::to_string(axis));
    }
    return data;
  }
  const auto numbers = [](const std::vector<std::optional<Dim>>& known, int64_t otherwise) {
    Dims result;
    for (const auto& dim : known) {
      result.push_back(dim && dim->is_static() ? dim->coefficient() : otherwise);
    }
    return result;
  };
  WEFT_ASSIGN_OR_RETURN(const auto cuts, ReadCuts(numbers(starts, 0), numbers(ends, 0), *axes,
                                                  numbers(steps, 1), rank));
  for (size_t i = 0; i < cuts.size(); ++i) {
    Dim& dim = data[static_cast<size_t>(cuts[i].axis)];
    const auto is_known = [](const std::optional<Dim>& d) { return d && d->is_static(); };
    if (is_known(starts[i]) && is_known(ends[i]) && is_known(steps[i])) {
      WEFT_ASSIGN_OR_RETURN(dim, LeftOf(dim, cuts[i]));
    } else if (starts[i] != Dim(0) || steps[i] != Dim(1) || ends[i] != dim) {
      dim = c.FreshDim("d" + std::to_string(cuts[i].axis));
    }
  }
  return data;
}

// From `whole` to the slice of it.
absl::StatusOr<Movement> Slicing(const EvalContext& c, const TensorView& whole,
                                 const TensorView& slice, int first) {
  WEFT_ASSIGN_OR_RETURN(const auto cuts,
                        ReadCuts(IntsOf(c, first), IntsOf(c, first + 1), IntsOf(c, first + 2),
                                 IntsOf(c, first + 3), whole.rank()));
  const std::vector<int64_t> strides = RowMajorStrides(whole.dims);
  BoxCopy box{.dims = Dims(slice.dims.begin(), slice.dims.end()),
              .from_strides = strides,
              .to_strides = RowMajorStrides(slice.dims)};
  for (const Cut& cut : cuts) {
    const size_t axis = static_cast<size_t>(cut.axis);
    const Range range = Clamped(cut, whole.dims[axis]);
    if (range.count != box.dims[axis]) {  // the arguments are no constants
      return absl::InvalidArgumentError(absl::StrCat("expected a slice with ", box.dims[axis],
                                                     " elements on axis ", axis, ", got ",
                                                     range.count));
    }
    box.from += range.start * strides[axis];
    box.from_strides[axis] = range.count > 1 ? cut.step * strides[axis] : 0;
  }
  return Movement{.boxes = {std::move(box)}};
}

absl::StatusOr<std::vector<TensorType>> InferSlice(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, SlicedShape(c, c.type(0).shape, 1));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(shape)}};
}

absl::StatusOr<std::vector<TensorType>> InferSliceGrad(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Shape slice, SlicedShape(c, c.type(1).shape, 2));
  WEFT_RETURN_IF_ERROR(CheckShape("dY", slice, c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

InputGradients SliceGradient(GradientContext& c) {
  InputGradients dxs(static_cast<size_t>(c.node()->num_inputs()));
  dxs[0] = c.Op("SliceGrad", {c.dy(), c.x(), c.x(1), c.x(2), c.x(3), c.x(4)});
  return dxs;
}

InputGradients SliceGradGradient(GradientContext& c) {
  InputGradients dxs(static_cast<size_t>(c.node()->num_inputs()));
  const Value ddy = c.Op("Slice", {c.dy(), c.x(2), c.x(3), c.x(4), c.x(5)});
  if (c.ok()) dxs[0] = ReshapedLike(c, ddy, c.x());
  return dxs;
}

std::vector<InputSpec> WithArguments(std::vector<InputSpec> inputs) {
  inputs.push_back(IntegerArgument("starts"));
  inputs.push_back(IntegerArgument("ends"));
  inputs.push_back(IntegerArgument("axes", Arity::kOptional));
  inputs.push_back(IntegerArgument("steps", Arity::kOptional));
  return inputs;
}

}  // namespace

absl::StatusOr<Movement> SliceMovement(const EvalContext& c) {
  return Slicing(c, c.in(0), c.out(), 1);
}

absl::StatusOr<Movement> SliceGradMovement(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(Movement movement, Slicing(c, c.out(), c.in(0), 2));
  movement = Reversed(std::move(movement));
  movement.interleaved = true;
  if (c.in(0).size() < c.out().size()) {
    movement.boxes.insert(movement.boxes.begin(), ZeroBox(c.out().dims));
  }
  return movement;
}

std::vector<OpDef> SliceOps() {
  return {
      {.name = "Slice",
       .doc = "Elements starts[i], starts[i] + steps[i], … before ends[i] on "
              "axis axes[i] (without "
              "axes: i). Negative positions count from the end; those out of "
              "range are clamped; a "
              "negative step goes backwards.",
       .inputs = WithArguments({{"data", kAllTypes}}),
       .outputs = {{"output"}},
       .infer = InferSlice,
       .gradient = SliceGradient,
       .evaluate = EvaluateMoves<SliceMovement>,
       .cost = NoArithmetic},
      {.name = "SliceGrad",
       .doc = "The gradient of Slice: zeros of like's shape with dY where the "
              "slice was.",
       .inputs = WithArguments(
           {{"dY", kAllTypes},
            {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true}}),
       .outputs = {{"dX"}},
       .infer = InferSliceGrad,
       .gradient = SliceGradGradient,
       .non_differentiable_inputs = {1},
       .evaluate = EvaluateMoves<SliceGradMovement>,
       .cost = NoArithmetic},
  };
}

}  // namespace weft
