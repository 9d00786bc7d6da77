#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_COMMON_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_COMMON_H_

#include <functional>
#include <span>
#include <vector>

#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attributor.h"
#include "frontend/inspect/probe.h"

namespace weft {

// `x` as a batch of one that the input takes, but in f32. Errors: several examples, another type,
// an input of integers or of a fixed batch of several.
absl::StatusOr<Tensor> OneExampleFor(const Node& input, const Tensor& x);

// The score of one class for one example, and for others like it: what methods of attribution ask.
class ScoreProbe {
 public:
  // Changes input `i` of several, which is a copy of the example.
  using ChangeInput = std::function<void(int64_t i, std::span<float> x)>;

  // Errors: a model whose scores are not [N,C] for N examples or not finite, a target that is no
  // class, an example that is not one, a batch size below 0.
  static absl::StatusOr<ScoreProbe> Create(const Attributor& of, const Tensor& x,
                                           const AttributionOptions& options,
                                           BackwardRule rule = BackwardRule::kGradient);

  const Tensor& x() const { return x_; }  // [1,...], as the input takes it, f32
  int64_t target() const { return target_; }
  double score() const { return score_; }  // of x
  // The target's score for each of a batch of examples.
  absl::StatusOr<std::vector<double>> Scores(const Tensor& batch);
  // The same for `count` changed copies of x, in batches.
  absl::StatusOr<std::vector<double>> ScoresOf(int64_t count, const ChangeInput& change);
  // d score / d x of each of a batch of examples, in f32; of one: without the first axis.
  absl::StatusOr<Tensor> Gradient(const Tensor& batch);
  // Adds the gradients at `count` changed copies of x to `sum`, of x's size.
  absl::Status AddGradients(int64_t count, const ChangeInput& change, std::span<double> sum);
  // What asks a batch's scores for the target's: zeros with a one for each example.
  absl::StatusOr<Tensor> Cotangent(int64_t examples) const;
  // With the target and its score, and a map of zeros of the input's extents.
  absl::StatusOr<Attribution> NewAttribution() const;

 private:
  explicit ScoreProbe(const Attributor& of) : of_(of) {}
  absl::Status ForEachBatch(int64_t count, const ChangeInput& change,
                            const std::function<absl::Status(const Tensor&)>& run) const;

  Attributor of_;
  Probe* scores_ = nullptr;
  BackwardRule rule_ = BackwardRule::kGradient;
  SessionOptions session_;
  Tensor x_;
  DType score_dtype_ = DType::kF32;
  int64_t classes_ = 0;
  int64_t batch_size_ = 0;
  int64_t target_ = 0;
  double score_ = 0;
};

// The map becomes the sum of elements over channels, and is signed.
void SumOverChannels(Attribution& what);
// The map becomes the largest magnitude of elements over channels.
void LargestMagnitudes(Attribution& what);
// What flows back by `rule`. Errors besides: a network without rectifiers, to which no such rule
// applies.
absl::StatusOr<Attribution> RectifiedAttribution(const Attributor& of, const Tensor& x,
                                                 const AttributionOptions& options,
                                                 BackwardRule rule);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_COMMON_H_
