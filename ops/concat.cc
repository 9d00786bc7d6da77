#include <algorithm>

#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/movement.h"

// Concat and its inverses: pieces of a tensor along one axis.

namespace weft {
namespace {

constexpr int64_t kMostPieces = 1 << 16;

// Axis `axis` as its own level: [outer, extent * inner].
struct Levels {
  Levels(std::span<const int64_t> dims, int axis) {
    for (int i = 0; i < static_cast<int>(dims.size()); ++i) {
      (i < axis ? outer : run) *= dims[static_cast<size_t>(i)];
    }
  }
  int64_t outer = 1;
  int64_t run = 1;
};

// Where inputs are pieces of output 0 along the axis: one box a piece.
absl::StatusOr<Movement> PieceMovement(const AttributeMap& attributes,
                                       std::span<const TensorView> pieces,
                                       const TensorView& whole) {
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(attributes, "axis"), whole.rank()));
  const Levels all(whole.dims, axis);
  Movement movement;
  int64_t offset = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Levels piece(pieces[i].dims, axis);
    BoxCopy box{.input = static_cast<int>(i), .to = offset};
    box.AddAxis(piece.outer, piece.run, all.run);
    box.AddAxis(piece.run, 1, 1);
    movement.boxes.push_back(std::move(box));
    offset += piece.run;
  }
  return movement;
}

absl::Status CheckPiece(const InferContext& c, const Shape& first, int axis, int i) {
  const Shape& piece = c.type(i).shape;
  bool fits = piece.size() == first.size();
  for (size_t d = 0; fits && d < piece.size(); ++d) {
    const bool known = piece[d].is_static() && first[d].is_static();
    if (static_cast<int>(d) != axis && known) fits = piece[d] == first[d];
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected inputs that differ on axis ", axis, " only, got ", ToString(first),
                   " and, as input ", i, ", ", ToString(piece), "; operands ",
                   c.input(0).node->name(), " and ", c.input(i).node->name()));
}

absl::StatusOr<std::vector<TensorType>> InferConcat(const InferContext& c) {
  if (c.num_inputs() == 0) {
    return absl::InvalidArgumentError("expected at least one input, got none");
  }
  TensorType type = c.type(0);
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(c.attributes(), "axis"), type.rank()));
  std::vector<Dim> extents;
  for (int i = 0; i < c.num_inputs(); ++i) {
    const Shape& piece = c.type(i).shape;
    WEFT_RETURN_IF_ERROR(CheckPiece(c, type.shape, axis, i));
    extents.push_back(piece[static_cast<size_t>(axis)]);
    for (size_t d = 0; d < piece.size(); ++d) {
      type.shape[d] = AgreedDim(type.shape[d], piece[d]);
    }
  }
  WEFT_ASSIGN_OR_RETURN(type.shape[static_cast<size_t>(axis)], SumOf(extents));
  return std::vector<TensorType>{std::move(type)};
}

// dY in pieces again: by numbers where the extents are known, else by the
// inputs' shapes.
InputGradients ConcatGradient(GradientContext& c) {
  const int n = c.node()->num_inputs();
  const auto axis = NormalizeAxis(GetInt(c.attributes(), "axis"), c.y().type().rank());
  if (!axis.ok()) return {c.Fail(axis.status())};
  Dims sizes;
  std::vector<Value> inputs = {c.dy()};
  for (int i = 0; i < n; ++i) {
    const Dim& extent = c.x(i).type().dim(*axis);
    if (extent.is_static()) sizes.push_back(extent.coefficient());
    inputs.push_back(c.x(i));
  }
  const bool known = static_cast<int>(sizes.size()) == n;
  Node* split = known ? c.OpNode("Split", {c.dy(), c.Ints(sizes)}, {{"axis", *axis}})
                      : c.OpNode("SplitLike", inputs, {{"axis", *axis}});
  InputGradients dxs(static_cast<size_t>(n));
  for (int i = 0; split != nullptr && i < n; ++i) {
    if (c.needs(i)) dxs[static_cast<size_t>(i)] = ReshapedLike(c, split->output(i), c.x(i));
  }
  return dxs;
}

absl::Status CheckPieceCount(int64_t count) {
  if (count >= 1 && count <= kMostPieces) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected 1 to ", kMostPieces, " outputs, got ", count));
}

// The extents of all pieces by the constant `split`.
absl::StatusOr<std::vector<Dim>> GivenExtents(const Dim& whole, const Dims& split) {
  int64_t sum = 0;
  bool fits = true;
  for (int64_t size : split) {
    fits = fits && size >= 0 && !__builtin_add_overflow(sum, size, &sum);
  }
  if (!fits || (whole.is_static() && sum != whole.coefficient())) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected split sizes of at least 0 that sum to ", whole.ToString(), ", got ",
                     ToString(split)));
  }
  return std::vector<Dim>(split.begin(), split.end());
}

// ONNX 13: equal pieces. ONNX 18's num_outputs: the last one may be smaller.
absl::StatusOr<std::vector<Dim>> EqualExtents(const Dim& whole, int64_t count, bool last_smaller) {
  WEFT_RETURN_IF_ERROR(CheckPieceCount(count));
  Dim piece, last;
  if (const auto exact = Dim::DivideExactly(whole, count)) {
    piece = last = *exact;
  } else if (!whole.is_static()) {
    piece = last = InferContext::DerivedDim(absl::StrCat(whole.ToString(), "/", count));
    if (last_smaller) {
      last = InferContext::DerivedDim(absl::StrCat("last ", whole.ToString(), "/", count));
    }
  } else {
    const int64_t n = whole.coefficient(), each = (n - 1) / count + 1;
    last = n - each * (count - 1);
    if (!last_smaller || last.coefficient() < 0) {
      return absl::InvalidArgumentError(absl::StrCat("expected an extent that ", count,
                                                     " outputs share, got ", whole.ToString()));
    }
    piece = each;
  }
  std::vector<Dim> extents(static_cast<size_t>(count), piece);
  extents.back() = last;
  return extents;
}

absl::StatusOr<std::vector<Dim>> PieceExtents(const InferContext& c, const Dim& whole) {
  const auto given = c.attributes().find("num_outputs");
  if (!c.has(1)) {
    const bool counted = given != c.attributes().end();
    return EqualExtents(whole, counted ? GetInt(c.attributes(), "num_outputs") : c.num_outputs(),
                        counted);
  }
  if (given != c.attributes().end()) {
    return absl::InvalidArgumentError("expected split or num_outputs, got both");
  }
  WEFT_ASSIGN_OR_RETURN(const int64_t count, ListLength(c, 1, "split", kMostPieces));
  WEFT_RETURN_IF_ERROR(CheckPieceCount(count));
  if (const auto split = KnownInts(c, 1)) return GivenExtents(whole, *split);
  std::vector<Dim> extents;
  for (int64_t i = 0; i < count; ++i) extents.push_back(c.FreshDim("d" + std::to_string(i)));
  return extents;
}

absl::StatusOr<std::vector<TensorType>> InferSplit(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes(), "axis"), c.type(0).rank()));
  WEFT_ASSIGN_OR_RETURN(const auto extents, PieceExtents(c, c.type(0).dim(axis)));
  std::vector<TensorType> types(extents.size(), c.type(0));
  for (size_t i = 0; i < types.size(); ++i) types[i].shape[static_cast<size_t>(axis)] = extents[i];
  return types;
}

InputGradients SplitGradient(GradientContext& c) {
  std::vector<Value> pieces;
  for (int i = 0; i < c.node()->num_outputs(); ++i) {
    pieces.push_back(c.dy(i) ? c.dy(i) : ZerosLike(c, c.y(i)));
  }
  const Value dx = c.Op("Concat", std::move(pieces), {{"axis", GetInt(c.attributes(), "axis")}});
  InputGradients dxs(static_cast<size_t>(c.node()->num_inputs()));
  if (c.ok()) dxs[0] = ReshapedLike(c, dx, c.x());
  return dxs;
}

absl::StatusOr<std::vector<TensorType>> InferSplitLike(const InferContext& c) {
  const Shape& whole = c.type(0).shape;
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes(), "axis"), c.type(0).rank()));
  if (c.num_inputs() < 2) return absl::InvalidArgumentError("expected at least one like, got none");
  std::vector<TensorType> types;
  std::vector<Dim> extents;
  for (int i = 1; i < c.num_inputs(); ++i) {
    WEFT_RETURN_IF_ERROR(CheckPiece(c, whole, axis, i));
    types.push_back({c.type(0).dtype, c.type(i).shape});
    extents.push_back(c.type(i).dim(axis));
  }
  WEFT_ASSIGN_OR_RETURN(const Dim sum, SumOf(extents));
  const Dim& extent = whole[static_cast<size_t>(axis)];
  if (sum.is_static() && extent.is_static() && sum != extent) {
    return absl::InvalidArgumentError(absl::StrCat("expected likes with ", extent.ToString(),
                                                   " on axis ", axis, " together, got ",
                                                   sum.ToString()));
  }
  return types;
}

}  // namespace

absl::StatusOr<Movement> ConcatMovement(const EvalContext& c) {
  return PieceMovement(c.attributes, c.inputs, c.out());
}

absl::StatusOr<Movement> SplitMovement(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(Movement joining, PieceMovement(c.attributes, c.outputs, c.in(0)));
  return Reversed(std::move(joining));
}

std::vector<OpDef> ConcatOps() {
  const InputSpec piece{.name = "inputs", .dtypes = kAllTypes, .arity = Arity::kVariadic};
  InputSpec like = piece;
  like.name = "like";
  like.type_variable = ' ';
  like.shape_only = true;
  return {
      {.name = "Concat",
       .doc = "The inputs one after the other along `axis`; their other dims "
              "are equal.",
       .inputs = {piece},
       .outputs = {{"concat_result"}},
       .attributes = {{.name = "axis", .required = true}},
       .infer = InferConcat,
       .gradient = ConcatGradient,
       .evaluate = EvaluateMoves<ConcatMovement>,
       .cost = NoArithmetic},
      {.name = "Split",
       .doc = "The input cut along `axis` into pieces of `split` elements "
              "each; without it into "
              "equal pieces, as many as the node has outputs, or (ONNX 18) "
              "into num_outputs, of "
              "which the last may be smaller.",
       .inputs = {{"input", kAllTypes}, IntegerArgument("split", Arity::kOptional)},
       .outputs = {{"outputs"}},
       .attributes = {{.name = "axis", .fallback = 0}, {.name = "num_outputs"}},
       .infer = InferSplit,
       .gradient = SplitGradient,
       .evaluate = EvaluateMoves<SplitMovement>,
       .cost = NoArithmetic,
       .variadic_outputs = true},
      {.name = "SplitLike",
       .doc = "X cut along `axis` into pieces of the shapes of `like`, the "
              "gradient of Concat.",
       .inputs = {{"X", kAllTypes}, like},
       .outputs = {{"outputs"}},
       .attributes = {{.name = "axis", .required = true}},
       .infer = InferSplitLike,
       .gradient = SplitGradient,
       .evaluate = EvaluateMoves<SplitMovement>,
       .cost = NoArithmetic,
       .variadic_outputs = true},
  };
}

}  // namespace weft
