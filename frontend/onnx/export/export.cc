#include "frontend/onnx/export/export.h"

#include <filesystem>
#include <limits>
#include <vector>

#include "frontend/onnx/export/to_onnx.h"
#include "graph/file/write_all.h"

namespace weft {
namespace {

constexpr size_t kSmallTensor = 1024;  // bytes; smaller ones stay in the message
constexpr uint64_t kDataAlignment = 64;
// Of the message, of protobuf's 2 GiB.
constexpr uint64_t kMessageLimit = uint64_t{2000} << 20;

bool IsLarge(const onnx::TensorProto& tensor) { return tensor.raw_data().size() >= kSmallTensor; }

void SetExternal(const std::string& key, std::string value, onnx::TensorProto& tensor) {
  onnx::StringStringEntryProto* entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(std::move(value));
}

// The tensors that may lie beside the message: initializers and the values of Constant nodes.
std::vector<onnx::TensorProto*> LargeTensors(onnx::GraphProto& graph) {
  std::vector<onnx::TensorProto*> tensors;
  for (onnx::TensorProto& tensor : *graph.mutable_initializer()) {
    if (IsLarge(tensor)) tensors.push_back(&tensor);
  }
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    for (onnx::AttributeProto& attribute : *node.mutable_attribute()) {
      if (attribute.has_t() && IsLarge(attribute.t())) tensors.push_back(attribute.mutable_t());
    }
  }
  return tensors;
}

// Takes the bytes of the large tensors, which then refer to where AppendData puts them.
std::vector<std::string> MoveToData(const std::string& location, onnx::GraphProto& graph) {
  std::vector<std::string> data;
  uint64_t offset = 0;
  for (onnx::TensorProto* tensor : LargeTensors(graph)) {
    data.push_back(std::move(*tensor->mutable_raw_data()));
    const uint64_t length = data.back().size();
    tensor->clear_raw_data();
    tensor->set_data_location(onnx::TensorProto::EXTERNAL);
    SetExternal("location", location, *tensor);
    SetExternal("offset", std::to_string(offset), *tensor);
    SetExternal("length", std::to_string(length), *tensor);
    offset += (length + kDataAlignment - 1) / kDataAlignment * kDataAlignment;
  }
  return data;
}

absl::Status AppendData(std::span<const std::string> data, WritableFile& file) {
  constexpr std::byte kZeros[kDataAlignment] = {};
  for (const std::string& bytes : data) {
    WEFT_RETURN_IF_ERROR(file.Append(std::as_bytes(std::span(bytes))));
    const uint64_t rest = bytes.size() % kDataAlignment;
    if (rest == 0) continue;
    WEFT_RETURN_IF_ERROR(file.Append(std::span(kZeros).first(kDataAlignment - rest)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteOnnx(onnx::ModelProto model, const std::string& path, uint64_t limit,
                       FileSystem& fs) {
  const std::string beside = path + ".data";
  std::vector<std::string> data;
  if (model.ByteSizeLong() > limit) {
    data = MoveToData(std::filesystem::path(beside).filename().string(), *model.mutable_graph());
  }
  // Before anything is replaced.
  if (model.ByteSizeLong() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return absl::ResourceExhaustedError(
        absl::StrCat(path, ": nodes and small tensors of ", model.ByteSizeLong(),
                     " bytes, ONNX files have at most 2 GiB beside their data"));
  }
  const std::string message = model.SerializeAsString();
  std::vector<FileToWrite> files;
  if (!data.empty()) {
    files.push_back({beside, [&data](WritableFile& file) { return AppendData(data, file); }});
  }
  files.push_back({path, [&message](WritableFile& file) {
                     return file.Append(std::as_bytes(std::span(message)));
                   }});
  return WriteAllAtomically(fs, files);
}

absl::StatusOr<OnnxExportReport> ExportOnnx(const Model& model, const std::string& path,
                                            const OnnxExportOptions& options) {
  OnnxExportReport report;
  WEFT_ASSIGN_OR_RETURN(onnx::ModelProto proto, ToOnnx(model, options, &report));
  WEFT_RETURN_IF_ERROR(WriteOnnx(std::move(proto), path, kMessageLimit));
  return report;
}

}  // namespace weft
