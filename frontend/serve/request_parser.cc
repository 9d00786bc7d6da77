#include "frontend/serve/request_parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace weft {
namespace {

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr size_t kMostChunkLine = 256;  // bytes: a size and extensions

bool IsTokenChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, IsTokenChar);
}

// Of a header's value: visible ASCII, blanks, and bytes above.
bool IsFieldText(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  });
}

std::string_view TrimmedBlanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Why a line is no "NAME: VALUE"; nullptr: it is.
const char* FieldFault(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    return "expected NAME: VALUE";
  }
  return IsFieldText(line.substr(colon + 1)) ? nullptr : "a control character";
}

// Appends to a text that ends with at most `most` bytes. Memory grows with what has come, for what
// is announced may never come, but not above `most`, as a string's own growth would.
void AppendWithin(std::string& text, std::string_view bytes, size_t most) {
  const size_t size = text.size() + bytes.size();
  if (size > text.capacity()) {
    std::string larger;
    larger.reserve(std::min(most, std::max(size, 2 * text.size())));
    larger = text;
    text.swap(larger);
  }
  text.append(bytes);
}

// Digits of base 10 or 16 without anything else, below 2^60.
std::optional<int64_t> LengthOf(std::string_view digits, int base) {
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  int64_t result = 0;
  for (const char c : digits) {
    const auto u = static_cast<unsigned char>(c);
    const bool fits = base == 10 ? absl::ascii_isdigit(u) : absl::ascii_isxdigit(u);
    if (!fits) return std::nullopt;
    const int digit = absl::ascii_isdigit(u) ? c - '0' : absl::ascii_tolower(u) - 'a' + 10;
    result = result * base + digit;
  }
  return result;
}

std::optional<std::string_view> AfterScheme(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (absl::StartsWithIgnoreCase(Absl(target), Absl(scheme))) return target.substr(scheme.size());
  }
  return std::nullopt;
}

// What stands before the separator, or all of it; the rest is what follows.
std::string_view TakeUntil(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view taken = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  return taken;
}

// One of the words of a list as "keep-alive, Upgrade".
bool ListHas(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    if (absl::EqualsIgnoreCase(Absl(TrimmedBlanks(TakeUntil(list, ','))), Absl(word))) return true;
  }
  return false;
}

}  // namespace

bool HttpRequestParser::Fail(int status, std::string message) {
  stage_ = Stage::kFailed;
  error_status_ = status;
  error_ = std::move(message);
  request_.keep_alive = false;
  std::string().swap(request_.body);  // assigning an empty one would keep the memory
  std::string().swap(head_);
  return false;
}

size_t HttpRequestParser::Feed(std::string_view bytes) {
  if (stage_ == Stage::kHead) return FeedHead(bytes);
  if (stage_ == Stage::kBody) return chunk_ == Chunk::kNone ? FeedBody(bytes) : FeedChunks(bytes);
  return 0;
}

size_t HttpRequestParser::FeedHead(std::string_view bytes) {
  const size_t before = head_.size();
  const size_t room = limits_.head + 1 - std::min(before, limits_.head);
  const size_t added = std::min(bytes.size(), room);
  AppendWithin(head_, bytes.substr(0, added), limits_.head + 1);
  size_t skipped = 0;  // empty lines before a request are its predecessor's (RFC 9112, 2.2)
  while (std::string_view(head_).substr(skipped).starts_with(kLineEnd)) skipped += kLineEnd.size();
  head_.erase(0, skipped);
  const size_t end = head_.find(kHeadEnd, before < 3 ? 0 : before - 3);
  if (end != std::string::npos && end + kHeadEnd.size() <= limits_.head) {
    const size_t left = head_.size() - end - kHeadEnd.size();
    const std::string head = std::exchange(head_, {}).substr(0, end);
    if (ParseHead(head)) {
      stage_ = chunk_ == Chunk::kNone && remaining_ == 0 ? Stage::kDone : Stage::kBody;
    }
    return added - left;
  }
  if (head_.size() > limits_.head) {
    const bool in_first_line = head_.find(kLineEnd) == std::string::npos;
    Fail(in_first_line ? 414 : 431,
         absl::StrCat("expected at most ", limits_.head, " bytes of headers"));
  }
  return added;
}

size_t HttpRequestParser::FeedBody(std::string_view bytes) {
  const auto remaining = static_cast<size_t>(remaining_);
  const size_t taken = std::min(bytes.size(), remaining);
  AppendWithin(request_.body, bytes.substr(0, taken), request_.body.size() + remaining);
  remaining_ -= static_cast<int64_t>(taken);
  if (remaining_ == 0) stage_ = Stage::kDone;
  return taken;
}

// A chunk: its size in hexadecimal and perhaps extensions, CRLF, data, CRLF; the last one has none.
size_t HttpRequestParser::FeedChunks(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && stage_ == Stage::kBody) {
    if (chunk_ == Chunk::kData) {
      const size_t n = std::min(bytes.size() - taken, static_cast<size_t>(remaining_));
      AppendWithin(request_.body, bytes.substr(taken, n), static_cast<size_t>(limits_.body));
      remaining_ -= static_cast<int64_t>(n);
      taken += n;
      if (remaining_ == 0) chunk_ = Chunk::kDataEnd;
      continue;
    }
    head_ += bytes[taken++];
    if (head_.ends_with(kLineEnd)) {
      if (!EndChunkLine()) return taken;
    } else if (head_.size() > kMostChunkLine) {
      Fail(chunk_ == Chunk::kTrailers ? 431 : 400, "chunked body: a line is too long");
    }
  }
  return taken;
}

bool HttpRequestParser::EndChunkLine() {
  const std::string owned = std::exchange(head_, {});
  const std::string_view line = std::string_view(owned).substr(0, owned.size() - kLineEnd.size());
  switch (chunk_) {
    case Chunk::kSize: {
      // Blanks may stand before an extension only (RFC 9112, 7.1.1).
      const size_t end = line.find(';');
      std::string_view digits = line.substr(0, end);
      if (end != std::string_view::npos)
        digits = digits.substr(0, digits.find_last_not_of(" \t") + 1);
      const auto size = LengthOf(digits, 16);
      if (!size || !IsFieldText(line))
        return Fail(400, "chunked body: expected a chunk's size in hexadecimal");
      if (*size > limits_.body - static_cast<int64_t>(request_.body.size())) {
        return Fail(413, absl::StrCat("expected a body of at most ", limits_.body, " bytes"));
      }
      remaining_ = *size;
      chunk_ = *size == 0 ? Chunk::kTrailers : Chunk::kData;
      return true;
    }
    case Chunk::kDataEnd:
      if (!line.empty()) return Fail(400, "chunked body: expected CRLF after a chunk's data");
      chunk_ = Chunk::kSize;
      return true;
    case Chunk::kTrailers:  // read and dropped
      trailer_bytes_ += line.size();
      if (trailer_bytes_ > limits_.head) {
        return Fail(431, "chunked body: the trailers are too long");
      }
      if (line.empty()) {
        stage_ = Stage::kDone;
      } else if (const char* const fault = FieldFault(line)) {
        return Fail(400, absl::StrCat("chunked body: trailer: ", fault));
      }
      return true;
    case Chunk::kNone:
    case Chunk::kData:
      break;
  }
  return false;
}

bool HttpRequestParser::ParseHead(std::string_view head) {
  size_t end = std::min(head.find(kLineEnd), head.size());
  if (!ParseRequestLine(head.substr(0, end))) return false;
  while (end < head.size()) {
    head.remove_prefix(end + kLineEnd.size());
    end = std::min(head.find(kLineEnd), head.size());
    if (!ParseHeader(head.substr(0, end))) return false;
  }
  return InterpretHeaders();
}

bool HttpRequestParser::ParseRequestLine(std::string_view line) {
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !IsToken(line.substr(0, first))) {
    return Fail(400, "expected a request as GET /path HTTP/1.1");
  }
  request_.method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return version.starts_with("HTTP/") ? Fail(505, "expected HTTP/1.1")
                                        : Fail(400, "expected a request as GET /path HTTP/1.1");
  }
  minor_version_ = version.back() - '0';
  return ParseTarget(line.substr(first + 1, last - first - 1));
}

bool HttpRequestParser::ParseTarget(std::string_view target) {
  if (target.size() > limits_.target) {
    return Fail(414, absl::StrCat("expected a target of at most ", limits_.target, " bytes"));
  }
  const bool visible = std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!visible || target.empty()) return Fail(400, "target: expected visible ASCII");
  request_.target = target;
  if (const auto absolute = AfterScheme(target)) {
    const size_t slash = std::min(absolute->find_first_of("/?"), absolute->size());
    request_.host = absolute->substr(0, slash);
    if (request_.host.empty()) return Fail(400, "target: expected a host after http://");
    target = absolute->substr(slash);
  }
  std::string_view query = target;
  const auto path = PercentDecoded(TakeUntil(query, '?'), false);
  if (!path) return Fail(400, "target: expected two hexadecimal digits after %");
  if (path->find('\0') != std::string::npos) return Fail(400, "target: a NUL byte");
  request_.path = path->empty() && !request_.host.empty() ? "/" : *path;
  if (!request_.path.starts_with('/'))
    return Fail(400, "target: expected a path that begins with /");
  return ParseQuery(query);
}

bool HttpRequestParser::ParseQuery(std::string_view query) {
  while (!query.empty()) {
    std::string_view rest = TakeUntil(query, '&');
    if (rest.empty()) continue;
    auto key = PercentDecoded(TakeUntil(rest, '='), true);
    auto value = PercentDecoded(rest, true);
    if (!key || !value) return Fail(400, "query: expected two hexadecimal digits after %");
    request_.query.emplace_back(*std::move(key), *std::move(value));
  }
  return true;
}

bool HttpRequestParser::ParseHeader(std::string_view line) {
  if (++header_count_ > limits_.headers) {
    return Fail(431, absl::StrCat("expected at most ", limits_.headers, " headers"));
  }
  if (const char* const fault = FieldFault(line)) {
    return Fail(400, absl::StrCat("header: ", fault));
  }
  const size_t colon = line.find(':');
  const std::string_view value = TrimmedBlanks(line.substr(colon + 1));
  const std::string name = absl::AsciiStrToLower(Absl(line.substr(0, colon)));
  const auto [entry, is_new] = request_.headers.emplace(name, value);
  if (is_new) return true;
  for (const std::string_view once : {"host", "content-length", "transfer-encoding", "origin"}) {
    if (name == once) return Fail(400, absl::StrCat("header ", name, ": given twice"));
  }
  absl::StrAppend(&entry->second, ", ", Absl(value));
  return true;
}

bool HttpRequestParser::InterpretHeaders() {
  const auto host = request_.headers.find("host");
  if (host == request_.headers.end() && minor_version_ == 1) {
    return Fail(400, "header host: expected one");
  }
  if (request_.host.empty() && host != request_.headers.end()) request_.host = host->second;
  const std::string& connection = request_.Header("connection");
  request_.keep_alive =
      minor_version_ == 1 ? !ListHas(connection, "close") : ListHas(connection, "keep-alive");
  const std::string& expect = request_.Header("expect");
  if (!expect.empty() && !absl::EqualsIgnoreCase(expect, "100-continue")) {
    return Fail(417, "header expect: expected 100-continue");
  }
  expects_continue_ = !expect.empty() && minor_version_ == 1;
  return InterpretLength();
}

bool HttpRequestParser::InterpretLength() {
  const auto length = request_.headers.find("content-length");
  const auto coding = request_.headers.find("transfer-encoding");
  const bool has_length = length != request_.headers.end();
  if (coding != request_.headers.end()) {
    if (has_length) return Fail(400, "expected Content-Length or Transfer-Encoding, got both");
    if (minor_version_ == 0) return Fail(400, "header transfer-encoding: HTTP/1.0 has none");
    if (!absl::EqualsIgnoreCase(coding->second, "chunked")) {
      return Fail(501, "header transfer-encoding: expected chunked");
    }
    chunk_ = Chunk::kSize;
    return true;
  }
  if (!has_length) {
    const bool has_body = request_.method == "POST" || request_.method == "PUT";
    return !has_body || Fail(411, "expected a Content-Length");
  }
  const auto bytes = LengthOf(length->second, 10);
  if (!bytes) return Fail(400, "header content-length: expected a number of bytes");
  if (*bytes > limits_.body) {
    return Fail(413,
                absl::StrCat("expected a body of at most ", limits_.body, " bytes, got ", *bytes));
  }
  remaining_ = *bytes;
  return true;
}

}  // namespace weft
