#ifndef WEFT_FRONTEND_SERVE_SOCKET_H_
#define WEFT_FRONTEND_SERVE_SOCKET_H_

#include <string>
#include <utility>

#include "graph/status.h"

namespace weft {

// A file descriptor that is closed with it.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor();

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A socket that listens, without blocking.
struct Listener {
  Descriptor socket;
  std::string address;       // "127.0.0.1", "[::1]"
  int port = 0;              // that the system chose for 0
  bool is_loopback = false;  // nobody from another machine reaches it
};
// `host` is a name or a number of this machine. Errors: none such, a port that is taken or not from
// 0 to 65535.
absl::StatusOr<Listener> ListenOn(const std::string& host, int port);

// The next that has connected, without blocking; not open where there is none (errno says why).
// `peer` becomes its address.
Descriptor Accept(const Listener& listener, std::string& peer);

// "expected ..., got ...: No such file or directory": a failure with what errno says.
absl::Status SystemError(const std::string& what);

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_SOCKET_H_
