#include "frontend/onnx/proto.h"

#include <limits>

namespace weft {

absl::Status ParseOnnxMessage(std::span<const std::byte> bytes, const std::string& name,
                              google::protobuf::MessageLite& message) {
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max())) {
    return absl::ResourceExhaustedError(absl::StrCat(
        name, ": ", bytes.size(),
        " bytes are more than protobuf's 2 GiB; tensors that large belong into external data"));
  }
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": expected an ONNX ", message.GetTypeName().substr(5),
        ", got a truncated, malformed or too deeply nested message of ", bytes.size(), " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace weft
