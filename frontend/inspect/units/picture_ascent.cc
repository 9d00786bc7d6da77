#include "frontend/inspect/units/picture_ascent.h"

#include <array>
#include <cmath>
#include <numeric>
#include <utility>

#include "frontend/data/random.h"
#include "frontend/inspect/planes.h"

namespace weft {
namespace {

constexpr int64_t kMostAscentSteps = 1000000;
constexpr double kMostBlur = 1000;  // pixels

absl::Status OutsideRange(std::string_view what, std::string_view expected, double got) {
  return absl::InvalidArgumentError(
      absl::StrCat(Absl(what), ": expected ", Absl(expected), ", got ", got));
}

// Adam's moments, or what a normalised step needs: nothing.
class AscentStep {
 public:
  AscentStep(const AscentOptions& options, size_t count)
      : options_(options),
        mean_(options.rule == AscentRule::kAdam ? count : 0),
        square_(mean_.size()) {}

  void Take(std::span<const float> gradient, int64_t pictures, std::span<float> parameters) {
    if (options_.rule == AscentRule::kAdam) {
      TakeAdam(gradient, parameters);
    } else {
      TakeNormalised(gradient, gradient.size() / static_cast<size_t>(pictures), parameters);
    }
  }

 private:
  void TakeAdam(std::span<const float> gradient, std::span<float> parameters) {
    constexpr double kMeanDecay = 0.9, kSquareDecay = 0.999, kTiny = 1e-8;
    ++step_;
    const double mean_scale = 1 / (1 - std::pow(kMeanDecay, step_));
    const double square_scale = 1 / (1 - std::pow(kSquareDecay, step_));
    for (size_t i = 0; i < gradient.size(); ++i) {
      const double g = gradient[i];
      mean_[i] += (1 - kMeanDecay) * (g - mean_[i]);
      square_[i] += (1 - kSquareDecay) * (g * g - square_[i]);
      parameters[i] += static_cast<float>(options_.rate * mean_scale * mean_[i] /
                                          (std::sqrt(square_scale * square_[i]) + kTiny));
    }
  }

  void TakeNormalised(std::span<const float> gradient, size_t picture,
                      std::span<float> parameters) const {
    for (size_t first = 0; first < gradient.size(); first += picture) {
      double sum = 0;
      for (const float g : gradient.subspan(first, picture)) sum += std::abs(g);
      if (!(sum > 0)) continue;
      const double scale = options_.rate * static_cast<double>(picture) / sum;
      for (size_t i = first; i < first + picture; ++i) {
        parameters[i] += static_cast<float>(scale * gradient[i]);
      }
    }
  }

  const AscentOptions& options_;
  std::vector<double> mean_, square_;
  int64_t step_ = 0;
};

// Pixels that the picture is moved by at a step.
std::array<int64_t, 2> JitterAt(int64_t step, const AscentOptions& o) {
  if (o.jitter == 0) return {0, 0};
  RandomStream random(o.seed, RandomPurpose::kAugment, static_cast<uint64_t>(step));
  const auto draw = [&] {
    return static_cast<int64_t>(random.Below(static_cast<uint64_t>(2 * o.jitter + 1))) - o.jitter;
  };
  const int64_t down = draw();
  return {down, draw()};
}

// The objectives' mean and the gradient with respect to x, as seen by a step.
struct JitteredAt {
  double objective = 0;
  Tensor gradient;
};

absl::StatusOr<JitteredAt> ObjectiveSeenAt(int64_t step, const Tensor& x,
                                           const PictureObjective& objective,
                                           const AscentOptions& options) {
  const auto [down, right] = JitterAt(step, options);
  WEFT_ASSIGN_OR_RETURN(const Tensor moved, RolledPlanes(x, down, right));
  WEFT_ASSIGN_OR_RETURN(const ObjectiveAt at, objective(moved, step));
  JitteredAt seen;
  seen.objective = std::accumulate(at.values.begin(), at.values.end(), 0.0) /
                   static_cast<double>(at.values.size());
  if (!std::isfinite(seen.objective)) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the objective is ", seen.objective, " at step ", step, "; a smaller rate may help"));
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor gradient, at.gradient.Converted(DType::kF32));
  WEFT_ASSIGN_OR_RETURN(seen.gradient, RolledPlanes(gradient, -down, -right));
  return seen;
}

absl::StatusOr<Ascent> Ascend(PictureSource& source, Tensor parameters,
                              const PictureObjective& objective, const AscentOptions& options) {
  Ascent ascent;
  const int64_t count = parameters.dims()[0];
  AscentStep step(options, static_cast<size_t>(parameters.size()));
  for (int64_t i = 0; i < options.steps; ++i) {
    WEFT_ASSIGN_OR_RETURN(const Tensor x, source.Pictures(parameters));
    WEFT_ASSIGN_OR_RETURN(const JitteredAt seen, ObjectiveSeenAt(i, x, objective, options));
    WEFT_ASSIGN_OR_RETURN(const Tensor gradient, source.Backward(parameters, seen.gradient));
    for (const float g : gradient.values<float>()) {
      if (std::isfinite(g)) continue;
      return absl::FailedPreconditionError(
          absl::StrCat("the gradient of the objective is ", g, " at step ", i));
    }
    step.Take(gradient.values<float>(), count, parameters.mutable_values<float>());
    source.Confine(parameters);
    if (options.blur_every > 0 && (i + 1) % options.blur_every == 0 && i + 1 < options.steps) {
      WEFT_ASSIGN_OR_RETURN(parameters, BlurredPlanes(parameters, options.blur));
    }
    ascent.course.push_back(seen.objective);
    if (options.progress) options.progress(i + 1, seen.objective);
  }
  WEFT_ASSIGN_OR_RETURN(ascent.x, source.Pictures(parameters));
  return ascent;
}

absl::StatusOr<std::unique_ptr<PictureSource>> SourceFor(const Preprocessing& form,
                                                         const AscentOptions& o) {
  WEFT_RETURN_IF_ERROR(CheckAscent(o));
  return PictureSource::Create(form, {.parameters = o.parameters,
                                      .decorrelate = o.decorrelate,
                                      .decay = o.decay,
                                      .total_variation = o.total_variation,
                                      .session = o.session});
}

}  // namespace

absl::Status CheckAscent(const AscentOptions& o) {
  if (o.steps < 1 || o.steps > kMostAscentSteps) {
    return OutsideRange("steps", "1 to 1,000,000", static_cast<double>(o.steps));
  }
  if (!(o.rate > 0) || !std::isfinite(o.rate)) return OutsideRange("rate", "above 0", o.rate);
  if (!(o.decay >= 0) || !std::isfinite(o.decay)) {
    return OutsideRange("decay", "0 or more", o.decay);
  }
  if (!(o.total_variation >= 0) || !std::isfinite(o.total_variation)) {
    return OutsideRange("total variation", "0 or more", o.total_variation);
  }
  if (o.jitter < 0 || o.jitter > (int64_t{1} << 20)) {
    return OutsideRange("jitter", "0 to 1,048,576 pixels", static_cast<double>(o.jitter));
  }
  if (o.blur_every < 0) {
    return OutsideRange("steps between blurs", "0 or more", static_cast<double>(o.blur_every));
  }
  if (o.blur_every == 0) return absl::OkStatus();
  if (!(o.blur > 0) || o.blur > kMostBlur) {
    return OutsideRange("blur", "a deviation above 0 and at most 1,000 pixels", o.blur);
  }
  if (o.parameters == PictureParameters::kPixels) return absl::OkStatus();
  return absl::InvalidArgumentError("blur: expected pixels as parameters, they are waves");
}

PictureObjective WeightedObjective(std::shared_ptr<Probe> probe, Tensor weights) {
  return [probe = std::move(probe), weights = std::move(weights)](
             const Tensor& x, int64_t) -> absl::StatusOr<ObjectiveAt> {
    WEFT_ASSIGN_OR_RETURN(Tensor cotangent, weights.Converted(probe->type().dtype));
    WEFT_ASSIGN_OR_RETURN(Probe::Result result, probe->Backward(x, std::array{cotangent}));
    ObjectiveAt at{.values = {}, .gradient = std::move(result.gradients[0])};
    const int64_t count = weights.dims()[0], terms = weights.dims()[1];
    for (int64_t n = 0; n < count; ++n) {
      double sum = 0;
      for (int64_t k = n * terms; k < (n + 1) * terms; ++k) {
        const double weight = weights.At(k);
        if (weight != 0) sum += weight * result.values[0].At(k);
      }
      at.values.push_back(sum);
    }
    return at;
  };
}

absl::StatusOr<Ascent> AscendFromNoise(const PictureObjective& objective, const Preprocessing& form,
                                       int64_t count, const AscentOptions& options) {
  if (count < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("pictures: expected a count of 1 or more, got ", count));
  }
  WEFT_ASSIGN_OR_RETURN(const auto source, SourceFor(form, options));
  WEFT_ASSIGN_OR_RETURN(Tensor noise, source->Noise(count, options.seed));
  return Ascend(*source, std::move(noise), objective, options);
}

absl::StatusOr<Ascent> AscendFrom(const Tensor& x, const PictureObjective& objective,
                                  const Preprocessing& form, const AscentOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const auto source, SourceFor(form, options));
  WEFT_ASSIGN_OR_RETURN(Tensor parameters, source->ParametersOf(x));
  return Ascend(*source, std::move(parameters), objective, options);
}

}  // namespace weft
