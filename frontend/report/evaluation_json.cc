#include <algorithm>

#include "frontend/data/loader.h"
#include "frontend/report/data_url.h"
#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"

namespace weft {
namespace {

struct ConfidentMistake {
  int64_t index = 0;  // the example's
  int64_t label = 0;
  int64_t predicted = 0;
  double probability = 0;        // of what was predicted
  double label_probability = 0;  // of what was right
};

// The mistakes that a classifier is most certain of, gathered batch by batch.
class ConfidentMistakes {
 public:
  ConfidentMistakes(int64_t most, bool gives_probabilities, int64_t ignored)
      : most_(static_cast<size_t>(most)), normalized_(gives_probabilities), ignored_(ignored) {}

  void Observe(const Batch& batch, const Tensor& scores) {
    const Tensor& labels = batch.labels;
    if (labels.rank() != 1 || !kIndexTypes.contains(labels.dtype()) || scores.rank() != 2) return;
    for (int64_t i = 0; i < batch.size(); ++i) {
      const auto label = static_cast<int64_t>(labels.At(i));
      const auto ranked = TopPredictions(scores, i, scores.dims()[1], normalized_);
      if (ranked.ok() && label != ignored_) {
        Add(batch.indices[static_cast<size_t>(i)], label, *ranked);
      }
    }
    std::ranges::stable_sort(all_, std::ranges::greater(), &ConfidentMistake::probability);
    if (all_.size() > most_) all_.resize(most_);
  }
  const std::vector<ConfidentMistake>& all() const { return all_; }

 private:
  void Add(int64_t index, int64_t label, const std::vector<Prediction>& ranked) {
    const auto right = std::ranges::find(ranked, label, &Prediction::label);
    if (right == ranked.begin() || right == ranked.end()) return;
    all_.push_back({index, label, ranked[0].label, ranked[0].probability, right->probability});
  }

  size_t most_;
  bool normalized_;
  int64_t ignored_;
  std::vector<ConfidentMistake> all_;
};

absl::StatusOr<ReportJson> MistakesJson(const Dataset& data,
                                        const std::vector<ConfidentMistake>& mistakes) {
  ReportJson json = ReportJson::array();
  for (const ConfidentMistake& mistake : mistakes) {
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
  ConfidentMistakes mistakes(options.mistakes, session->gives_probabilities(), session->ignored());
  const Dataset& data = *options.data;
  WEFT_ASSIGN_OR_RETURN(
      const Evaluation result,
      session->Evaluate(options.data, options.eval_batch,
                        [&](const Batch& b, const Tensor& s) { mistakes.Observe(b, s); }));
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
  WEFT_ASSIGN_OR_RETURN(json["mistakes"], MistakesJson(data, mistakes.all()));
  Judgement judgement{.json = JsonText(json)};
  if (!mistakes.all().empty()) judgement.worst = mistakes.all()[0].index;
  return judgement;
}

}  // namespace weft
