#ifndef WEFT_GRAPH_FILE_SERIALIZE_H_
#define WEFT_GRAPH_FILE_SERIALIZE_H_

#include <string>
#include <string_view>

#include "graph/file/file_system.h"
#include "graph/model.h"

namespace weft {

// The version this program writes; it reads all versions up to this one.
inline constexpr int kFormatVersion = 1;

// Writes `model` to one file (proto/graph.proto says how it is laid out), atomically: see
// WriteAtomically. The graph is verified first. Equal models give the same bytes. Errors: a graph
// that does not verify, names or texts that are not UTF-8, a preprocessing or training state with
// impossible values, a graph that takes more than 256 MiB without its tensors; whatever writing
// says.
absl::Status SaveModel(const Model& model, const std::string& path,
                       FileSystem& fs = PosixFileSystem());

// Reads a file that SaveModel wrote. Weights are mapped, not copied. Everything is checked before
// it is used: size, version, checksums, dims, names, ops, types, order. Errors name the file and,
// where there is one, the node. A mapped file must stay as it is while the model lives: replacing
// it by SaveModel is safe, truncating it in place is not (reading then raises SIGBUS).
absl::StatusOr<Model> LoadModel(const std::string& path, const OpRegistry& registry);
// The same from bytes in memory (tensors are copied); `name` stands for the file in errors.
absl::StatusOr<Model> ParseModel(std::string_view bytes, const OpRegistry& registry,
                                 std::string_view name = "model");
// The bytes that SaveModel writes; empty for a model that it refuses.
std::string SerializeModel(const Model& model);

// The same in protobuf's text format, tensors inline: for reading, diffing and repair by hand.
// Every value survives the way there and back bit by bit. Empty for a model that cannot be stored.
std::string ModelToProtoText(const Model& model);
absl::StatusOr<Model> ModelFromProtoText(std::string_view text, const OpRegistry& registry);

}  // namespace weft

#endif  // WEFT_GRAPH_FILE_SERIALIZE_H_
