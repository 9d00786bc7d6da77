// The reader of HTTP requests: whatever the pieces, it says the same, holds what its limits allow
// and takes no byte of the next request.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "frontend/serve/request_parser.h"

namespace {

using Stage = weft::HttpRequestParser::Stage;

struct Reading {
  weft::HttpRequestParser parser;
  size_t taken = 0;  // bytes
};

void Expect(bool holds) {
  if (!holds) std::abort();
}

Reading Read(std::string_view bytes, size_t size) {
  const weft::HttpLimits limits = {.head = 512, .target = 128, .headers = 8, .body = 256};
  Reading reading = {.parser = weft::HttpRequestParser(limits)};
  weft::HttpRequestParser& parser = reading.parser;
  while (reading.taken < bytes.size() && parser.stage() != Stage::kDone &&
         parser.stage() != Stage::kFailed) {
    const std::string_view piece = bytes.substr(reading.taken, size);
    const size_t taken = parser.Feed(piece);
    Expect(taken > 0 && taken <= piece.size());
    reading.taken += taken;
    Expect(parser.held() <= limits.head + 1 + static_cast<size_t>(limits.body));
  }
  return reading;
}

void ExpectSame(const Reading& a, const Reading& b) {
  Expect(a.parser.stage() == b.parser.stage());
  Expect(a.parser.error_status() == b.parser.error_status());
  Expect(a.parser.error() == b.parser.error());
  Expect(a.parser.expects_continue() == b.parser.expects_continue());
  const weft::HttpRequest &x = a.parser.request(), &y = b.parser.request();
  Expect(x.method == y.method && x.target == y.target && x.path == y.path);
  Expect(x.query == y.query && x.host == y.host && x.headers == y.headers);
  Expect(x.body == y.body && x.keep_alive == y.keep_alive);
  // Of one that failed the connection ends, wherever it stands.
  if (a.parser.stage() != Stage::kFailed) Expect(a.taken == b.taken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Reading whole = Read(bytes, bytes.size());
  ExpectSame(whole, Read(bytes, 1));
  ExpectSame(whole, Read(bytes, 7));
  if (whole.parser.stage() != Stage::kDone) return 0;
  // Without what follows it is the same request, and less of it is none.
  ExpectSame(whole, Read(bytes.substr(0, whole.taken), whole.taken));
  Expect(Read(bytes.substr(0, whole.taken - 1), size).parser.stage() != Stage::kDone);
  return 0;
}
