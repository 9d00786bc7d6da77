#include "ops/arguments.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/order.h"

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferCumSum(const InferContext& c) {
  const Shape& axis = c.type(1).shape;
  if (!axis.empty() && axis != Shape{Dim(1)}) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected axis to be one number, got ", ToString(axis)));
  }
  if (const auto constant = KnownInts(c, 1)) {
    WEFT_RETURN_IF_ERROR(NormalizeAxis((*constant)[0], c.type(0).rank()).status());
  }
  return std::vector<TensorType>{c.type(0)};
}

absl::Status EvaluateCumSum(const EvalContext& c) {
  const TensorView& x = c.in(0);
  const bool exclusive = GetInt(c.attributes, "exclusive") != 0;
  const bool reverse = GetInt(c.attributes, "reverse") != 0;
  WEFT_ASSIGN_OR_RETURN(const Lines lines, LinesAlong(x.dims, IntsOf(c, 1)[0]));
  return VisitNumeric(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto in = x.in<T>();
    const auto y = c.out().out<T>();
    for (int64_t i = 0; i < lines.count(); ++i) {
      Accumulator<T> sum = 0;
      for (int64_t k = 0; k < lines.extent; ++k) {
        const int64_t from_start = reverse ? lines.extent - 1 - k : k;
        const auto at = static_cast<size_t>(lines.first(i) + from_start * lines.inner);
        const Accumulator<T> before = sum;
        sum += static_cast<Accumulator<T>>(in[at]);
        y[at] = static_cast<T>(exclusive ? before : sum);
      }
    }
  });
}

// Element j enters the sums from j on: its gradient is the sum the other way round.
InputGradients CumSumGradient(GradientContext& c) {
  AttributeMap attributes = c.attributes();
  attributes["reverse"] = GetInt(attributes, "reverse") == 0 ? 1 : 0;
  return {c.Op("CumSum", {c.dy(), c.x(1)}, std::move(attributes)), Value()};
}

}  // namespace

std::vector<OpDef> ScanOps() {
  return {{.name = "CumSum",
           .doc = "y_k = x_0 + … + x_k along `axis`, a number; without x_k if exclusive, from the "
                  "end if reverse. Integers wrap around.",
           .inputs = {{"x", kSignedTypes}, {"axis", kIndexTypes, Arity::kRequired, ' '}},
           .outputs = {{"y"}},
           .attributes = {{.name = "exclusive", .fallback = 0}, {.name = "reverse", .fallback = 0}},
           .infer = InferCumSum,
           .gradient = CumSumGradient,
           .evaluate = EvaluateCumSum}};
}

}  // namespace weft
