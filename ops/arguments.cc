#include "ops/arguments.h"

#include <algorithm>
#include <map>

#include "ops/shape_value.h"

namespace weft {
namespace {

template <typename T>
Dims ToDims(std::span<const T> values) {
  return {values.begin(), values.end()};
}

std::optional<Dims> IntsIn(const Tensor* tensor) {
  if (tensor == nullptr) return std::nullopt;
  return tensor->dtype() == DType::kI32 ? ToDims(tensor->values<int32_t>())
                                        : ToDims(tensor->values<int64_t>());
}

}  // namespace

InputSpec IntegerArgument(std::string_view name, Arity arity) {
  return {.name = name, .dtypes = kIndexTypes, .arity = arity, .type_variable = ' '};
}

absl::StatusOr<int64_t> ListLength(const InferContext& c, int i, std::string_view name,
                                   int64_t most) {
  const TensorType& type = c.type(i);
  if (type.rank() == 1 && type.dim(0).is_static() && type.dim(0).coefficient() <= most) {
    return type.dim(0).coefficient();
  }
  return absl::InvalidArgumentError(absl::StrCat("expected ", Absl(name),
                                                 " with one axis of known extent, at most ", most,
                                                 ", got ", ToString(type)));
}

std::optional<Dims> KnownInts(const InferContext& c, int i) {
  if (const Tensor* constant = c.constant(i)) return IntsIn(constant);
  const std::optional<ShapeValue> value = SymbolicValue(c.input(i));
  return value ? value->Numbers() : std::nullopt;
}

std::vector<std::optional<Dim>> KnownDims(const InferContext& c, int i, int64_t length) {
  std::optional<ShapeValue> value = SymbolicValue(c.input(i));
  if (value) return std::move(value->elements);
  return std::vector<std::optional<Dim>>(static_cast<size_t>(length));
}

Dim DimOr(const InferContext& c, const std::optional<Dim>& known, int64_t axis) {
  const bool is_dim = known && (!known->is_static() || known->coefficient() >= 0);
  return is_dim ? *known : c.FreshDim("d" + std::to_string(axis));
}

std::optional<Dims> ConstantInts(Value value) {
  return IntsIn(value.null() ? nullptr : ConstantValue(value));
}

Dims IntsOf(const EvalContext& c, int i) {
  if (!c.has(i)) return {};
  const TensorView& view = c.in(i);
  return view.dtype == DType::kI32 ? ToDims(view.in<int32_t>()) : ToDims(view.in<int64_t>());
}

TensorType UnknownDims(const InferContext& c, int64_t rank) {
  TensorType type{c.type(0).dtype, {}};
  for (int64_t axis = 0; axis < rank; ++axis) {
    type.shape.push_back(c.FreshDim("d" + std::to_string(axis)));
  }
  return type;
}

absl::StatusOr<Dim> PlusConstant(const Dim& dim, int64_t n) {
  if (n == 0) return dim;
  if (!dim.is_static()) {
    return InferContext::DerivedDim(absl::StrCat(dim.ToString(), n > 0 ? "+" : "", n));
  }
  int64_t sum = 0;
  if (__builtin_add_overflow(dim.coefficient(), n, &sum) || sum < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected an extent of at least 0 in 64 bits, got ", dim.ToString(), n < 0 ? "" : "+", n));
  }
  return Dim(sum);
}

absl::StatusOr<Dim> SumOf(std::span<const Dim> dims) {
  // By their symbols: 2*N + M + N + 3 is M + 3*N + 3.
  std::map<std::vector<std::string>, Dim> terms;
  for (const Dim& dim : dims) {
    Dim& term = terms[dim.symbols()];
    const std::optional<Dim> sum = Dim::Add(term, dim);
    if (!sum) return absl::InvalidArgumentError("expected a sum of extents that fits 64 bits");
    term = *sum;
  }
  std::erase_if(terms, [](const auto& term) { return term.second == Dim(0); });
  if (terms.empty()) return Dim(0);
  if (terms.size() == 1) return terms.begin()->second;
  std::string formula;
  for (auto term = terms.rbegin(); term != terms.rend(); ++term) {
    absl::StrAppend(&formula, formula.empty() ? "" : "+", term->second.ToString());
  }
  return InferContext::DerivedDim(formula);
}

Value ReshapedLike(GradientContext& c, Value value, Value like) {
  if (value.null() || value.type() == like.type()) return value;
  const absl::StatusOr<Dims> dims = StaticDims(like.type().shape);
  if (!dims.ok()) return c.Op("ReshapeLike", {value, like});
  return c.Op("Reshape", {value, c.Ints(*dims)},
              std::count(dims->begin(), dims->end(), 0) > 0 ? AttributeMap{{"allowzero", 1}}
                                                            : AttributeMap{});
}

Value ZerosLike(GradientContext& c, Value like) {
  return c.Op("ExpandLike", {c.Scalar(0, like.type().dtype), like});
}

}  // namespace weft
