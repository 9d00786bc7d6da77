#include "frontend/session/evaluation.h"

#include <algorithm>
#include <cmath>
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

// Row `row` of a matrix of scores.
std::vector<double> Row(const Tensor& scores, int64_t row) {
  const int64_t classes = scores.dims()[1];
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

}  // namespace

absl::Status AddScores(const Tensor& scores, const Tensor& labels, Evaluation* result) {
  WEFT_RETURN_IF_ERROR(CheckScores(scores));
  if (labels.is_empty() || !kIndexTypes.contains(labels.dtype()) || labels.rank() != 1 ||
      labels.dims()[0] != scores.dims()[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected one label for each of ", scores.dims()[0], " scores, got ",
                     labels.is_empty() ? std::string("nothing") : ToString(labels.type())));
  }
  for (int64_t i = 0; i < labels.size(); ++i) {
    const std::vector<double> row = Row(scores, i);
    const auto label = static_cast<int64_t>(labels.At(i));
    if (label < 0 || label >= static_cast<int64_t>(row.size())) {
      return absl::InvalidArgumentError(absl::StrCat("expected labels in [0,", row.size(),
                                                     "), label of example ", i, " is ", label));
    }
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    result->correct += best == label;
    result->loss_sum += LogSumExp(row) - row[static_cast<size_t>(label)];
    ++result->count;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Prediction>> TopPredictions(const Tensor& scores, int64_t row, int64_t k,
                                                       bool normalized) {
  WEFT_RETURN_IF_ERROR(CheckScores(scores));
  if (row < 0 || row >= scores.dims()[0]) {
    return absl::OutOfRangeError(
        absl::StrCat("expected a row in [0,", scores.dims()[0], "), got ", row));
  }
  const std::vector<double> values = Row(scores, row);
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
    result.count += part.count;
    result.correct += part.correct;
    result.loss_sum += part.loss_sum;
    result.scored = part.scored;
  }
}

absl::StatusOr<Evaluation> EvaluateDataset(const std::shared_ptr<const Dataset>& dataset,
                                           int64_t batch_size, const ScoreFunction& scores) {
  return EvaluateBatches(dataset, batch_size,
                         [&](const Batch& batch) -> absl::StatusOr<Evaluation> {
                           WEFT_ASSIGN_OR_RETURN(const Tensor output, scores(batch.images));
                           Evaluation result;
                           WEFT_RETURN_IF_ERROR(AddScores(output, batch.labels, &result));
                           return result;
                         });
}

}  // namespace weft
