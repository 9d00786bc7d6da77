#include "frontend/serve/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

namespace weft {
namespace {

constexpr int kBacklog = 512;

std::string NumberOf(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(&address);
    inet_ntop(AF_INET6, &six->sin6_addr, text, sizeof(text));
    return absl::StrCat("[", text, "]");
  }
  const auto* four = reinterpret_cast<const sockaddr_in*>(&address);
  inet_ntop(AF_INET, &four->sin_addr, text, sizeof(text));
  return text;
}

int PortOf(const sockaddr_storage& address) {
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&address)->sin_port);
}

bool IsLoopbackAddress(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET6) {
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr);
  }
  const auto* four = reinterpret_cast<const sockaddr_in*>(&address);
  return ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

void SetFlag(int socket, int level, int option) {
  const int on = 1;
  setsockopt(socket, level, option, &on, sizeof(on));
}

absl::StatusOr<Listener> ListenOnAddress(const addrinfo& where, const std::string& name) {
  Listener listener;
  listener.socket = Descriptor(
      socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, where.ai_protocol));
  if (!listener.socket.is_open()) return SystemError("cannot make a socket");
  SetFlag(listener.socket.get(), SOL_SOCKET, SO_REUSEADDR);
  if (where.ai_family == AF_INET6) SetFlag(listener.socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
  if (bind(listener.socket.get(), where.ai_addr, where.ai_addrlen) != 0 ||
      listen(listener.socket.get(), kBacklog) != 0) {
    return SystemError(absl::StrCat("cannot listen on ", name));
  }
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  if (getsockname(listener.socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return SystemError(absl::StrCat("cannot listen on ", name));
  }
  listener.address = NumberOf(bound);
  listener.port = PortOf(bound);
  listener.is_loopback = IsLoopbackAddress(bound);
  return listener;
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

absl::Status SystemError(const std::string& what) {
  return absl::UnavailableError(absl::StrCat(what, ": ", std::generic_category().message(errno)));
}

absl::StatusOr<Listener> ListenOn(const std::string& host, int port) {
  if (port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("port: expected a number from 0 to 65535, got ", port));
  }
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (failed != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "host: expected an address of this machine, got ", host, ": ", gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, freeaddrinfo);
  return ListenOnAddress(*list, absl::StrCat(host, ":", port));
}

Descriptor Accept(const Listener& listener, std::string& peer) {
  sockaddr_storage from = {};
  socklen_t size = sizeof(from);
  Descriptor socket(accept4(listener.socket.get(), reinterpret_cast<sockaddr*>(&from), &size,
                            SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.is_open()) return socket;
  SetFlag(socket.get(), IPPROTO_TCP, TCP_NODELAY);
  peer = absl::StrCat(NumberOf(from), ":", PortOf(from));
  return socket;
}

}  // namespace weft
