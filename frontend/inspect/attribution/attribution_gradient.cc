#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"

namespace weft {

absl::StatusOr<Attribution> GradientAttribution(const Attributor& of, const Tensor& x,
                                                const AttributionOptions& options) {
  WEFT_ASSIGN_OR_RETURN(ScoreProbe probe, ScoreProbe::Create(of, x, options));
  WEFT_ASSIGN_OR_RETURN(Attribution what, probe.NewAttribution());
  WEFT_ASSIGN_OR_RETURN(what.elements, probe.Gradient(probe.x()));
  LargestMagnitudes(what);
  return what;
}

absl::StatusOr<Attribution> GradientTimesInput(const Attributor& of, const Tensor& x,
                                               const AttributionOptions& options) {
  WEFT_ASSIGN_OR_RETURN(ScoreProbe probe, ScoreProbe::Create(of, x, options));
  WEFT_ASSIGN_OR_RETURN(Attribution what, probe.NewAttribution());
  WEFT_ASSIGN_OR_RETURN(what.elements, probe.Gradient(probe.x()));
  const std::span<float> elements = what.elements.mutable_values<float>();
  const std::span<const float> input = probe.x().values<float>();
  for (size_t i = 0; i < elements.size(); ++i) elements[i] *= input[i];
  SumOverChannels(what);
  return what;
}

}  // namespace weft
