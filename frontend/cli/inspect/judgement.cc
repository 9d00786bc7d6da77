#include <unistd.h>

#include <algorithm>
#include <memory>

#include "frontend/cli/common.h"
#include "frontend/cli/inspect/inspect.h"
#include "frontend/data/loader.h"
#include "frontend/inspect/data/calibration.h"
#include "frontend/inspect/data/predictions.h"
#include "frontend/watch/confusion_plot.h"

namespace weft {
namespace {

struct JudgementArguments {
  int64_t count = 20;
  int64_t bins = 15;
  uint64_t seed = 0;
};

absl::StatusOr<Predictions> JudgedPredictions(const Model& model, const InspectArguments& a,
                                              const std::shared_ptr<const Dataset>& dataset) {
  WEFT_ASSIGN_OR_RETURN(Predictions p,
                        PredictAll(model, dataset, {.session = {.threads = a.threads}}));
  int64_t right = 0;
  for (size_t i = 0; i < p.labels.size(); ++i) right += p.labels[i] == p.predicted[i];
  Print("%s: accuracy %s\n", dataset->name().c_str(),
        AccuracyText({.count = p.size(), .correct = right}).c_str());
  return p;
}

absl::Status RunMistakes(const Model& model, const InspectArguments& a,
                         const JudgementArguments& j) {
  if (j.count < 1) return absl::InvalidArgumentError("--count: expected 1 or more");
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".png"}));
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  WEFT_ASSIGN_OR_RETURN(const Predictions p, JudgedPredictions(model, a, dataset));
  const std::vector<Mistake> mistakes = ConfidentMistakes(p, j.count);
  for (const Mistake& m : mistakes) {
    Print("  example %lld: %s, taken for %s (%.2f %%)\n", static_cast<long long>(m.index),
          ClassName(model, m.label).c_str(), ClassName(model, m.predicted).c_str(),
          100 * m.probability);
  }
  if (a.output.empty()) return absl::OkStatus();
  WEFT_ASSIGN_OR_RETURN(const Picture sheet, MistakeSheet(model, *dataset, mistakes));
  return SavePicture(a.output, sheet);
}

absl::Status RunConfusion(const Model& model, const InspectArguments& a,
                          const JudgementArguments& /*j*/) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg", ".png", ".npy"}));
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  WEFT_ASSIGN_OR_RETURN(const Predictions p, JudgedPredictions(model, a, dataset));
  const Confusion confusion = ConfusionOf(p);
  const std::vector<std::string>& names =
      model.class_names.empty() ? dataset->class_names() : model.class_names;
  std::fputs(ConfusionText(confusion, names).c_str(), stdout);
  const MeanScores mean = MacroMean(ClassScores(confusion));
  Print("means over classes: precision %.4f, recall %.4f, F1 %.4f\n", mean.precision, mean.recall,
        mean.f1);
  if (a.output.ends_with(".svg")) return SaveText(a.output, ConfusionSvg(confusion, names));
  if (a.output.ends_with(".png")) return SavePicture(a.output, ConfusionPicture(confusion));
  if (a.output.empty()) return absl::OkStatus();
  const int64_t classes = p.scores.dims()[1];
  WEFT_ASSIGN_OR_RETURN(Tensor matrix, Tensor::Zeros(DType::kI64, {classes, classes}));
  for (const auto& [pair, count] : confusion.counts()) {
    matrix.mutable_values<int64_t>()[static_cast<size_t>(pair.first * classes + pair.second)] =
        count;
  }
  return SaveArray(a.output, matrix, "confusion");
}

void PrintCalibration(const char* what, const Calibration& c) {
  Print(
      "%-12s T %.4f  confidence %6.2f %%  accuracy %6.2f %%  ECE %5.2f %%  MCE %5.2f %%  "
      "loss %.4f\n",
      what, c.temperature, 100 * c.confidence, 100 * c.accuracy, 100 * c.expected_error,
      100 * c.largest_error, c.loss);
}

// A temperature from one half of the examples, and what it does to the other.
absl::Status RunCalibration(const Model& model, const InspectArguments& a,
                            const JudgementArguments& j) {
  WEFT_RETURN_IF_ERROR(CheckInspectOutput(a.output, {".svg", ".png"}));
  WEFT_ASSIGN_OR_RETURN(const auto dataset, InspectData(model, a));
  WEFT_ASSIGN_OR_RETURN(const Predictions all, JudgedPredictions(model, a, dataset));
  if (all.size() < 2) return absl::InvalidArgumentError("calibration: expected two examples");
  const std::vector<int64_t> order = ShuffledIndices(all.size(), j.seed, 0);
  const size_t half = order.size() / 2;
  WEFT_ASSIGN_OR_RETURN(const Predictions held_out,
                        PredictionsAt(all, std::span(order).first(half)));
  WEFT_ASSIGN_OR_RETURN(const Predictions judged,
                        PredictionsAt(all, std::span(order).subspan(half)));
  WEFT_ASSIGN_OR_RETURN(const double temperature, FitTemperature(held_out));
  WEFT_ASSIGN_OR_RETURN(const Calibration before, Calibrate(judged, 1, j.bins));
  WEFT_ASSIGN_OR_RETURN(const Calibration after, Calibrate(judged, temperature, j.bins));
  Print("temperature from %lld examples, judged by the other %lld:\n",
        static_cast<long long>(held_out.size()), static_cast<long long>(judged.size()));
  PrintCalibration("  as it is", before);
  PrintCalibration("  scaled", after);
  const std::vector<Calibration> both = {before, after};
  if (a.output.ends_with(".svg")) return SaveText(a.output, CalibrationSvg(both));
  if (a.output.ends_with(".png")) return SavePicture(a.output, CalibrationPicture(before));
  const int columns = std::clamp(TerminalColumns() - 20, 20, 80);
  std::fputs(CalibrationText(both, columns, isatty(STDOUT_FILENO) != 0).c_str(), stdout);
  return absl::OkStatus();
}

using JudgementRun = absl::Status (*)(const Model&, const InspectArguments&,
                                      const JudgementArguments&);

}  // namespace

std::vector<InspectMethod> AddJudgementMethods(CLI::App& inspect,
                                               std::shared_ptr<InspectArguments> a) {
  auto j = std::make_shared<JudgementArguments>();
  const auto method = [&](const char* name, const char* doc, const char* output, JudgementRun run) {
    CLI::App* app = inspect.add_subcommand(name, doc);
    AddInspectData(*app, *a);
    AddInspectOutput(*app, *a, output);
    return InspectMethod{app, [a, j, run](const Model& model) { return run(model, *a, *j); }};
  };
  const InspectMethod mistakes =
      method("mistakes", "The examples that the model is most confidently wrong about",
             "Their pictures with the right and the given classes, .png", RunMistakes);
  mistakes.app->add_option("--count", j->count, "At most so many")->capture_default_str();
  const InspectMethod confusion =
      method("confusion", "What is taken for what, and each class's precision and recall",
             "The matrix: drawn, .svg or .png, or as numbers, .npy", RunConfusion);
  const InspectMethod calibration = method(
      "calibration", "Whether probabilities are what they say, before and after a temperature",
      "The curves, .svg, or the bins before the temperature, .png (default: in the terminal)",
      RunCalibration);
  calibration.app->add_option("--bins", j->bins, "Bins of confidence")->capture_default_str();
  calibration.app->add_option("--seed", j->seed, "Which half of the data the temperature is from")
      ->capture_default_str();
  return {mistakes, confusion, calibration};
}

}  // namespace weft
