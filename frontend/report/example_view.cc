#include "frontend/report/example_view.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <utility>

#include "frontend/inspect/attribution/attribution_picture.h"
#include "frontend/inspect/layers/activations.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/op_kind.h"
#include "frontend/io/names.h"
#include "frontend/report/data_url.h"
#include "frontend/session/layers.h"
#include "graph/bind.h"
#include "passes/passes.h"

namespace weft {
namespace {

using nlohmann::json;

constexpr int64_t kLeastShownPixels = 224;  // of a picture's longer side
constexpr int64_t kMostMapPixels = 1 << 18;

bool ShowsMaps(const TensorType& type) {
  if (type.rank() != 3 && type.rank() != 4) return false;
  return std::any_of(type.shape.begin() + 2, type.shape.end(),
                     [](const Dim& dim) { return !dim.is_static() || dim.coefficient() > 1; });
}

absl::StatusOr<const AttributionMethod*> FindMethod(
    const std::string& name, const std::vector<const AttributionMethod*>& among) {
  std::vector<std::string_view> names;
  for (const AttributionMethod* method : among) {
    if (method->name == name) return method;
    names.push_back(method->name);
  }
  const std::string_view nearest = NearestName(name, names);
  return absl::NotFoundError(
      absl::StrCat("no method of attribution is called ", name,
                   nearest.empty() ? "" : absl::StrCat(", did you mean ", Absl(nearest), "?")));
}

absl::StatusOr<std::vector<const AttributionMethod*>> ChosenMethods(
    const std::optional<std::vector<std::string>>& names,
    const std::vector<const AttributionMethod*>& among) {
  if (!names) return among;
  std::vector<const AttributionMethod*> methods;
  for (const std::string& name : *names) {
    WEFT_ASSIGN_OR_RETURN(const AttributionMethod* method, FindMethod(name, among));
    if (std::ranges::find(methods, method) != methods.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("method of attribution ", name, ": named twice"));
    }
    methods.push_back(method);
  }
  return methods;
}

// The maps of an example's value [1,C,...].
absl::StatusOr<Picture> MapsPicture(const Tensor& value, int64_t most_maps) {
  WEFT_ASSIGN_OR_RETURN(Tensor maps, value.Converted(DType::kF32));
  WEFT_ASSIGN_OR_RETURN(maps, maps.Reshaped(Dims(value.dims().begin() + 1, value.dims().end())));
  const int64_t size = maps.size() / std::max<int64_t>(1, value.dims()[1]);
  const int64_t fit = std::max<int64_t>(1, kMostMapPixels / std::max<int64_t>(1, size));
  return ActivationPicture(maps, {.each = true, .most_maps = std::min(most_maps, fit)});
}

// Elsewhere the first axis is another one, such as a recurrent layer's time.
bool IsOfOneExample(const Dims& dims) {
  return (dims.size() == 3 || dims.size() == 4) && dims[0] == 1;
}

absl::Status CheckFinite(const std::string& name, const Tensor& scores) {
  for (int64_t i = 0; i < scores.size(); ++i) {
    if (std::isfinite(scores.At(i))) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": expected finite scores of classes, class ", i, " has ", scores.At(i)));
  }
  return absl::OkStatus();
}

// Whatever bytes names have.
std::string TextOf(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::vector<std::string> ShownLayers(const Graph& graph, int64_t most, bool all) {
  const auto with_maps = [&graph](const auto& is_shown) {
    std::vector<std::string> names;
    for (const Node* layer : LayersOf(graph)) {
      if (ShowsMaps(layer->type()) && is_shown(*layer)) names.push_back(layer->name());
    }
    return names;
  };
  std::vector<std::string> names = with_maps([all](const Node& layer) {
    return all || IsActivation(layer) || OpKindOf(layer.op_name()) == OpKind::kPooling;
  });
  if (names.empty()) {
    names = with_maps([](const Node& layer) { return OpKindOf(layer.op_name()) == OpKind::kConv; });
  }
  const auto count = static_cast<int64_t>(names.size());
  if (count <= most) return names;
  std::vector<std::string> chosen;
  for (int64_t i = 0; i < most; ++i) {
    const int64_t at = most == 1 ? count - 1 : i * (count - 1) / (most - 1);
    chosen.push_back(names[static_cast<size_t>(at)]);
  }
  return chosen;
}

// What makes the parts of the answer.
struct ExampleView::Writer {
  ExampleView& view;
  const Example& example;

  json ClassJson(int64_t label) const {
    return {{"label", label}, {"name", ClassName(view.model_, label)}};
  }

  absl::Status CheckExample() const {
    WEFT_ASSIGN_OR_RETURN(const Node* input, OnlyInput(view.session_->graph()));
    const Dims& dims = example.x.dims();
    if (!example.x.is_empty() && dims.size() == static_cast<size_t>(input->type().rank()) &&
        dims[0] == 1) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat(example.name, ": expected one example of ", ToString(input->type()), ", got ",
                     example.x.is_empty() ? "nothing" : ToString(example.x.type())));
  }

  absl::StatusOr<json> Predictions() const {
    json list = json::array();
    WEFT_ASSIGN_OR_RETURN(const Tensor outputs, view.session_->Run(example.x));
    if (view.classes_ == 0) return list;
    WEFT_ASSIGN_OR_RETURN(const Tensor scores, outputs.Converted(DType::kF64));
    WEFT_RETURN_IF_ERROR(CheckFinite(example.name, scores));
    WEFT_ASSIGN_OR_RETURN(
        const auto predictions,
        TopPredictions(scores, 0, view.options_.predictions, view.session_->gives_probabilities()));
    for (const Prediction& p : predictions) {
      json one = ClassJson(p.label);
      one["probability"] = p.probability;
      list.push_back(std::move(one));
    }
    return list;
  }

  absl::StatusOr<json> AttributionJson(const AttributionMethod& method, const ExampleQuery& query,
                                       const std::optional<Picture>& shown) const {
    AttributionOptions options = view.options_.attribution;
    options.session = view.options_.session;
    options.target = query.target;
    WEFT_ASSIGN_OR_RETURN(const Attribution what, method.run(view.attributor_, example.x, options));
    WEFT_ASSIGN_OR_RETURN(const Picture overlay,
                          shown ? OverlayPicture(*shown, what.map, {.is_signed = what.is_signed})
                                : AttributionMapPicture(what));
    WEFT_ASSIGN_OR_RETURN(const std::string url, PngDataUrl(overlay));
    json one = {{"method", method.name}, {"title", method.title},
                {"doc", method.doc},     {"target", ClassJson(what.target)},
                {"score", what.score},   {"overlay", url}};
    if (what.completeness_error) one["completeness_error"] = *what.completeness_error;
    return one;
  }

  absl::Status AddAttributions(const ExampleQuery& query, const std::optional<Picture>& shown,
                               json& answer) const {
    answer["attributions"] = json::array();
    answer["not_applicable"] = json::array();
    WEFT_ASSIGN_OR_RETURN(const auto methods, ChosenMethods(query.methods, view.methods_));
    for (const AttributionMethod* method : methods) {
      if (!query.methods && !query.all_methods && !method->quick) continue;
      if (view.options_.cancelled && view.options_.cancelled()) {
        return absl::CancelledError("interrupted");
      }
      absl::StatusOr<json> one = AttributionJson(*method, query, shown);
      if (one.ok()) {
        answer["attributions"].push_back(*std::move(one));
      } else if (query.methods) {
        return Annotate(one.status(), method->name);
      } else {
        answer["not_applicable"].push_back({{"method", method->name},
                                            {"title", method->title},
                                            {"error", std::string(one.status().message())}});
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<json> Activations() const {
    json list = json::array();
    if (view.activations_ == nullptr) return list;
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, view.activations_->Values(example.x));
    for (size_t i = 0; i < values.size(); ++i) {
      if (!IsOfOneExample(values[i].dims())) continue;
      WEFT_ASSIGN_OR_RETURN(const Picture grid, MapsPicture(values[i], view.options_.most_maps));
      WEFT_ASSIGN_OR_RETURN(const std::string url, PngDataUrl(grid));
      const Dims& dims = values[i].dims();
      list.push_back({{"node", view.nodes_[i]},
                      {"shape", std::vector<int64_t>(dims.begin() + 1, dims.end())},
                      {"grid", url}});
    }
    return list;
  }

  absl::StatusOr<json> Answer() const {
    WEFT_RETURN_IF_ERROR(CheckExample());
    json answer = {{"name", example.name}};
    answer["label"] = example.label ? ClassJson(*example.label) : json();
    WEFT_ASSIGN_OR_RETURN(answer["predictions"], Predictions());
    return answer;
  }
};

absl::StatusOr<std::unique_ptr<ExampleView>> ExampleView::Create(
    const Model& model, const ExampleViewOptions& options) {
  if (options.predictions < 0 || options.most_nodes < 0 || options.most_maps < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "view of an example: expected counts of 0 or more and 1 map or more a node, got ",
        options.predictions, " predictions, ", options.most_nodes, " nodes, ", options.most_maps,
        " maps"));
  }
  Model copy(Clone(model.graph));
  copy.preprocessing = model.preprocessing;
  copy.class_names = model.class_names;
  copy.metadata = model.metadata;
  if (model.training) copy.training.emplace().config = model.training->config;
  std::unique_ptr<ExampleView> view(new ExampleView(std::move(copy), options));
  WEFT_RETURN_IF_ERROR(OnlyInput(view->model_.graph).status());
  std::vector<const AttributionMethod*> all;
  for (const AttributionMethod& method : AttributionMethods()) all.push_back(&method);
  WEFT_ASSIGN_OR_RETURN(view->methods_, ChosenMethods(options.methods, all));
  WEFT_ASSIGN_OR_RETURN(view->session_, Session::Create(model, options.session));
  WEFT_ASSIGN_OR_RETURN(const Graph inference, ForInference(WithoutLosses(model.graph)));
  view->nodes_ = options.nodes.empty()
                     ? ShownLayers(inference, options.most_nodes, options.all_layers)
                     : options.nodes;
  if (!view->nodes_.empty()) {
    WEFT_ASSIGN_OR_RETURN(
        view->activations_,
        Probe::Create(model, {.at = view->nodes_, .towards = {}, .session = options.session}));
  }
  const TensorType& scores = view->session_->outputs()[0].value.type();
  if (scores.rank() == 2 && kRealTypes.contains(scores.dtype) && scores.shape[1].is_static()) {
    view->classes_ = scores.shape[1].coefficient();
  }
  return view;
}

absl::Status ExampleView::Check(const ExampleQuery& query) const {
  WEFT_RETURN_IF_ERROR(ChosenMethods(query.methods, methods_).status());
  if (!query.target || (*query.target >= 0 && *query.target < classes_)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      classes_ == 0
          ? "the model gives no scores of classes"
          : absl::StrCat("expected a class from 0 to ", classes_ - 1, ", got ", *query.target));
}

absl::StatusOr<std::string> ExampleView::Json(const Example& example, const ExampleQuery& query) {
  WEFT_RETURN_IF_ERROR(Check(query));
  const Writer writer{*this, example};
  WEFT_ASSIGN_OR_RETURN(json answer, writer.Answer());
  std::optional<Picture> shown;
  if (example.picture) {
    shown = EnlargedTo(*example.picture, kLeastShownPixels);
    WEFT_ASSIGN_OR_RETURN(answer["picture"], PngDataUrl(*shown));
  } else {
    answer["picture"] = nullptr;
  }
  WEFT_RETURN_IF_ERROR(writer.AddAttributions(query, shown, answer));
  answer["activations"] = json::array();
  if (query.activations) {
    WEFT_ASSIGN_OR_RETURN(answer["activations"], writer.Activations());
  }
  return TextOf(answer);
}

absl::StatusOr<std::string> ExampleView::PredictionsJson(const Example& example) {
  WEFT_ASSIGN_OR_RETURN(const json answer, (Writer{*this, example}.Answer()));
  return TextOf(answer);
}

}  // namespace weft
