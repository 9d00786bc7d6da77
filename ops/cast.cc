#include <cmath>
#include <limits>

#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

DType Target(const AttributeMap& attributes) {
  return std::get<DType>(attributes.find("to")->second.value);
}

// C++'s conversion where that is defined. Floating point to integer cuts towards zero; what does
// not fit becomes the nearest integer that does, NaN becomes 0. To bool: whether it is not 0.
template <typename To, typename From>
To ConvertElement(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From{0};
  } else if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    if (std::isnan(x)) return 0;
    // The bounds are powers of two (or 0): exact in From, unlike the largest To.
    const From low = static_cast<From>(std::numeric_limits<To>::min());
    const From beyond = std::ldexp(From{1}, std::numeric_limits<To>::digits);
    if (x <= low) return std::numeric_limits<To>::min();
    if (x >= beyond) return std::numeric_limits<To>::max();
    return static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

absl::StatusOr<std::vector<TensorType>> InferCast(const InferContext& c) {
  const DType to = Target(c.attributes());
  if (!kAllTypes.contains(to)) {
    return absl::InvalidArgumentError(absl::StrCat("attribute to: expected ", kAllTypes.ToString(),
                                                   ", got ", std::string(ToString(to))));
  }
  return std::vector<TensorType>{{to, c.type(0).shape}};
}

InputGradients CastGradient(GradientContext& c) {
  const DType dtype = c.x().type().dtype;
  if (!kFloatTypes.contains(dtype)) return {Value()};
  return {c.Op("Cast", {c.dy()}, {{"to", dtype}})};
}

absl::Status EvaluateCast(const EvalContext& c) {
  VisitDType(c.in(0).dtype, [&c](auto from) {
    // A byte of a bool tensor from outside may hold more than 0 and 1, which a C++ bool may not.
    using From = std::conditional_t<std::is_same_v<decltype(from), bool>, uint8_t, decltype(from)>;
    const bool truth = std::is_same_v<decltype(from), bool>;
    VisitDType(c.out().dtype, [&](auto to) {
      using To = decltype(to);
      const auto x = c.in(0).in<From>();
      const auto y = c.out().out<To>();
      for (size_t i = 0; i < y.size(); ++i) {
        y[i] = truth ? static_cast<To>(x[i] != From{0}) : ConvertElement<To>(x[i]);
      }
    });
  });
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> CastOps() {
  return {{.name = "Cast",
           .doc =
               "Every element converted to the type `to`. Floating point to integer cuts towards "
               "zero, saturates, and makes 0 of NaN; to bool is != 0; integers wrap around.",
           .inputs = {{"input", kAllTypes}},
           .outputs = {{"output"}},
           .attributes = {{.name = "to", .kind = Attribute::Kind::kDType, .required = true}},
           .infer = InferCast,
           .gradient = CastGradient,
           .evaluate = EvaluateCast,
           .traits = {.elementwise = true}}};
}

}  // namespace weft
