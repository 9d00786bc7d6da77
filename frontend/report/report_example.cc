#include "frontend/report/report_example.h"

#include <algorithm>

#include "frontend/inspect/attribution.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/inspect/probe.h"
#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"

namespace weft {
namespace {

constexpr int64_t kMostPredictions = 10;
constexpr int64_t kMostMaps = 64;        // of a layer
constexpr int64_t kOverlayPixels = 224;  // of a picture's longer side, at least

absl::StatusOr<ReportJson> PredictionsJson(const Model& model, const Example& example,
                                           const SessionOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(model, options));
  WEFT_ASSIGN_OR_RETURN(const Tensor scores, session->Run(example.x));
  ReportJson json = ReportJson::array();
  if (scores.rank() != 2) return json;
  WEFT_ASSIGN_OR_RETURN(const std::vector<Prediction> predictions,
                        TopPredictions(scores, 0, std::min(kMostPredictions, scores.dims()[1]),
                                       session->gives_probabilities()));
  for (const Prediction& p : predictions) {
    json.push_back(
        {{"label", p.label}, {"name", ClassName(model, p.label)}, {"probability", p.probability}});
  }
  return json;
}

absl::StatusOr<Picture> AttributionPicture(const Example& example, const Attribution& what) {
  if (!example.picture) {
    const ColorMap colors = what.is_signed ? ColorMap::kDiverging : ColorMap::kHeat;
    return MapPicture(what.map, colors, RangeOf(what.map.values<float>(), what.is_signed));
  }
  const int64_t longer = std::max(example.picture->height, example.picture->width);
  return OverlayPicture(
      Enlarged(*example.picture, std::max<int64_t>(1, (kOverlayPixels + longer - 1) / longer)),
      what.map, {.is_signed = what.is_signed});
}

absl::StatusOr<ReportJson> AttributionJson(const Model& model, const Example& example,
                                           const AttributionMethod& method,
                                           const SessionOptions& session) {
  ReportJson json = {{"method", method.name}, {"title", method.title}, {"doc", method.doc}};
  const auto what = method.run(model, example.x, {.session = session});
  if (!what.ok()) {
    json["error"] = std::string(what.status().message());
    return json;
  }
  json["target"] = {{"label", what->target}, {"name", ClassName(model, what->target)}};
  json["score"] = what->score;
  WEFT_ASSIGN_OR_RETURN(const Picture picture, AttributionPicture(example, *what));
  WEFT_ASSIGN_OR_RETURN(json["overlay"], PngDataUrl(picture));
  if (what->completeness_error) json["completeness_error"] = *what->completeness_error;
  return json;
}

// Those whose values are maps.
std::vector<std::string> LayersWithMaps(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) {
    if (node.num_inputs() > 0 && node.type().rank() == 4 && node.type().dtype == DType::kF32) {
      names.push_back(node.name());
    }
  }
  return names;
}

absl::StatusOr<ReportJson> ActivationsJson(const Model& model, const Example& example,
                                           const SessionOptions& session) {
  const std::vector<std::string> layers = LayersWithMaps(model.graph);
  ReportJson json = ReportJson::array();
  if (layers.empty()) return json;
  WEFT_ASSIGN_OR_RETURN(const auto probe,
                        Probe::Create(model, {.at = layers, .towards = {}, .session = session}));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, probe->Values(example.x));
  for (size_t i = 0; i < layers.size(); ++i) {
    const Dims& dims = values[i].dims();
    if (dims[0] != 1 || dims[2] * dims[3] < 2) continue;
    const int64_t maps = std::min(kMostMaps, dims[1]);
    const auto shown =
        values[i].values<float>().first(static_cast<size_t>(maps * dims[2] * dims[3]));
    WEFT_ASSIGN_OR_RETURN(const Tensor first,
                          Tensor::FromValues<float>({maps, dims[2], dims[3]}, shown));
    WEFT_ASSIGN_OR_RETURN(const Picture grid, GridPicture(first));
    WEFT_ASSIGN_OR_RETURN(std::string url, PngDataUrl(grid));
    json.push_back({{"node", layers[i]}, {"shape", dims}, {"grid", std::move(url)}});
  }
  return json;
}

}  // namespace

absl::StatusOr<std::string> ReportExampleJson(const Model& model, const Example& example,
                                              const SessionOptions& session) {
  ReportJson json = {{"name", example.name}, {"picture", nullptr}, {"label", nullptr}};
  if (example.picture) {
    WEFT_ASSIGN_OR_RETURN(json["picture"], PngDataUrl(*example.picture));
  }
  if (example.label) {
    json["label"] = {{"label", *example.label}, {"name", ClassName(model, *example.label)}};
  }
  WEFT_ASSIGN_OR_RETURN(json["predictions"], PredictionsJson(model, example, session));
  json["attributions"] = ReportJson::array();
  for (const AttributionMethod& method : AttributionMethods()) {
    WEFT_ASSIGN_OR_RETURN(ReportJson attribution, AttributionJson(model, example, method, session));
    json["attributions"].push_back(std::move(attribution));
  }
  WEFT_ASSIGN_OR_RETURN(json["activations"], ActivationsJson(model, example, session));
  return JsonText(json);
}

}  // namespace weft
