#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

// Inputs, parameters, constants, outputs and single ops.

namespace weft {
Value Builder::Input(std::string name, std::vector<Axis> shape, InputOptions options, Where where) {
  Layer layer(*this, kInput, name, where);
  TensorType type{options.dtype.value_or(options_.dtype), {}};
  for (const Axis& axis : shape) {
    layer.ExpectAtLeast("an extent", axis.dim.coefficient(), 0);
    type.shape.push_back(axis.dim);
  }
  return layer.Node({}, {{"type", std::move(type)}});
}

Value Builder::Parameter(std::string name, Dims dims, ParameterOptions options, Where where) {
  Layer layer(*this, kVariable, name, where);
  return layer.Parameter("", dims, options.init.value_or(options_.init), FansOf(dims),
                         options.trainable ? kParameter : kStatistic);
}

Value Builder::Constant(Tensor value, NameOption o, Where where) {
  Layer layer(*this, kConstant, o.name, where);
  return layer.Node({}, {{"value", std::move(value)}});
}

void Builder::Loss(std::string name, Value value, Where where) {
  if (!status_.ok()) return;
  Fail(where, graph_.AddLoss(FullName(name), value));
}

void Builder::Output(std::string name, Value value, Where where) {
  if (!status_.ok()) return;
  Fail(where, graph_.AddOutput(FullName(name), value));
}

Value Builder::Op(std::string_view op, std::vector<Value> inputs, AttributeMap attributes,
                  const NameOption& o, Where where) {
  return Layer(*this, op, o.name, where).Node(std::move(inputs), std::move(attributes));
}

}  // namespace weft
