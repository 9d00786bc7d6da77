#ifndef WEFT_FRONTEND_WEIGHTS_SAFETENSORS_H_
#define WEFT_FRONTEND_WEIGHTS_SAFETENSORS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "frontend/weights/named_tensors.h"
#include "graph/file/file_system.h"

namespace weft {

// Reads a .safetensors file: 8 bytes of length, a header in JSON, the elements. Tensors are views
// of `bytes` where `owner`, which keeps them alive, is given and they are aligned; else copies.
// Errors begin with `name`, which stands for the file: a header beyond the end or over 100,000,000
// bytes (the format's limit), one that is not the JSON of the format, a name twice, an unknown
// element type, dims beyond the limits of type.h, dims and offsets that disagree, elements that
// overlap, leave holes or do not end with the file, a bool that is neither 0 nor 1.
absl::StatusOr<NamedTensors> ParseSafetensors(std::span<const std::byte> bytes,
                                              const std::string& name,
                                              std::shared_ptr<const void> owner = nullptr);

// Writes such a file, atomically (see WriteAtomically), as the format's own writer lays it out: the
// widest elements first, then by name, everything aligned. Equal arguments give the same bytes.
// Errors: an empty tensor, a name or metadata that are not UTF-8, a header over the format's limit;
// whatever writing says.
absl::Status WriteSafetensors(const std::string& path, const TensorMap& tensors,
                              const std::map<std::string, std::string, std::less<>>& metadata,
                              FileSystem& fs = PosixFileSystem());

// Whether `bytes` begin as the format does.
bool LooksLikeSafetensors(std::span<const std::byte> bytes);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_SAFETENSORS_H_
