#include "frontend/serve/http_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <exception>
#include <utility>
#include <vector>

namespace weft {
namespace {

constexpr uint64_t kListenerId = 0, kWakeId = 1;  // others are connections'
constexpr int kSweepMilliseconds = 100;
constexpr int kMostEvents = 64;
constexpr double kLingerSeconds = 2;
constexpr double kLeastBytesPerSecond = 64 << 10;
constexpr size_t kMostLoggedTarget = 200;
constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";

HttpResponse Busy(std::string_view why) {
  HttpResponse response = ErrorResponse(503, why);
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

std::string LogLine(HttpConnection& c, const HttpResponse& response) {
  const HttpRequest& request = c.parser().request();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      HttpConnection::Clock::now() - c.since());
  return absl::StrCat(c.peer(), " ", request.method.empty() ? "-" : request.method, " ",
                      request.target.empty() ? "-" : request.target.substr(0, kMostLoggedTarget),
                      " ", response.status, " ",
                      response.body == nullptr ? 0 : response.body->size(), " bytes ", took.count(),
                      " ms");
}

}  // namespace

HttpServer::HttpServer(Listener listener, const HttpServerOptions& options,
                       const HttpHandlers& handlers)
    : listener_(std::move(listener)),
      options_(options),
      handlers_(handlers),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(Listener listener,
                                                              const HttpServerOptions& options,
                                                              const HttpHandlers& handlers) {
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(listener), options, handlers));
  if (!server->epoll_.is_open() || !server->wake_.is_open()) {
    return SystemError("cannot wait for events");
  }
  HttpServer* s = server.get();
  s->Watch(s->listener_.socket.get(), kListenerId, EPOLL_CTL_ADD, EPOLLIN);
  s->Watch(s->wake_.get(), kWakeId, EPOLL_CTL_ADD, EPOLLIN);
  s->queue_ = std::make_unique<WorkQueue>(static_cast<size_t>(options.queue), handlers.work,
                                          [s] { eventfd_write(s->wake_.get(), 1); });
  s->thread_ = std::thread([s] { s->Loop(); });
  return server;
}

HttpServer::~HttpServer() {
  if (queue_ != nullptr) Stop(0);
}

bool HttpServer::Stop(double seconds) {
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
  connections_.clear();
  return queue_->Stop(seconds);
}

void HttpServer::Watch(int socket, uint64_t id, int operation, uint32_t events) const {
  epoll_event event = {.events = events, .data = {.u64 = id}};
  epoll_ctl(epoll_.get(), operation, socket, &event);
}

void HttpServer::Loop() {
  std::array<epoll_event, kMostEvents> events;
  auto swept = Clock::now();
  while (!stopping_) {
    const bool is_idle = connections_.empty() && accepting_;
    const int n =
        epoll_wait(epoll_.get(), events.data(), kMostEvents, is_idle ? -1 : kSweepMilliseconds);
    for (int i = 0; i < n; ++i) {
      OnEvent(events[static_cast<size_t>(i)].data.u64, events[static_cast<size_t>(i)].events);
    }
    TakeAnswers();
    queue_->Pause(outgoing_ > static_cast<size_t>(options_.outgoing));
    if (Clock::now() - swept < std::chrono::milliseconds(kSweepMilliseconds)) continue;
    Sweep();
    swept = Clock::now();
  }
}

void HttpServer::OnEvent(uint64_t id, uint32_t events) {
  if (id == kListenerId) return AcceptNext();
  if (id == kWakeId) {
    eventfd_t ignored = 0;
    eventfd_read(wake_.get(), &ignored);
    return;
  }
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;  // closed by an earlier event
  HttpConnection& c = *found->second.connection;
  try {
    OnConnectionEvent(id, c, events);
  } catch (const std::exception&) {
    c.Close();  // no memory: others go on
  }
  Settle(id, c);
}

void HttpServer::OnConnectionEvent(uint64_t id, HttpConnection& c, uint32_t events) {
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    c.Close();  // both ways: nobody reads an answer
  } else if (c.state() == State::kWriting) {
    c.Flush();
    if (c.state() == State::kReading) Consume(id, c, std::exchange(c.following(), {}));
  } else if (c.state() != State::kWaiting) {
    Read(id, c);
  }
}

void HttpServer::AcceptNext() {
  std::string peer;
  Descriptor socket;
  const bool has_room = MakeRoom();
  if (has_room) socket = Accept(listener_, peer);
  if (!socket.is_open()) {
    if (has_room && errno == EAGAIN) return;  // it has left again
    accepting_ = false;  // no room, for us or in the table of files: until the next sweep
    return Watch(listener_.socket.get(), kListenerId, EPOLL_CTL_MOD, 0);
  }
  const uint64_t id = next_id_++;
  Watch(socket.get(), id, EPOLL_CTL_ADD, EPOLLIN);
  connections_[id] = {.connection = std::make_unique<HttpConnection>(
                          std::move(socket), std::move(peer), options_.limits),
                      .watched = EPOLLIN};
}

// At the limit, the one that has kept us longest without a whole head makes room for the next.
bool HttpServer::MakeRoom() {
  if (connections_.size() < static_cast<size_t>(options_.connections)) return true;
  uint64_t oldest = 0;
  auto since = Clock::time_point::max();
  for (auto& [id, entry] : connections_) {
    HttpConnection& c = *entry.connection;
    const bool may_go =
        c.state() == State::kLingering ||
        (c.state() == State::kReading && c.parser().stage() == HttpRequestParser::Stage::kHead);
    if (may_go && c.since() < since) {
      oldest = id;
      since = c.since();
    }
  }
  if (oldest == 0) return false;
  HttpConnection& c = *connections_[oldest].connection;
  c.Close();
  Settle(oldest, c);
  return true;
}

void HttpServer::Read(uint64_t id, HttpConnection& c) {
  const int64_t n = c.Receive(buffer_);
  if (n < 0 || (n > 0 && c.state() == State::kLingering)) return;
  if (n > 0) return Consume(id, c, {buffer_.data(), static_cast<size_t>(n)});
  if (c.state() == State::kReading && c.parser().has_begun()) {
    HttpResponse response = ErrorResponse(400, "the request is cut off");
    response.close = true;
    return Respond(c, std::move(response));
  }
  c.Close();
}

// Reads requests from the bytes until one has to wait.
void HttpServer::Consume(uint64_t id, HttpConnection& c, std::string_view bytes) {
  while (!bytes.empty() && c.state() == State::kReading) {
    using Stage = HttpRequestParser::Stage;
    HttpRequestParser& parser = c.parser();
    const Stage before = parser.stage();
    const bool had_begun = parser.has_begun();
    bytes.remove_prefix(parser.Feed(bytes));
    if (!had_begun && parser.has_begun()) c.Enter(State::kReading);  // from here time counts
    if (parser.stage() == Stage::kFailed) {
      HttpResponse response = ErrorResponse(parser.error_status(), parser.error());
      response.close = true;
      Respond(c, std::move(response));
    } else if (before == Stage::kHead && parser.stage() != Stage::kHead) {
      OnHead(c);
    } else if (incoming_ - connections_[id].incoming + c.incoming() >
               static_cast<size_t>(options_.incoming)) {
      HttpResponse response = Busy("too many bytes of requests wait, try again");
      response.close = true;
      Respond(c, std::move(response));
    }
    if (c.state() == State::kReading && c.parser().stage() == Stage::kDone) Work(id, c);
  }
  if (c.state() == State::kWaiting || c.state() == State::kWriting) c.following() = bytes;
}

void HttpServer::OnHead(HttpConnection& c) {
  HttpRequestParser& parser = c.parser();
  std::optional<HttpResponse> response;
  try {
    response = handlers_.at_once(parser.request());
  } catch (const std::exception& e) {  // out of memory, say
    response = ErrorResponse(500, e.what());
  }
  if (!response && queue_->is_full()) response = Busy("the queue is full, try again");
  const bool has_body = parser.stage() == HttpRequestParser::Stage::kBody;
  if (response) {
    response->close |= has_body;  // which is not read
    Respond(c, *std::move(response));
  } else if (has_body && parser.expects_continue()) {
    c.SendNow(kGoOn);
  }
}

void HttpServer::Work(uint64_t id, HttpConnection& c) {
  HttpRequest& request = c.parser().request();
  const size_t size = request.body.size();
  HttpRequest head = request.WithoutBody();  // what is said of it later
  if (!queue_->TryPush(id, request)) return Respond(c, Busy("the queue is full, try again"));
  request = std::move(head);
  c.SetQueued(size);
  c.Enter(State::kWaiting, c.since());
}

void HttpServer::Respond(HttpConnection& c, HttpResponse response) {
  if (options_.log) options_.log(LogLine(c, response));
  const bool keep_alive =
      !response.close && c.parser().request().keep_alive && c.answered() + 1 < options_.requests;
  c.Answer(response, keep_alive);
  response.body = nullptr;
  c.Flush();
}

void HttpServer::TakeAnswers() {
  for (WorkQueue::Done& done : queue_->TakeDone()) {
    const auto found = connections_.find(done.id);
    if (found == connections_.end()) continue;  // the client has left
    HttpConnection& c = *found->second.connection;
    try {
      Respond(c, std::move(done.response));
      if (c.state() == State::kReading) Consume(done.id, c, std::exchange(c.following(), {}));
    } catch (const std::exception&) {
      c.Close();
    }
    Settle(done.id, c);
  }
}

void HttpServer::Settle(uint64_t id, HttpConnection& c) {
  Entry& entry = connections_[id];
  const bool is_closed = c.state() == State::kClosed;
  const size_t incoming = is_closed ? 0 : c.incoming(), outgoing = is_closed ? 0 : c.outgoing();
  incoming_ += incoming - entry.incoming;
  outgoing_ += outgoing - entry.outgoing;
  entry.incoming = incoming;
  entry.outgoing = outgoing;
  if (is_closed) {
    queue_->Drop(id);
    connections_.erase(id);
    return;
  }
  const uint32_t wanted = c.state() == State::kWriting   ? uint32_t{EPOLLOUT}
                          : c.state() == State::kWaiting ? 0
                                                         : uint32_t{EPOLLIN};
  if (wanted == entry.watched) return;
  entry.watched = wanted;
  Watch(c.socket(), id, EPOLL_CTL_MOD, wanted);
}

bool HttpServer::IsLate(const HttpConnection& c) const {
  if (c.state() == State::kWaiting) return false;
  const std::chrono::duration<double> passed = Clock::now() - c.since();
  if (c.state() == State::kLingering) return passed.count() > kLingerSeconds;
  const size_t bytes = c.state() == State::kWriting ? c.sent() : c.incoming();
  return passed.count() >
         options_.timeout_seconds + static_cast<double>(bytes) / kLeastBytesPerSecond;
}

void HttpServer::Sweep() {
  std::vector<uint64_t> late;
  for (const auto& [id, entry] : connections_) {
    if (IsLate(*entry.connection)) late.push_back(id);
  }
  for (const uint64_t id : late) {
    HttpConnection& c = *connections_[id].connection;
    if (c.state() == State::kReading && c.parser().has_begun()) {
      HttpResponse response = ErrorResponse(408, "the request took too long");
      response.close = true;
      Respond(c, std::move(response));
    } else {
      c.Close();
    }
    Settle(id, c);
  }
  if (!accepting_) {
    accepting_ = true;
    Watch(listener_.socket.get(), kListenerId, EPOLL_CTL_MOD, EPOLLIN);
  }
}

}  // namespace weft
