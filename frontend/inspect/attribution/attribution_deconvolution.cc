#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"

namespace weft {

// A convolution's transpose and MaxPoolGrad, which puts each number where its window's maximum was
// (the switch), are what autodiff makes of the network; only the rectifiers' rule is another.
absl::StatusOr<Attribution> Deconvolution(const Attributor& of, const Tensor& x,
                                          const AttributionOptions& options) {
  return RectifiedAttribution(of, x, options, BackwardRule::kDeconvolution);
}

}  // namespace weft
