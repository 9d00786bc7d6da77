#include "frontend/serve/site.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "frontend/analysis/summary.h"
#include "frontend/report/report.h"

namespace weft {
namespace {

using nlohmann::json;

// What a page's own policy cannot say: nobody shows it in a frame.
constexpr char kNoFrames[] = "; frame-ancestors 'none'";

// Of an example whose size the model leaves open.
constexpr int64_t kMostElements = int64_t{1} << 22;
constexpr int64_t kMostPictures = 4;  // times the pixels that the model's file asks for

enum class SitePlace { kPage, kIcon, kModel, kExample, kPredict };
struct SiteRoute {
  std::string_view path;
  SitePlace place;
  bool takes_picture;
};
constexpr SiteRoute kSiteRoutes[] = {{"/", SitePlace::kPage, false},
                                     {"/favicon.ico", SitePlace::kIcon, false},
                                     {"/api/model", SitePlace::kModel, false},
                                     {"/api/example", SitePlace::kExample, true},
                                     {"/api/predict", SitePlace::kPredict, true}};

const SiteRoute* RouteOf(const HttpRequest& request) {
  const auto found = std::ranges::find(kSiteRoutes, request.path, &SiteRoute::path);
  return found == std::end(kSiteRoutes) ? nullptr : &*found;
}

// Forms and plain text are what a page of elsewhere may post without asking.
bool IsPictureType(std::string_view type) {
  type = type.substr(0, type.find_first_of("; \t"));
  return type.empty() || absl::StartsWithIgnoreCase(Absl(type), "image/") ||
         absl::EqualsIgnoreCase(Absl(type), "application/octet-stream");
}

// A page of another origin says so itself.
bool IsOwnOrigin(const HttpRequest& request) {
  const std::string& origin = request.Header("origin");
  if (origin.empty()) return true;
  const size_t scheme = origin.find("://");
  return scheme != std::string::npos &&
         absl::EqualsIgnoreCase(Absl(std::string_view(origin).substr(scheme + 3)), request.host);
}

absl::StatusOr<ExampleQuery> QueryOf(const HttpRequest& request, SitePlace place) {
  ExampleQuery query;
  std::set<std::string_view> keys;
  for (const auto& [key, value] : request.query) {
    if (!keys.insert(key).second) {
      return absl::InvalidArgumentError(absl::StrCat("query: ", key, ": given twice"));
    }
    if (place == SitePlace::kExample && key == "class") {
      int64_t target = 0;
      if (!absl::SimpleAtoi(value, &target)) {
        return absl::InvalidArgumentError(
            absl::StrCat("class: expected a class's number, got \"", value, "\""));
      }
      query.target = target;
    } else if (place == SitePlace::kExample && key == "methods") {
      query.all_methods = value == "all";
      if (!query.all_methods) {
        query.methods = std::vector<std::string>(absl::StrSplit(value, ',', absl::SkipEmpty()));
      }
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "query: expected ", place == SitePlace::kExample ? "class or methods" : "nothing",
          ", got ", key));
    }
  }
  return query;
}

int HttpStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return 500;
    case absl::StatusCode::kUnimplemented:
      return 501;
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return 503;
    default:  // of what was sent
      return 400;
  }
}

HttpResponse ErrorOf(const absl::Status& status) {
  return ErrorResponse(HttpStatusOf(status), std::string(status.message()));
}

// How many elements an example may have where the model does not fix its size.
absl::StatusOr<int64_t> MostElements(const Model& model, const SiteOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(model.graph));
  const Shape& shape = input->type().shape;
  const bool is_open = std::any_of(shape.begin() + (shape.empty() ? 0 : 1), shape.end(),
                                   [](const Dim& dim) { return !dim.is_static(); });
  if (!is_open) return std::numeric_limits<int64_t>::max();
  if (options.most_elements) return *options.most_elements;
  const auto& p = model.preprocessing;
  return std::max(kMostElements, p ? kMostPictures * p->channels * p->height * p->width : 0);
}

absl::StatusOr<HttpResponse> FactsOf(const Model& model, const ExampleView& view) {
  WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(model.graph));
  json facts = {{"input", {{"name", input->name()}, {"shape", ToString(input->type())}}},
                {"classes", model.class_names},
                {"methods", json::array()},
                {"nodes", view.nodes()}};
  const auto name = model.metadata.find("name");
  facts["name"] = name == model.metadata.end() ? "" : name->second;
  const auto size = SizeOf(model.graph);  // not of graphs whose inputs leave sizes open
  facts["parameters"] = size.ok() ? json(size->parameters) : json();
  facts["macs"] = size.ok() ? json(size->macs) : json();
  for (const AttributionMethod* method : view.methods()) {
    facts["methods"].push_back(
        {{"method", method->name}, {"title", method->title}, {"doc", method->doc}});
  }
  return JsonResponse(facts.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Site>> Site::Create(const Model& model, const SiteOptions& options) {
  std::unique_ptr<Site> site(new Site());
  site->loopback_only_ = options.loopback_only;
  WEFT_ASSIGN_OR_RETURN(site->view_, ExampleView::Create(model, options.view));
  WEFT_ASSIGN_OR_RETURN(site->most_elements_, MostElements(model, options));
  WEFT_ASSIGN_OR_RETURN(site->facts_, FactsOf(model, *site->view_));
  WEFT_ASSIGN_OR_RETURN(
      std::string page,
      ReportHtml(model, {.name = options.name, .serve = true, .session = options.view.session}));
  site->page_ = {
      .content_type = "text/html; charset=utf-8",
      .body = std::make_shared<const std::string>(std::move(page)),
      .headers = {{"Content-Security-Policy", absl::StrCat(PagePolicy(true), kNoFrames)}}};
  return site;
}

// What no place of the site would answer, or not this way.
std::optional<HttpResponse> Site::Refused(const HttpRequest& request) const {
  if (loopback_only_ && !request.host.empty() && !IsLoopbackName(HostName(request.host))) {
    return ErrorResponse(403, "expected this machine's own name, as in http://127.0.0.1/");
  }
  if (!IsOwnOrigin(request)) return ErrorResponse(403, "a page of another origin asks");
  const SiteRoute* route = RouteOf(request);
  if (route == nullptr) return ErrorResponse(404, "there is nothing here");
  const bool fits = route->takes_picture ? request.method == "POST"
                                         : request.method == "GET" || request.method == "HEAD";
  if (!fits) {
    const char* const allowed = route->takes_picture ? "POST" : "GET, HEAD";
    HttpResponse response = ErrorResponse(405, absl::StrCat("expected ", allowed));
    response.headers.emplace_back("Allow", allowed);
    return response;
  }
  if (!route->takes_picture) return std::nullopt;
  if (!IsPictureType(request.Header("content-type")) ||
      !request.Header("content-encoding").empty()) {
    return ErrorResponse(415,
                         absl::StrCat("expected the bytes of a picture, Content-Type: image/... "
                                      "or application/octet-stream, got ",
                                      request.Header("content-type")));
  }
  return std::nullopt;
}

std::optional<HttpResponse> Site::AtOnce(const HttpRequest& request) const {
  if (auto refused = Refused(request)) return refused;
  const SitePlace place = RouteOf(request)->place;
  switch (place) {
    case SitePlace::kPage:
      return page_;
    case SitePlace::kIcon:  // browsers ask for one
      return HttpResponse{.status = 204};
    case SitePlace::kModel:
      return facts_;
    case SitePlace::kExample:
    case SitePlace::kPredict:
      break;
  }
  const absl::StatusOr<ExampleQuery> query = QueryOf(request, place);
  const absl::Status status = query.ok() ? view_->Check(*query) : query.status();
  if (!status.ok()) return ErrorOf(status);
  return std::nullopt;
}

HttpResponse Site::Work(const HttpRequest& request) {
  const SitePlace place = RouteOf(request)->place;
  const auto answer = [&]() -> absl::StatusOr<std::string> {
    WEFT_ASSIGN_OR_RETURN(const ExampleQuery query, QueryOf(request, place));
    const auto bytes = std::as_bytes(std::span(request.body));
    const absl::StatusOr<Example> decoded = DecodeExample(view_->model(), bytes, "picture", true);
    if (absl::IsResourceExhausted(decoded.status())) {  // by what was sent: pixels above a limit
      return absl::InvalidArgumentError(decoded.status().message());
    }
    WEFT_RETURN_IF_ERROR(decoded.status());
    const Example& example = *decoded;
    if (example.x.size() > most_elements_) {
      return absl::InvalidArgumentError(absl::StrCat(example.name, ": expected at most ",
                                                     most_elements_, " elements, got ",
                                                     ToString(example.x.type())));
    }
    return place == SitePlace::kExample ? view_->Json(example, query)
                                        : view_->PredictionsJson(example);
  }();
  return answer.ok() ? JsonResponse(*std::move(answer)) : ErrorOf(answer.status());
}

}  // namespace weft
