#ifndef WEFT_FRONTEND_SERVE_HTTP_SERVER_H_
#define WEFT_FRONTEND_SERVE_HTTP_SERVER_H_

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>

#include "frontend/serve/connection.h"
#include "frontend/serve/work_queue.h"

namespace weft {

struct HttpServerOptions {
  HttpLimits limits = {};
  // A request must have come whole in this time, and an answer gone, with a second more for each 64
  // KiB; a connection may be idle so long.
  double timeout_seconds = 30;
  int64_t queue = 256;  // requests that wait for the worker
  // Above this, those that have sent no whole head for longest go, then those without a whole body.
  int64_t connections = 512;
  int64_t incoming = int64_t{256} << 20;  // bytes of all requests that are being read or wait
  int64_t outgoing = int64_t{64} << 20;   // of all answers; above this the worker rests
  int64_t requests = 1000;                // a connection
  std::function<void(const std::string&)> log = {};  // a line for each request
};

struct HttpHandlers {
  // Sees a request's head before its body is read and answers it at once, or not: then it goes to
  // `work` with its body. Must be quick, for all connections wait.
  std::function<std::optional<HttpResponse>(const HttpRequest&)> at_once;
  // Runs on the one worker thread.
  std::function<HttpResponse(const HttpRequest&)> work;
};

// A server of HTTP/1.1 with bounds on all that clients may take: one thread for the connections and
// one that works.
class HttpServer {
 public:
  // Serves from now on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(Listener listener,
                                                           const HttpServerOptions& options,
                                                           const HttpHandlers& handlers);
  ~HttpServer();  // waits for the request at work
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  const Listener& listener() const { return listener_; }
  // Ends all connections. Whether what is at work, a request or a line of the log, ends within so
  // many seconds.
  bool Stop(double seconds);

 private:
  using Clock = HttpConnection::Clock;
  using State = HttpConnection::State;

  HttpServer(Listener listener, const HttpServerOptions& options, const HttpHandlers& handlers);

  void Loop();
  void Turn(Clock::time_point& swept);
  template <typename Do>
  void Attempt(uint64_t id, HttpConnection& c, Do what);
  void OnEvent(uint64_t id, uint32_t events);
  void OnConnectionEvent(uint64_t id, HttpConnection& c, uint32_t events);
  void AcceptNext();
  bool MakeRoom();
  void Accepting(bool accepting);
  bool Watch(int socket, uint64_t id, int operation, uint32_t events) const;

  void Read(uint64_t id, HttpConnection& c);
  void Consume(uint64_t id, HttpConnection& c, std::string_view bytes);
  void OnHead(HttpConnection& c);
  void Work(uint64_t id, HttpConnection& c);
  void Respond(HttpConnection& c, HttpResponse response);
  void TakeAnswers();
  void Settle(uint64_t id, HttpConnection& c);  // after any change
  void Sweep();
  bool IsLate(HttpConnection& c) const;

  const Listener listener_;
  const HttpServerOptions options_;
  const HttpHandlers handlers_;
  Descriptor epoll_, wake_;
  std::atomic<bool> stopping_ = false;
  bool accepting_ = true;
  uint64_t next_id_ = 2;
  struct Entry {
    std::unique_ptr<HttpConnection> connection;
    uint32_t watched = 0;
    size_t incoming = 0, outgoing = 0;  // as counted below
  };
  std::unordered_map<uint64_t, Entry> connections_;
  size_t incoming_ = 0, outgoing_ = 0;
  std::array<char, 64 << 10> buffer_;
  std::unique_ptr<WorkQueue> queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;  // the loop
  std::thread thread_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_HTTP_SERVER_H_
