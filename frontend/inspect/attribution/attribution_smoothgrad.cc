#include <algorithm>
#include <cmath>
#include <vector>

#include "frontend/data/random.h"
#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"

namespace weft {
namespace {

absl::Status CheckSmoothing(const AttributionOptions& o) {
  if (o.samples >= 1 && o.noise >= 0 && std::isfinite(o.noise)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("SmoothGrad: expected 1 sample or more and a noise of 0 or more, got ",
                   o.samples, " and ", o.noise));
}

}  // namespace

absl::StatusOr<Attribution> SmoothGrad(const Attributor& of, const Tensor& x,
                                       const AttributionOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckSmoothing(options));
  WEFT_ASSIGN_OR_RETURN(ScoreProbe probe, ScoreProbe::Create(of, x, options));
  const auto [least, most] = std::ranges::minmax(probe.x().values<float>());
  const double deviation = options.noise * (double{most} - double{least});
  std::vector<double> sum(probe.x().values<float>().size());
  WEFT_RETURN_IF_ERROR(probe.AddGradients(
      options.samples,
      [&](int64_t i, std::span<float> input) {
        RandomStream random(options.seed, RandomPurpose::kNoise, static_cast<uint64_t>(i));
        for (float& element : input) {
          element = static_cast<float>(element + deviation * random.Normal());
        }
      },
      sum));
  WEFT_ASSIGN_OR_RETURN(Attribution what, probe.NewAttribution());
  const Dims& dims = probe.x().dims();
  WEFT_ASSIGN_OR_RETURN(what.elements,
                        Tensor::Zeros(DType::kF32, Dims(dims.begin() + 1, dims.end())));
  const std::span<float> elements = what.elements.mutable_values<float>();
  for (size_t i = 0; i < elements.size(); ++i) {
    elements[i] = static_cast<float>(sum[i] / static_cast<double>(options.samples));
  }
  LargestMagnitudes(what);
  return what;
}

}  // namespace weft
