#ifndef WEFT_FRONTEND_SERVE_HTTP_H_
#define WEFT_FRONTEND_SERVE_HTTP_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/status.h"

namespace weft {

// A request of HTTP/1.1 or 1.0 (RFC 9112), as HttpRequestParser reads it.
struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // as it was sent: "/api/example?class=3"
  std::string path;    // percent-decoded: "/api/example"
  std::vector<std::pair<std::string, std::string>> query = {};  // percent-decoded
  // Of an absolute target, else of the header Host: "127.0.0.1:8080"; "" in HTTP/1.0.
  std::string host;
  std::map<std::string, std::string> headers = {};  // names in lower case; repeated ones joined
  std::string body;
  bool keep_alive = true;

  // "" where there is none; `name` in lower case.
  const std::string& Header(const std::string& name) const;
  HttpRequest WithoutBody() const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  // Shared by all who are sent it; null: empty.
  std::shared_ptr<const std::string> body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // besides the usual ones
  bool close = false;                                             // the connection ends after it
};

HttpResponse JsonResponse(std::string json);
// {"error": message}
HttpResponse ErrorResponse(int status, std::string_view message);

// The status line and headers. They forbid caching, guessing types and telling other sites of this
// one.
std::string HttpHead(const HttpResponse& response, bool keep_alive);

// Bytes that a text has outside of itself.
size_t MemoryOf(const std::string& text);

// "%41" as "A". Nothing where a '%' is not followed by two hexadecimal digits.
std::optional<std::string> PercentDecoded(std::string_view text, bool plus_is_space);

// The host of "localhost:8080" or "[::1]:8080", without the port; "" where it is malformed.
std::string_view HostName(std::string_view host);
// Whether it is this machine's own: localhost, 127.x.x.x, [::1].
bool IsLoopbackName(std::string_view name);

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_HTTP_H_
