#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/inspect/attribution/attributor.h"
#include "frontend/session/session.h"

namespace weft {

// What a method says of an example: how much each element of the input has to do with a score.
struct Attribution {
  // f32[C,H,W] (signals: [C,L], and so on) for methods that tell of each element, none for those
  // whose map is of places only.
  Tensor elements = {};
  // f32[H,W] of the input's extents (signals: [1,L]): what is drawn.
  Tensor map = {};
  bool is_signed = false;  // below zero: against the class
  int64_t target = 0;      // the class (or unit) that is explained
  double score = 0;        // its score, before a Softmax
  std::string layer = {};  // of Grad-CAM and CAM: whose maps are weighted
  // Of integrated gradients: |sum of elements - (score(x) - score(baseline))| / |the difference|.
  std::optional<double> completeness_error = {};
};

struct AttributionOptions {
  std::string at = {};                 // Grad-CAM, CAM: the layer; "": the last with maps
  std::optional<int64_t> target = {};  // none: the class with the highest score
  int64_t window = 0, stride = 0;      // occlusion; 0: an eighth of the longer side, half of window
  std::optional<float> fill = {};      // occlusion, in the input's numbers; none: channels' means
  float baseline = 0;                  // integrated gradients: the input without information
  int64_t steps = 64;                  // integrated gradients: at least so many
  double completeness = 1e-3;          // integrated gradients: more steps until its error is below
  int64_t samples = 32;                // SmoothGrad
  double noise = 0.15;                 // SmoothGrad: deviation, as a share of the input's range
  uint64_t seed = 0;                   // SmoothGrad
  int64_t batch_size = 0;              // examples a run; 0: 32, of large inputs fewer
  SessionOptions session = {};
};

// The methods, each in its own file attribution_*.cc. They ask a model, or an Attributor, which
// keeps what it has made of one. `x` is one example, [1,C,H,W] or without the first axis. They
// compute in the model's type from an x in f32. Errors: a model with several inputs, a target that
// is no class, options out of range, and what each method says; whatever the run says.

// d score / d x; the map is the largest magnitude over channels (Simonyan et al. 2013).
absl::StatusOr<Attribution> GradientAttribution(const Attributor& of, const Tensor& x,
                                                const AttributionOptions& options = {});
// x * d score / d x, summed over channels.
absl::StatusOr<Attribution> GradientTimesInput(const Attributor& of, const Tensor& x,
                                               const AttributionOptions& options = {});
// (x - baseline) * the mean of d score / d x on the straight way from baseline to x, summed over
// channels (Sundararajan et al. 2017, "Axiomatic attribution for deep networks"). The mean is that
// at the middles of `steps` equal parts of the way, of three times as many where the completeness
// error is not below options.completeness, and so on up to kMostGradientSteps.
inline constexpr int64_t kMostGradientSteps = 8192;
absl::StatusOr<Attribution> IntegratedGradients(const Attributor& of, const Tensor& x,
                                                const AttributionOptions& options = {});
// The mean of gradients at x with normal noise; the map as the gradient's (Smilkov et al. 2017).
absl::StatusOr<Attribution> SmoothGrad(const Attributor& of, const Tensor& x,
                                       const AttributionOptions& options = {});
// The gradient, but rectifiers let nothing negative back (Springenberg et al. 2015, "Striving for
// simplicity"). Errors: a network without rectifiers (Relu, Clip).
absl::StatusOr<Attribution> GuidedBackpropagation(const Attributor& of, const Tensor& x,
                                                  const AttributionOptions& options = {});
// Unpooling by switches, rectified on the way back whatever was negative on the way there (Zeiler
// and Fergus 2014). Errors: a network without rectifiers.
absl::StatusOr<Attribution> Deconvolution(const Attributor& of, const Tensor& x,
                                          const AttributionOptions& options = {});
// What the score loses where a window is filled: the mean over the windows that cover a place
// (Zeiler and Fergus 2014). Windows begin every `stride` places, the last ones end with the input.
// Errors: a stride above the window.
absl::StatusOr<Attribution> Occlusion(const Attributor& of, const Tensor& x,
                                      const AttributionOptions& options = {});
// relu(sum over channels of a layer's maps * the mean over places of d score / d map), resized to
// the input (Selvaraju et al. 2017). Errors: no such layer, one without maps or that does not lead
// from the input to the scores.
absl::StatusOr<Attribution> GradCam(const Attributor& of, const Tensor& x,
                                    const AttributionOptions& options = {});
// sum over channels of the last maps * the class's weights, resized to the input (Zhou et al.
// 2016). Errors: scores that are not maps -> global average pooling -> [flatten] -> one Gemm, with
// the node where they part; another layer than those maps.
absl::StatusOr<Attribution> ClassActivationMap(const Attributor& of, const Tensor& x,
                                               const AttributionOptions& options = {});

// The methods by name, as commands and reports offer them.
struct AttributionMethod {
  std::string_view name;   // "integrated-gradients"
  std::string_view title;  // "Integrated gradients"
  std::string_view doc;    // one sentence
  bool quick;              // takes a run or two, others dozens
  absl::StatusOr<Attribution> (*run)(const Attributor&, const Tensor&, const AttributionOptions&);
};
std::span<const AttributionMethod> AttributionMethods();

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_H_
