#include "frontend/onnx/export.h"

#include <filesystem>
#include <limits>

#include "frontend/onnx/to_onnx.h"

namespace weft {
namespace {

constexpr size_t kSmallTensor = 1024;  // bytes; smaller ones stay in the message
constexpr uint64_t kDataAlignment = 64;
// Of the initializers; the rest of the message has what is left of protobuf's 2 GiB.
constexpr uint64_t kMessageLimit = uint64_t{2000} << 20;

bool IsLarge(const onnx::TensorProto& tensor) { return tensor.raw_data().size() >= kSmallTensor; }

void SetExternal(const std::string& key, std::string value, onnx::TensorProto& tensor) {
  onnx::StringStringEntryProto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(std::move(value));
}

// Writes the large initializers one after the other.
absl::Status AppendData(const onnx::GraphProto& graph, WritableFile& file) {
  constexpr std::byte kZeros[kDataAlignment] = {};
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    if (!IsLarge(tensor)) continue;
    const auto bytes = std::as_bytes(std::span(tensor.raw_data()));
    WEFT_RETURN_IF_ERROR(file.Append(bytes));
    const uint64_t rest = bytes.size() % kDataAlignment;
    if (rest != 0)
      WEFT_RETURN_IF_ERROR(file.Append(std::span(kZeros).first(kDataAlignment - rest)));
  }
  return absl::OkStatus();
}

// Makes them refer to where AppendData put them.
void PointToData(const std::string& location, onnx::GraphProto& graph) {
  uint64_t offset = 0;
  for (onnx::TensorProto& tensor : *graph.mutable_initializer()) {
    if (!IsLarge(tensor)) continue;
    const uint64_t length = tensor.raw_data().size();
    tensor.clear_raw_data();
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    SetExternal("location", location, tensor);
    SetExternal("offset", std::to_string(offset), tensor);
    SetExternal("length", std::to_string(length), tensor);
    offset += (length + kDataAlignment - 1) / kDataAlignment * kDataAlignment;
  }
}

}  // namespace

absl::Status WriteOnnx(onnx::ModelProto model, const std::string& path, uint64_t limit,
                       FileSystem& fs) {
  uint64_t bytes = 0;
  for (const onnx::TensorProto& tensor : model.graph().initializer()) {
    bytes += tensor.raw_data().size();
  }
  if (bytes > limit) {
    const std::string data = path + ".data";
    WEFT_RETURN_IF_ERROR(WriteAtomically(
        fs, data, [&](WritableFile& file) { return AppendData(model.graph(), file); }));
    PointToData(std::filesystem::path(data).filename().string(), *model.mutable_graph());
  }
  if (model.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": constants and nodes of ", model.ByteSizeLong(),
                     " bytes, ONNX files have at most 2 GiB beside their initializers"));
  }
  const std::string message = model.SerializeAsString();
  return WriteAtomically(fs, path, [&message](WritableFile& file) {
    return file.Append(std::as_bytes(std::span(message)));
  });
}

absl::StatusOr<OnnxExportReport> ExportOnnx(const Model& model, const std::string& path,
                                            const OnnxExportOptions& options) {
  OnnxExportReport report;
  WEFT_ASSIGN_OR_RETURN(onnx::ModelProto proto, ToOnnx(model, options, &report));
  WEFT_RETURN_IF_ERROR(WriteOnnx(std::move(proto), path, kMessageLimit));
  return report;
}

}  // namespace weft
