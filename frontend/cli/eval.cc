#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <utility>

#include "frontend/cli/command.h"
#include "frontend/cli/common.h"
#include "frontend/cli/option_flags.h"
#include "frontend/cli/report_json.h"
#include "frontend/cli/tuning.h"
#include "frontend/data/loader.h"
#include "frontend/data/relabel.h"
#include "frontend/session/feeds.h"
#include "frontend/session/session.h"
#include "frontend/session/tta.h"
#include "frontend/train/model_data.h"
#include "frontend/watch/confusion_plot.h"
#include "frontend/watch/write_text.h"
#include "graph/number_text.h"

namespace weft {
namespace {

struct EvalArguments {
  std::string file;
  std::shared_ptr<Config> given = std::make_shared<Config>();  // the data's options
  std::string tta;
  int64_t batch = 256;
  int threads = 0;
  std::string tuning = "cached";
  int64_t top = 0;     // 0: what Metrics has
  int64_t errors = 0;  // how many of the worst examples to list
  bool confusion = false;
  std::string confusion_svg;
  bool json = false;
};

// An example that the model is wrong about.
struct WorstExample {
  int64_t index = 0;
  int64_t label = 0;
  Prediction prediction;
  double label_probability = 0;
};

// Whether examples have one class each.
bool HaveOneClass(const Tensor& labels) {
  return labels.rank() == 1 && kIndexTypes.contains(labels.dtype());
}

// What is seen of single examples of a classifier, batch by batch.
class ExampleWatch {
 public:
  explicit ExampleWatch(const EvalArguments& a) : a_(a) {}

  void Observe(const Batch& batch, const Tensor& scores) {
    applies_ = HaveOneClass(batch.labels);
    if (!applies_) return;
    for (int64_t i = 0; i < batch.size(); ++i) {
      const auto ranked = TopPredictions(scores, i, scores.dims()[1]);
      if (ranked.ok()) Add(batch.indices[static_cast<size_t>(i)], batch.labels.At(i), *ranked);
    }
    std::stable_sort(worst_.begin(), worst_.end(), [](const auto& a, const auto& b) {
      return a.label_probability < b.label_probability;
    });
    if (worst_.size() > static_cast<size_t>(a_.errors)) worst_.resize(a_.errors);
  }
  bool wanted() const { return a_.top > 0 || a_.errors > 0; }
  bool applies() const { return applies_; }
  int64_t in_top() const { return in_top_; }
  // The lowest probability of the label first.
  const std::vector<WorstExample>& worst() const { return worst_; }

 private:
  void Add(int64_t index, double label_number, const std::vector<Prediction>& ranked) {
    const auto label = static_cast<int64_t>(label_number);
    const auto it = std::find_if(ranked.begin(), ranked.end(),
                                 [&](const Prediction& p) { return p.label == label; });
    if (it == ranked.end()) return;
    in_top_ += it - ranked.begin() < a_.top;
    if (it != ranked.begin()) worst_.push_back({index, label, ranked[0], it->probability});
  }

  const EvalArguments& a_;
  bool applies_ = true;
  int64_t in_top_ = 0;
  std::vector<WorstExample> worst_;
};

// All that is known in the end.
struct EvalReport {
  const Dataset& dataset;
  const std::vector<std::string>& names;  // of classes
  const Evaluation& result;
  std::vector<NamedMetric> metrics;
  const ExampleWatch& examples;
  double images_per_second = 0;
  size_t bytes = 0;
};

std::string NameOf(const std::vector<std::string>& names, int64_t label) {
  return label < static_cast<int64_t>(names.size()) ? names[static_cast<size_t>(label)]
                                                    : absl::StrCat(label);
}

void PrintReport(const EvalReport& r, const EvalArguments& a) {
  const std::string accuracy =
      r.result.scored ? "accuracy " + AccuracyText(r.result) + ", " : std::string();
  Print("%s: %sloss %.4f, %s images/s, %s of memory\n", r.dataset.name().c_str(), accuracy.c_str(),
        r.result.loss(), WithCommas(std::llround(r.images_per_second)).c_str(),
        BytesText(static_cast<double>(r.bytes)).c_str());
  for (const NamedMetric& m : r.metrics) Print("  %-14s %.4f\n", m.name.c_str(), m.value);
  if (a.confusion) std::fputs(ConfusionText(r.result.metrics.confusion, r.names).c_str(), stdout);
  if (a.errors > 0) Print("worst examples:\n");
  for (const WorstExample& e : r.examples.worst()) {
    Print("  example %lld: %s (%.2f %%), taken for %s (%.2f %%)\n", static_cast<long long>(e.index),
          NameOf(r.names, e.label).c_str(), 100 * e.label_probability,
          NameOf(r.names, e.prediction.label).c_str(), 100 * e.prediction.probability);
  }
}

nlohmann::ordered_json ClassesJson(const EvalReport& r) {
  nlohmann::ordered_json classes = nlohmann::ordered_json::array();
  const MetricSums& sums = r.result.metrics;
  for (const auto& [label, s] :
       sums.task == Task::kLabels ? sums.labels : ClassScores(sums.confusion)) {
    classes.push_back({{"name", NameOf(r.names, label)},
                       {"precision", s.precision()},
                       {"recall", s.recall()},
                       {"f1", s.f1()},
                       {"iou", s.iou()},
                       {"support", s.support}});
  }
  return classes;
}

void PrintJson(const EvalReport& r, const EvalArguments& a) {
  nlohmann::ordered_json json = {{"data", r.dataset.name()}, {"count", r.result.count}};
  if (r.result.scored) json["accuracy"] = r.result.accuracy();
  json["loss"] = r.result.loss();
  for (const NamedMetric& m : r.metrics) json[m.name] = m.value;
  json["images_per_second"] = r.images_per_second;
  json["classes"] = ClassesJson(r);
  if (a.confusion) {
    nlohmann::ordered_json& entries = json["confusion"] = nlohmann::ordered_json::array();
    for (const auto& [pair, count] : r.result.metrics.confusion.counts()) {
      entries.push_back({{"label", NameOf(r.names, pair.first)},
                         {"predicted", NameOf(r.names, pair.second)},
                         {"count", count}});
    }
  }
  for (const WorstExample& e : r.examples.worst()) {
    json["errors"].push_back({{"index", e.index},
                              {"label", NameOf(r.names, e.label)},
                              {"label_probability", e.label_probability},
                              {"predicted", NameOf(r.names, e.prediction.label)},
                              {"probability", e.prediction.probability}});
  }
  Print("%s\n", Dump(json).c_str());
}

absl::Status CheckEvalArguments(const EvalArguments& a) {
  if (a.top < 0 || a.errors < 0) {
    return absl::InvalidArgumentError("--top, --errors: expected at least 0");
  }
  if (!a.tta.empty() && (a.top > 0 || a.errors > 0)) {
    return absl::InvalidArgumentError("--top, --errors: are not known of the views of --tta");
  }
  return a.confusion_svg.empty() ? absl::OkStatus() : CheckOutputPath(a.confusion_svg);
}

// What was asked for and does not apply.
absl::Status CheckEvaluated(const EvalArguments& a, const Dataset& dataset,
                            const Evaluation& result, const ExampleWatch& examples) {
  if ((a.confusion || !a.confusion_svg.empty()) && result.metrics.confusion.counts().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(dataset.name(), ": a confusion matrix is of examples with one class each"));
  }
  if (examples.wanted() && !examples.applies()) {
    return absl::InvalidArgumentError(
        absl::StrCat(dataset.name(), ": --top and --errors are of examples with one class each"));
  }
  return absl::OkStatus();
}

// The share of examples whose label is among the highest --top, unless `metrics` have it.
void AddTop(const EvalArguments& a, const Evaluation& result, const ExampleWatch& examples,
            std::vector<NamedMetric>* metrics) {
  const std::string name = absl::StrCat("top", a.top);
  const auto has_it = [&](const NamedMetric& m) { return m.name == name; };
  if (a.top == 0 || std::any_of(metrics->begin(), metrics->end(), has_it)) return;
  metrics->push_back({name, static_cast<double>(examples.in_top()) /
                                static_cast<double>(std::max<int64_t>(result.count, 1))});
}

// By the mean over views, each of them with the steps of the training's pipeline.
absl::StatusOr<Evaluation> EvaluateViews(const std::shared_ptr<const Dataset>& source,
                                         const Model& model, const Preprocessing& preprocessing,
                                         const EvalArguments& a, Session& session) {
  WEFT_ASSIGN_OR_RETURN(const Pipeline steps, TestStepsOf(model));
  const std::string views = ViewsAfter(steps, a.tta);
  const auto run = [&](const Batch& batch) { return session.Scores(batch); };
  return EvaluateWithTta(source, preprocessing, views, a.batch, run, session.gives_probabilities(),
                         session.ignored());
}

absl::Status Eval(const EvalArguments& a) {
  WEFT_RETURN_IF_ERROR(CheckEvalArguments(a));
  WEFT_ASSIGN_OR_RETURN(const Model model, OpenFile(a.file));
  WEFT_ASSIGN_OR_RETURN(const DataSource data, DataSourceFor(model, *a.given));
  WEFT_ASSIGN_OR_RETURN(auto opened, OpenSource(model, data, Split::kTest));
  WEFT_ASSIGN_OR_RETURN(auto source, WithClassesOf(model.class_names, std::move(opened)));
  if (!source->is_images()) {
    WEFT_ASSIGN_OR_RETURN(source, FitToModel(std::move(source), model, data));
  }
  WEFT_ASSIGN_OR_RETURN(const auto dataset, FitForScores(source, model, data));
  WEFT_ASSIGN_OR_RETURN(const TuningOptions tuning, TuningFor(a.tuning));
  auto session = Session::Create(model, {.threads = a.threads, .tuning = tuning});
  if (!session.ok()) return Annotate(session.status(), a.file);
  std::vector<std::string> inputs;
  for (const Node* input : (*session)->inputs()) inputs.push_back(input->name());
  WEFT_RETURN_IF_ERROR(CheckParts(inputs, *dataset));
  ExampleWatch examples(a);
  BatchObserver observer;
  if (examples.wanted()) {
    observer = [&](const Batch& b, const Tensor& scores) { examples.Observe(b, scores); };
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto result = a.tta.empty()
                          ? (*session)->Evaluate(dataset, a.batch, observer)
                          : EvaluateViews(source, model, dataset->preprocessing(), a, **session);
  if (!result.ok()) return Annotate(result.status(), a.file);
  WEFT_RETURN_IF_ERROR(CheckEvaluated(a, *dataset, *result, examples));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  MemoryCount count;
  count.Add(model.graph);
  (*session)->CountInto(count);
  count.Add(LoaderBytes(*dataset, {.batch_size = a.batch}));
  count.Add(result->metrics.bytes());
  EvalReport report{.dataset = *dataset,
                    .names = model.class_names.empty() ? dataset->class_names() : model.class_names,
                    .result = *result,
                    .metrics = Metrics(result->metrics, result->count),
                    .examples = examples,
                    .images_per_second = static_cast<double>(dataset->size()) / seconds,
                    .bytes = count.bytes()};
  AddTop(a, *result, examples, &report.metrics);
  a.json ? PrintJson(report, a) : PrintReport(report, a);
  if (a.confusion_svg.empty()) return absl::OkStatus();
  return ReplaceByText(a.confusion_svg, ConfusionSvg(result->metrics.confusion, report.names));
}

}  // namespace

Command AddEval(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "eval", "Accuracy, loss and other metrics of a model on a data set's test examples");
  auto a = std::make_shared<EvalArguments>();
  app->add_option("file", a->file, "A .weft or .onnx file")->required();
  AddFlagsOf<DataSource>(*app, a->given);
  app->add_option("--tta", a->tta,
                  "Judge the mean over views of each example: \"flip\", \"five_crop(28), flip\"");
  app->add_option("--batch", a->batch, "Images a run")->capture_default_str();
  app->add_option("--threads", a->threads, "Threads (default: all CPUs this process may use)");
  AddTuning(*app, a->tuning);
  app->add_option("--top", a->top, "Also how often the label is among the highest K scores");
  app->add_flag("--confusion", a->confusion,
                "What was taken for what, and each class's precision, recall and F1");
  app->add_option("--confusion-svg", a->confusion_svg, "Draw that into an SVG file");
  app->add_option("--errors", a->errors, "List the N examples that the model is most wrong about");
  app->add_flag("--json", a->json, "Print everything as JSON");
  app->footer("Example: weft eval a.weft --data mnist:data/mnist --confusion");
  return {app, [a] { return Eval(*a); }};
}

}  // namespace weft
