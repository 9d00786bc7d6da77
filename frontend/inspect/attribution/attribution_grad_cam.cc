#include <algorithm>
#include <array>
#include <vector>

#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"
#include "frontend/inspect/attribution/map_layers.h"
#include "frontend/inspect/planes.h"

namespace weft {
namespace {

// The mean over places of each channel of [1,C,...].
std::vector<double> ChannelMeans(const Tensor& gradient) {
  const int64_t channels = gradient.dims()[1], area = gradient.size() / channels;
  std::vector<double> means(static_cast<size_t>(channels));
  for (int64_t i = 0; i < gradient.size(); ++i) {
    means[static_cast<size_t>(i / area)] += gradient.At(i) / static_cast<double>(area);
  }
  return means;
}

}  // namespace

absl::StatusOr<Attribution> GradCam(const Attributor& of, const Tensor& x,
                                    const AttributionOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const Node* layer, FindMapLayer(of.model().graph, options.at));
  WEFT_ASSIGN_OR_RETURN(const ScoreProbe scores, ScoreProbe::Create(of, x, options));
  WEFT_ASSIGN_OR_RETURN(Probe* const probe, of.ProbeFor({.read = {layer->name()},
                                                         .towards = {layer->name()},
                                                         .session = options.session}));
  WEFT_ASSIGN_OR_RETURN(const Tensor cotangent, scores.Cotangent(1));
  WEFT_ASSIGN_OR_RETURN(const Probe::Result result,
                        probe->Backward(scores.x(), std::array{cotangent}));
  WEFT_ASSIGN_OR_RETURN(Tensor map,
                        WeightedMaps(result.values[1], ChannelMeans(result.gradients[0])));
  for (float& value : map.mutable_values<float>()) value = std::max(value, 0.0f);
  WEFT_ASSIGN_OR_RETURN(Attribution what, scores.NewAttribution());
  WEFT_ASSIGN_OR_RETURN(what.map, ResizedPlanes(map, what.map.dims()[0], what.map.dims()[1]));
  what.layer = layer->name();
  return what;
}

}  // namespace weft
