#include <utility>

#include "frontend/builder.h"
#include "frontend/builder_layer.h"

// The functions that add one node each, without parameters.

namespace weft {

Value Builder::Op(std::string_view op, std::vector<Value> inputs, AttributeMap attributes,
                  const NameOption& o, Where where) {
  return Layer(*this, op, o.name, where).Node(std::move(inputs), std::move(attributes));
}

Value Builder::Sigmoid(Value x, const NameOption& o, Where where) {
  return Op("Sigmoid", {x}, {}, o, where);
}
Value Builder::Relu(Value x, const NameOption& o, Where where) {
  return Op("Relu", {x}, {}, o, where);
}
Value Builder::Tanh(Value x, const NameOption& o, Where where) {
  return Op("Tanh", {x}, {}, o, where);
}
Value Builder::Sqrt(Value x, const NameOption& o, Where where) {
  return Op("Sqrt", {x}, {}, o, where);
}
Value Builder::Neg(Value x, const NameOption& o, Where where) {
  return Op("Neg", {x}, {}, o, where);
}
Value Builder::Identity(Value x, const NameOption& o, Where where) {
  return Op("Identity", {x}, {}, o, where);
}

Value Builder::Add(Value a, Value b, const NameOption& o, Where where) {
  return Op("Add", {a, b}, {}, o, where);
}
Value Builder::Sub(Value a, Value b, const NameOption& o, Where where) {
  return Op("Sub", {a, b}, {}, o, where);
}
Value Builder::Mul(Value a, Value b, const NameOption& o, Where where) {
  return Op("Mul", {a, b}, {}, o, where);
}
Value Builder::Div(Value a, Value b, const NameOption& o, Where where) {
  return Op("Div", {a, b}, {}, o, where);
}

Value Builder::Softmax(Value x, const SoftmaxOptions& o, Where where) {
  return Op("Softmax", {x}, {{"axis", o.axis}}, {o.name}, where);
}

Value Builder::Dropout(Value x, const DropoutOptions& o, Where where) {
  Layer layer(*this, "Dropout", o.name, where);
  // The stream follows from the name, so that other layers, added or removed, do not change it.
  const auto stream = static_cast<int64_t>(HashName(layer.name()) >> 1);
  return layer.Node({x}, {{"ratio", o.ratio}, {"stream", stream}});
}

Value Builder::Flatten(Value x, const FlattenOptions& o, Where where) {
  return Op("Flatten", {x}, {{"axis", o.axis}}, {o.name}, where);
}

Value Builder::Reshape(Value x, const std::vector<int64_t>& shape, const NameOption& o,
                       Where where) {
  Layer layer(*this, "Reshape", o.name, where);
  return layer.Node({x, layer.Constant("shape", Tensor::FromInts(shape))});
}

Value Builder::Transpose(Value x, std::vector<int64_t> permutation, const NameOption& o,
                         Where where) {
  return Op("Transpose", {x}, {{"perm", std::move(permutation)}}, o, where);
}

Value Builder::Cast(Value x, DType to, const NameOption& o, Where where) {
  return Op("Cast", {x}, {{"to", to}}, o, where);
}

namespace {

AttributeMap ReduceAttributes(const ReduceOptions& o) {
  AttributeMap attributes = {{"keepdims", o.keep_dims ? 1 : 0}};
  if (!o.axes.empty()) attributes.emplace("axes", o.axes);
  return attributes;
}

}  // namespace

Value Builder::ReduceMean(Value x, const ReduceOptions& o, Where where) {
  return Op("ReduceMean", {x}, ReduceAttributes(o), {o.name}, where);
}
Value Builder::ReduceSum(Value x, const ReduceOptions& o, Where where) {
  return Op("ReduceSum", {x}, ReduceAttributes(o), {o.name}, where);
}

Value Builder::ArgMax(Value x, const ArgMaxOptions& o, Where where) {
  return Op("ArgMax", {x}, {{"axis", o.axis}, {"keepdims", o.keep_dims ? 1 : 0}}, {o.name}, where);
}

Value Builder::Gemm(Value a, Value b, Value c, const GemmOptions& o, Where where) {
  std::vector<Value> inputs = {a, b};
  if (!c.null()) inputs.push_back(c);
  return Op("Gemm", std::move(inputs),
            {{"alpha", o.alpha},
             {"beta", o.beta},
             {"transA", o.transpose_a ? 1 : 0},
             {"transB", o.transpose_b ? 1 : 0}},
            {o.name}, where);
}

Value Builder::CrossEntropy(Value scores, Value labels, const CrossEntropyOptions& o, Where where) {
  AttributeMap attributes = {{"reduction", o.reduction}, {"label_smoothing", o.label_smoothing}};
  if (o.ignore_index) attributes.emplace("ignore_index", *o.ignore_index);
  return Op("SoftmaxCrossEntropyLoss", {scores, labels}, std::move(attributes), {o.name}, where);
}

}  // namespace weft
