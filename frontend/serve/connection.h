#ifndef WEFT_FRONTEND_SERVE_CONNECTION_H_
#define WEFT_FRONTEND_SERVE_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "frontend/serve/request_parser.h"
#include "frontend/serve/socket.h"

namespace weft {

// One client's connection: what has come of its request and what has gone of its answer.
class HttpConnection {
 public:
  using Clock = std::chrono::steady_clock;
  enum class State {
    kReading,    // a request, or nothing yet
    kWaiting,    // for the answer
    kWriting,    // it
    kLingering,  // the last answer is sent; what still comes is dropped, so that it is not reset
    kClosed,
  };

  HttpConnection(Descriptor socket, std::string peer, const HttpLimits& limits)
      : socket_(std::move(socket)), peer_(std::move(peer)), limits_(limits) {}

  int socket() const { return socket_.get(); }
  const std::string& peer() const { return peer_; }
  State state() const { return state_; }
  HttpRequestParser& parser() { return *parser_; }
  // When the state began; of reading, when the request's first byte came.
  Clock::time_point since() const { return since_; }
  void Enter(State state) { Enter(state, Clock::now()); }
  void Enter(State state, Clock::time_point since) {
    state_ = state;
    since_ = since;
  }
  void Close() { state_ = State::kClosed; }

  // What is there to read, into `buffer`. 0: the client sends no more. Negative: nothing now, or
  // the connection is broken, which closes it.
  int64_t Receive(std::span<char> buffer);
  // Bytes without blocking, which must fit the socket's empty buffer; else it closes.
  void SendNow(std::string_view bytes);

  // Enters kWriting; of a HEAD request only the head goes out.
  void Answer(const HttpResponse& response, bool keep_alive);
  // Sends what goes without blocking. When all is sent: kReading for the next request, or
  // kLingering.
  void Flush();
  int64_t answered() const { return answered_; }

  // What came after the request that is being answered.
  std::string& following() { return following_; }
  // The memory of requests, and of answers that only this connection holds.
  size_t incoming() const { return parser_->held() + MemoryOf(following_) + queued_; }
  size_t outgoing() const;
  size_t sent() const { return sent_; }
  void SetQueued(size_t bytes) { queued_ = bytes; }  // of the request that waits elsewhere

 private:
  Descriptor socket_;
  const std::string peer_;
  const HttpLimits limits_;
  State state_ = State::kReading;
  Clock::time_point since_ = Clock::now();
  // Made anew for each request: one that is assigned to would keep the last body's memory.
  std::unique_ptr<HttpRequestParser> parser_ = std::make_unique<HttpRequestParser>(limits_);
  std::string following_;
  size_t queued_ = 0;
  std::string head_;
  std::shared_ptr<const std::string> body_;
  size_t sent_ = 0;
  bool keep_alive_ = true;
  int64_t answered_ = 0;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_CONNECTION_H_
