#ifndef WEFT_FRONTEND_SERVE_SITE_H_
#define WEFT_FRONTEND_SERVE_SITE_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "frontend/report/example_view.h"
#include "frontend/serve/http.h"
#include "graph/model.h"

namespace weft {

struct SiteOptions {
  // Only requests for this machine's own names are answered, so that no page of elsewhere whose
  // name was made to point here (DNS rebinding) reads anything.
  bool loopback_only = true;
  std::string name = {};  // what the page calls the model
  // Of an example (an array; pictures are resized), where the model leaves its size open; none:
  // 2^22 or 4 times those of its pictures, whichever is more.
  std::optional<int64_t> most_elements = {};
  ExampleViewOptions view = {};
};

// What the server answers:
//   GET  /             the page
//   GET  /api/model    {"name", "input": {"name", "shape"}, "classes": [..], "parameters", "macs",
//                       "methods": [{"method", "title", "doc"}], "nodes": [..]}
//   POST /api/example?class=K&methods=a,b    of the picture in the body: ExampleView::Json;
//                                            methods=all: those too that take many runs
//   POST /api/predict                        ExampleView::PredictionsJson
// and errors as {"error": why}: 400 for a bad query or picture, 403 for other hosts' names and
// pages, 404, 405, 415 for a body that is not said to be a picture, 501 for a picture of a kind
// that is not read, 503 where there is too little memory or time.
class Site {
 public:
  // Errors: those of ExampleView::Create.
  static absl::StatusOr<std::unique_ptr<Site>> Create(const Model& model,
                                                      const SiteOptions& options);

  // Quick: what needs no run, and every error that the head alone tells. Any thread.
  std::optional<HttpResponse> AtOnce(const HttpRequest& request) const;
  // The rest. One thread at a time.
  HttpResponse Work(const HttpRequest& request);

 private:
  Site() = default;
  std::optional<HttpResponse> Refused(const HttpRequest& request) const;

  bool loopback_only_ = true;
  int64_t most_elements_ = 0;
  std::unique_ptr<ExampleView> view_;
  HttpResponse page_, facts_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_SERVE_SITE_H_
