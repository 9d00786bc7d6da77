#include "graph/file/serialize.h"

#include "absl/strings/str_format.h"
#include "graph/file/mapped_pages.h"
#include "graph/file/serialize_internal.h"

namespace weft {
namespace {

struct Prepared {
  Frame frame;
  std::vector<Tensor> tensors;
};

absl::StatusOr<Prepared> Prepare(const Model& model) {
  // No file that LoadModel would refuse.
  WEFT_RETURN_IF_ERROR(model.graph.Verify());
  WEFT_ASSIGN_OR_RETURN(EncodedModel encoded, EncodeModel(model));
  std::vector<uint64_t> lengths;
  for (const Tensor& tensor : encoded.tensors) lengths.push_back(tensor.bytes());
  Prepared prepared;
  WEFT_ASSIGN_OR_RETURN(prepared.frame,
                        FrameModel(std::move(encoded.message), lengths, encoded.crcs));
  prepared.tensors = std::move(encoded.tensors);
  return prepared;
}

// Calls `append` with the parts of the file in order.
template <typename Append>
absl::Status ForEachPart(const Prepared& prepared, Append append) {
  WEFT_RETURN_IF_ERROR(append(BytesOf(prepared.frame.head)));
  for (size_t i = 0; i < prepared.tensors.size(); ++i) {
    const Tensor& tensor = prepared.tensors[i];
    if (tensor.bytes() == 0) continue;
    WEFT_RETURN_IF_ERROR(append(BytesOf(prepared.frame.prefixes[i])));
    WEFT_RETURN_IF_ERROR(append(std::span(tensor.data(), tensor.bytes())));
  }
  return absl::OkStatus();
}

// A tensor of the table; without an owner its bytes are copied.
absl::StatusOr<Tensor> LoadTensor(const proto::Tensor& message, std::span<const std::byte> file,
                                  const std::shared_ptr<const void>& owner) {
  WEFT_ASSIGN_OR_RETURN(TensorLayout layout, DecodeLayout(message));
  if (layout.bytes != message.length()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "expected %d bytes for %s%s, the file has %d", layout.bytes,
        std::string(ToString(layout.dtype)), ToString(std::span(layout.dims)), message.length()));
  }
  if (message.floats_size() + message.doubles_size() + message.ints_size() > 0 ||
      !message.raw().empty()) {
    return absl::InvalidArgumentError("has inline elements, which only the text form may have");
  }
  if (layout.bytes == 0) return Tensor::Zeros(layout.dtype, std::move(layout.dims));
  const std::span<const std::byte> bytes = file.subspan(message.offset(), message.length());
  WEFT_RETURN_IF_ERROR(CheckElements(layout.dtype, bytes));
  if (owner == nullptr) return Tensor::FromBytes(layout.dtype, std::move(layout.dims), bytes);
  return Tensor::Wrap(layout.dtype, std::move(layout.dims), bytes, owner);
}

absl::StatusOr<Model> Load(std::span<const std::byte> file,
                           const std::shared_ptr<const void>& owner, const OpRegistry& registry) {
  proto::Model message;
  WEFT_RETURN_IF_ERROR(UnframeFile(file, message));
  std::vector<Tensor> tensors;
  for (int i = 0; i < message.tensors_size(); ++i) {
    absl::StatusOr<Tensor> tensor = LoadTensor(message.tensors(i), file, owner);
    if (!tensor.ok()) return Annotate(tensor.status(), absl::StrFormat("tensor %d", i));
    tensors.push_back(*std::move(tensor));
  }
  return DecodeModel(message, tensors, registry);
}

}  // namespace

absl::Status SaveModel(const Model& model, const std::string& path, FileSystem& fs) {
  absl::StatusOr<Prepared> prepared = Prepare(model);
  if (!prepared.ok()) return Annotate(prepared.status(), path);
  return WriteAtomically(fs, path, [&](WritableFile& file) {
    return ForEachPart(*prepared,
                       [&](std::span<const std::byte> part) { return file.Append(part); });
  });
}

std::string SerializeModel(const Model& model) {
  absl::StatusOr<Prepared> prepared = Prepare(model);
  std::string file;
  if (!prepared.ok()) return file;
  file.reserve(prepared->frame.file_size);
  (void)ForEachPart(*prepared, [&](std::span<const std::byte> part) {
    file.append(reinterpret_cast<const char*>(part.data()), part.size());
    return absl::OkStatus();
  });
  return file;
}

absl::StatusOr<Model> LoadModel(const std::string& path, const OpRegistry& registry) {
  WEFT_ASSIGN_OR_RETURN(MappedFile file, MapFile(path));
  absl::StatusOr<Model> model = Load(file.bytes, file.owner, registry);
  if (!model.ok()) return Annotate(model.status(), path);
  ReleasePages(file.bytes);  // All of them have been checked, few may be needed.
  return model;
}

absl::StatusOr<Model> ParseModel(std::string_view bytes, const OpRegistry& registry,
                                 std::string_view name) {
  absl::StatusOr<Model> model = Load(BytesOf(bytes), nullptr, registry);
  if (!model.ok()) return Annotate(model.status(), name);
  return model;
}

}  // namespace weft
