#include "frontend/inspect/attribution_common.h"

#include <algorithm>
#include <array>
#include <utility>

namespace weft {
namespace {

// The example as a batch of one, f32.
absl::StatusOr<Tensor> OneExample(const Node& input, const Tensor& x) {
  WEFT_ASSIGN_OR_RETURN(Tensor fitted, FitToInput(input, x));
  if (fitted.is_empty() || fitted.rank() < 2 || fitted.dims()[0] != 1 ||
      fitted.dtype() != DType::kF32) {
    return absl::InvalidArgumentError(
        absl::StrCat("inspect: expected one example of ", ToString(input.type()), ", got ",
                     fitted.is_empty() ? "nothing" : ToString(fitted.type())));
  }
  return fitted;
}

absl::StatusOr<int64_t> TargetOf(const Tensor& scores, std::optional<int64_t> wanted) {
  if (scores.rank() != 2 || scores.dtype() != DType::kF32 || scores.dims()[1] == 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "inspect: expected scores f32[N,C], the model gives ", ToString(scores.type())));
  }
  if (wanted && (*wanted < 0 || *wanted >= scores.dims()[1])) {
    return absl::InvalidArgumentError(absl::StrCat("inspect: expected a class from 0 to ",
                                                   scores.dims()[1] - 1, ", got ", *wanted));
  }
  if (wanted) return *wanted;
  const std::span<const float> values = scores.values<float>();
  return std::ranges::max_element(values) - values.begin();
}

}  // namespace

absl::StatusOr<ScoreProbe> ScoreProbe::Create(const Model& model, const Tensor& x,
                                              const AttributionOptions& options,
                                              BackwardRule rule) {
  ScoreProbe probe;
  WEFT_ASSIGN_OR_RETURN(probe.probe_,
                        Probe::Create(model, {.rule = rule, .session = options.session}));
  WEFT_ASSIGN_OR_RETURN(probe.x_, OneExample(probe.probe_->input(), x));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, probe.probe_->Values(probe.x_));
  WEFT_ASSIGN_OR_RETURN(probe.target_, TargetOf(values[0], options.target));
  probe.score_ = values[0].At(probe.target_);
  return probe;
}

absl::StatusOr<std::vector<double>> ScoreProbe::Scores(const Tensor& batch) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, probe_->Values(batch));
  const int64_t classes = values[0].dims()[1];
  std::vector<double> scores;
  for (int64_t i = target_; i < values[0].size(); i += classes) scores.push_back(values[0].At(i));
  return scores;
}

absl::StatusOr<Tensor> ScoreProbe::Gradient(const Tensor& batch) {
  WEFT_ASSIGN_OR_RETURN(const Dims dims, [&]() -> absl::StatusOr<Dims> {
    WEFT_ASSIGN_OR_RETURN(
        Dims d, StaticDims(Shape(probe_->type().shape.begin() + 1, probe_->type().shape.end())));
    d.insert(d.begin(), batch.dims()[0]);
    return d;
  }());
  WEFT_ASSIGN_OR_RETURN(const Tensor scores, Tensor::Zeros(DType::kF32, dims));
  WEFT_ASSIGN_OR_RETURN(const Tensor cotangent, UnitCotangent(scores, target_));
  WEFT_ASSIGN_OR_RETURN(Probe::Result result, probe_->Backward(batch, std::array{cotangent}));
  Tensor gradient = std::move(result.gradients[0]);
  if (batch.dims()[0] != 1) return gradient;
  return gradient.Reshaped(Dims(gradient.dims().begin() + 1, gradient.dims().end()));
}

absl::StatusOr<Attribution> ScoreProbe::NewAttribution() const {
  Attribution what{.target = target_, .score = score_};
  const Dims& dims = x_.dims();
  int64_t rows = 1;
  for (size_t i = 2; i + 1 < dims.size(); ++i) rows *= dims[i];
  const int64_t columns = dims.size() > 2 ? dims.back() : dims[1];
  WEFT_ASSIGN_OR_RETURN(what.map, Tensor::Zeros(DType::kF32, {rows, columns}));
  return what;
}

void SumOverChannels(Attribution& what) {
  const std::span<const float> elements = what.elements.values<float>();
  const std::span<float> map = what.map.mutable_values<float>();
  for (size_t i = 0; i < elements.size(); ++i) map[i % map.size()] += elements[i];
  what.is_signed = true;
}

namespace {

constexpr AttributionMethod kAttributionMethods[] = {
    {"gradient", "Gradient", "How strongly the class's score changes with each pixel",
     GradientAttribution},
    {"gradient-times-input", "Gradient x input",
     "The pixels' shares in the class's score, to first order", GradientTimesInput},
};

}  // namespace

std::span<const AttributionMethod> AttributionMethods() { return kAttributionMethods; }

}  // namespace weft
