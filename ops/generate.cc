#include "ops/generate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "ops/arguments.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/shape_value.h"

// Ops whose elements follow from positions: constants, ranges, the identity,
// triangles.

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferConstantOfShape(const InferContext& c) {
  TensorType type{DType::kF32, {}};
  const auto value = c.attributes().find("value");
  if (value != c.attributes().end()) {
    const auto& tensor = std::get<Tensor>(value->second.value);
    if (tensor.size() != 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a value of one element, got ", ToString(tensor.type())));
    }
    type.dtype = tensor.dtype();
  }
  WEFT_ASSIGN_OR_RETURN(const int64_t rank, ListLength(c, 0, "a shape"));
  if (const auto dims = KnownInts(c, 0)) {
    type.shape = ToShape(*dims);
    // CountElements, which the graph calls, says what is wrong with the dims.
  } else {
    for (const auto& dim : KnownDims(c, 0, rank)) {
      type.shape.push_back(DimOr(c, dim, type.rank()));
    }
  }
  return std::vector<TensorType>{std::move(type)};
}

absl::Status EvaluateConstantOfShape(const EvalContext& c) {
  const Tensor value = FillValue(c.attributes);
  const size_t width = SizeOf(value.dtype());
  auto* y = static_cast<std::byte*>(c.out().data);
  for (int64_t i = 0; i < c.out().size(); ++i, y += width) {
    std::memcpy(y, value.data(), width);
  }
  return absl::OkStatus();
}

bool IsScalar(const TensorType& type) { return type.shape == Shape() || type.shape == Shape{1}; }

// How many of start, start + delta, … come before `limit`. Errors: no step, too
// many, NaN.
template <typename T>
absl::StatusOr<int64_t> RangeSize(T start, T limit, T delta) {
  double count = 0;  // exact up to kMaxElements; rounding does not matter beyond
  if constexpr (std::is_floating_point_v<T>) {
    count = std::ceil((static_cast<double>(limit) - static_cast<double>(start)) /
                      static_cast<double>(delta));
  } else if (delta != 0 && (delta > 0 ? limit > start : limit < start)) {
    const uint64_t from = static_cast<uint64_t>(start), to = static_cast<uint64_t>(limit);
    const uint64_t distance = delta > 0 ? to - from : from - to;
    const uint64_t step =
        delta > 0 ? static_cast<uint64_t>(delta) : 0 - static_cast<uint64_t>(delta);
    count = static_cast<double>((distance - 1) / step + 1);
  }
  if (delta == 0 || !(count <= static_cast<double>(kMaxElements))) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a delta other than 0 that gives at most ", kMaxElements,
                     " elements, got start ", start, ", limit ", limit, ", delta ", delta));
  }
  return static_cast<int64_t>(std::max(count, 0.0));
}

// By operands that are computed: a number, as many as the limit says, or what only a run can know.
absl::StatusOr<Dim> RangeOfKnown(const InferContext& c) {
  std::array<std::optional<Dim>, 3> known;
  for (size_t i = 0; i < known.size(); ++i) {
    if (const auto value = SymbolicValue(c.input(static_cast<int>(i))))
      known[i] = value->elements[0];
  }
  const auto& [start, limit, delta] = known;
  if (!start || !limit || !delta || !start->is_static() || !delta->is_static()) {
    return c.FreshDim("n");
  }
  if (limit->is_static()) {
    return RangeSize<int64_t>(start->coefficient(), limit->coefficient(), delta->coefficient());
  }
  return start == Dim(0) && delta == Dim(1) ? *limit : c.FreshDim("n");
}

absl::StatusOr<std::vector<TensorType>> InferRange(const InferContext& c) {
  bool known = true;
  for (int i = 0; i < 3; ++i) {
    if (!IsScalar(c.type(i))) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected scalars, got ", ToString(c.type(i)), " as input ", i));
    }
    known = known && c.constant(i) != nullptr;
  }
  TensorType type{c.type(0).dtype, {Dim()}};
  if (!known) {
    WEFT_ASSIGN_OR_RETURN(type.shape[0], RangeOfKnown(c));
    return std::vector<TensorType>{std::move(type)};
  }
  int64_t size = 0;
  WEFT_RETURN_IF_ERROR(VisitNumeric(type.dtype, [&](auto zero) -> absl::Status {
    using T = decltype(zero);
    const auto at = [&](int i) { return c.constant(i)->values<T>()[0]; };
    WEFT_ASSIGN_OR_RETURN(size, RangeSize<T>(at(0), at(1), at(2)));
    return absl::OkStatus();
  }));
  type.shape[0] = size;
  return std::vector<TensorType>{std::move(type)};
}

absl::Status EvaluateRange(const EvalContext& c) {
  return VisitNumeric(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T start = c.in(0).in<T>()[0], delta = c.in(2).in<T>()[0];
    const auto y = c.out().out<T>();
    for (size_t i = 0; i < y.size(); ++i) {
      y[i] = RangeElement(start, delta, static_cast<int64_t>(i));
    }
  });
}

absl::StatusOr<std::vector<TensorType>> InferEyeLike(const InferContext& c) {
  if (c.type(0).rank() != 2) {
    return absl::InvalidArgumentError(absl::StrCat("expected a matrix, got ", ToString(c.type(0))));
  }
  TensorType type = c.type(0);
  const auto dtype = c.attributes().find("dtype");
  if (dtype != c.attributes().end()) type.dtype = std::get<DType>(dtype->second.value);
  return std::vector<TensorType>{std::move(type)};
}

absl::Status EvaluateEyeLike(const EvalContext& c) {
  const int64_t k = GetInt(c.attributes, "k"), rows = c.out().dim(0), columns = c.out().dim(1);
  const Tensor one = Tensor::Scalar(1, c.out().dtype);
  const size_t width = SizeOf(one.dtype());
  auto* y = static_cast<std::byte*>(c.out().data);
  std::memset(y, 0, static_cast<size_t>(c.out().size()) * width);  // zero in every type
  if (k < -rows || k > columns) return absl::OkStatus();
  for (int64_t i = std::max<int64_t>(0, -k); i < std::min(rows, columns - k); ++i) {
    std::memcpy(y + static_cast<size_t>(i * columns + i + k) * width, one.data(), width);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorType>> InferTrilu(const InferContext& c) {
  if (c.type(0).rank() < 2) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected matrices [...,rows,columns], got ", ToString(c.type(0))));
  }
  if (c.has(1) && !IsScalar(c.type(1))) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a scalar k, got ", ToString(c.type(1))));
  }
  return std::vector<TensorType>{c.type(0)};
}

InputGradients TriluGradient(GradientContext& c) {
  return {c.Op("Trilu", {c.dy(), c.x(1)}, c.attributes()), Value()};
}

absl::Status EvaluateTrilu(const EvalContext& c) {
  const TensorView& x = c.in(0);
  const int64_t rows = x.dim(x.rank() - 2), columns = x.dim(x.rank() - 1);
  VisitWidth(x.dtype, [&](auto zero) {
    const auto* in = static_cast<const decltype(zero)*>(x.data);
    auto* y = static_cast<decltype(zero)*>(c.out().data);
    for (int64_t i = 0; i < x.size(); ++i) {
      const auto [first, last] = TriangleColumns(c, i / columns % rows, columns);
      y[i] = first <= i % columns && i % columns < last ? in[i] : zero;
    }
  });
  return absl::OkStatus();
}

}  // namespace

Tensor FillValue(const AttributeMap& attributes) {
  const auto value = attributes.find("value");
  return value == attributes.end() ? Tensor::Scalar(0, DType::kF32)
                                   : std::get<Tensor>(value->second.value);
}

std::pair<int64_t, int64_t> TriangleColumns(const EvalContext& c, int64_t row, int64_t columns) {
  // Beyond these bounds nothing changes, and sums stay in range.
  const int64_t far = c.in(0).size() + 1;
  const int64_t k = c.has(1) ? std::clamp(c.in(1).in<int64_t>()[0], -far, far) : 0;
  const bool upper = GetInt(c.attributes, "upper", 1) != 0;
  if (upper) return {std::clamp<int64_t>(row + k, 0, columns), columns};
  return {0, std::clamp<int64_t>(row + k + 1, 0, columns)};
}

std::vector<OpDef> GenerateOps() {
  const DTypeSet kRangeTypes = kSignedTypes;
  return {
      {.name = "ConstantOfShape",
       .doc = "A tensor of the dims that the input lists, filled with the one "
              "element of `value`; "
              "without it with f32 zeros.",
       .inputs = {{"input", {DType::kI64}, Arity::kRequired, ' '}},
       .outputs = {{"output"}},
       .attributes = {{.name = "value", .kind = Attribute::Kind::kTensor}},
       .infer = InferConstantOfShape,
       .no_gradient = "does not depend on data",
       .evaluate = EvaluateConstantOfShape,
       .cost = NoArithmetic},
      {.name = "Range",
       .doc = "start, start + delta, start + 2*delta, … before limit: "
              "max(ceil((limit - start) / "
              "delta), 0) elements.",
       .inputs = {{"start", kRangeTypes}, {"limit", kRangeTypes}, {"delta", kRangeTypes}},
       .outputs = {{"output"}},
       .infer = InferRange,
       .no_gradient = "its inputs decide a shape",
       .evaluate = EvaluateRange},
      {.name = "EyeLike",
       .doc = "A matrix of the input's dims with ones on diagonal k (above the "
              "main one if "
              "positive) and zeros elsewhere, of `dtype` or the input's.",
       .inputs = {{.name = "input", .dtypes = kAllTypes, .shape_only = true}},
       .outputs = {{"output"}},
       .attributes = {{.name = "dtype", .kind = Attribute::Kind::kDType},
                      {.name = "k", .fallback = 0}},
       .infer = InferEyeLike,
       .no_gradient = "does not depend on data",
       .evaluate = EvaluateEyeLike,
       .cost = NoArithmetic},
      {.name = "Trilu",
       .doc = "The upper (or lower) triangle of each matrix of input, zero "
              "elsewhere, from diagonal "
              "k on (0: the main one, positive: above it).",
       .inputs = {{"input", kAllTypes}, {"k", {DType::kI64}, Arity::kOptional, ' '}},
       .outputs = {{"output"}},
       .attributes = {{.name = "upper", .fallback = 1}},
       .infer = InferTrilu,
       .gradient = TriluGradient,
       .evaluate = EvaluateTrilu,
       .cost = NoArithmetic},
  };
}

}  // namespace weft
