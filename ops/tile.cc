#include <algorithm>

#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/movement.h"
#include "ops/shape_arithmetic.h"

// Ops that repeat elements: Tile whole tensors, Expand axes of one element.

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferTile(const InferContext& c) {
  TensorType type = c.type(0);
  WEFT_ASSIGN_OR_RETURN(const int64_t length, ListLength(c, 1, "repeats"));
  if (length != type.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected repeats for each of ", type.rank(), " axes, got ", length));
  }
  const auto repeats = KnownInts(c, 1);
  if (!repeats) {
    const auto partly = KnownDims(c, 1, length);
    for (size_t axis = 0; axis < partly.size(); ++axis) {
      const auto tiled =
          partly[axis] ? MultiplyKnown(type.shape[axis], *partly[axis]) : std::nullopt;
      type.shape[axis] = DimOr(c, tiled, static_cast<int64_t>(axis));
    }
    return std::vector<TensorType>{std::move(type)};
  }
  for (size_t axis = 0; axis < repeats->size(); ++axis) {
    const std::optional<Dim> tiled = Dim::Multiply(type.shape[axis], (*repeats)[axis]);
    if ((*repeats)[axis] < 0 || !tiled) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected repeats of at least 0, and extents that fit 64 bits, got ",
                       ToString(*repeats), " of ", ToString(type.shape)));
    }
    type.shape[axis] = *tiled;
  }
  return std::vector<TensorType>{std::move(type)};
}

// The repeats of every axis with their axes, where they are above 1.
struct Repeated {
  int64_t axis = 0;
  int64_t repeats = 1;
};

// dY [r0*d0, r1*d1, …] as [r0, d0, r1, d1, …], summed over the repeats.
Value SumOfBlocks(GradientContext& c, const Shape& x, const std::vector<Repeated>& repeated) {
  Dims split, axes;
  for (const Dim& dim : x) split.push_back(dim.is_static() ? dim.coefficient() : -1);
  for (const Repeated& r : repeated) {
    axes.push_back(r.axis + static_cast<int64_t>(axes.size()));
    split.insert(split.begin() + axes.back(), r.repeats);
  }
  const Value blocks = c.Op("Reshape", {c.dy(), c.Ints(split)});
  return c.Op("ReduceSum", {blocks}, {{"axes", axes}, {"keepdims", 0}});
}

// The same axis by axis, of which any may be symbols: the sum of the pieces.
Value SumOfPieces(GradientContext& c, const std::vector<Repeated>& repeated) {
  Value dx = c.dy();
  for (const Repeated& r : repeated) {
    Node* split = c.OpNode("Split", {dx}, {{"axis", r.axis}, {"num_outputs", r.repeats}});
    if (split == nullptr) return {};
    std::vector<Value> pieces;
    for (int i = 0; i < split->num_outputs(); ++i) pieces.push_back(split->output(i));
    dx = c.Op("Sum", std::move(pieces));
  }
  return dx;
}

InputGradients TileGradient(GradientContext& c) {
  const Shape &x = c.x().type().shape, &y = c.y().type().shape;
  InputGradients dxs(2);
  if (std::find(y.begin(), y.end(), Dim(0)) != y.end()) {
    dxs[0] = ZerosLike(c, c.x());
    return dxs;
  }
  const auto repeats = ConstantInts(c.x(1));
  if (!repeats) {
    return {c.Fail(absl::UnimplementedError("expected constant repeats, got computed ones"))};
  }
  std::vector<Repeated> repeated;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    if ((*repeats)[axis] != 1) repeated.push_back({static_cast<int64_t>(axis), (*repeats)[axis]});
  }
  const auto open = std::count_if(x.begin(), x.end(), [](const Dim& d) { return !d.is_static(); });
  const bool splits = open <= 1 && x.size() + repeated.size() <= kMaxRank;
  const Value dx = repeated.empty() ? c.dy()
                   : splits         ? SumOfBlocks(c, x, repeated)
                                    : SumOfPieces(c, repeated);
  if (c.ok()) dxs[0] = ReshapedLike(c, dx, c.x());
  return dxs;
}

absl::StatusOr<std::vector<TensorType>> InferExpand(const InferContext& c) {
  const TensorType& type = c.type(0);
  WEFT_ASSIGN_OR_RETURN(const int64_t length, ListLength(c, 1, "shape"));
  const auto known = KnownInts(c, 1);
  if (known && std::any_of(known->begin(), known->end(), [](int64_t d) { return d < 0; })) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a shape of dims of at least 0, got ", ToString(*known)));
  }
  Shape shape;
  for (const auto& dim : KnownDims(c, 1, length)) {
    shape.push_back(DimOr(c, dim, std::ssize(shape)));
  }
  WEFT_ASSIGN_OR_RETURN(Shape both, BroadcastShapes(type.shape, shape));
  return std::vector<TensorType>{{type.dtype, std::move(both)}};
}

InputGradients ExpandGradient(GradientContext& c) { return {SumToLike(c, c.dy(), c.x()), Value()}; }

}  // namespace

absl::StatusOr<Movement> TileMovement(const EvalContext& c) {
  const std::span<const int64_t> x = c.in(0).dims, y = c.out().dims;
  const std::vector<int64_t> from = RowMajorStrides(x), to = RowMajorStrides(y);
  BoxCopy box;
  for (size_t axis = 0; axis < x.size(); ++axis) {
    const int64_t repeats = x[axis] == 0 ? 0 : y[axis] / x[axis];
    if (repeats * x[axis] != y[axis]) {
      return absl::InvalidArgumentError(absl::StrCat(
          "expected a multiple of ", x[axis], " elements on axis ", axis, ", got ", y[axis]));
    }
    box.AddAxis(repeats, 0, x[axis] * to[axis]);
    box.AddAxis(x[axis], from[axis], to[axis]);
  }
  return Movement{.boxes = {std::move(box)}};
}

absl::StatusOr<Movement> ExpandMovement(const EvalContext& c) {
  const std::span<const int64_t> y = c.out().dims;
  return Movement{.boxes = {{.dims = Dims(y.begin(), y.end()),
                             .from_strides = BroadcastStrides(c.in(0).dims, y),
                             .to_strides = RowMajorStrides(y)}}};
}

std::vector<OpDef> TileOps() {
  return {
      {.name = "Tile",
       .doc = "input repeated repeats[i] times along axis i.",
       .inputs = {{"input", kAllTypes}, IntegerArgument("repeats")},
       .outputs = {{"output"}},
       .infer = InferTile,
       .gradient = TileGradient,
       .evaluate = EvaluateMoves<TileMovement>,
       .cost = NoArithmetic},
      {.name = "Expand",
       .doc = "input broadcast with `shape` as in NumPy: an axis of one "
              "element is repeated to "
              "shape's extent, an extent of 1 in shape keeps input's.",
       .inputs = {{"input", kAllTypes}, IntegerArgument("shape")},
       .outputs = {{"output"}},
       .infer = InferExpand,
       .gradient = ExpandGradient,
       .evaluate = EvaluateMoves<ExpandMovement>,
       .cost = NoArithmetic},
  };
}

}  // namespace weft
