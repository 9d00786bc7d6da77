#ifndef WEFT_GRAPH_FILE_SERIALIZE_INTERNAL_H_
#define WEFT_GRAPH_FILE_SERIALIZE_INTERNAL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model.h"
#include "proto/graph.pb.h"

// The steps between a Model and a file, for serialize*.cc and its tests only.
namespace weft {

// Limits of the model message, which is all that the protobuf library sees of a file.
inline constexpr uint64_t kMaxModelBytes = uint64_t{1} << 28;
inline constexpr int kMaxNesting = 32;
// Post-ops whose attributes are post-ops again, and so on.
inline constexpr int kMaxPostOpDepth = 4;

inline constexpr uint32_t kFileMagic = 0x54464557;  // "WEFT"

// Model <-> message -------------------------------------------------------------------------------

// A model as a message, and the tensors of its table, whose place in the file (offset, length,
// crc32) or elements are still to be filled in; `crcs` are their checksums.
struct EncodedModel {
  proto::Model message;
  std::vector<Tensor> tensors;
  std::vector<uint32_t> crcs;
};

// The graph must verify. Errors: what no reader would take back: text that is not UTF-8, an empty
// tensor, post-ops nested too deep. An error names the node.
absl::StatusOr<EncodedModel> EncodeModel(const Model& model);

// `tensors` are those of message.tensors(), in that order. Checks everything else.
absl::StatusOr<Model> DecodeModel(const proto::Model& message, std::span<const Tensor> tensors,
                                  const OpRegistry& registry);

// A type with symbols. Errors: an unknown dtype, dims beyond the limits of type.h, a symbol without
// a name, a dim of too many.
absl::StatusOr<TensorType> DecodeType(const proto::Type& type);

// dtype and dims of a table entry. Errors: an unknown dtype, dims beyond the limits of type.h.
struct TensorLayout {
  DType dtype = DType::kF32;
  Dims dims;
  uint64_t bytes = 0;
};
absl::StatusOr<TensorLayout> DecodeLayout(const proto::Tensor& tensor);
// Elements that C++ may read: a bool of another byte than 0 or 1 is an error.
absl::Status CheckElements(DType dtype, std::span<const std::byte> bytes);

// Fields that no .proto of ours has mean another writer or a newer version: an error.
absl::Status CheckNoUnknownFields(google::protobuf::Message& message);

// The conditions on both sides of a file.
absl::Status CheckFilePreprocessing(const Preprocessing& p);
absl::Status CheckTrainingState(const TrainingState& s);

// Framing -----------------------------------------------------------------------------------------

// Everything of a file but the tensors' bytes: `head` (header and model), then for each tensor with
// bytes its `prefix` (padding, tag and length) and the bytes. A prefix is empty where there are
// none.
struct Frame {
  std::string head;
  std::vector<std::string> prefixes;
  uint64_t file_size = 0;
};

// Sets offset, length and crc32 in message.tensors() for bytes of these lengths and checksums, and
// frames the result. Does not look at dtypes and dims. Errors: a model message beyond the limits.
absl::StatusOr<Frame> FrameModel(proto::Model message, std::span<const uint64_t> lengths,
                                 std::span<const uint32_t> crcs);
// The whole file for a message and the bytes of its tensors, correctly framed whatever they hold.
absl::StatusOr<std::string> FrameFile(const proto::Model& message,
                                      std::span<const std::string> data);

// The model message of a file, with framing and all checksums verified. What the message says is
// not looked at, beyond the tensors' offset, length and crc32.
absl::Status UnframeFile(std::span<const std::byte> bytes, proto::Model& message);

uint32_t Crc32(std::span<const std::byte> bytes, uint32_t seed = 0);
inline std::span<const std::byte> BytesOf(std::string_view s) {
  return std::as_bytes(std::span(s.data(), s.size()));
}

}  // namespace weft

#endif  // WEFT_GRAPH_FILE_SERIALIZE_INTERNAL_H_
