#ifndef WEFT_FRONTEND_ONNX_PROTO_H_
#define WEFT_FRONTEND_ONNX_PROTO_H_

// ONNX's messages, for the files of this folder only: no header that users include needs them.

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "graph/status.h"

namespace weft {

// Parses a message of at most 2 GiB; protobuf allows 100 levels of nesting. `name` stands for the
// file in errors, which are a truncated or malformed message.
absl::Status ParseOnnxMessage(std::span<const std::byte> bytes, const std::string& name,
                              google::protobuf::MessageLite& message);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_PROTO_H_
