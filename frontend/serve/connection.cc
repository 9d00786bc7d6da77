#include "frontend/serve/connection.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>

namespace weft {
namespace {

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

int64_t HttpConnection::Receive(std::span<char> buffer) {
  const ssize_t n = recv(socket(), buffer.data(), buffer.size(), 0);
  if (n < 0 && !WouldBlock()) Close();
  return n;
}

void HttpConnection::SendNow(std::string_view bytes) {
  const ssize_t n = send(socket(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (n != static_cast<ssize_t>(bytes.size())) Close();
}

void HttpConnection::Answer(const HttpResponse& response, bool keep_alive) {
  keep_alive_ = keep_alive;
  head_ = HttpHead(response, keep_alive);
  body_ = parser_->request().method == "HEAD" ? nullptr : response.body;
  sent_ = 0;
  queued_ = 0;
  parser_ = std::make_unique<HttpRequestParser>(limits_);
  ++answered_;
  Enter(State::kWriting);
}

void HttpConnection::Flush() {
  const size_t size = body_ == nullptr ? 0 : body_->size();
  while (sent_ < head_.size() + size) {
    iovec parts[2] = {};
    size_t count = 0;
    if (sent_ < head_.size()) {
      parts[count++] = {.iov_base = head_.data() + sent_, .iov_len = head_.size() - sent_};
    }
    const size_t of_body = sent_ < head_.size() ? 0 : sent_ - head_.size();
    if (of_body < size) {
      parts[count++] = {.iov_base = const_cast<char*>(body_->data()) + of_body,
                        .iov_len = size - of_body};
    }
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const ssize_t n = sendmsg(socket(), &message, MSG_NOSIGNAL);
    if (n < 0) {
      if (!WouldBlock()) Close();
      return;
    }
    sent_ += static_cast<size_t>(n);
  }
  body_ = nullptr;
  if (keep_alive_) return Enter(State::kReading);
  std::string().swap(following_);
  shutdown(socket(), SHUT_WR);
  Enter(State::kLingering);
}

size_t HttpConnection::outgoing() const {
  return body_ != nullptr && body_.use_count() == 1 ? body_->size() : 0;
}

}  // namespace weft
