#ifndef WEFT_TESTS_INSPECT_TESTING_HTTP_H_
#define WEFT_TESTS_INSPECT_TESTING_HTTP_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <string_view>

#include "graph/status.h"

namespace weft {

struct HttpAnswer {
  int status = 0;                                   // 0: the connection ended before one
  std::map<std::string, std::string> headers = {};  // names in lower case
  std::string body = {};
};

// A connection to a server of this machine that sends whatever a test says.
class HttpClient {
 public:
  explicit HttpClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience = {.tv_sec = 60, .tv_usec = 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~HttpClient() { close(socket_); }
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Whether all went.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  int socket() const { return socket_; }
  void EndSending() { shutdown(socket_, SHUT_WR); }
  // Whether an answer has come, or the end.
  bool HasAnswer() {
    char byte = 0;
    return !read_.empty() || recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
  }

  // The next answer; of a HEAD request without the body that its head speaks of.
  HttpAnswer Receive(bool has_body = true) {
    HttpAnswer answer;
    while (read_.find("\r\n\r\n") == std::string::npos) {
      if (!ReadMore()) return answer;
    }
    const size_t end = read_.find("\r\n\r\n");
    const std::string head = read_.substr(0, end + 2);
    read_.erase(0, end + 4);
    EXPECT_TRUE(head.starts_with("HTTP/1.1 ")) << head;
    answer.status = std::stoi(head.substr(9, 3));
    for (size_t at = head.find("\r\n") + 2; at < head.size();) {
      const size_t line_end = head.find("\r\n", at), colon = head.find(": ", at);
      std::string name = head.substr(at, colon - at);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      answer.headers[name] = head.substr(colon + 2, line_end - colon - 2);
      at = line_end + 2;
    }
    const auto length = answer.headers.find("content-length");
    if (!has_body || length == answer.headers.end()) return answer;
    while (read_.size() < std::stoull(length->second)) {
      if (!ReadMore()) return HttpAnswer();
    }
    answer.body = read_.substr(0, std::stoull(length->second));
    read_.erase(0, answer.body.size());
    return answer;
  }
  // Whether the server ends the connection, after nothing more.
  bool IsEnded() { return read_.empty() && !ReadMore(); }

 private:
  bool ReadMore() {
    char buffer[1 << 16];
    const ssize_t n = recv(socket_, buffer, sizeof(buffer), 0);
    if (n > 0) read_.append(buffer, static_cast<size_t>(n));
    return n > 0;
  }

  int socket_;
  std::string read_;
};

inline std::string GetRequest(std::string_view target, std::string_view headers = {}) {
  return absl::StrCat("GET ", Absl(target), " HTTP/1.1\r\nHost: localhost\r\n", Absl(headers),
                      "\r\n");
}
inline std::string PostRequest(std::string_view target, std::string_view body) {
  return absl::StrCat("POST ", Absl(target),
                      " HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: ",
                      body.size(), "\r\n\r\n", Absl(body));
}

// The answer to one request on a connection of its own.
inline HttpAnswer AnswerTo(int port, std::string_view request) {
  HttpClient client(port);
  client.Send(request);
  return client.Receive(!request.starts_with("HEAD"));
}

}  // namespace weft

#endif  // WEFT_TESTS_INSPECT_TESTING_HTTP_H_
