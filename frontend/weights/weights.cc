#include "frontend/weights/weights.h"

#include <memory>
#include <utility>

#include "frontend/weights/pth.h"
#include "frontend/weights/safetensors.h"
#include "frontend/weights/shards.h"

namespace weft {
namespace {

// Files that people take for weights, by what they begin with.
struct OtherFormat {
  size_t offset;
  std::string_view magic;
  std::string_view advice;
};
constexpr OtherFormat kOtherFormats[] = {
    {0, "\x1f\x8b", "is compressed by gzip: unpack it"},
    {257, "ustar", "is a tar archive: unpack it, or save it again with PyTorch from 0.2 on"},
    {0, "version https://git-lfs", "is a pointer of Git LFS: fetch it by git lfs pull"},
    {0, "<", "is a web page: the download failed"},
    {0, "\x89HDF", "is HDF5: save it as .safetensors"},
    {0, "GGUF", "is GGUF: save it as .safetensors"},
};

std::string_view FormatAdvice(std::string_view bytes) {
  if (bytes.empty()) return "is empty";
  for (const OtherFormat& other : kOtherFormats) {
    if (bytes.size() > other.offset && bytes.substr(other.offset).starts_with(other.magic)) {
      return other.advice;
    }
  }
  return "has another format";
}

enum class WeightsFormat { kSafetensors, kPth, kShardIndex, kOther };

// The length that a .safetensors file begins with may begin as the other ones do.
WeightsFormat FormatOf(std::span<const std::byte> bytes) {
  if (LooksLikeSafetensors(bytes)) return WeightsFormat::kSafetensors;
  if (LooksLikePth(bytes)) return WeightsFormat::kPth;
  return LooksLikeShardIndex(bytes) ? WeightsFormat::kShardIndex : WeightsFormat::kOther;
}

absl::StatusOr<NamedTensors> ParseAny(std::span<const std::byte> bytes, const std::string& name,
                                      std::shared_ptr<const void> owner, std::string_view key) {
  const WeightsFormat format = FormatOf(bytes);
  if (format == WeightsFormat::kPth) return ParsePth(bytes, name, std::move(owner), key);
  if (format != WeightsFormat::kSafetensors) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": expected a .safetensors file or a state dict saved by PyTorch (.pth), the file ",
        Absl(FormatAdvice({reinterpret_cast<const char*>(bytes.data()), bytes.size()}))));
  }
  if (key.empty()) return ParseSafetensors(bytes, name, std::move(owner));
  return absl::InvalidArgumentError(absl::StrCat(
      name, ": a .safetensors file holds one state dict, there is no key ", Printable(key)));
}

}  // namespace

absl::StatusOr<NamedTensors> OpenWeights(const std::string& path, std::string_view key) {
  WEFT_ASSIGN_OR_RETURN(const MappedFile file, MapFile(path));
  if (FormatOf(file.bytes) != WeightsFormat::kShardIndex) {
    return ParseAny(file.bytes, path, file.owner, key);
  }
  return OpenShards(file.bytes, path,
                    [&](const std::string& shard) -> absl::StatusOr<NamedTensors> {
                      WEFT_ASSIGN_OR_RETURN(const MappedFile part, MapFile(shard));
                      return ParseAny(part.bytes, shard, part.owner, key);
                    });
}

absl::StatusOr<NamedTensors> ParseWeights(std::span<const std::byte> bytes,
                                          const std::string& name) {
  return ParseAny(bytes, name, nullptr, {});
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
