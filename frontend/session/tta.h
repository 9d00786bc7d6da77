#ifndef WEFT_FRONTEND_SESSION_TTA_H_
#define WEFT_FRONTEND_SESSION_TTA_H_

#include <cstdint>
#include <memory>
#include <string_view>

#include "frontend/data/dataset.h"
#include "frontend/session/evaluation.h"

namespace weft {

// Test-time augmentation: evaluates the mean of the softmax probabilities of several views of each
// example, TtaPipelines(views): "flip", "resize(256), ten_crop(224)", "five_crop(28), flip". The
// data set's preprocessing is the model's; `source` may be the data set with its pictures at their
// own sizes. `normalized` scores are probabilities already; examples of the label `ignored` (-1:
// none) are left out. Errors: those of TtaPipelines,
// AugmentedDataset and AddScores; targets instead of one class an example; whatever `scores` says.
absl::StatusOr<Evaluation> EvaluateWithTta(const std::shared_ptr<const Dataset>& source,
                                           const Preprocessing& preprocessing,
                                           std::string_view views, int64_t batch_size,
                                           const ScoreFunction& scores, bool normalized = false,
                                           int64_t ignored = -1);

// Adds softmax(scores) of each row, or the scores themselves, to `sum`, f64[N,C], which begins
// empty. Errors: scores that are no floating-point matrix, or of another size than the sum.
absl::Status AddProbabilities(const Tensor& scores, bool normalized, Tensor* sum);

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_TTA_H_
