#include "graph/element.h"
#include "ops/common.h"
#include "ops/families.h"

namespace weft {
namespace {

DType Target(const AttributeMap& attributes) {
  return std::get<DType>(attributes.find("to")->second.value);
}

absl::StatusOr<std::vector<TensorType>> InferCast(const InferContext& c) {
  return std::vector<TensorType>{{Target(c.attributes()), c.type(0).shape}};
}

InputGradients CastGradient(GradientContext& c) {
  const DType dtype = c.x().type().dtype;
  if (!kRealTypes.contains(dtype)) return {Value()};
  return {c.Op("Cast", {c.dy()}, {{"to", dtype}})};
}

absl::Status EvaluateCast(const EvalContext& c) {
  ConvertElements(c.in(0).dtype, c.in(0).data, c.out().dtype, c.out().data, c.out().size());
  return absl::OkStatus();
}

}  // namespace

std::vector<OpDef> CastOps() {
  return {{.name = "Cast",
           .doc =
               "Every element converted to the type `to`. Floating point to integer cuts towards "
               "zero, saturates, and makes 0 of NaN; to bool is != 0; integers wrap around; to f16 "
               "and bf16 rounds to the nearest, by way of f32.",
           .inputs = {{"input", kAllTypes}},
           .outputs = {{"output"}},
           .attributes = {{.name = "to", .kind = Attribute::Kind::kDType, .required = true}},
           .infer = InferCast,
           .gradient = CastGradient,
           .evaluate = EvaluateCast,
           .traits = {.elementwise = true}}};
}

}  // namespace weft
