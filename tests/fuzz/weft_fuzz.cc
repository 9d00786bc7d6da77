// The reader of .weft files. Checksums stop most changes of a file, so the input is also taken as
// the message of a model and framed as it should be.
#include <google/protobuf/stubs/logging.h>

#include "graph/file/serialize.h"
#include "graph/file/serialize_internal.h"
#include "ops/ops.h"
#include "tests/fuzz/bytes.h"

namespace weft {
namespace {

// The file of a model message. Elements are the bytes of the tensor's crc32, again and again: a
// field that framing sets, so free for the fuzzer to choose.
std::string FileOf(const proto::Model& message) {
  constexpr uint64_t kMostBytes = 4096;
  std::vector<std::string> data;
  for (const proto::Tensor& tensor : message.tensors()) {
    const absl::StatusOr<TensorLayout> layout = DecodeLayout(tensor);
    std::string bytes(layout.ok() && layout->bytes <= kMostBytes ? layout->bytes : 0, '\0');
    for (size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>(tensor.crc32() >> (8 * (i % 4)));
    }
    data.push_back(std::move(bytes));
  }
  const absl::StatusOr<std::string> file = FrameFile(message, data);
  return file.ok() ? *file : "";
}

}  // namespace
}  // namespace weft

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)weft::ParseModel(weft::AsText(data, size), weft::StandardOps());
  const google::protobuf::LogSilencer quiet;
  weft::proto::Model message;
  if (!message.ParseFromArray(data, static_cast<int>(size))) return 0;
  (void)weft::ParseModel(weft::FileOf(message), weft::StandardOps());
  return 0;
}
