#ifndef WEFT_FRONTEND_ONNX_EXTERNAL_DATA_H_
#define WEFT_FRONTEND_ONNX_EXTERNAL_DATA_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "graph/file/file_system.h"
#include "graph/status.h"

namespace weft {

// The files beside a model that hold tensors too large for it, inside its folder (MapFileInside).
// Files are mapped once each. Not thread-safe.
class ExternalData {
 public:
  explicit ExternalData(std::string folder) : folder_(std::move(folder)) {}

  // Bytes of a file; `length` absent: all from `offset` on. Errors name the location: where it
  // leads, no such file, a range beyond its end.
  absl::StatusOr<MappedFile> Read(const std::string& location, uint64_t offset,
                                  std::optional<uint64_t> length);

 private:
  std::string folder_;
  std::map<std::string, MappedFile> files_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_EXTERNAL_DATA_H_
