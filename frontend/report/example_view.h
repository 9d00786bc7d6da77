#ifndef WEFT_FRONTEND_REPORT_EXAMPLE_VIEW_H_
#define WEFT_FRONTEND_REPORT_EXAMPLE_VIEW_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attributor.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/probe.h"
#include "frontend/session/session.h"
#include "graph/model.h"

namespace weft {

struct ExampleViewOptions {
  std::optional<std::vector<std::string>> methods = {};  // of AttributionMethods(); none: all
  int64_t predictions = 5;                               // at most, the likeliest first
  std::vector<std::string> nodes = {};  // whose activations; none: as ShownLayers chooses
  bool all_layers = false;              // it chooses among all with maps
  int64_t most_nodes = 8;               // that it chooses
  int64_t most_maps = 64;               // a node; fewer where maps are large
  AttributionOptions attribution = {};  // the methods' own; its session is `session`
  SessionOptions session = {};
  // Asked between methods: whether the answer is not wanted any more.
  std::function<bool()> cancelled = {};
};

// What is asked of one example.
struct ExampleQuery {
  std::optional<int64_t> target = {};                    // the class explained; none: the likeliest
  std::optional<std::vector<std::string>> methods = {};  // none: those of the options that apply
  bool all_methods = false;  // none are named: those too that take many runs
  bool activations = true;
};

// What a model makes of one example, for a page to show. Keeps what it has compiled, so that one
// more example costs its runs.
//
// One thread at a time.
class ExampleView {
 public:
  // Copies what it needs of `model`. Errors: several inputs, an unknown method or node (with the
  // nearest name), those of Session::Create.
  static absl::StatusOr<std::unique_ptr<ExampleView>> Create(const Model& model,
                                                             const ExampleViewOptions& options);

  // A JSON object; pictures are data: URLs of PNG files.
  //   {"name": text, "picture": url|null, "label": {"label": k, "name": text}|null,
  //    "predictions": [{"label": k, "name": text, "probability": p}],
  //    "attributions": [{"method", "title", "doc": text, "target": {"label", "name"}, "score": x,
  //                      "overlay": url, "completeness_error": x where the method has one}],
  //    "not_applicable": [{"method", "title": text, "error": why}],
  //    "activations": [{"node": text, "shape": [C,H,W], "grid": url}]}
  // A method that does not apply to the model is an error where the query names it. There are no
  // predictions where the first output is no floating-point [N,C], no activations of a node that
  // gives no maps [1,...] of the example. Errors: an example of another type than the model takes,
  // scores that are not finite, a class that is not there, an unknown method, kCancelled, those of
  // runs.
  absl::StatusOr<std::string> Json(const Example& example, const ExampleQuery& query = {});
  // {"name", "label", "predictions"} of it.
  absl::StatusOr<std::string> PredictionsJson(const Example& example);

  // Errors where the query asks for what this cannot give: a method, a class.
  absl::Status Check(const ExampleQuery& query) const;
  const Model& model() const { return model_; }
  const std::vector<const AttributionMethod*>& methods() const { return methods_; }
  const std::vector<std::string>& nodes() const { return nodes_; }

 private:
  struct Writer;  // keeps the JSON library inside

  ExampleView(Model model, ExampleViewOptions options)
      : model_(std::move(model)), options_(std::move(options)) {}

  const Model model_;
  const Attributor attributor_{model_};  // keeps what methods make for the first picture
  const ExampleViewOptions options_;
  std::vector<const AttributionMethod*> methods_;
  std::vector<std::string> nodes_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Probe> activations_;  // null: no nodes
  int64_t classes_ = 0;                 // 0: the model gives no scores
};

// At most `most` nodes of the model whose maps show what its layers find, evenly chosen in order:
// activations and poolings of [N,C,H,W] or [N,C,L] that are no single number a channel, or
// convolutions where there are none; for `all`, every layer (LayersOf) with such maps.
std::vector<std::string> ShownLayers(const Graph& graph, int64_t most, bool all = false);

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_EXAMPLE_VIEW_H_
