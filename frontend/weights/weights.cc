#include "frontend/weights/weights.h"

#include <memory>
#include <utility>

#include "frontend/weights/pth.h"
#include "frontend/weights/safetensors.h"

namespace weft {
namespace {

absl::StatusOr<NamedTensors> ParseAny(std::span<const std::byte> bytes, const std::string& name,
                                      std::shared_ptr<const void> owner) {
  if (LooksLikeSafetensors(bytes)) return ParseSafetensors(bytes, name, std::move(owner));
  if (LooksLikePth(bytes)) return ParsePth(bytes, name, std::move(owner));
  return absl::InvalidArgumentError(absl::StrCat(
      name, ": expected a .safetensors file or a state dict saved by PyTorch (.pth), the file ",
      bytes.empty() ? "is empty" : "has another format"));
}

}  // namespace

absl::StatusOr<NamedTensors> OpenWeights(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const MappedFile file, MapFile(path));
  return ParseAny(file.bytes, path, file.owner);
}

absl::StatusOr<NamedTensors> ParseWeights(std::span<const std::byte> bytes,
                                          const std::string& name) {
  return ParseAny(bytes, name, nullptr);
}

bool IsWeight(const Node& variable) {
  const std::string role = VariableRole(variable);
  return role == kParameter || role == kStatistic;
}

TensorMap WeightsOf(const Model& model) {
  TensorMap weights;
  for (const Node* variable : model.graph.variables()) {
    if (IsWeight(*variable)) weights.emplace(variable->name(), LeafValue(*variable));
  }
  return weights;
}

absl::Status SaveWeights(const Model& model, const std::string& path, FileSystem& fs) {
  const TensorMap weights = WeightsOf(model);
  if (weights.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, ": the model has no variables to save (optimizing freezes them)"));
  }
  return WriteSafetensors(path, weights, {{"format", "pt"}}, fs);
}

}  // namespace weft
