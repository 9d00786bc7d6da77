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

int OnnxOpset(const OnnxOpsets& opsets, const std::string& domain) {
  const auto standard = [](const std::string& name) { return name.empty() || name == "ai.onnx"; };
  for (const onnx::OperatorSetIdProto& opset : opsets) {
    if (opset.domain() == domain || (standard(opset.domain()) && standard(domain))) {
      return static_cast<int>(std::clamp<int64_t>(opset.version(), 0, 1 << 20));
    }
  }
  return 0;
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
