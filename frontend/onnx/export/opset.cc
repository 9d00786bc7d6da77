#include "frontend/onnx/export/opset.h"

#include <algorithm>

#include "frontend/onnx/tensor_proto.h"

namespace weft {
namespace {

using onnx::AttributeProto;
using FormalParameters = std::vector<onnx::OpSchema::FormalParameter>;

template <typename... Args>
absl::Status Lacks(const Args&... args) {
  return absl::UnimplementedError(absl::StrCat(args...));
}

// As ONNX writes types: "tensor(float)".
std::string TypeString(DType dtype) {
  std::string name = OnnxTypeName(OnnxTypeOf(dtype));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return "tensor(" + name + ")";
}

bool Allows(const onnx::OpSchema::FormalParameter& parameter, const std::string& type) {
  const auto& types = parameter.GetTypes();
  return std::any_of(types.begin(), types.end(),
                     [&](const std::string* allowed) { return *allowed == type; });
}

// A variadic parameter is the last one and stands for all that follow.
const onnx::OpSchema::FormalParameter& ParameterAt(const FormalParameters& parameters, size_t i) {
  return parameters[std::min(i, parameters.size() - 1)];
}

absl::Status CheckDTypes(const std::string& op, const FormalParameters& parameters,
                         std::span<const std::optional<DType>> dtypes) {
  for (size_t i = 0; i < dtypes.size(); ++i) {
    if (!dtypes[i]) continue;
    const auto& parameter = ParameterAt(parameters, i);
    if (Allows(parameter, TypeString(*dtypes[i]))) continue;
    return Lacks("ONNX's ", op, " has no ", std::string(ToString(*dtypes[i])), " ",
                 parameter.GetName());
  }
  return absl::OkStatus();
}

absl::Status CheckFits(const onnx::OpSchema& schema, const onnx::NodeProto& node,
                       std::span<const std::optional<DType>> inputs,
                       std::span<const std::optional<DType>> outputs) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (!schema.attributes().contains(attribute.name())) {
      return Lacks("ONNX's ", node.op_type(), " has no attribute ", attribute.name());
    }
  }
  const int in = node.input_size(), out = node.output_size();
  if (in < schema.min_input() || in > schema.max_input()) {
    return Lacks("ONNX's ", node.op_type(), " has ", schema.max_input(), " inputs, not ", in);
  }
  if (out < schema.min_output() || out > schema.max_output()) {
    return Lacks("ONNX's ", node.op_type(), " has ", schema.max_output(), " outputs, not ", out);
  }
  WEFT_RETURN_IF_ERROR(CheckDTypes(node.op_type(), schema.inputs(), inputs));
  return CheckDTypes(node.op_type(), schema.outputs(), outputs);
}

}  // namespace

absl::StatusOr<int> OpsetFor(const onnx::NodeProto& node,
                             std::span<const std::optional<DType>> inputs,
                             std::span<const std::optional<DType>> outputs, int from) {
  absl::Status status;
  for (int opset = from; opset <= kLastOnnxOpset; ++opset) {
    const bool preview = node.domain() == kTrainingDomain;
    const onnx::OpSchema* schema =
        FindOnnxSchema(node.op_type(), preview ? kTrainingOpset : opset, node.domain());
    status = schema == nullptr ? Lacks("ONNX has no such op up to opset ", kLastOnnxOpset)
                               : CheckFits(*schema, node, inputs, outputs);
    if (status.ok()) return opset;
  }
  return status;
}

const onnx::OpSchema* NewestSchema(std::string_view op) {
  return FindOnnxSchema(std::string(op), kLastOnnxOpset);
}

bool TakesOnlyI64(const onnx::OpSchema& schema, int i) {
  if (schema.inputs().empty()) return false;
  const auto& types = ParameterAt(schema.inputs(), static_cast<size_t>(i)).GetTypes();
  return types.size() == 1 && **types.begin() == "tensor(int64)";
}

bool IsOnnxDefault(const onnx::OpSchema& schema, const AttributeProto& attribute) {
  const auto it = schema.attributes().find(attribute.name());
  if (it == schema.attributes().end()) return false;
  const AttributeProto& fallback = it->second.default_value;
  if (fallback.type() != attribute.type()) return false;
  switch (attribute.type()) {
    case AttributeProto::INT:
      return attribute.i() == fallback.i();
    case AttributeProto::FLOAT:
      return attribute.f() == fallback.f();
    case AttributeProto::STRING:
      return attribute.s() == fallback.s();
    default:
      return false;
  }
}

absl::StatusOr<AttributeProto> AttributeToProto(std::string_view name, const Attribute& attribute) {
  AttributeProto proto;
  proto.set_name(std::string(name));
  switch (attribute.kind()) {
    case Attribute::Kind::kInt:
      proto.set_type(AttributeProto::INT);
      proto.set_i(std::get<int64_t>(attribute.value));
      return proto;
    case Attribute::Kind::kFloat:
      proto.set_type(AttributeProto::FLOAT);
      proto.set_f(static_cast<float>(std::get<double>(attribute.value)));
      return proto;
    case Attribute::Kind::kString:
      proto.set_type(AttributeProto::STRING);
      proto.set_s(std::get<std::string>(attribute.value));
      return proto;
    case Attribute::Kind::kInts:
      proto.set_type(AttributeProto::INTS);
      for (int64_t v : std::get<std::vector<int64_t>>(attribute.value)) proto.add_ints(v);
      return proto;
    case Attribute::Kind::kFloats:
      proto.set_type(AttributeProto::FLOATS);
      for (double v : std::get<std::vector<double>>(attribute.value)) {
        proto.add_floats(static_cast<float>(v));
      }
      return proto;
    case Attribute::Kind::kStrings:
      proto.set_type(AttributeProto::STRINGS);
      for (const std::string& v : std::get<std::vector<std::string>>(attribute.value)) {
        proto.add_strings(v);
      }
      return proto;
    case Attribute::Kind::kDType:
      proto.set_type(AttributeProto::INT);
      proto.set_i(OnnxTypeOf(std::get<DType>(attribute.value)));
      return proto;
    case Attribute::Kind::kTensor:
      proto.set_type(AttributeProto::TENSOR);
      *proto.mutable_t() = TensorToProto(std::get<Tensor>(attribute.value), "");
      return proto;
    case Attribute::Kind::kType:
    case Attribute::Kind::kPostOps:
      break;
  }
  return absl::UnimplementedError(
      absl::StrCat("ONNX has no attributes like ", Absl(name), ", ", attribute.ToString()));
}

}  // namespace weft
