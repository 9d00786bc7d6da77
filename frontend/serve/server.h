#ifndef WEFT_FRONTEND_SERVE_SERVER_H_
#define WEFT_FRONTEND_SERVE_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "frontend/report/example_view.h"
#include "graph/model.h"

namespace weft {

struct ServerOptions {
  std::string host = "127.0.0.1";             // an address of this machine
  int64_t max_body = int64_t{32} << 20;       // bytes of a picture's file
  double timeout_seconds = 30;                // for a request to come, and for an answer to go
  std::string name = {};                      // what the page calls the model
  int64_t queue = 256;                        // requests that wait for the one that is at work
  std::optional<int64_t> most_elements = {};  // of an example of open size, as SiteOptions says
  ExampleViewOptions view = {};
  std::function<void(const std::string&)> log = {};  // a line for each request, on another thread
};

// A small HTTP server that shows what one model makes of pictures (Site says what it answers). On a
// loopback address, which is the default, it answers to loopback names only. What clients may take
// is bounded: bodies, headers, times, connections, waiting requests, bytes in all.
class Server {
 public:
  // Copies what it needs of `model`. Errors: options out of range, those of ExampleView::Create.
  static absl::StatusOr<std::unique_ptr<Server>> Create(const Model& model,
                                                        const ServerOptions& options = {});
  ~Server();  // stops
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves from now on, at a free port for 0. Errors: a port or host that cannot be had; a second
  // call.
  absl::Status Start(int port);
  int port() const;         // of a server that serves
  std::string url() const;  // "http://127.0.0.1:8080/"
  // Ends all connections; the run at work ends after the method that it computes. Whether that was
  // within so many seconds.
  bool Stop(double seconds = 1);

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_SERVER_H_
