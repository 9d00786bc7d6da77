#include <string>

#include "ops/activation_table.h"
#include "ops/families.h"
#include "ops/map.h"

// Makes the ops of ops/activation_table.h: every activation and its gradient op.

namespace weft {
namespace {

template <typename A>
constexpr bool FromResult() {
  return requires { A::kFromResult; };
}

template <typename A>
std::vector<AttributeSpec> AttributesOf() {
  if constexpr (requires { A::Attributes(); }) return A::Attributes();
  return {};
}

// The strings of definitions live as long as the program.
template <typename A>
const std::string& GradName() {
  static const std::string& name = *new std::string(absl::StrCat(Absl(A::kName), "Grad"));
  return name;
}

template <typename A>
const std::string& GradDoc() {
  static const std::string& doc =
      *new std::string(absl::StrCat("dY times the derivative of ", Absl(A::kName),
                                    FromResult<A>() ? ", from its result Y." : " at X."));
  return doc;
}

template <typename A>
absl::Status CheckAttributesOf(const AttributeMap& attributes) {
  for (const AttributeSpec& spec : AttributesOf<A>()) {
    if (spec.kind != Attribute::Kind::kFloat) continue;
    WEFT_RETURN_IF_ERROR(CheckFinite(attributes, spec.name));
  }
  if constexpr (requires { A::Check(attributes); }) return A::Check(attributes);
  return absl::OkStatus();
}

template <typename A>
absl::StatusOr<std::vector<TensorType>> InferActivation(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckAttributesOf<A>(c.attributes()));
  return InferSameAsFirst(c);
}

template <typename A>
absl::StatusOr<std::vector<TensorType>> InferGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckAttributesOf<A>(c.attributes()));
  return InferPairOfOneType(c);
}

template <typename A>
absl::Status EvaluateActivation(const EvalContext& c) {
  const A a(c.attributes);
  const auto f = [&a](auto x) { return a.f(x); };
  if constexpr (requires { A::kIntegers; }) return MapNumeric(c, f);
  return MapFloat(c, f);
}

template <typename A>
absl::Status EvaluateGrad(const EvalContext& c) {
  const A a(c.attributes);
  return MapFloatPair(c, [&a](double dy, double v) {
    const double slope = a.Slope(v);
    return slope == 0 ? 0 : dy * slope;  // where nothing flows back, infinity does not either
  });
}

template <typename A>
bool ReadsResult(const AttributeMap& attributes) {
  if constexpr (requires { A::KeepsSlope(attributes); }) return A::KeepsSlope(attributes);
  return FromResult<A>();
}

template <typename A>
InputGradients ActivationGradient(GradientContext& c) {
  const Value v = ReadsResult<A>(c.attributes()) ? c.y() : c.x();
  return {c.Op(GradName<A>(), {c.dy(), v}, c.attributes())};
}

// G = dY * s(V): dG/d(dY) = s(V), dG/dV = dY * s'(V).
template <typename A>
InputGradients GradGradient(GradientContext& c) {
  const Value cotangent = c.dy(), dy = c.x(0), v = c.x(1);
  InputGradients result(2);
  if (c.needs(0)) result[0] = c.Op(GradName<A>(), {cotangent, v}, c.attributes());
  if constexpr (requires { &A::Curve; }) {
    if (c.needs(1)) result[1] = A::Curve(c.attributes(), Term(c, cotangent) * Term(c, dy), {c, v});
  }
  return result;
}

template <int flops>
Cost FlopsAnElement(const CostContext& c) {
  return {.flops = flops * static_cast<double>(c.OutputSize())};
}

template <typename A>
void Append(std::vector<OpDef>& all) {
  constexpr bool kIntegers = requires { A::kIntegers; };
  all.push_back({.name = A::kName,
                 .doc = A::kDoc,
                 .inputs = {{"X", kIntegers ? kSignedTypes : kFloatTypes}},
                 .attributes = AttributesOf<A>(),
                 .infer = InferActivation<A>,
                 .gradient = ActivationGradient<A>,
                 .evaluate = EvaluateActivation<A>,
                 .cost = kIntegers ? nullptr : FlopsAnElement<4>,
                 .aliases = InPlace,
                 .traits = {.elementwise = true, .activation = true}});
  all.push_back({.name = GradName<A>(),
                 .doc = GradDoc<A>(),
                 .inputs = {{"dY"}, {FromResult<A>() ? "Y" : "X"}},
                 .outputs = {{"dX"}},
                 .attributes = AttributesOf<A>(),
                 .infer = InferGrad<A>,
                 .gradient = GradGradient<A>,
                 .evaluate = EvaluateGrad<A>,
                 .cost = kIntegers ? nullptr : FlopsAnElement<3>,
                 .aliases = InPlaceOfEither});
}

template <typename... A>
std::vector<OpDef> OpsOf() {
  std::vector<OpDef> all;
  (Append<A>(all), ...);
  return all;
}

}  // namespace

std::vector<OpDef> ActivationOps() {
  using namespace activation;  // NOLINT: the table's names are those of the ops
  return OpsOf<Sigmoid, Tanh, Relu, LeakyRelu, Elu, Selu, Celu, Gelu, Silu, Mish, HardSigmoid,
               HardSwish, Softplus, Softsign, ThresholdedRelu, Shrink>();
}

}  // namespace weft
