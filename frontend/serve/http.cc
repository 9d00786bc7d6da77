#include "frontend/serve/http.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace weft {
namespace {

struct StatusReason {
  int status;
  std::string_view reason;
};
constexpr StatusReason kStatusReasons[] = {{100, "Continue"},
                                           {200, "OK"},
                                           {204, "No Content"},
                                           {400, "Bad Request"},
                                           {403, "Forbidden"},
                                           {404, "Not Found"},
                                           {405, "Method Not Allowed"},
                                           {408, "Request Timeout"},
                                           {411, "Length Required"},
                                           {413, "Content Too Large"},
                                           {414, "URI Too Long"},
                                           {415, "Unsupported Media Type"},
                                           {417, "Expectation Failed"},
                                           {431, "Request Header Fields Too Large"},
                                           {500, "Internal Server Error"},
                                           {501, "Not Implemented"},
                                           {503, "Service Unavailable"},
                                           {505, "HTTP Version Not Supported"}};

std::string_view ReasonOf(int status) {
  const auto found = std::ranges::find(kStatusReasons, status, &StatusReason::status);
  return found == std::end(kStatusReasons) ? "Unknown" : found->reason;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = absl::ascii_tolower(static_cast<unsigned char>(c));
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

const std::string& HttpRequest::Header(const std::string& name) const {
  static const std::string none;
  const auto found = headers.find(name);
  return found == headers.end() ? none : found->second;
}

HttpRequest HttpRequest::WithoutBody() const {
  return {.method = method,
          .target = target,
          .path = path,
          .query = query,
          .host = host,
          .headers = headers,
          .body = {},
          .keep_alive = keep_alive};
}

HttpResponse JsonResponse(std::string json) {
  return {.body = std::make_shared<const std::string>(std::move(json))};
}

HttpResponse ErrorResponse(int status, std::string_view message) {
  const nlohmann::json error = {{"error", message}};
  HttpResponse response =
      JsonResponse(error.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  response.status = status;
  return response;
}

std::string HttpHead(const HttpResponse& response, bool keep_alive) {
  std::string head =
      absl::StrCat("HTTP/1.1 ", response.status, " ", Absl(ReasonOf(response.status)), "\r\n");
  if (response.status != 204) {
    absl::StrAppend(&head, "Content-Type: ", response.content_type,
                    "\r\nContent-Length: ", response.body == nullptr ? 0 : response.body->size(),
                    "\r\n");
  }
  for (const auto& [name, value] : response.headers) {
    absl::StrAppend(&head, name, ": ", value, "\r\n");
  }
  absl::StrAppend(&head,
                  "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                  "Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"
                  "Connection: ",
                  keep_alive ? "keep-alive" : "close", "\r\n\r\n");
  return head;
}

size_t MemoryOf(const std::string& text) {
  return text.capacity() > std::string().capacity() ? text.capacity() : 0;
}

std::optional<std::string> PercentDecoded(std::string_view text, bool plus_is_space) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

std::string_view HostName(std::string_view host) {
  const size_t end = host.starts_with('[') ? host.find(']') : host.find(':');
  if (host.starts_with('[') && end == std::string_view::npos) return {};
  const size_t size =
      end == std::string_view::npos ? host.size() : end + (host.starts_with('[') ? 1 : 0);
  const std::string_view port = host.substr(size);
  const bool has_port =
      port.size() > 1 && port[0] == ':' && std::ranges::all_of(port.substr(1), [](char c) {
        return absl::ascii_isdigit(static_cast<unsigned char>(c));
      });
  return port.empty() || has_port ? host.substr(0, size) : std::string_view();
}

bool IsLoopbackName(std::string_view name) {
  if (absl::EqualsIgnoreCase(Absl(name), "localhost") || name == "[::1]") return true;
  if (!name.starts_with("127.")) return false;
  // Four numbers, so that 127.example.com is another's.
  int dots = 0;
  for (const char c : name) {
    if (c == '.') ++dots;
    if (c != '.' && !absl::ascii_isdigit(static_cast<unsigned char>(c))) return false;
  }
  return dots == 3;
}

}  // namespace weft
