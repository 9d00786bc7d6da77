#include "frontend/onnx/import/scope.h"

#include <algorithm>

namespace weft {

std::optional<TensorType> TypeOfOnnxValue(const OnnxValue& value) {
  if (value.constant) return value.constant->type();
  if (value.value) return value.value.type();
  return std::nullopt;
}

void KnowOnnxValue(OnnxValue& value, Tensor tensor) {
  value.shape = SymbolicValue(tensor);
  value.constant = std::move(tensor);
}

std::optional<std::vector<int64_t>> ExactInts(const Tensor& tensor) {
  const auto list = [](const auto& values) {
    return std::vector<int64_t>(values.begin(), values.end());
  };
  switch (tensor.dtype()) {
    case DType::kI64:
      return list(tensor.values<int64_t>());
    case DType::kI32:
      return list(tensor.values<int32_t>());
    case DType::kBool:
      return list(tensor.values<uint8_t>());
    default:
      return std::nullopt;
  }
}

std::string PlainOnnxDomain(const std::string& domain) { return domain == "ai.onnx" ? "" : domain; }

OnnxOpsets OnnxOpsetsOf(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imported) {
  OnnxOpsets opsets;
  for (const onnx::OperatorSetIdProto& opset : imported) {
    opsets.emplace(PlainOnnxDomain(opset.domain()),
                   static_cast<int>(std::clamp<int64_t>(opset.version(), 0, 1 << 20)));
  }
  return opsets;
}

int OnnxOpset(const OnnxOpsets& opsets, const std::string& domain) {
  const auto it = opsets.find(PlainOnnxDomain(domain));
  return it == opsets.end() ? 0 : it->second;
}

OnnxValuePtr OnnxScope::Find(const std::string& name) const {
  for (const OnnxScope* scope = this; scope != nullptr; scope = scope->outer_) {
    auto it = scope->values_.find(name);
    if (it != scope->values_.end()) return it->second;
  }
  return nullptr;
}

OnnxValue& OnnxScope::Make(const std::string& name) {
  OnnxValuePtr& value = values_[name];
  if (value == nullptr) value = std::make_shared<OnnxValue>(OnnxValue{.name = prefix_ + name});
  return *value;
}

}  // namespace weft
