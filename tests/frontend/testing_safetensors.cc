#include "testing_safetensors.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <span>

#include "frontend/read_file.h"

namespace weft {
namespace {

absl::Status Malformed(const std::string& path, const std::string& what) {
  return absl::DataLossError(absl::StrCat(path, ": ", what));
}

absl::StatusOr<Tensor> ReadTensor(const nlohmann::json& entry, std::span<const std::byte> data) {
  static const std::map<std::string, DType> kTypes = {
      {"F32", DType::kF32}, {"F64", DType::kF64}, {"I64", DType::kI64}};
  const auto type = kTypes.find(entry.at("dtype").get<std::string>());
  const auto offsets = entry.at("data_offsets").get<std::vector<size_t>>();
  if (type == kTypes.end() || offsets.size() != 2 || offsets[0] > offsets[1] ||
      offsets[1] > data.size()) {
    return absl::DataLossError("an unknown dtype, or offsets beyond the end");
  }
  return Tensor::FromBytes(type->second, entry.at("shape").get<Dims>(),
                           data.subspan(offsets[0], offsets[1] - offsets[0]));
}

}  // namespace

absl::StatusOr<Safetensors> ReadSafetensors(const std::string& path) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  uint64_t length = 0;
  if (bytes.size() < sizeof(length)) return Malformed(path, "too short");
  std::memcpy(&length, bytes.data(), sizeof(length));
  if (length > bytes.size() - sizeof(length)) return Malformed(path, "header beyond the end");
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof(length);
  const nlohmann::json header =
      nlohmann::json::parse(text, text + length, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return Malformed(path, "the header is not JSON");
  Safetensors result;
  const auto data = std::span(bytes).subspan(sizeof(length) + length);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      result.metadata = entry.get<std::map<std::string, std::string>>();
      continue;
    }
    auto tensor = ReadTensor(entry, data);
    if (!tensor.ok()) return Annotate(tensor.status(), path + ": " + name);
    result.tensors[name] = *std::move(tensor);
  }
  return result;
}

}  // namespace weft
