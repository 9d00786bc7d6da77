#include "ops/common.h"
#include "ops/families.h"
#include "ops/order.h"

// ArgMax, ArgMin and Hardmax: where the extreme along an axis is.

namespace weft {

absl::StatusOr<Lines> LinesAlong(std::span<const int64_t> dims, int64_t axis) {
  WEFT_ASSIGN_OR_RETURN(const int at, NormalizeAxis(axis, static_cast<int>(dims.size())));
  Lines lines;
  for (int i = 0; i < static_cast<int>(dims.size()); ++i) {
    int64_t& extent = i < at ? lines.outer : i == at ? lines.extent : lines.inner;
    extent *= dims[static_cast<size_t>(i)];
  }
  return lines;
}

namespace {

absl::Status ExpectElements(const TensorType& type, int axis) {
  if (type.dim(axis) != Dim(0)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected at least one element along axis ", axis,
                                                 ", got ", ToString(type.shape)));
}

absl::StatusOr<std::vector<TensorType>> InferArg(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes(), "axis"), c.type(0).rank()));
  WEFT_RETURN_IF_ERROR(ExpectElements(c.type(0), axis));
  TensorType type{DType::kI64, c.type(0).shape};
  if (GetInt(c.attributes(), "keepdims", 1) != 0) {
    type.shape[static_cast<size_t>(axis)] = 1;
  } else {
    type.shape.erase(type.shape.begin() + axis);
  }
  return std::vector<TensorType>{std::move(type)};
}

// The index of the first (or last) of the extreme elements of at(0), …, at(n - 1).
template <typename Beats, typename At>
int64_t ExtremeIndex(int64_t n, bool last, Beats beats, At at) {
  int64_t best = 0;
  for (int64_t k = 1; k < n; ++k) {
    if (beats(at(k), at(best)) || (last && !beats(at(best), at(k)))) best = k;
  }
  return best;
}

template <bool kLargest>
absl::Status EvaluateArg(const EvalContext& c) {
  const TensorView& x = c.in(0);
  WEFT_ASSIGN_OR_RETURN(const Lines lines, LinesAlong(x.dims, GetInt(c.attributes, "axis")));
  const bool last = GetInt(c.attributes, "select_last_index") != 0;
  const auto y = c.out().out<int64_t>();
  return VisitNumeric(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto in = x.in<T>();
    for (int64_t i = 0; i < lines.count(); ++i) {
      y[static_cast<size_t>(i)] = ExtremeIndex(
          lines.extent, last, NanFirst<T, kLargest>,
          [&](int64_t k) { return in[static_cast<size_t>(lines.first(i) + k * lines.inner)]; });
    }
  });
}

absl::StatusOr<std::vector<TensorType>> InferHardmax(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        NormalizeAxis(GetInt(c.attributes(), "axis"), c.type(0).rank()));
  WEFT_RETURN_IF_ERROR(ExpectElements(c.type(0), axis));
  return std::vector<TensorType>{c.type(0)};
}

absl::Status EvaluateHardmax(const EvalContext& c) {
  const TensorView& x = c.in(0);
  WEFT_ASSIGN_OR_RETURN(const Lines lines, LinesAlong(x.dims, GetInt(c.attributes, "axis")));
  return VisitFloat(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto in = x.in<T>();
    const auto y = c.out().out<T>();
    std::fill(y.begin(), y.end(), T{0});
    for (int64_t i = 0; i < lines.count(); ++i) {
      const auto place = [&](int64_t k) {
        return static_cast<size_t>(lines.first(i) + k * lines.inner);
      };
      const int64_t best = ExtremeIndex(lines.extent, /*last=*/false, NanFirst<T, true>,
                                        [&](int64_t k) { return in[place(k)]; });
      y[place(best)] = 1;
    }
  });
}

Cost InputFlops(const CostContext& c) { return {.flops = static_cast<double>(c.InputSize(0))}; }

OpDef Arg(std::string_view name, std::string_view doc, EvaluateFn evaluate) {
  return {.name = name,
          .doc = doc,
          .inputs = {{"data", kNumericTypes}},
          .outputs = {{"reduced"}},
          .attributes = {{.name = "axis", .fallback = 0},
                         {.name = "keepdims", .fallback = 1},
                         {.name = "select_last_index", .fallback = 0}},
          .infer = InferArg,
          .no_gradient = "integer output",
          .evaluate = evaluate,
          .cost = InputFlops};
}

}  // namespace

std::vector<OpDef> ArgOps() {
  return {Arg("ArgMax",
              "The index of the largest element along `axis`: the first of equal ones, or the last "
              "if select_last_index. NaN counts as the largest.",
              EvaluateArg<true>),
          Arg("ArgMin",
              "The index of the smallest element along `axis`: the first of equal ones, or the "
              "last if select_last_index. NaN counts as the smallest, as in NumPy.",
              EvaluateArg<false>),
          {.name = "Hardmax",
           .doc = "1 at the first of the largest elements along `axis`, 0 elsewhere. NaN counts as "
                  "the largest.",
           .inputs = {{"input"}},
           .outputs = {{"output"}},
           .attributes = {{.name = "axis", .fallback = -1}},
           .infer = InferHardmax,
           .no_gradient = "piecewise constant",
           .evaluate = EvaluateHardmax,
           .cost = InputFlops}};
}

}  // namespace weft
