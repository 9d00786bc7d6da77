#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "ops/arguments.h"
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

// The dim that -1 stands for. Axes that a 0 in `shape` keeps count on neither side, so that they
// may be empty.
absl::StatusOr<Dim> RemainingDim(const Shape& data, std::span<const int64_t> shape,
                                 bool allow_zero) {
  Shape from, to;
  for (size_t i = 0; i < data.size(); ++i) {
    const bool kept = i < shape.size() && shape[i] == 0 && !allow_zero;
    if (!kept) from.push_back(data[i]);
  }
  for (int64_t dim : shape) {
    if (dim > 0 || (dim == 0 && allow_zero)) to.push_back(dim);
  }
  WEFT_ASSIGN_OR_RETURN(const Dim total, CountElements(from));
  WEFT_ASSIGN_OR_RETURN(const Dim known, CountElements(to));
  if (known == Dim(0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the -1 could be any number: expected other dims above 0, got ", ToString(shape)));
  }
  if (std::optional<Dim> quotient = Dim::DivideExactly(total, known)) return *quotient;
  if (total.is_static()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot reshape ", ToString(data), " to ", ToString(shape), ": expected a ", "multiple of ",
        known.ToString(), " elements", from.size() < data.size() ? " on the axes not kept" : "",
        ", got ", total.ToString()));
  }
  return InferContext::DerivedDim(absl::StrCat(total.ToString(), "/", known.ToString()));
}

// ONNX's Reshape: 0 keeps the dim of that axis (unless `allow_zero`), -1 takes
// what is left.
absl::StatusOr<Shape> ReshapedShape(const Shape& data, std::span<const int64_t> shape,
                                    bool allow_zero) {
  Shape result;
  std::optional<size_t> open;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < -1 || (shape[i] == -1 && open) ||
        (shape[i] == 0 && !allow_zero && i >= data.size())) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a shape of dims, at most one -1 and 0 only "
                       "for axes of the data, which has ",
                       data.size(), "; got ", ToString(shape)));
    }
    if (shape[i] == -1) open = i;
    result.push_back(shape[i] == 0 && !allow_zero ? data[i] : Dim(std::max<int64_t>(shape[i], 0)));
  }
  if (open) {
    WEFT_ASSIGN_OR_RETURN(result[*open], RemainingDim(data, shape, allow_zero));
    return result;
  }
  WEFT_ASSIGN_OR_RETURN(const Dim total, CountElements(data));
  WEFT_ASSIGN_OR_RETURN(const Dim wanted, CountElements(result));
  // Where symbols differ, their values decide; that is checked when they are
  // bound.
  if (total != wanted && total.symbols() == wanted.symbols()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot reshape ", ToString(data), " to ", ToString(shape), ": expected ",
                     wanted.ToString(), " elements, got ", total.ToString()));
  }
  return result;
}

// By a computed shape, of which some is known. A -1 is known where all the rest is.
Shape PartlyKnownShape(const InferContext& c, bool allow_zero) {
  const Shape& data = c.type(0).shape;
  const auto wanted = KnownDims(c, 1, c.type(1).dim(0).coefficient());
  Shape shape, rest;
  std::optional<size_t> open;
  bool known = true;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool keeps = wanted[i] == Dim(0) && !allow_zero && i < data.size();
    if (wanted[i] == Dim(-1)) {
      open = i;
    } else {
      known = known && wanted[i].has_value();
      rest.push_back(keeps ? data[i] : wanted[i].value_or(Dim(1)));
    }
    shape.push_back(keeps ? data[i] : DimOr(c, wanted[i], static_cast<int64_t>(i)));
  }
  if (!open || !known) return shape;
  const absl::StatusOr<Dim> total = CountElements(data), others = CountElements(rest);
  if (!total.ok() || !others.ok() || *others == Dim(0)) return shape;
  if (const auto quotient = Dim::DivideExactly(*total, *others)) {
    shape[*open] = *quotient;
  } else if (!total->is_static() || !others->is_static()) {
    shape[*open] =
        InferContext::DerivedDim(absl::StrCat(total->ToString(), "/", others->ToString()));
  }
  return shape;
}

absl::StatusOr<std::vector<TensorType>> InferReshape(const InferContext& c) {
  const TensorType& shape = c.type(1);
  if (shape.rank() != 1 || !shape.dim(0).is_static()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a shape of type i64[rank], got ", ToString(shape)));
  }
  TensorType type{c.type(0).dtype, {}};
  const bool allow_zero = GetInt(c.attributes(), "allowzero") != 0;
  auto wanted = KnownInts(c, 1);
  if (shape.dim(0) == Dim(0)) wanted.emplace();  // a scalar, whoever says so
  if (wanted) {
    WEFT_ASSIGN_OR_RETURN(type.shape, ReshapedShape(c.type(0).shape, *wanted, allow_zero));
    return std::vector<TensorType>{std::move(type)};
  }
  if (shape.dim(0).coefficient() > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxRank, " axes, got ", shape.dim(0).coefficient()));
  }
  type.shape = PartlyKnownShape(c, allow_zero);
  return std::vector<TensorType>{std::move(type)};
}

InputGradients ReshapeGradient(GradientContext& c) {
  InputGradients dx(static_cast<size_t>(c.node()->num_inputs()));
  dx[0] = ReshapedLike(c, c.dy(), c.x());
  return dx;
}

absl::StatusOr<std::vector<TensorType>> InferReshapeLike(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Dim have, CountElements(c.type(0).shape));
  WEFT_ASSIGN_OR_RETURN(const Dim wanted, CountElements(c.type(1).shape));
  if (have != wanted && have.symbols() == wanted.symbols()) {
    return absl::InvalidArgumentError(absl::StrCat("expected as many elements as `like` ",
                                                   ToString(c.type(1).shape), " has, got ",
                                                   ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

bool Contains(const std::vector<int64_t>& axes, size_t axis) {
  return std::find(axes.begin(), axes.end(), static_cast<int64_t>(axis)) != axes.end();
}

// The axes that Squeeze takes away: the constant's, or all of one element. Computed axes are as
// many as there are.
absl::StatusOr<std::vector<int64_t>> SqueezedAxes(const InferContext& c) {
  const Shape& shape = c.type(0).shape;
  std::vector<int64_t> axes;
  if (const auto given = KnownInts(c, 1)) {
    WEFT_ASSIGN_OR_RETURN(axes, NormalizeAxes(*given, c.type(0).rank()));
  } else if (c.has(1)) {
    axes.resize(shape.size());
    std::iota(axes.begin(), axes.end(), 0);
  } else if (!c.type(0).is_static()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected axes, without which every dim must be known, got ", ToString(shape)));
  }
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!c.has(1) && shape[axis] == Dim(1)) axes.push_back(static_cast<int64_t>(axis));
    if (Contains(axes, axis) && shape[axis].is_static() && shape[axis] != Dim(1)) {
      return absl::InvalidArgumentError(absl::StrCat("expected an extent of 1 on axis ", axis,
                                                     ", got ", shape[axis].ToString(), " in ",
                                                     ToString(shape)));
    }
  }
  return axes;
}

absl::StatusOr<std::vector<TensorType>> InferSqueeze(const InferContext& c) {
  const int rank = c.type(0).rank();
  if (c.has(1)) {
    WEFT_ASSIGN_OR_RETURN(const int64_t count, ListLength(c, 1, "axes", rank));
    if (!KnownInts(c, 1) && count < rank) {
      return std::vector<TensorType>{UnknownDims(c, rank - count)};
    }
  }
  WEFT_ASSIGN_OR_RETURN(const auto axes, SqueezedAxes(c));
  TensorType type{c.type(0).dtype, {}};
  for (size_t axis = 0; axis < c.type(0).shape.size(); ++axis) {
    if (!Contains(axes, axis)) type.shape.push_back(c.type(0).shape[axis]);
  }
  return std::vector<TensorType>{std::move(type)};
}

absl::StatusOr<std::vector<TensorType>> InferUnsqueeze(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int64_t count, ListLength(c, 1, "axes"));
  const int64_t rank = c.type(0).rank() + count;
  if (rank > kMaxRank) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxRank, " axes, got ", rank));
  }
  const auto given = KnownInts(c, 1);
  if (!given) return std::vector<TensorType>{UnknownDims(c, rank)};
  WEFT_ASSIGN_OR_RETURN(const auto axes, NormalizeAxes(*given, static_cast<int>(rank)));
  TensorType type = c.type(0);
  for (int64_t axis : axes) type.shape.insert(type.shape.begin() + axis, Dim(1));
  return std::vector<TensorType>{std::move(type)};
}

InputGradients IdentityGradient(GradientContext& c) { return {c.dy()}; }

absl::StatusOr<std::vector<TensorType>> InferSize(const InferContext&) {
  return std::vector<TensorType>{{DType::kI64, {}}};
}

absl::Status EvaluateSize(const EvalContext& c) {
  c.out().out<int64_t>()[0] = c.in(0).size();
  return absl::OkStatus();
}

// The axes that Shape reads: [start, end), counted from the end where negative,
// clamped.
std::pair<int64_t, int64_t> ShapeRange(const AttributeMap& attributes, int64_t rank) {
  const auto clamp = [rank](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t start = clamp(GetInt(attributes, "start"));
  return {start, std::max(start, clamp(GetInt(attributes, "end", rank)))};
}

absl::StatusOr<std::vector<TensorType>> InferShapeOf(const InferContext& c) {
  const auto [start, end] = ShapeRange(c.attributes(), c.type(0).rank());
  return std::vector<TensorType>{{DType::kI64, {Dim(end - start)}}};
}

absl::Status EvaluateShape(const EvalContext& c) {
  const auto [start, end] = ShapeRange(c.attributes, c.in(0).rank());
  std::copy(c.in(0).dims.begin() + start, c.in(0).dims.begin() + end,
            c.out().out<int64_t>().begin());
  return absl::OkStatus();
}

// A view of the first input under other dims.
OpDef View(std::string_view name, std::string_view doc, std::vector<InputSpec> inputs,
           std::string_view output, InferFn infer) {
  return {.name = name,
          .doc = doc,
          .inputs = std::move(inputs),
          .outputs = {{output}},
          .infer = infer,
          .gradient = ReshapeGradient,
          .evaluate = CopyElements,
          .cost = NoArithmetic,
          .aliases = ViewOfInput};
}

OpDef Flatten() {
  OpDef def = View("Flatten",
                   "X as a matrix: the axes before `axis` are its rows, the "
                   "others its columns.",
                   {{"X", kAllTypes}}, "Y", InferFlatten);
  def.attributes = {{.name = "axis", .fallback = 1}};
  return def;
}

OpDef Reshape() {
  OpDef def = View("Reshape",
                   "The elements of data under other dims. In shape, one dim may be -1 "
                   "(what is "
                   "left) and 0 keeps data's dim of that axis, unless allowzero. Where "
                   "shape is "
                   "not a constant, only the rank is known before the run.",
                   {{"data", kAllTypes}, {"shape", {DType::kI64}, Arity::kRequired, ' '}},
                   "reshaped", InferReshape);
  def.attributes = {{.name = "allowzero", .fallback = 0}};
  return def;
}

OpDef ReshapeLike() {
  OpDef def =
      View("ReshapeLike",
           "The elements of X under the dims of `like`: the gradient "
           "of reshaping, with symbols too.",
           {{"X", kAllTypes},
            {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true}},
           "Y", InferReshapeLike);
  def.non_differentiable_inputs = {1};
  return def;
}

OpDef Squeeze() {
  return View("Squeeze",
              "data without `axes`, whose extents are 1; without axes: all "
              "axes of extent 1.",
              {{"data", kAllTypes}, IntegerArgument("axes", Arity::kOptional)}, "squeezed",
              InferSqueeze);
}

OpDef Unsqueeze() {
  return View("Unsqueeze", "data with axes of extent 1, which are `axes` of the result.",
              {{"data", kAllTypes}, IntegerArgument("axes")}, "expanded", InferUnsqueeze);
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
          .aliases = ViewOfInput,
          .traits = {.elementwise = true}};
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

OpDef ShapeOf() {
  return {.name = "Shape",
          .doc = "The dims of data on the axes from `start` to before `end`, as i64.",
          .inputs = {{.name = "data", .dtypes = kAllTypes, .shape_only = true}},
          .outputs = {{"shape"}},
          .attributes = {{.name = "start", .fallback = 0}, {.name = "end"}},
          .infer = InferShapeOf,
          .no_gradient = "integer output",
          .evaluate = EvaluateShape,
          .cost = NoArithmetic};
}

}  // namespace

std::vector<OpDef> ShapeOps() {
  return {Flatten(),   Reshape(),  ReshapeLike(), Squeeze(),
          Unsqueeze(), Identity(), Size(),        ShapeOf()};
}

}  // namespace weft
