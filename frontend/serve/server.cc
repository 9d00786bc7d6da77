#include "frontend/serve/server.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <utility>

#include "frontend/serve/http_server.h"
#include "frontend/serve/site.h"

namespace weft {
namespace {

constexpr int64_t kBodiesInAll = 8;  // so many of the largest may be held at once
constexpr int64_t kMostBody = int64_t{1} << 32;
constexpr double kMostTimeout = 3600;
constexpr int64_t kMostQueue = 1 << 16;

absl::Status CheckServerOptions(const ServerOptions& o) {
  if (o.max_body < 1 || o.max_body > kMostBody) {
    return absl::InvalidArgumentError(
        absl::StrCat("max-body: expected 1 to ", kMostBody, " bytes, got ", o.max_body));
  }
  if (!(o.timeout_seconds > 0 && o.timeout_seconds <= kMostTimeout)) {
    return absl::InvalidArgumentError(absl::StrCat("timeout: expected seconds above 0 and up to ",
                                                   kMostTimeout, ", got ", o.timeout_seconds));
  }
  if (o.queue < 1 || o.queue > kMostQueue) {
    return absl::InvalidArgumentError(
        absl::StrCat("queue: expected 1 to ", kMostQueue, " requests, got ", o.queue));
  }
  if (o.most_elements && *o.most_elements < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("max-elements: expected at least 1, got ", *o.most_elements));
  }
  return absl::OkStatus();
}

}  // namespace

struct Server::Parts {
  ServerOptions options;
  std::atomic<bool> stopping = false;
  std::unique_ptr<Site> site;
  std::unique_ptr<HttpServer> http;  // first to go: it calls the site
};

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() { Stop(0); }

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const Model& model,
                                                       const ServerOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckServerOptions(options));
  auto parts = std::make_unique<Parts>();
  parts->options = options;
  // Where it listens decides whom it answers, so that it is looked up now.
  WEFT_ASSIGN_OR_RETURN(const Listener listener, ListenOn(options.host, 0));
  SiteOptions site = {.loopback_only = listener.is_loopback,
                      .name = options.name,
                      .most_elements = options.most_elements,
                      .view = options.view};
  site.view.cancelled = [stopping = &parts->stopping, also = options.view.cancelled] {
    return stopping->load() || (also && also());
  };
  WEFT_ASSIGN_OR_RETURN(parts->site, Site::Create(model, site));
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

absl::Status Server::Start(int port) {
  if (parts_->http != nullptr) return absl::FailedPreconditionError("the server was started");
  const ServerOptions& o = parts_->options;
  WEFT_ASSIGN_OR_RETURN(Listener listener, ListenOn(o.host, port));
  HttpServerOptions options = {.timeout_seconds = o.timeout_seconds,
                               .queue = o.queue,
                               .incoming = kBodiesInAll * o.max_body,
                               .log = o.log};
  options.limits.body = o.max_body;
  options.incoming += options.connections * static_cast<int64_t>(options.limits.head + 1);
  Site* site = parts_->site.get();
  const HttpHandlers handlers = {
      .at_once = [site](const HttpRequest& request) { return site->AtOnce(request); },
      .work = [site](const HttpRequest& request) { return site->Work(request); }};
  WEFT_ASSIGN_OR_RETURN(parts_->http, HttpServer::Start(std::move(listener), options, handlers));
  return absl::OkStatus();
}

int Server::port() const { return parts_->http == nullptr ? 0 : parts_->http->listener().port; }

std::string Server::url() const {
  if (parts_->http == nullptr) return "";
  const Listener& listener = parts_->http->listener();
  return absl::StrCat("http://", listener.address, ":", listener.port, "/");
}

bool Server::Stop(double seconds) {
  parts_->stopping = true;
  return parts_->http == nullptr || parts_->http->Stop(seconds);
}

}  // namespace weft
