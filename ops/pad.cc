#include <algorithm>
#include <functional>

#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/movement.h"
#include "ops/shape_arithmetic.h"
#include "ops/window.h"

namespace weft {
namespace {

// Elements that Pad adds before and after an axis; negative ones are taken
// away.
struct AxisPad {
  int64_t begin = 0;
  int64_t end = 0;
};

// `count` elements of a padded axis from `to` on, which are elements from, from
// + step, … of the axis; all that `turns` times.
struct Segment {
  int64_t to = 0;
  int64_t count = 0;
  int64_t from = 0;
  int64_t step = 1;
  int64_t turns = 1;
};

std::string ModeOf(const AttributeMap& attributes) {
  return GetString(attributes, "mode", "constant");
}

absl::Status CheckPadMode(const AttributeMap& attributes) {
  return CheckOneOf(attributes, "mode", {"constant", "edge", "reflect", "symmetric", "wrap"});
}

// The pads of every axis. `axes` may be empty: all.
absl::StatusOr<std::vector<AxisPad>> ReadPads(const Dims& pads, const Dims& axes, bool has_axes,
                                              int rank) {
  const size_t count = has_axes ? axes.size() : static_cast<size_t>(rank);
  if (pads.size() != 2 * count) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", 2 * count,
                                                   " pads, a begin and an end for ", count,
                                                   " axes, got ", pads.size()));
  }
  if (has_axes) WEFT_RETURN_IF_ERROR(NormalizeAxes(axes, rank).status());
  std::vector<AxisPad> result(static_cast<size_t>(rank));
  for (size_t i = 0; i < count; ++i) {
    const int64_t axis =
        has_axes ? (axes[i] < 0 ? axes[i] + rank : axes[i]) : static_cast<int64_t>(i);
    result[static_cast<size_t>(axis)] = {pads[i], pads[i + count]};
  }
  return result;
}

// The extent of an axis after padding. Negative pads crop, before the others
// add; a mirror needs what it shows.
absl::StatusOr<Dim> PaddedExtent(const std::string& mode, const Dim& dim, const AxisPad& pad) {
  const int64_t cut_begin = std::min<int64_t>(pad.begin, 0);
  const int64_t cut_end = std::min<int64_t>(pad.end, 0);
  const int64_t add_begin = std::max<int64_t>(pad.begin, 0);
  const int64_t add_end = std::max<int64_t>(pad.end, 0);
  int64_t change = 0;
  if (__builtin_add_overflow(pad.begin, pad.end, &change)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected pads that fit 64 bits together, got ", pad.begin, " and ", pad.end));
  }
  if (dim.is_static()) {
    // Each step is checked for itself: neither sum can overflow while the other
    // is negative.
    WEFT_ASSIGN_OR_RETURN(const Dim first, PlusConstant(dim, cut_begin));
    WEFT_ASSIGN_OR_RETURN(const Dim kept, PlusConstant(first, cut_end));
    const int64_t left = kept.coefficient(), added = std::max(add_begin, add_end);
    const int64_t most = mode == "reflect" ? std::max<int64_t>(left - 1, 0) : left;
    const bool mirror = mode == "reflect" || mode == "symmetric";
    if ((mirror && added > most) || (mode != "constant" && added > 0 && left == 0)) {
      return absl::InvalidArgumentError(absl::StrCat("expected pads of at most ", most,
                                                     " on an axis of ", left, " in mode ", mode,
                                                     ", got ", added));
    }
  }
  return PlusConstant(dim, change);
}

// All segments of one axis of `n` elements, of which PaddedExtent has accepted
// the pads.
std::vector<Segment> SegmentsOf(const std::string& mode, int64_t n, const AxisPad& pad) {
  const int64_t low = std::max<int64_t>(-pad.begin, 0);
  const int64_t kept = n - low - std::max<int64_t>(-pad.end, 0);
  const int64_t begin = std::max<int64_t>(pad.begin, 0), end = std::max<int64_t>(pad.end, 0);
  std::vector<Segment> segments;
  if (mode == "wrap" && kept > 0) {
    const int64_t first = (kept - begin % kept) % kept;  // the element at 0
    const int64_t total = begin + kept + end;
    const int64_t head = first == 0 ? 0 : std::min(kept - first, total);
    const int64_t turns = (total - head) / kept, tail = (total - head) % kept;
    segments = {
        {0, head, low + first}, {head, kept, low, 1, turns}, {head + turns * kept, tail, low}};
  } else {
    segments.push_back({begin, kept, low});
    const int64_t last = low + kept - 1;
    if (mode == "edge") {
      segments.push_back({0, begin, low, 0});
      segments.push_back({begin + kept, end, last, 0});
    } else if (mode == "reflect") {
      segments.push_back({0, begin, low + begin, -1});
      segments.push_back({begin + kept, end, last - 1, -1});
    } else if (mode == "symmetric") {
      segments.push_back({0, begin, low + begin - 1, -1});
      segments.push_back({begin + kept, end, last, -1});
    }
  }
  std::erase_if(segments, [](const Segment& s) { return s.count == 0 || s.turns == 0; });
  return segments;
}

// From `data` to `padded`, without what is filled: a box for every choice of a
// segment an axis.
std::vector<BoxCopy> PadBoxes(const std::string& mode, const std::vector<AxisPad>& pads,
                              std::span<const int64_t> data, std::span<const int64_t> padded) {
  const std::vector<int64_t> from = RowMajorStrides(data), to = RowMajorStrides(padded);
  std::vector<BoxCopy> boxes = {{}};
  for (size_t axis = 0; axis < data.size(); ++axis) {
    std::vector<BoxCopy> extended;
    for (const BoxCopy& box : boxes) {
      for (const Segment& s : SegmentsOf(mode, data[axis], pads[axis])) {
        BoxCopy& next = extended.emplace_back(box);
        next.from += s.from * from[axis];
        next.to += s.to * to[axis];
        if (s.turns > 1) next.AddAxis(s.turns, 0, s.count * to[axis]);
        next.AddAxis(s.count, s.step * from[axis], to[axis]);
      }
    }
    boxes = std::move(extended);
  }
  return boxes;
}

// By pads of which some are known: those that are 0 keep their axes.
absl::StatusOr<Shape> PartlyPaddedShape(const InferContext& c, Shape data, int pads,
                                        const std::optional<Dims>& axes) {
  const auto count = static_cast<int64_t>(axes ? axes->size() : data.size());
  const auto amounts = KnownDims(c, pads, 2 * count);
  WEFT_RETURN_IF_ERROR(
      ReadPads(Dims(amounts.size()), axes.value_or(Dims()), axes.has_value(), std::ssize(data))
          .status());
  for (int64_t i = 0; i < count; ++i) {
    const int64_t axis = axes ? (*axes)[static_cast<size_t>(i)] : i;
    Dim& dim = data[static_cast<size_t>(axis < 0 ? axis + std::ssize(data) : axis)];
    const auto begin = amounts[static_cast<size_t>(i)],
               end = amounts[static_cast<size_t>(i + count)];
    std::optional<Dim> padded = begin ? AddKnown(dim, *begin) : std::nullopt;
    if (padded) padded = end ? AddKnown(*padded, *end) : std::nullopt;
    dim = DimOr(c, padded, axis < 0 ? axis + std::ssize(data) : axis);
  }
  return data;
}

// The shape of `data` after padding, by inputs `pads` and `axes` of the node.
// Where the axes are not known, only the rank is.
absl::StatusOr<Shape> PaddedShape(const InferContext& c, Shape data, int pads, int axes) {
  const int rank = static_cast<int>(data.size());
  WEFT_RETURN_IF_ERROR(CheckPadMode(c.attributes()));
  WEFT_RETURN_IF_ERROR(ListLength(c, pads, "pads", 2 * kMaxRank).status());
  if (c.has(axes)) WEFT_RETURN_IF_ERROR(ListLength(c, axes, "axes").status());
  const auto amounts = KnownInts(c, pads), chosen = KnownInts(c, axes);
  if (c.has(axes) && !chosen) return UnknownDims(c, rank).shape;
  if (!amounts) return PartlyPaddedShape(c, std::move(data), pads, chosen);
  WEFT_ASSIGN_OR_RETURN(const auto all,
                        ReadPads(*amounts, chosen.value_or(Dims()), c.has(axes), rank));
  const std::string mode = ModeOf(c.attributes());
  for (size_t axis = 0; axis < data.size(); ++axis) {
    WEFT_ASSIGN_OR_RETURN(data[axis], PaddedExtent(mode, data[axis], all[axis]));
  }
  return data;
}

absl::StatusOr<std::vector<TensorType>> InferPad(const InferContext& c) {
  if (c.has(2) && c.type(2).shape != Shape() && c.type(2).shape != Shape{1}) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a constant_value of one element, got ", ToString(c.type(2))));
  }
  WEFT_ASSIGN_OR_RETURN(Shape shape, PaddedShape(c, c.type(0).shape, 1, 3));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(shape)}};
}

absl::StatusOr<std::vector<TensorType>> InferPadGrad(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Shape padded, PaddedShape(c, c.type(1).shape, 2, 3));
  WEFT_RETURN_IF_ERROR(CheckShape("dY", padded, c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

Value SumOfAll(GradientContext& c, Value x) { return c.Op("ReduceSum", {x}, {{"keepdims", 0}}); }

// What is not a copy of data is a copy of constant_value.
InputGradients PadGradient(GradientContext& c) {
  InputGradients dxs(static_cast<size_t>(c.node()->num_inputs()));
  const std::string mode = ModeOf(c.attributes());
  const bool fills = c.needs(2) && mode == "constant";
  if (!c.needs(0) && !fills) return dxs;
  const Value dx = c.Op("PadGrad", {c.dy(), c.x(), c.x(1), c.x(3)}, {{"mode", mode}});
  if (c.needs(0)) dxs[0] = dx;
  if (fills) {
    const Value rest = c.Op("Sub", {SumOfAll(c, c.dy()), SumOfAll(c, dx)});
    if (c.ok()) dxs[2] = ReshapedLike(c, rest, c.x(2));
  }
  return dxs;
}

InputGradients PadGradGradient(GradientContext& c) {
  InputGradients dxs(static_cast<size_t>(c.node()->num_inputs()));
  const Value ddy =
      c.Op("Pad", {c.dy(), c.x(2), Value(), c.x(3)}, {{"mode", ModeOf(c.attributes())}});
  if (c.ok()) dxs[0] = ReshapedLike(c, ddy, c.x());
  return dxs;
}

Cost InputFlops(const CostContext& c) { return {.flops = static_cast<double>(c.InputSize(0))}; }

bool IsCrop(const AxisPad& pad) { return pad.begin < 0 || pad.end < 0; }
bool IsGrowth(const AxisPad& pad) { return pad.begin > 0 || pad.end > 0; }

// An error where arguments that are no constants ask for another shape than the
// output's.
absl::Status CheckPadded(const std::string& mode, const std::vector<AxisPad>& pads,
                         std::span<const int64_t> data, std::span<const int64_t> padded) {
  for (size_t axis = 0; axis < data.size(); ++axis) {
    WEFT_ASSIGN_OR_RETURN(const Dim extent, PaddedExtent(mode, data[axis], pads[axis]));
    if (extent == Dim(padded[axis])) continue;
    return absl::InvalidArgumentError(absl::StrCat("expected pads to ", padded[axis],
                                                   " elements on axis ", axis, ", got pads to ",
                                                   extent.ToString()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Movement> PadMovement(const EvalContext& c) {
  const std::string mode = ModeOf(c.attributes);
  const TensorView &data = c.in(0), &padded = c.out();
  WEFT_ASSIGN_OR_RETURN(const auto pads,
                        ReadPads(IntsOf(c, 1), IntsOf(c, 3), c.has(3), data.rank()));
  WEFT_RETURN_IF_ERROR(CheckPadded(mode, pads, data.dims, padded.dims));
  Movement movement{.interleaved = true};
  if (mode == "constant" && std::any_of(pads.begin(), pads.end(), IsGrowth)) {
    movement.boxes.push_back(ZeroBox(padded.dims));
    if (c.has(2)) movement.boxes[0].input = 2;
  }
  for (BoxCopy& box : PadBoxes(mode, pads, data.dims, padded.dims)) {
    movement.boxes.push_back(std::move(box));
  }
  return movement;
}

absl::StatusOr<Movement> PadGradMovement(const EvalContext& c) {
  const std::string mode = ModeOf(c.attributes);
  const TensorView &data = c.out(), &padded = c.in(0);
  WEFT_ASSIGN_OR_RETURN(const auto pads,
                        ReadPads(IntsOf(c, 2), IntsOf(c, 3), c.has(3), data.rank()));
  WEFT_RETURN_IF_ERROR(CheckPadded(mode, pads, data.dims, padded.dims));
  Movement movement = Reversed({PadBoxes(mode, pads, data.dims, padded.dims)});
  movement.adds = mode != "constant";
  movement.interleaved = true;
  if (!movement.adds && std::any_of(pads.begin(), pads.end(), IsCrop)) {
    movement.boxes.insert(movement.boxes.begin(), ZeroBox(data.dims));
  }
  return movement;
}

std::vector<OpDef> PadOps() {
  const AttributeSpec mode{
      .name = "mode", .kind = Attribute::Kind::kString, .fallback = "constant"};
  return {
      {.name = "Pad",
       .doc = "data with pads[i] elements before and pads[i + n] after axis "
              "axes[i] of n (without "
              "axes: all). mode: constant (constant_value, else 0), edge (the "
              "outermost element), "
              "reflect (mirrored, without the border), symmetric (mirrored "
              "with it; not in ONNX), "
              "wrap (from the other end). Negative pads crop, before the "
              "others add.",
       .inputs = {{"data", kAllTypes},
                  IntegerArgument("pads"),
                  {"constant_value", kAllTypes, Arity::kOptional},
                  IntegerArgument("axes", Arity::kOptional)},
       .outputs = {{"output"}},
       .attributes = {mode},
       .infer = InferPad,
       .gradient = PadGradient,
       .evaluate = EvaluateMoves<PadMovement>,
       .cost = NoArithmetic},
      {.name = "PadGrad",
       .doc = "The gradient of Pad in data, of like's shape: the sum of those "
              "elements of dY that "
              "are copies of each element.",
       .inputs = {{"dY", kFloatTypes},
                  {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true},
                  IntegerArgument("pads"),
                  IntegerArgument("axes", Arity::kOptional)},
       .outputs = {{"dX"}},
       .attributes = {mode},
       .infer = InferPadGrad,
       .gradient = PadGradGradient,
       .non_differentiable_inputs = {1},
       .evaluate = EvaluateMoves<PadGradMovement>,
       .cost = InputFlops},
  };
}

}  // namespace weft
