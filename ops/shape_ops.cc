#include <algorithm>
#include <cstring>
#include <numeric>

#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

absl::Status CopyElements(const EvalContext& c) {
  const size_t bytes = static_cast<size_t>(c.out().size()) * SizeOf(c.out().dtype);
  if (bytes > 0) std::memmove(c.out().data, c.in(0).data, bytes);  // may be the same memory
  return absl::OkStatus();
}

// Flatten's axis counts axes, so it may also be the rank.
absl::StatusOr<size_t> FlattenAxis(const AttributeMap& attributes, int rank) {
  const int64_t axis = GetInt(attributes, "axis", 1);
  if (axis < -rank || axis > rank) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected an axis in [", -rank, ",", rank, "], got ", axis));
  }
  return static_cast<size_t>(axis < 0 ? axis + rank : axis);
}

absl::StatusOr<std::vector<TensorType>> InferFlatten(const InferContext& c) {
  const Shape& shape = c.type(0).shape;
  WEFT_ASSIGN_OR_RETURN(const size_t axis, FlattenAxis(c.attributes(), c.type(0).rank()));
  const auto middle = shape.begin() + static_cast<std::ptrdiff_t>(axis);
  WEFT_ASSIGN_OR_RETURN(Dim rows, CountElements(Shape(shape.begin(), middle)));
  WEFT_ASSIGN_OR_RETURN(Dim columns, CountElements(Shape(middle, shape.end())));
  return std::vector<TensorType>{{c.type(0).dtype, {std::move(rows), std::move(columns)}}};
}

// The dim that -1 stands for: the elements of `data` over the product of the `others`.
absl::StatusOr<Dim> RemainingDim(const Shape& data, const Shape& others,
                                 std::span<const int64_t> shape) {
  WEFT_ASSIGN_OR_RETURN(const Dim total, CountElements(data));
  WEFT_ASSIGN_OR_RETURN(const Dim known, CountElements(others));
  if (known == Dim(0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the -1 in shape ", ToString(shape), " could be any number: the other dims multiply to 0"));
  }
  if (std::optional<Dim> quotient = Dim::DivideExactly(total, known)) return *quotient;
  if (total.symbols() == known.symbols()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot reshape ", ToString(data), " to ", ToString(shape), ": expected a ",
                     "multiple of ", known.ToString(), " elements, got ", total.ToString()));
  }
  return InferContext::DerivedDim(absl::StrCat(total.ToString(), "/", known.ToString()));
}

// ONNX's Reshape: 0 keeps the dim of that axis (unless `allow_zero`), -1 takes what is left.
absl::StatusOr<Shape> ReshapedShape(const Shape& data, std::span<const int64_t> shape,
                                    bool allow_zero) {
  Shape result, known;
  std::optional<size_t> open;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < -1 || (shape[i] == -1 && open) ||
        (shape[i] == 0 && !allow_zero && i >= data.size())) {
      return absl::InvalidArgumentError(absl::StrCat(
          "expected a shape of dims, at most one -1 and 0 only for axes of the data, which has ",
          data.size(), "; got ", ToString(shape)));
    }
    if (shape[i] == -1) open = i;
    result.push_back(shape[i] == 0 && !allow_zero ? data[i] : Dim(std::max<int64_t>(shape[i], 0)));
    if (shape[i] != -1) known.push_back(result.back());
  }
  if (open) {
    WEFT_ASSIGN_OR_RETURN(result[*open], RemainingDim(data, known, shape));
    return result;
  }
  WEFT_ASSIGN_OR_RETURN(const Dim total, CountElements(data));
  WEFT_ASSIGN_OR_RETURN(const Dim wanted, CountElements(result));
  // Where symbols differ, their values decide; that is checked when they are bound.
  if (total != wanted && total.symbols() == wanted.symbols()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot reshape ", ToString(data), " to ", ToString(shape), ": expected ",
                     wanted.ToString(), " elements, got ", total.ToString()));
  }
  return result;
}

absl::StatusOr<std::vector<TensorType>> InferReshape(const InferContext& c) {
  const TensorType& shape = c.type(1);
  if (shape.rank() != 1 || !shape.dim(0).is_static()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a shape of type i64[rank], got ", ToString(shape)));
  }
  TensorType type{c.type(0).dtype, {}};
  if (const Tensor* wanted = c.constant(1)) {
    WEFT_ASSIGN_OR_RETURN(type.shape, ReshapedShape(c.type(0).shape, wanted->values<int64_t>(),
                                                    GetInt(c.attributes(), "allowzero") != 0));
    return std::vector<TensorType>{std::move(type)};
  }
  if (shape.dim(0).coefficient() > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxRank, " axes, got ", shape.dim(0).coefficient()));
  }
  for (int64_t axis = 0; axis < shape.dim(0).coefficient(); ++axis) {
    type.shape.push_back(c.FreshDim("d" + std::to_string(axis)));
  }
  return std::vector<TensorType>{std::move(type)};
}

// The shape argument of a Reshape that gives a value of shape `from` the shape `to`: symbolic dims
// are written as 0 where both have them on the same axis, and one other as -1.
Value ShapeArgument(GradientContext& c, const Shape& from, const Shape& to) {
  std::vector<int64_t> dims;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    const bool kept = axis < from.size() && from[axis] == to[axis];
    dims.push_back(to[axis].is_static() ? to[axis].coefficient() : kept ? 0 : -1);
  }
  if (std::count(dims.begin(), dims.end(), -1) > 1) {
    return c.Fail(absl::UnimplementedError(absl::StrCat(
        "reshaping the gradient ", ToString(from), " back to ", ToString(to),
        ": expected at most one symbolic dim that changes; bind the symbols first (Bind)")));
  }
  return c.Ints(std::move(dims));
}

InputGradients ReshapeGradient(GradientContext& c) {
  InputGradients dx(static_cast<size_t>(c.node()->num_inputs()));
  const Shape& from = c.y().type().shape;
  const Shape& to = c.x().type().shape;
  if (std::find(to.begin(), to.end(), Dim(0)) != to.end()) {
    // No elements; and a literal 0 in Reshape's argument would mean something else.
    dx[0] = c.Op("ExpandLike", {c.Scalar(0, c.y().type().dtype), c.x()});
  } else {
    dx[0] = c.Op("Reshape", {c.dy(), ShapeArgument(c, from, to)});
  }
  return dx;
}

absl::StatusOr<std::vector<int64_t>> Permutation(const AttributeMap& attributes, int rank) {
  std::vector<int64_t> identity(static_cast<size_t>(rank));
  std::iota(identity.begin(), identity.end(), 0);
  std::vector<int64_t> perm = GetInts(attributes, "perm", {identity.rbegin(), identity.rend()});
  if (!std::is_permutation(perm.begin(), perm.end(), identity.begin(), identity.end())) {
    return absl::InvalidArgumentError(absl::StrCat("expected perm to name the axes 0 to ", rank - 1,
                                                   " once each, got ", ToString(perm)));
  }
  return perm;
}

absl::StatusOr<std::vector<TensorType>> InferTranspose(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const auto perm, Permutation(c.attributes(), c.type(0).rank()));
  TensorType type{c.type(0).dtype, {}};
  for (int64_t axis : perm) type.shape.push_back(c.type(0).dim(static_cast<int>(axis)));
  return std::vector<TensorType>{std::move(type)};
}

InputGradients TransposeGradient(GradientContext& c) {
  const auto perm = Permutation(c.attributes(), c.x().type().rank());
  if (!perm.ok()) return {c.Fail(perm.status())};
  std::vector<int64_t> inverse(perm->size());
  for (size_t i = 0; i < perm->size(); ++i) {
    inverse[static_cast<size_t>((*perm)[i])] = static_cast<int64_t>(i);
  }
  return {c.Op("Transpose", {c.dy()}, {{"perm", std::move(inverse)}})};
}

absl::Status EvaluateTranspose(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const auto perm, Permutation(c.attributes, c.in(0).rank()));
  const std::vector<int64_t> dense = RowMajorStrides(c.in(0).dims);
  std::vector<int64_t> strides;
  for (int64_t axis : perm) strides.push_back(dense[static_cast<size_t>(axis)]);
  const size_t width = SizeOf(c.out().dtype);
  const auto* x = static_cast<const std::byte*>(c.in(0).data);
  auto* y = static_cast<std::byte*>(c.out().data);
  ForEachOffset<1>(c.out().dims, {strides}, [&](int64_t i, const std::array<int64_t, 1>& at) {
    std::memcpy(y + static_cast<size_t>(i) * width, x + static_cast<size_t>(at[0]) * width, width);
  });
  return absl::OkStatus();
}

InputGradients IdentityGradient(GradientContext& c) { return {c.dy()}; }

absl::StatusOr<std::vector<TensorType>> InferSize(const InferContext&) {
  return std::vector<TensorType>{{DType::kI64, {}}};
}

absl::Status EvaluateSize(const EvalContext& c) {
  c.out().out<int64_t>()[0] = c.in(0).size();
  return absl::OkStatus();
}

OpDef Flatten() {
  return {.name = "Flatten",
          .doc = "X as a matrix: the axes before `axis` are its rows, the others its columns.",
          .inputs = {{"X", kAllTypes}},
          .attributes = {{.name = "axis", .fallback = 1}},
          .infer = InferFlatten,
          .gradient = ReshapeGradient,
          .evaluate = CopyElements,
          .cost = NoArithmetic,
          .aliases = ViewOfInput};
}

OpDef Reshape() {
  return {.name = "Reshape",
          .doc =
              "The elements of data under other dims. In shape, one dim may be -1 (what is left) "
              "and 0 keeps data's dim of that axis, unless allowzero. Where shape is not a "
              "constant, only the rank is known before the run.",
          .inputs = {{"data", kAllTypes}, {"shape", {DType::kI64}, Arity::kRequired, ' '}},
          .outputs = {{"reshaped"}},
          .attributes = {{.name = "allowzero", .fallback = 0}},
          .infer = InferReshape,
          .gradient = ReshapeGradient,
          .evaluate = CopyElements,
          .cost = NoArithmetic,
          .aliases = ViewOfInput};
}

OpDef Transpose() {
  return {
      .name = "Transpose",
      .doc = "Axis i of the result is axis perm[i] of data; without perm the axes are reversed.",
      .inputs = {{"data", kAllTypes}},
      .outputs = {{"transposed"}},
      .attributes = {{.name = "perm", .kind = Attribute::Kind::kInts}},
      .infer = InferTranspose,
      .gradient = TransposeGradient,
      .evaluate = EvaluateTranspose,
      .cost = NoArithmetic};
}

OpDef Identity() {
  return {.name = "Identity",
          .doc = "The input.",
          .inputs = {{"input", kAllTypes}},
          .outputs = {{"output"}},
          .infer = InferSameAsFirst,
          .gradient = IdentityGradient,
          .evaluate = CopyElements,
          .cost = NoArithmetic,
          .aliases = ViewOfInput};
}

OpDef Size() {
  return {.name = "Size",
          .doc = "The number of elements of data, an i64 scalar.",
          .inputs = {{.name = "data", .dtypes = kAllTypes, .shape_only = true}},
          .outputs = {{"size"}},
          .infer = InferSize,
          .no_gradient = "integer output",
          .evaluate = EvaluateSize,
          .cost = NoArithmetic};
}

}  // namespace

std::vector<OpDef> ShapeOps() { return {Flatten(), Reshape(), Transpose(), Identity(), Size()}; }

}  // namespace weft
