// The reader of HTTP requests: whatever the pieces, it says the same, holds what its limits allow
// and takes no byte of the next request.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "frontend/serve/request_parser.h"

namespace {

using Stage = weft::HttpRequestParser::Stage;

weft::HttpRequestParser Read(std::string_view bytes, size_t size) {
  const weft::HttpLimits limits = {.head = 512, .target = 128, .headers = 8, .body = 256};
  weft::HttpRequestParser parser(limits);
  while (!bytes.empty() && parser.stage() != Stage::kDone && parser.stage() != Stage::kFailed) {
    bytes.remove_prefix(parser.Feed(bytes.substr(0, size)));
    if (parser.held() > limits.head + 1 + static_cast<size_t>(limits.body)) std::abort();
  }
  return parser;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const weft::HttpRequestParser whole = Read(bytes, bytes.size());
  const weft::HttpRequestParser cut = Read(bytes, 1);
  if (whole.stage() != cut.stage() || whole.error_status() != cut.error_status() ||
      whole.request().path != cut.request().path || whole.request().body != cut.request().body) {
    std::abort();
  }
  return 0;
}
