#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_COMMON_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_COMMON_H_

#include <memory>

#include "frontend/inspect/attribution.h"
#include "frontend/inspect/probe.h"

namespace weft {

// The score of one class for one example, and for others like it: what methods of attribution ask.
class ScoreProbe {
 public:
  // Errors: a model whose scores are not [N,C], a target that is no class, an example that is not
  // one.
  static absl::StatusOr<ScoreProbe> Create(const Model& model, const Tensor& x,
                                           const AttributionOptions& options,
                                           BackwardRule rule = BackwardRule::kGradient);

  const Tensor& x() const { return x_; }  // [1,...], as the input takes it, f32
  int64_t target() const { return target_; }
  double score() const { return score_; }  // of x
  // The target's score for each of a batch of examples.
  absl::StatusOr<std::vector<double>> Scores(const Tensor& batch);
  // d score / d x of each of a batch of examples, in f32; of one: without the first axis.
  absl::StatusOr<Tensor> Gradient(const Tensor& batch);
  // With the target and its score, and a map of zeros of the input's extents.
  absl::StatusOr<Attribution> NewAttribution() const;

 private:
  ScoreProbe() = default;
  std::unique_ptr<Probe> probe_;
  Tensor x_;
  int64_t target_ = 0;
  double score_ = 0;
};

// The map becomes the sum of elements over channels, and is signed.
void SumOverChannels(Attribution& what);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_COMMON_H_
