#ifndef WEFT_FRONTEND_SESSION_EVALUATION_H_
#define WEFT_FRONTEND_SESSION_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/watch/metrics.h"
#include "graph/tensor.h"

namespace weft {

// How well a model does, summed over examples.
struct Evaluation {
  int64_t count = 0;  // examples; of masks, pixels
  // The label has the highest score, the first one of equals; where there may be several labels,
  // each is right.
  int64_t correct = 0;
  double loss_sum = 0;      // cross-entropies in nats, or the losses that the model states
  bool scored = true;       // false: the model is no classifier, and `correct` means nothing
  MetricSums metrics = {};  // of AddOutputs

  void Add(const Evaluation& other);
  double accuracy() const { return count == 0 ? 0 : static_cast<double>(correct) / count; }
  double loss() const { return count == 0 ? 0 : loss_sum / static_cast<double>(count); }
};

// Adds the scores [N,C], f32 or f64, of examples with these labels [N], i32 or i64, to `*result`.
// Examples of the label `ignored` (-1: none) are left out. Errors: other types, numbers that
// differ, any other label outside [0,C).
absl::Status AddScores(const Tensor& scores, const Tensor& labels, Evaluation* result,
                       int64_t ignored = -1);
// Adds a batch of a model's outputs of any task, with all metrics:
//   scores [N,C], labels i32 or i64 [N]                classes, as AddScores
//   scores [N,C,...], labels i32 or i64 [N,...]        pixels; a label below 0 or kVoidLabel, where
//                                                      that is no class, is left out
//   logits [N,C], targets f32 [N,C]                    labels, where `loss` is bce or focal
//   scores [N,C], targets f32 [N,C] of shares          classes, the largest share's
//   numbers, as many targets [N,...]                   where `loss` is one of regression: mse, ...
// `loss` is the name that the model was trained with, "" for unknown; examples and pixels of the
// label `ignored` (-1: none), as in LossOptions::ignore_index, are left out. Errors: other types,
// numbers that differ, a label that is no class.
absl::Status AddOutputs(const Tensor& outputs, const Tensor& labels, std::string_view loss,
                        Evaluation* result, int64_t ignored = -1);
inline constexpr int64_t kVoidLabel = 255;  // of no class, in masks such as PASCAL VOC's
// Scores whose softmax are these probabilities, f64 of the same shape: what the functions above
// take. Errors: no floating-point tensor.
absl::StatusOr<Tensor> ScoresOfProbabilities(const Tensor& probabilities);

// The scores' highest entries first: classes of row `row` with their softmax probabilities
// (`normalized` scores are probabilities already), at most `k`.
struct Prediction {
  int64_t label = 0;
  double probability = 0;
};
absl::StatusOr<std::vector<Prediction>> TopPredictions(const Tensor& scores, int64_t row, int64_t k,
                                                       bool normalized = false);

struct Batch;
// Scores of a batch's examples.
using ScoreFunction = std::function<absl::StatusOr<Tensor>(const Batch& batch)>;
// Sees each batch with its scores.
using BatchObserver = std::function<void(const Batch& batch, const Tensor& scores)>;

// Evaluates a whole data set, in its order, in batches of `batch_size`; `evaluate` does one batch.
absl::StatusOr<Evaluation> EvaluateBatches(
    const std::shared_ptr<const Dataset>& dataset, int64_t batch_size,
    const std::function<absl::StatusOr<Evaluation>(const Batch& batch)>& evaluate);
// The same of outputs against labels, see AddOutputs.
absl::StatusOr<Evaluation> EvaluateDataset(const std::shared_ptr<const Dataset>& dataset,
                                           int64_t batch_size, const ScoreFunction& scores,
                                           std::string_view loss = {}, int64_t ignored = -1,
                                           const BatchObserver& observer = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_EVALUATION_H_
