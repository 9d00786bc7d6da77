#include "frontend/onnx/external_data.h"

namespace weft {

absl::StatusOr<MappedFile> ExternalData::Read(const std::string& location, uint64_t offset,
                                              std::optional<uint64_t> length) {
  auto it = files_.find(location);
  if (it == files_.end()) {
    absl::StatusOr<MappedFile> file = MapFileInside(folder_, location);
    if (!file.ok()) return Annotate(file.status(), "external data");
    it = files_.emplace(location, *std::move(file)).first;
  }
  const MappedFile& file = it->second;
  const uint64_t size = file.bytes.size();
  if (offset > size || (length && *length > size - offset)) {
    return absl::OutOfRangeError(absl::StrCat("external data: ", location, ": expected ",
                                              length.value_or(0), " bytes at offset ", offset,
                                              ", the file has ", size));
  }
  return MappedFile{file.bytes.subspan(offset, length.value_or(size - offset)), file.owner};
}

}  // namespace weft
