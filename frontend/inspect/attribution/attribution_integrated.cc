#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"

namespace weft {
namespace {

// The middles of equal parts of the way from baseline to x, for more and more parts. A third of a
// part has the same middle as the part, so that gradients are taken at the new places only.
class GradientPath {
 public:
  GradientPath(ScoreProbe& probe, float baseline)
      : probe_(probe), baseline_(baseline), sum_(probe.x().values<float>().size()) {}

  int64_t parts() const { return parts_; }

  absl::Status Begin(int64_t parts) {
    parts_ = parts;
    return Add(parts, [](int64_t i) { return i; });
  }
  absl::Status Triple() {
    parts_ *= 3;
    return Add(parts_ / 3 * 2, [](int64_t i) { return i / 2 * 3 + (i % 2) * 2; });
  }

  // Of element `i`.
  double Share(size_t i) const {
    const double distance = double{probe_.x().values<float>()[i]} - baseline_;
    return distance * sum_[i] / static_cast<double>(parts_);
  }
  double Total() const {
    double total = 0;
    for (size_t i = 0; i < sum_.size(); ++i) total += Share(i);
    return total;
  }

 private:
  template <typename Part>
  absl::Status Add(int64_t count, Part part) {
    return probe_.AddGradients(
        count,
        [&](int64_t i, std::span<float> x) {
          const auto way = static_cast<float>((static_cast<double>(part(i)) + 0.5) /
                                              static_cast<double>(parts_));
          for (float& element : x) element = baseline_ + way * (element - baseline_);
        },
        sum_);
  }

  ScoreProbe& probe_;
  float baseline_;
  int64_t parts_ = 0;
  std::vector<double> sum_;  // of gradients
};

absl::Status CheckIntegration(const AttributionOptions& o) {
  if (o.steps < 1 || o.steps > kMostGradientSteps) {
    return absl::InvalidArgumentError(absl::StrCat(
        "integrated gradients: expected steps from 1 to ", kMostGradientSteps, ", got ", o.steps));
  }
  if (!(o.completeness >= 0) || !std::isfinite(o.baseline)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "integrated gradients: expected a completeness of 0 or more and a finite baseline, got ",
        o.completeness, " and ", o.baseline));
  }
  return absl::OkStatus();
}

// Relative; of no difference only nothing is right.
double CompletenessError(double total, double difference) {
  if (total == difference) return 0;
  if (difference == 0) return std::numeric_limits<double>::infinity();
  return std::abs((total - difference) / difference);
}

}  // namespace

absl::StatusOr<Attribution> IntegratedGradients(const Attributor& of, const Tensor& x,
                                                const AttributionOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckIntegration(options));
  WEFT_ASSIGN_OR_RETURN(ScoreProbe probe, ScoreProbe::Create(of, x, options));
  WEFT_ASSIGN_OR_RETURN(const std::vector<double> baseline,
                        probe.ScoresOf(1, [&](int64_t, std::span<float> input) {
                          std::ranges::fill(input, options.baseline);
                        }));
  const double difference = probe.score() - baseline[0];
  GradientPath path(probe, options.baseline);
  WEFT_RETURN_IF_ERROR(path.Begin(options.steps));
  while (CompletenessError(path.Total(), difference) > options.completeness &&
         path.parts() * 3 <= kMostGradientSteps) {
    WEFT_RETURN_IF_ERROR(path.Triple());
  }
  WEFT_ASSIGN_OR_RETURN(Attribution what, probe.NewAttribution());
  const Dims& dims = probe.x().dims();
  WEFT_ASSIGN_OR_RETURN(what.elements,
                        Tensor::Zeros(DType::kF32, Dims(dims.begin() + 1, dims.end())));
  const std::span<float> elements = what.elements.mutable_values<float>();
  for (size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<float>(path.Share(i));
  SumOverChannels(what);
  what.completeness_error = CompletenessError(path.Total(), difference);
  return what;
}

}  // namespace weft
