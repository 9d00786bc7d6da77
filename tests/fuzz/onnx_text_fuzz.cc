// The reader of ONNX models behind protobuf's syntax: text, unlike a message, stays one when a name
// or a number changes its length.
#include <google/protobuf/text_format.h>

#include "tests/fuzz/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const google::protobuf::LogSilencer quiet;
  onnx::ModelProto message;
  const std::string text(weft::AsText(data, size));
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) return 0;
  const std::string bytes = message.SerializeAsString();
  weft::ImportAndExport(std::as_bytes(std::span(bytes)));
  return 0;
}
