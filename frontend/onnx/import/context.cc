#include "frontend/onnx/import/context.h"

#include <algorithm>

#include "frontend/build/init.h"
#include "graph/op.h"

namespace weft {

std::string OnnxNodeName(const onnx::NodeProto& node) {
  if (!node.name().empty()) return node.name();
  for (const std::string& output : node.output()) {
    if (!output.empty()) return output;
  }
  return node.op_type();
}

const onnx::AttributeProto* ImportContext::Find(std::string_view attribute) const {
  for (const onnx::AttributeProto& given : node_.attribute()) {
    if (given.name() == attribute) return &given;
  }
  auto it = schema_.attributes().find(std::string(attribute));
  if (it == schema_.attributes().end()) return nullptr;
  const onnx::AttributeProto& standard = it->second.default_value;
  return standard.has_name() ? &standard : nullptr;
}

const TensorType& ImportContext::TypeOf(Value v) {
  static const TensorType nothing;
  return v.null() ? nothing : v.type();
}

bool ImportContext::Gives(std::string_view attribute) const {
  const auto& given = node_.attribute();
  return std::any_of(given.begin(), given.end(),
                     [&](const auto& a) { return a.name() == attribute; });
}

void ImportContext::CheckNoOtherAttributes(const OpDef& op,
                                           std::span<const std::string_view> ignored) {
  for (const onnx::AttributeProto& given : node_.attribute()) {
    const auto is_given = [&](std::string_view name) { return name == given.name(); };
    const auto has_name = [&](const AttributeSpec& spec) { return is_given(spec.name); };
    if (std::any_of(ignored.begin(), ignored.end(), is_given) ||
        std::any_of(op.attributes.begin(), op.attributes.end(), has_name)) {
      continue;
    }
    onnx::AttributeProto value = given;
    value.clear_doc_string();
    auto it = schema_.attributes().find(given.name());
    if (it == schema_.attributes().end() ||
        it->second.default_value.SerializeAsString() != value.SerializeAsString()) {
      Unsupported(absl::StrCat("its attribute ", given.name(), " is not supported"));
    }
  }
}

int64_t ImportContext::Int(std::string_view attribute, int64_t fallback) const {
  const onnx::AttributeProto* a = Find(attribute);
  return a != nullptr ? a->i() : fallback;
}

double ImportContext::Float(std::string_view attribute, double fallback) const {
  const onnx::AttributeProto* a = Find(attribute);
  return a != nullptr ? static_cast<double>(a->f()) : fallback;
}

std::string ImportContext::String(std::string_view attribute, std::string_view fallback) const {
  const onnx::AttributeProto* a = Find(attribute);
  return a != nullptr ? a->s() : std::string(fallback);
}

std::vector<int64_t> ImportContext::Ints(std::string_view attribute) const {
  const onnx::AttributeProto* a = Find(attribute);
  if (a == nullptr) return {};
  return {a->ints().begin(), a->ints().end()};
}

std::vector<std::string> ImportContext::Strings(std::string_view attribute) const {
  const onnx::AttributeProto* a = Find(attribute);
  if (a == nullptr) return {};
  return {a->strings().begin(), a->strings().end()};
}

OnnxValuePtr ImportContext::Known(int i) const {
  return has(i) ? scope_.Find(node_.input(i)) : nullptr;
}

Value ImportContext::Leaf(OnnxValue& known) {
  if (known.value || !known.constant || !ok()) return known.value;
  const absl::StatusOr<Value> leaf =
      known.parameter ? graph().AddVariable(known.name, *known.constant, known.constant->rank() > 0)
                      : graph().AddConstant(known.name, *known.constant);
  if (!leaf.ok()) return Fail(leaf.status());
  known.value = *leaf;
  return *leaf;
}

Value ImportContext::Named(const std::string& name) {
  const OnnxValuePtr known = scope_.Find(name);
  if (known == nullptr) {
    return Fail(absl::InvalidArgumentError(absl::StrCat("there is no value '", name, "'")));
  }
  return Leaf(*known);
}

Value ImportContext::ScalarIn(int i) {
  const Tensor* known = constant(i);
  if (known != nullptr && known->rank() == 1 && known->size() == 1) {
    return Constant(*known->Reshaped({}));
  }
  const Value v = in(i);
  const bool list = v && TypeOf(v).shape == Shape{1};
  return list ? Op("Reshape", {v, Ints(std::vector<int64_t>())}) : v;
}

Value ImportContext::Statistic(int i, const std::string& layer, std::string_view role) {
  const Tensor* known = constant(i);
  if (known == nullptr || !kFloatTypes.contains(known->dtype())) return in(i);
  OnnxValue& value = *Known(i);
  Value& statistic = value.statistics[absl::StrCat(layer, " ", Absl(role))];
  if (statistic || !ok()) return statistic;
  // Under its own name, unless that is a weight's.
  const bool taken = value.read_as_value || graph().Find(value.name) != nullptr;
  const std::string name = taken ? absl::StrCat(prefix(), "/", Absl(role)) : value.name;
  const auto leaf = graph().AddVariable(name, *known, /*trainable=*/false, kStatistic);
  if (!leaf.ok()) return Fail(leaf.status());
  return statistic = *leaf;
}

std::vector<Value> ImportContext::ins() {
  std::vector<Value> values;
  for (int i = 0; i < num_inputs(); ++i) values.push_back(in(i));
  return values;
}

const Tensor* ImportContext::constant(int i) const {
  const OnnxValuePtr known = Known(i);
  return known != nullptr && known->constant ? &*known->constant : nullptr;
}

const ShapeValue* ImportContext::shape(int i) const {
  const OnnxValuePtr known = Known(i);
  return known != nullptr && known->shape ? &*known->shape : nullptr;
}

Value ImportContext::ShapeSource(int i) const {
  const OnnxValuePtr known = Known(i);
  return known == nullptr ? Value() : known->shape_of;
}

const Tensor* ImportContext::KnownTensor(int i, std::string_view what) {
  if (!has(i) || !ok()) return nullptr;
  const Tensor* tensor = constant(i);
  if (tensor == nullptr) {
    Unsupported(absl::StrCat("its ", Absl(what), ", ", input_name(i),
                             ", must be known before the run: bind the inputs that decide it"));
  }
  return tensor;
}

std::optional<std::vector<int64_t>> ImportContext::KnownInts(int i, std::string_view what) {
  const Tensor* tensor = KnownTensor(i, what);
  if (tensor == nullptr) return std::nullopt;
  if (tensor->rank() > 1 || (tensor->dtype() != DType::kI64 && tensor->dtype() != DType::kI32)) {
    Fail(absl::InvalidArgumentError(absl::StrCat("expected a list of integers as ", Absl(what),
                                                 ", got ", ToString(tensor->type()))));
    return std::nullopt;
  }
  return ExactInts(*tensor);
}

std::optional<int64_t> ImportContext::KnownInt(int i, std::string_view what) {
  const auto ints = KnownInts(i, what);
  if (!ints || ints->size() == 1) return ints ? std::optional((*ints)[0]) : std::nullopt;
  Fail(absl::InvalidArgumentError(
      absl::StrCat("expected one integer as ", Absl(what), ", got ", ints->size())));
  return std::nullopt;
}

std::optional<double> ImportContext::KnownNumber(int i, std::string_view what) {
  const Tensor* tensor = KnownTensor(i, what);
  if (tensor == nullptr) return std::nullopt;
  if (tensor->size() == 1) return tensor->At(0);
  Fail(absl::InvalidArgumentError(
      absl::StrCat("expected a scalar ", Absl(what), ", got ", ToString(tensor->type()))));
  return std::nullopt;
}

int ImportContext::num_outputs() const {
  int count = node_.output_size();
  while (count > 1 && node_.output(count - 1).empty()) --count;
  return count;
}

bool ImportContext::HasFirstType(int i) const {
  const auto& inputs = schema_.inputs();
  const auto& outputs = schema_.outputs();
  if (inputs.empty() || outputs.empty()) return false;
  const size_t last = outputs.size() - 1;  // variadic outputs are one formal
  return outputs[std::min(static_cast<size_t>(i), last)].GetTypeStr() == inputs[0].GetTypeStr();
}

Value ImportContext::Result(std::string_view op, std::vector<Value> inputs,
                            AttributeMap attributes) {
  const std::vector<Value> results = Results(op, std::move(inputs), std::move(attributes), -1);
  return results.empty() ? Value() : results[0];
}

std::vector<Value> ImportContext::Results(std::string_view op, std::vector<Value> inputs,
                                          AttributeMap attributes, int num_outputs) {
  if (!ok()) return {};
  const absl::StatusOr<Node*> node = graph().AddNode({.op = std::string(op),
                                                      .name = prefix(),
                                                      .inputs = std::move(inputs),
                                                      .attributes = std::move(attributes),
                                                      .num_outputs = num_outputs});
  if (!node.ok()) {
    Fail(node.status());
    return {};
  }
  std::vector<Value> outputs;
  for (int i = 0; i < (*node)->num_outputs(); ++i) outputs.push_back((*node)->output(i));
  return outputs;
}

int64_t ImportContext::Stream() const { return static_cast<int64_t>(HashName(prefix()) >> 1); }

}  // namespace weft
