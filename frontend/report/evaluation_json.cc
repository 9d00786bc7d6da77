#include <string>
#include <vector>

#include "frontend/inspect/data/predictions.h"
#include "frontend/report/data_url.h"
#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"

namespace weft {
namespace {

absl::StatusOr<ReportJson> MistakesJson(const Dataset& data, const std::vector<Mistake>& mistakes) {
  ReportJson json = ReportJson::array();
  for (const Mistake& mistake : mistakes) {
    ReportJson row = {{"index", mistake.index},
                      {"label", mistake.label},
                      {"predicted", mistake.predicted},
                      {"probability", mistake.probability},
                      {"label_probability", mistake.label_probability}};
    if (data.is_images() && data.parts().empty()) {
      WEFT_ASSIGN_OR_RETURN(const Example example, ExampleOf(data, mistake.index));
      if (example.picture) {
        WEFT_ASSIGN_OR_RETURN(row["picture"], PngDataUrl(*example.picture));
      }
    }
    json.push_back(std::move(row));
  }
  return json;
}

// Otherwise there are no mistakes of one class for another.
bool HasOneClassEach(const Dataset& data) {
  return data.parts().empty() && !data.targets() && data.label_dims().empty();
}

ReportJson ConfusionJson(const Confusion& confusion) {
  ReportJson json = ReportJson::array();
  for (const auto& [pair, count] : confusion.counts()) {
    json.push_back({pair.first, pair.second, count});
  }
  return json;
}

ReportJson ClassesJson(const Confusion& confusion) {
  ReportJson json = ReportJson::array();
  for (const auto& [label, score] : ClassScores(confusion)) {
    json.push_back(
        {label, score.support, score.predicted, score.precision(), score.recall(), score.f1()});
  }
  return json;
}

}  // namespace

absl::StatusOr<Judgement> EvaluationJson(const Model& model, const ReportOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const auto session, Session::Create(model, options.session));
  const Dataset& data = *options.data;
  WEFT_ASSIGN_OR_RETURN(const Evaluation result,
                        session->Evaluate(options.data, options.eval_batch));
  ReportJson json = {{"data", data.name()}, {"examples", data.size()}, {"loss", result.loss()}};
  if (result.scored) json["accuracy"] = result.accuracy();
  json["metrics"] = ReportJson::array();
  for (const NamedMetric& metric : Metrics(result.metrics, result.count)) {
    json["metrics"].push_back({metric.name, metric.value});
  }
  json["names"] = model.class_names.empty() ? data.class_names() : model.class_names;
  const Confusion& confusion = result.metrics.confusion;
  json["confusion"] = ConfusionJson(confusion);
  json["classes"] = ClassesJson(confusion);
  std::vector<Mistake> mistakes;
  if (HasOneClassEach(data)) {
    const auto predictions = PredictAll(
        model, options.data, {.batch_size = options.eval_batch, .session = options.session});
    if (predictions.ok()) {
      mistakes = ConfidentMistakes(*predictions, options.mistakes);
    } else {
      json["mistakes_error"] = std::string(predictions.status().message());
    }
  }
  WEFT_ASSIGN_OR_RETURN(json["mistakes"], MistakesJson(data, mistakes));
  Judgement judgement{.json = JsonText(json)};
  if (!mistakes.empty()) judgement.worst = mistakes[0].index;
  return judgement;
}

}  // namespace weft
