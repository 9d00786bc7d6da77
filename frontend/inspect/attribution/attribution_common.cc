#include "frontend/inspect/attribution/attribution_common.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "frontend/session/fixed_batch.h"
#include "frontend/session/layer_batch.h"

namespace weft {
namespace {

constexpr int64_t kMostExamplesARun = 32;
constexpr int64_t kInputNumbersARun = int64_t{1} << 20;  // of a run's inputs, where it is not asked

absl::StatusOr<int64_t> TargetOf(const Tensor& scores, std::optional<int64_t> wanted) {
  if (scores.rank() != 2 || !kFloatTypes.contains(scores.dtype()) || scores.dims()[0] != 1 ||
      scores.dims()[1] == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("inspect: expected scores [1,C] of one example, the model gives ",
                     ToString(scores.type())));
  }
  for (int64_t i = 0; i < scores.size(); ++i) {
    if (std::isfinite(scores.At(i))) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("inspect: expected finite scores, class ", i, " has ", scores.At(i)));
  }
  if (wanted && (*wanted < 0 || *wanted >= scores.dims()[1])) {
    return absl::InvalidArgumentError(absl::StrCat("inspect: expected a class from 0 to ",
                                                   scores.dims()[1] - 1, ", got ", *wanted));
  }
  if (wanted) return *wanted;
  int64_t best = 0;
  for (int64_t i = 1; i < scores.size(); ++i) {
    if (scores.At(i) > scores.At(best)) best = i;
  }
  return best;
}

// Of an input that takes one example at a time, one; OneExampleFor refuses other fixed batches.
absl::StatusOr<int64_t> ExamplesARun(const Node& input, int64_t wanted, int64_t example_size) {
  if (wanted < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("inspect: expected a batch size of 1 or more, or 0, got ", wanted));
  }
  if (FixedBatch(input)) return 1;
  if (wanted > 0) return wanted;
  return std::clamp<int64_t>(kInputNumbersARun / example_size, 1, kMostExamplesARun);
}

bool IsRectifier(const Node& node) { return node.op_name() == "Relu" || node.op_name() == "Clip"; }

}  // namespace

absl::StatusOr<Tensor> OneExampleFor(const Node& input, const Tensor& x) {
  if (!kFloatTypes.contains(input.type().dtype)) {
    return absl::InvalidArgumentError(absl::StrCat("inspect: expected a floating-point input, ",
                                                   input.name(), " is ", ToString(input.type())));
  }
  if (FixedBatch(input).value_or(1) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("inspect: expected an input for one example or any number of them, ",
                     input.name(), " is ", ToString(input.type())));
  }
  WEFT_ASSIGN_OR_RETURN(const Tensor fitted, FitToInput(input, x));
  if (fitted.is_empty() || fitted.rank() < 2 || fitted.dims()[0] != 1 || fitted.size() == 0 ||
      !kFloatTypes.contains(fitted.dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat("inspect: expected one example of ", ToString(input.type()), ", got ",
                     fitted.is_empty() ? "nothing" : ToString(fitted.type())));
  }
  return fitted.Converted(DType::kF32);
}

absl::StatusOr<ScoreProbe> ScoreProbe::Create(const Attributor& of, const Tensor& x,
                                              const AttributionOptions& options,
                                              BackwardRule rule) {
  ScoreProbe probe(of);
  probe.rule_ = rule;
  probe.session_ = options.session;
  WEFT_ASSIGN_OR_RETURN(probe.scores_, of.ProbeFor({.towards = {}, .session = options.session}));
  WEFT_ASSIGN_OR_RETURN(probe.x_, OneExampleFor(probe.scores_->input(), x));
  WEFT_ASSIGN_OR_RETURN(probe.batch_size_,
                        ExamplesARun(probe.scores_->input(), options.batch_size, probe.x_.size()));
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, probe.scores_->Values(probe.x_));
  WEFT_ASSIGN_OR_RETURN(probe.target_, TargetOf(values[0], options.target));
  probe.score_dtype_ = values[0].dtype();
  probe.classes_ = values[0].dims()[1];
  probe.score_ = values[0].At(probe.target_);
  return probe;
}

absl::StatusOr<std::vector<double>> ScoreProbe::Scores(const Tensor& batch) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> values, scores_->Values(batch));
  const Dims expected = {batch.dims()[0], classes_};
  if (values[0].dims() != expected) {
    return absl::InvalidArgumentError(absl::StrCat("inspect: expected scores ", ToString(expected),
                                                   ", the model gives ",
                                                   ToString(values[0].type())));
  }
  std::vector<double> scores;
  for (int64_t i = target_; i < values[0].size(); i += classes_) scores.push_back(values[0].At(i));
  return scores;
}

absl::StatusOr<std::vector<double>> ScoreProbe::ScoresOf(int64_t count, const ChangeInput& change) {
  std::vector<double> all;
  WEFT_RETURN_IF_ERROR(ForEachBatch(count, change, [&](const Tensor& batch) -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(const std::vector<double> scores, Scores(batch));
    all.insert(all.end(), scores.begin(), scores.end());
    return absl::OkStatus();
  }));
  return all;
}

absl::StatusOr<Tensor> ScoreProbe::Cotangent(int64_t examples) const {
  WEFT_ASSIGN_OR_RETURN(const Tensor scores, Tensor::Zeros(score_dtype_, {examples, classes_}));
  return UnitCotangent(scores, target_);
}

absl::StatusOr<Tensor> ScoreProbe::Gradient(const Tensor& batch) {
  WEFT_ASSIGN_OR_RETURN(Probe* const probe, of_.ProbeFor({.rule = rule_, .session = session_}));
  WEFT_ASSIGN_OR_RETURN(const Tensor cotangent, Cotangent(batch.dims()[0]));
  WEFT_ASSIGN_OR_RETURN(Probe::Result result, probe->Backward(batch, std::array{cotangent}));
  Tensor gradient = std::move(result.gradients[0]);
  if (gradient.dtype() != DType::kF32) {
    WEFT_ASSIGN_OR_RETURN(gradient, gradient.Converted(DType::kF32));
  }
  if (batch.dims()[0] != 1) return gradient;
  return gradient.Reshaped(Dims(gradient.dims().begin() + 1, gradient.dims().end()));
}

absl::Status ScoreProbe::AddGradients(int64_t count, const ChangeInput& change,
                                      std::span<double> sum) {
  return ForEachBatch(count, change, [&](const Tensor& batch) -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(const Tensor gradients, Gradient(batch));
    const std::span<const float> values = gradients.values<float>();
    for (size_t first = 0; first < values.size(); first += sum.size()) {
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += values[first + i];
    }
    return absl::OkStatus();
  });
}

absl::Status ScoreProbe::ForEachBatch(int64_t count, const ChangeInput& change,
                                      const std::function<absl::Status(const Tensor&)>& run) const {
  const std::span<const float> x = x_.values<float>();
  Dims dims = x_.dims();
  Tensor batch;
  for (int64_t first = 0; first < count; first += batch_size_) {
    dims[0] = std::min(batch_size_, count - first);
    if (batch.dims() != dims) {
      WEFT_ASSIGN_OR_RETURN(batch, Tensor::Zeros(DType::kF32, dims));
    }
    const std::span<float> inputs = batch.mutable_values<float>();
    for (int64_t n = 0; n < dims[0]; ++n) {
      const auto input = inputs.subspan(static_cast<size_t>(n) * x.size(), x.size());
      std::ranges::copy(x, input.begin());
      change(first + n, input);
    }
    WEFT_RETURN_IF_ERROR(run(batch));
  }
  return absl::OkStatus();
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

void LargestMagnitudes(Attribution& what) {
  const std::span<const float> elements = what.elements.values<float>();
  const std::span<float> map = what.map.mutable_values<float>();
  for (size_t i = 0; i < elements.size(); ++i) {
    float& most = map[i % map.size()];
    // NaN, once there, stays: what is not known is not small.
    if (!std::isnan(most) && !(std::abs(elements[i]) <= most)) most = std::abs(elements[i]);
  }
}

absl::StatusOr<Attribution> RectifiedAttribution(const Attributor& of, const Tensor& x,
                                                 const AttributionOptions& options,
                                                 BackwardRule rule) {
  if (std::ranges::none_of(of.model().graph.nodes(), IsRectifier)) {
    return absl::FailedPreconditionError(
        "expected a network with rectifiers (Relu, Clip), through which alone this differs from "
        "the gradient; there is none");
  }
  WEFT_ASSIGN_OR_RETURN(ScoreProbe probe, ScoreProbe::Create(of, x, options, rule));
  WEFT_ASSIGN_OR_RETURN(Attribution what, probe.NewAttribution());
  WEFT_ASSIGN_OR_RETURN(what.elements, probe.Gradient(probe.x()));
  LargestMagnitudes(what);
  return what;
}

}  // namespace weft
