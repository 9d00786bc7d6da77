#ifndef WEFT_FRONTEND_SESSION_EVALUATION_H_
#define WEFT_FRONTEND_SESSION_EVALUATION_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "frontend/data/dataset.h"
#include "graph/tensor.h"

namespace weft {

// How well a model does, summed over examples.
struct Evaluation {
  int64_t count = 0;
  int64_t correct = 0;  // the label has the highest score, the first one of equals
  double loss_sum = 0;  // cross-entropies in nats, or the losses that the model states
  bool scored = true;   // false: the model is no classifier, and `correct` means nothing

  double accuracy() const { return count == 0 ? 0 : static_cast<double>(correct) / count; }
  double loss() const { return count == 0 ? 0 : loss_sum / static_cast<double>(count); }
};

// Adds the scores [N,C], f32 or f64, of examples with these labels [N], i32 or i64, to `*result`.
// Errors: other types, numbers that differ, a label outside [0,C).
absl::Status AddScores(const Tensor& scores, const Tensor& labels, Evaluation* result);

// The scores' highest entries first: classes of row `row` with their softmax probabilities
// (`normalized` scores are probabilities already), at most `k`.
struct Prediction {
  int64_t label = 0;
  double probability = 0;
};
absl::StatusOr<std::vector<Prediction>> TopPredictions(const Tensor& scores, int64_t row, int64_t k,
                                                       bool normalized = false);

// Scores of a batch of images, f32[B,C,H,W].
using ScoreFunction = std::function<absl::StatusOr<Tensor>(const Tensor& images)>;

// Evaluates a whole data set, in its order, in batches of `batch_size`; `evaluate` does one batch.
struct Batch;
absl::StatusOr<Evaluation> EvaluateBatches(
    const std::shared_ptr<const Dataset>& dataset, int64_t batch_size,
    const std::function<absl::StatusOr<Evaluation>(const Batch& batch)>& evaluate);
// The same of scores against labels.
absl::StatusOr<Evaluation> EvaluateDataset(const std::shared_ptr<const Dataset>& dataset,
                                           int64_t batch_size, const ScoreFunction& scores);

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_EVALUATION_H_
