#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"

namespace weft {

absl::StatusOr<Attribution> GuidedBackpropagation(const Attributor& of, const Tensor& x,
                                                  const AttributionOptions& options) {
  return RectifiedAttribution(of, x, options, BackwardRule::kGuided);
}

}  // namespace weft
