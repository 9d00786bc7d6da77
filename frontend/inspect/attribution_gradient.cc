#include <algorithm>
#include <cmath>

#include "frontend/inspect/attribution.h"
#include "frontend/inspect/attribution_common.h"

namespace weft {
namespace {

// The largest magnitude of each place, over channels.
void LargestMagnitudes(Attribution& what) {
  const std::span<const float> elements = what.elements.values<float>();
  const std::span<float> map = what.map.mutable_values<float>();
  for (size_t i = 0; i < elements.size(); ++i) {
    float& most = map[i % map.size()];
    most = std::max(most, std::abs(elements[i]));
  }
}

}  // namespace

absl::StatusOr<Attribution> GradientAttribution(const Model& model, const Tensor& x,
                                                const AttributionOptions& options) {
  WEFT_ASSIGN_OR_RETURN(ScoreProbe probe, ScoreProbe::Create(model, x, options));
  WEFT_ASSIGN_OR_RETURN(Attribution what, probe.NewAttribution());
  WEFT_ASSIGN_OR_RETURN(what.elements, probe.Gradient(probe.x()));
  LargestMagnitudes(what);
  return what;
}

absl::StatusOr<Attribution> GradientTimesInput(const Model& model, const Tensor& x,
                                               const AttributionOptions& options) {
  WEFT_ASSIGN_OR_RETURN(ScoreProbe probe, ScoreProbe::Create(model, x, options));
  WEFT_ASSIGN_OR_RETURN(Attribution what, probe.NewAttribution());
  WEFT_ASSIGN_OR_RETURN(what.elements, probe.Gradient(probe.x()));
  const std::span<float> elements = what.elements.mutable_values<float>();
  const std::span<const float> input = probe.x().values<float>();
  for (size_t i = 0; i < elements.size(); ++i) elements[i] *= input[i];
  SumOverChannels(what);
  return what;
}

}  // namespace weft
