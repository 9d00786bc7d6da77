#ifndef WEFT_FRONTEND_SERVE_REQUEST_PARSER_H_
#define WEFT_FRONTEND_SERVE_REQUEST_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "frontend/serve/http.h"

namespace weft {

struct HttpLimits {
  size_t head = 16 << 10;   // bytes of request line and headers; of trailers too
  size_t target = 8 << 10;  // bytes
  size_t headers = 100;     // how many
  int64_t body = 32 << 20;  // bytes
};

// Reads one request as its bytes come. Strict where others are lenient, because two readings of one
// request are how requests are smuggled: lines end in CRLF, lengths are given once, names are
// tokens, no header goes on in the next line.
class HttpRequestParser {
 public:
  enum class Stage { kHead, kBody, kDone, kFailed };

  explicit HttpRequestParser(const HttpLimits& limits) : limits_(limits) {}

  // Takes bytes and returns how many; the rest is the next request's. Stops after the head too, so
  // that one may look at it before the body comes. Holds at most the limits' bytes.
  size_t Feed(std::string_view bytes);

  Stage stage() const { return stage_; }
  // Whether a byte of the request has come.
  bool has_begun() const { return stage_ != Stage::kHead || !head_.empty(); }
  // From kBody on; the body is whole when the stage is kDone.
  const HttpRequest& request() const { return request_; }
  HttpRequest& request() { return request_; }
  // The client waits for "100 Continue" before it sends the body.
  bool expects_continue() const { return expects_continue_; }
  // Of kFailed: a status of 400 to 505, and why.
  int error_status() const { return error_status_; }
  const std::string& error() const { return error_; }
  // Bytes that have come and that it keeps, and the memory it keeps for them.
  size_t received() const { return head_.size() + request_.body.size(); }
  size_t held() const { return MemoryOf(head_) + MemoryOf(request_.body); }

 private:
  // What comes next of a body in chunks.
  enum class Chunk { kNone, kSize, kData, kDataEnd, kTrailers };

  bool Fail(int status, std::string message);  // false
  size_t FeedHead(std::string_view bytes);
  size_t FeedBody(std::string_view bytes);
  size_t FeedChunks(std::string_view bytes);
  bool EndChunkLine();
  bool ParseHead(std::string_view head);
  bool ParseRequestLine(std::string_view line);
  bool ParseTarget(std::string_view target);
  bool ParseQuery(std::string_view query);
  bool ParseHeader(std::string_view line);
  bool InterpretHeaders();
  bool InterpretLength();

  HttpLimits limits_;
  Stage stage_ = Stage::kHead;
  HttpRequest request_;
  std::string head_;  // of the request, then a chunk's line
  size_t header_count_ = 0;
  int minor_version_ = 1;
  bool expects_continue_ = false;
  int64_t remaining_ = 0;  // bytes of the body or of the chunk
  Chunk chunk_ = Chunk::kNone;
  size_t trailer_bytes_ = 0;
  int error_status_ = 0;
  std::string error_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_REQUEST_PARSER_H_
