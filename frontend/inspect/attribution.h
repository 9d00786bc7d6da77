#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/session/session.h"
#include "graph/model.h"

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
  // Of integrated gradients: |sum of elements - (score(x) - score(baseline))| / |the difference|.
  std::optional<double> completeness_error = {};
};

struct AttributionOptions {
  std::string at = {};                 // Grad-CAM, CAM: the layer; "": the last with maps
  std::optional<int64_t> target = {};  // none: the class with the highest score
  int64_t window = 0, stride = 0;      // occlusion; 0: an eighth of the longer side, half of window
  std::optional<float> fill = {};      // occlusion, in the input's numbers; none: its mean
  float baseline = 0;                  // integrated gradients: the input without information
  int64_t steps = 64;                  // integrated gradients
  int64_t samples = 32;                // SmoothGrad
  double noise = 0.15;                 // SmoothGrad: deviation, as a share of the input's range
  uint64_t seed = 0;
  int64_t batch_size = 32;  // examples a run
  SessionOptions session = {};
};

// The methods, each in its own file attribution_*.cc. `x` is one example, [1,C,H,W] or without the
// first axis. Errors: a model with several inputs, a target that is no class, options out of range,
// and what each method says; whatever the run says.

// d score / d x; the map is the largest magnitude over channels (Simonyan et al. 2013).
absl::StatusOr<Attribution> GradientAttribution(const Model& model, const Tensor& x,
                                                const AttributionOptions& options = {});
// x * d score / d x, summed over channels.
absl::StatusOr<Attribution> GradientTimesInput(const Model& model, const Tensor& x,
                                               const AttributionOptions& options = {});
// Sundararajan et al. 2017.
absl::StatusOr<Attribution> IntegratedGradients(const Model& model, const Tensor& x,
                                                const AttributionOptions& options = {});
// Smilkov et al. 2017.
absl::StatusOr<Attribution> SmoothGrad(const Model& model, const Tensor& x,
                                       const AttributionOptions& options = {});
// Springenberg et al. 2015.
absl::StatusOr<Attribution> GuidedBackpropagation(const Model& model, const Tensor& x,
                                                  const AttributionOptions& options = {});
// Zeiler and Fergus 2014: unpooling by switches, rectified on the way back.
absl::StatusOr<Attribution> Deconvolution(const Model& model, const Tensor& x,
                                          const AttributionOptions& options = {});
// Zeiler and Fergus 2014: what the score loses where a window is filled.
absl::StatusOr<Attribution> Occlusion(const Model& model, const Tensor& x,
                                      const AttributionOptions& options = {});
// Selvaraju et al. 2017, on any layer with maps.
absl::StatusOr<Attribution> GradCam(const Model& model, const Tensor& x,
                                    const AttributionOptions& options = {});
// Zhou et al. 2016. Errors: the layer is not followed by global average pooling and one linear
// layer.
absl::StatusOr<Attribution> ClassActivationMap(const Model& model, const Tensor& x,
                                               const AttributionOptions& options = {});

// The methods by name, as commands and reports offer them.
struct AttributionMethod {
  std::string_view name;   // "integrated-gradients"
  std::string_view title;  // "Integrated gradients"
  std::string_view doc;    // one sentence
  absl::StatusOr<Attribution> (*run)(const Model&, const Tensor&, const AttributionOptions&);
};
std::span<const AttributionMethod> AttributionMethods();

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_H_
