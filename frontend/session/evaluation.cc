#include "frontend/session/evaluation.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <numeric>
#include <vector>

#include "frontend/data/loader.h"

namespace weft {
namespace {

absl::Status CheckScores(const Tensor& scores) {
  if (scores.is_empty() || !kFloatTypes.contains(scores.dtype()) || scores.rank() != 2 ||
      scores.dims()[1] < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected scores [N,classes], got ",
                     scores.is_empty() ? std::string("nothing") : ToString(scores.type())));
  }
  return absl::OkStatus();
}

// Row `row` of a matrix of so many classes.
std::vector<double> ScoreRow(const Tensor& scores, int64_t classes, int64_t row) {
  std::vector<double> values(static_cast<size_t>(classes));
  for (int64_t i = 0; i < classes; ++i) {
    values[static_cast<size_t>(i)] = scores.At(row * classes + i);
  }
  return values;
}

// log(sum(exp(x))), without overflow.
double LogSumExp(std::span<const double> x) {
  const double top = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double v : x) sum += std::exp(v - top);
  return top + std::log(sum);
}

int64_t ExamplesOf(const Tensor& t) { return t.rank() == 0 ? 1 : t.dims()[0]; }

std::string EvaluatedTypeText(const Tensor& t) {
  return t.is_empty() ? std::string("nothing") : ToString(t.type());
}

absl::Status EvaluatedLabelError(size_t classes, int64_t i, int64_t label) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected labels in [0,", classes, "), label of example ", i, " is ", label));
}

size_t HighestScore(std::span<const double> row) {
  return static_cast<size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

// A label an example, with its row of scores.
absl::Status AddClassRow(std::span<const double> row, int64_t i, int64_t label, Evaluation* e) {
  if (label < 0 || label >= static_cast<int64_t>(row.size())) {
    return EvaluatedLabelError(row.size(), i, label);
  }
  const auto own = static_cast<size_t>(label);
  e->correct += HighestScore(row) == own;
  e->loss_sum += LogSumExp(row) - row[own];
  ++e->count;
  return absl::OkStatus();
}

absl::Status CheckLabelCount(const Tensor& scores, const Tensor& labels) {
  if (!labels.is_empty() && kIndexTypes.contains(labels.dtype()) && labels.rank() == 1 &&
      labels.dims()[0] == scores.dims()[0]) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("expected one label for each of ",
                                                 scores.dims()[0], " scores, got ",
                                                 EvaluatedTypeText(labels)));
}

bool IsIgnored(int64_t label, int64_t ignored) { return label == ignored && ignored != -1; }

absl::Status AddClasses(const Tensor& scores, const Tensor& labels, int64_t ignored,
                        Evaluation* e) {
  WEFT_RETURN_IF_ERROR(CheckScores(scores));
  WEFT_RETURN_IF_ERROR(CheckLabelCount(scores, labels));
  for (int64_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<int64_t>(labels.At(i));
    if (IsIgnored(label, ignored)) continue;
    const std::vector<double> row = ScoreRow(scores, scores.dims()[1], i);
    WEFT_RETURN_IF_ERROR(AddClassRow(row, i, label, e));
    e->metrics.AddClass(row, label);
  }
  return absl::OkStatus();
}

absl::Status AddPixels(const Tensor& scores, const Tensor& labels, int64_t ignored, Evaluation* e) {
  Dims expected = scores.dims();
  expected.erase(expected.begin() + 1);
  if (!kFloatTypes.contains(scores.dtype()) || labels.dims() != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected labels [N,...] for scores [N,C,...], "
                     "got ",
                     EvaluatedTypeText(labels), " for ", EvaluatedTypeText(scores)));
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor wide, scores.Converted(DType::kF64));
  const std::span<const double> values = wide.values<double>();
  const int64_t n = scores.dims()[0], classes = scores.dims()[1];
  const int64_t pixels = n == 0 ? 0 : labels.size() / n;
  std::vector<double> row(static_cast<size_t>(classes));
  for (int64_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<int64_t>(labels.At(i));
    const bool is_void = label < 0 || (label == kVoidLabel && label >= classes);
    if (is_void || IsIgnored(label, ignored)) continue;
    const int64_t first = i / pixels * classes * pixels + i % pixels;
    for (int64_t c = 0; c < classes; ++c) {
      row[static_cast<size_t>(c)] = values[static_cast<size_t>(first + c * pixels)];
    }
    WEFT_RETURN_IF_ERROR(AddClassRow(row, i / pixels, label, e));
    e->metrics.AddClass(row, label);
  }
  return absl::OkStatus();
}

// -log(sigmoid(x)), without overflow.
double SoftPlus(double x) { return std::max(-x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

absl::Status AddLabelTargets(const Tensor& logits, const Tensor& targets, Evaluation* e) {
  const int64_t classes = logits.dims()[1];
  for (int64_t i = 0; i < logits.dims()[0]; ++i) {
    const auto row = ScoreRow(logits, classes, i), wanted = ScoreRow(targets, classes, i);
    double loss = 0;
    for (size_t c = 0; c < row.size(); ++c) {
      loss += wanted[c] * SoftPlus(row[c]) + (1 - wanted[c]) * SoftPlus(-row[c]);
    }
    e->loss_sum += loss / static_cast<double>(row.size());
    e->correct += e->metrics.AddLabels(row, wanted);
    ++e->count;
  }
  return absl::OkStatus();
}

absl::Status AddShares(const Tensor& scores, const Tensor& shares, Evaluation* e) {
  const int64_t classes = scores.dims()[1];
  for (int64_t i = 0; i < scores.dims()[0]; ++i) {
    const auto row = ScoreRow(scores, classes, i), wanted = ScoreRow(shares, classes, i);
    const size_t label = HighestScore(wanted);
    const double total = LogSumExp(row);
    for (size_t c = 0; c < row.size(); ++c) e->loss_sum += wanted[c] * (total - row[c]);
    e->correct += HighestScore(row) == label;
    e->metrics.AddClass(row, static_cast<int64_t>(label));
    ++e->count;
  }
  return absl::OkStatus();
}

absl::Status AddNumbers(const Tensor& values, const Tensor& targets, Evaluation* e) {
  const int64_t n = ExamplesOf(values);
  const double before = e->metrics.squared;
  for (int64_t i = 0; i < values.size(); ++i) e->metrics.AddNumber(values.At(i), targets.At(i));
  if (values.size() == 0) return absl::OkStatus();
  e->count += n;
  e->loss_sum +=
      (e->metrics.squared - before) * static_cast<double>(n) / static_cast<double>(values.size());
  e->scored = false;
  return absl::OkStatus();
}

bool IsLossOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Task TaskOf(const Tensor& outputs, const Tensor& labels, std::string_view loss) {
  if (kIndexTypes.contains(labels.dtype())) {
    return outputs.rank() > 2 ? Task::kPixels : Task::kClasses;
  }
  if (IsLossOf(loss, {"mse", "mae", "l1", "l2", "huber", "smooth_l1"})) return Task::kNumbers;
  return IsLossOf(loss, {"bce", "focal"}) ? Task::kLabels : Task::kClasses;
}

}  // namespace

void Evaluation::Add(const Evaluation& other) {
  count += other.count;
  correct += other.correct;
  loss_sum += other.loss_sum;
  scored = other.scored;
  metrics.Add(other.metrics);
}

absl::Status AddScores(const Tensor& scores, const Tensor& labels, Evaluation* result,
                       int64_t ignored) {
  WEFT_RETURN_IF_ERROR(CheckScores(scores));
  WEFT_RETURN_IF_ERROR(CheckLabelCount(scores, labels));
  for (int64_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<int64_t>(labels.At(i));
    if (IsIgnored(label, ignored)) continue;
    WEFT_RETURN_IF_ERROR(AddClassRow(ScoreRow(scores, scores.dims()[1], i), i, label, result));
  }
  return absl::OkStatus();
}

absl::Status AddOutputs(const Tensor& outputs, const Tensor& labels, std::string_view loss,
                        Evaluation* result, int64_t ignored) {
  if (outputs.is_empty() || labels.is_empty()) {
    return absl::InvalidArgumentError(absl::StrCat("expected outputs and labels, got ",
                                                   EvaluatedTypeText(outputs), " and ",
                                                   EvaluatedTypeText(labels)));
  }
  const Task task = TaskOf(outputs, labels, loss);
  result->metrics.task = task;
  if (task == Task::kPixels) return AddPixels(outputs, labels, ignored, result);
  if (kIndexTypes.contains(labels.dtype())) return AddClasses(outputs, labels, ignored, result);
  const bool paired = outputs.size() == labels.size() && ExamplesOf(outputs) == ExamplesOf(labels);
  if (!kFloatTypes.contains(outputs.dtype()) || !kFloatTypes.contains(labels.dtype()) || !paired) {
    return absl::InvalidArgumentError(absl::StrCat("expected as many targets as outputs, got ",
                                                   EvaluatedTypeText(labels), " for ",
                                                   EvaluatedTypeText(outputs)));
  }
  if (task == Task::kNumbers) return AddNumbers(outputs, labels, result);
  WEFT_RETURN_IF_ERROR(CheckScores(outputs));
  return task == Task::kLabels ? AddLabelTargets(outputs, labels, result)
                               : AddShares(outputs, labels, result);
}

absl::StatusOr<Tensor> ScoresOfProbabilities(const Tensor& probabilities) {
  constexpr double kLeastProbability = 1e-300;  // that is told from 0: its logarithm is a number
  if (probabilities.is_empty() || !kFloatTypes.contains(probabilities.dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected probabilities, got ", EvaluatedTypeText(probabilities)));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor scores, probabilities.Converted(DType::kF64));
  for (double& x : scores.mutable_values<double>()) {
    if (!std::isnan(x)) x = std::log(std::max(x, kLeastProbability));
  }
  return scores;
}

absl::StatusOr<std::vector<Prediction>> TopPredictions(const Tensor& scores, int64_t row, int64_t k,
                                                       bool normalized) {
  WEFT_RETURN_IF_ERROR(CheckScores(scores));
  if (row < 0 || row >= scores.dims()[0]) {
    return absl::OutOfRangeError(
        absl::StrCat("expected a row in [0,", scores.dims()[0], "), got ", row));
  }
  const std::vector<double> values = ScoreRow(scores, scores.dims()[1], row);
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
  });
  order.resize(static_cast<size_t>(std::clamp<int64_t>(k, 0, scores.dims()[1])));
  const double total = normalized ? 0 : LogSumExp(values);
  std::vector<Prediction> result;
  for (const int64_t label : order) {
    const double score = values[static_cast<size_t>(label)];
    result.push_back({label, normalized ? score : std::exp(score - total)});
  }
  return result;
}

absl::StatusOr<Evaluation> EvaluateBatches(
    const std::shared_ptr<const Dataset>& dataset, int64_t batch_size,
    const std::function<absl::StatusOr<Evaluation>(const Batch& batch)>& evaluate) {
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader,
                        Loader::Create(dataset, {.batch_size = batch_size, .shuffle = false}));
  WEFT_RETURN_IF_ERROR(loader->StartEpoch(0));
  Evaluation result;
  Batch batch;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, loader->Next(&batch));
    if (!more) return result;
    WEFT_ASSIGN_OR_RETURN(const Evaluation part, evaluate(batch));
    result.Add(part);
  }
}

absl::StatusOr<Evaluation> EvaluateDataset(const std::shared_ptr<const Dataset>& dataset,
                                           int64_t batch_size, const ScoreFunction& scores,
                                           std::string_view loss, int64_t ignored,
                                           const BatchObserver& observer) {
  return EvaluateBatches(
      dataset, batch_size, [&](const Batch& batch) -> absl::StatusOr<Evaluation> {
        WEFT_ASSIGN_OR_RETURN(const Tensor output, scores(batch));
        Evaluation result;
        WEFT_RETURN_IF_ERROR(AddOutputs(output, batch.labels, loss, &result, ignored));
        if (observer) observer(batch, output);
        return result;
      });
}

}  // namespace weft
