#include "frontend/serve/http_server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
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
  if (!s->Watch(s->listener_.socket.get(), kListenerId, EPOLL_CTL_ADD, EPOLLIN) ||
      !s->Watch(s->wake_.get(), kWakeId, EPOLL_CTL_ADD, EPOLLIN)) {
    return SystemError("cannot wait for connections");
  }
  s->queue_ = std::make_unique<WorkQueue>(static_cast<size_t>(options.queue), handlers.work,
                                          [s] { eventfd_write(s->wake_.get(), 1); });
  s->thread_ = std::thread([s] { s->Loop(); });
  return server;
}

HttpServer::~HttpServer() {
  if (queue_ != nullptr) Stop(0);
  if (thread_.joinable()) thread_.join();
}

bool HttpServer::Stop(double seconds) {
  const std::chrono::duration<double> patience(seconds);
  const auto began = Clock::now();
  stopping_ = true;
  eventfd_write(wake_.get(), 1);
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, patience, [&] { return ended_; })) {
    queue_->Stop(0);
    return false;
  }
  lock.unlock();
  if (thread_.joinable()) thread_.join();
  connections_.clear();
  const std::chrono::duration<double> waited = Clock::now() - began;
  return queue_->Stop(std::max(0.0, seconds - waited.count()));
}

bool HttpServer::Watch(int socket, uint64_t id, int operation, uint32_t events) const {
  epoll_event event = {.events = events, .data = {.u64 = id}};
  return epoll_ctl(epoll_.get(), operation, socket, &event) == 0;
}

// Does something of a connection. Where it throws (no memory), that one ends and others go on.
template <typename Do>
void HttpServer::Attempt(uint64_t id, HttpConnection& c, Do what) {
  try {
    what();
  } catch (const std::exception&) {
    c.Close();
  }
  Settle(id, c);
}

void HttpServer::Loop() {
  auto swept = Clock::now();
  while (!stopping_) {
    try {
      Turn(swept);
    } catch (const std::exception&) {
      Accepting(false);  // no memory for one more: until the next sweep
    }
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void HttpServer::Turn(Clock::time_point& swept) {
  std::array<epoll_event, kMostEvents> events;
  const bool is_idle = connections_.empty() && accepting_;
  const int n =
      epoll_wait(epoll_.get(), events.data(), kMostEvents, is_idle ? -1 : kSweepMilliseconds);
  for (int i = 0; i < n; ++i) {
    OnEvent(events[static_cast<size_t>(i)].data.u64, events[static_cast<size_t>(i)].events);
  }
  TakeAnswers();
  queue_->Pause(outgoing_ > static_cast<size_t>(options_.outgoing));
  if (Clock::now() - swept < std::chrono::milliseconds(kSweepMilliseconds)) return;
  swept = Clock::now();
  Sweep();
}

void HttpServer::Accepting(bool accepting) {
  const uint32_t events = accepting ? uint32_t{EPOLLIN} : 0;
  if (Watch(listener_.socket.get(), kListenerId, EPOLL_CTL_MOD, events)) accepting_ = accepting;
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
  Attempt(id, c, [&] { OnConnectionEvent(id, c, events); });
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
    return Accepting(false);  // no room, for us or in the table of files: until the next sweep
  }
  const uint64_t id = next_id_++;
  if (!Watch(socket.get(), id, EPOLL_CTL_ADD, EPOLLIN)) return;  // which closes it
  connections_[id] = {.connection = std::make_unique<HttpConnection>(
                          std::move(socket), std::move(peer), options_.limits),
                      .watched = EPOLLIN};
}

// At the limit, the one that has kept us longest without a whole head makes room for the next, else
// the one without a whole body.
bool HttpServer::MakeRoom() {
  if (connections_.size() < static_cast<size_t>(options_.connections)) return true;
  uint64_t oldest = 0;
  std::pair least = {true, Clock::time_point::max()};  // whether it has a head, since when
  for (auto& [id, entry] : connections_) {
    HttpConnection& c = *entry.connection;
    if (c.state() != State::kReading && c.state() != State::kLingering) continue;
    const bool has_head = c.parser().stage() != HttpRequestParser::Stage::kHead;
    const std::pair rank = {has_head, c.since()};
    if (rank < least) {
      oldest = id;
      least = rank;
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
  const size_t size = MemoryOf(request.body);
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
    Attempt(done.id, c, [&] {
      Respond(c, std::move(done.response));
      if (c.state() == State::kReading) Consume(done.id, c, std::exchange(c.following(), {}));
    });
  }
}

void HttpServer::Settle(uint64_t id, HttpConnection& c) {
  Entry& entry = connections_[id];
  // Of one that waits, only a broken connection is seen. That a client sends no more, as one that
  // has left or one that has ended its side only, is no reason to deny it the answer.
  const uint32_t wanted = c.state() == State::kWriting   ? uint32_t{EPOLLOUT}
                          : c.state() == State::kWaiting ? 0
                                                         : uint32_t{EPOLLIN};
  if (c.state() != State::kClosed && wanted != entry.watched) {
    entry.watched = wanted;
    if (!Watch(c.socket(), id, EPOLL_CTL_MOD, wanted)) c.Close();
  }
  const bool is_closed = c.state() == State::kClosed;
  const size_t incoming = is_closed ? 0 : c.incoming(), outgoing = is_closed ? 0 : c.outgoing();
  incoming_ += incoming - entry.incoming;
  outgoing_ += outgoing - entry.outgoing;
  entry.incoming = incoming;
  entry.outgoing = outgoing;
  if (!is_closed) return;
  queue_->Drop(id);
  connections_.erase(id);
}

bool HttpServer::IsLate(HttpConnection& c) const {
  if (c.state() == State::kWaiting) return false;
  const std::chrono::duration<double> passed = Clock::now() - c.since();
  if (c.state() == State::kLingering) return passed.count() > kLingerSeconds;
  const size_t bytes = c.state() == State::kWriting ? c.sent() : c.parser().received();
  return passed.count() >
         options_.timeout_seconds + static_cast<double>(bytes) / kLeastBytesPerSecond;
}

void HttpServer::Sweep() {
  if (!accepting_) Accepting(true);
  std::vector<uint64_t> late;
  for (const auto& [id, entry] : connections_) {
    if (IsLate(*entry.connection)) late.push_back(id);
  }
  for (const uint64_t id : late) {
    HttpConnection& c = *connections_[id].connection;
    Attempt(id, c, [&] {
      if (c.state() != State::kReading || !c.parser().has_begun()) return c.Close();
      HttpResponse response = ErrorResponse(408, "the request took too long");
      response.close = true;
      Respond(c, std::move(response));
    });
  }
}

}  // namespace weft
