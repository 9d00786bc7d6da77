#include "frontend/inspect/units/inversion.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <utility>

#include "frontend/inspect/planes.h"
#include "frontend/inspect/units/picture_losses.h"
#include "frontend/session/session.h"

namespace weft {
namespace {

// The root of the mean squared difference of levels.
double LevelError(const Tensor& a, const Tensor& b, const Preprocessing& form) {
  const std::span<const float> x = a.values<float>(), y = b.values<float>();
  const auto area = static_cast<size_t>(form.height * form.width);
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double difference = (x[i] - y[i]) * form.std[i / area];
    sum += difference * difference;
  }
  return std::sqrt(sum / static_cast<double>(x.size()));
}

absl::StatusOr<Tensor> OnePictureOf(const Tensor& x, const Preprocessing& form) {
  const Dims dims = {1, form.channels, form.height, form.width};
  if (!x.is_empty() && (x.dims() == dims || x.dims() == Dims(dims.begin() + 1, dims.end()))) {
    WEFT_ASSIGN_OR_RETURN(const Tensor batch, x.Reshaped(dims));
    return batch.Converted(DType::kF32);
  }
  return absl::InvalidArgumentError(absl::StrCat("inversion: expected one picture f32",
                                                 ToString(dims), ", got ",
                                                 x.is_empty() ? "nothing" : ToString(x.type())));
}

}  // namespace

absl::StatusOr<InversionResult> InvertFeatures(const Model& model, const Tensor& x,
                                               const InversionOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckAscent(options.ascent));
  WEFT_ASSIGN_OR_RETURN(const Preprocessing form, PictureFormOf(model));
  WEFT_ASSIGN_OR_RETURN(const Tensor example, OnePictureOf(x, form));
  const SessionOptions& session = options.ascent.session;
  WEFT_ASSIGN_OR_RETURN(
      const auto reader,
      Probe::Create(model, {.at = {options.at}, .towards = {}, .session = session}));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> features, reader->Values(example));
  const auto distance = [&](Emitter& e, std::span<const Value> values) {
    return std::vector<Value>{RelativeDistance(e, values[0], features[0])};
  };
  WEFT_ASSIGN_OR_RETURN(
      const std::shared_ptr<Probe> probe,
      Probe::Create(model, {.at = {options.at}, .objectives = distance, .session = session}));
  WEFT_ASSIGN_OR_RETURN(const Tensor minus, Tensor::FromValues<float>({1, 1}, std::array{-1.0f}));
  WEFT_ASSIGN_OR_RETURN(Ascent ascent,
                        AscendFromNoise(WeightedObjective(probe, minus), form, 1, options.ascent));
  InversionResult result{.x = std::move(ascent.x)};
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> error, probe->Values(result.x));
  result.feature_error = error[0].At(0);
  result.picture_error = LevelError(result.x, example, form);
  WEFT_ASSIGN_OR_RETURN(result.picture, PictureAt(result.x, 0, form));
  return result;
}

}  // namespace weft
