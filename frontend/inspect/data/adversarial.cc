#include "frontend/inspect/data/adversarial.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "frontend/data/random.h"
#include "frontend/io/image.h"

namespace weft {
namespace {

absl::Status CheckAttack(const Attack& a) {
  const bool fits = a.epsilon >= 0 && a.epsilon <= 1 && a.steps >= 0 && a.step_size >= 0 &&
                    std::isfinite(a.step_size);
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("attack: expected an epsilon in [0,1], 0 or more steps and a step size of 0 "
                   "(chosen) or more, got ",
                   a.epsilon, ", ", a.steps, " and ", a.step_size));
}

absl::Status CheckAttacked(const Tensor& x, const Preprocessing& p) {
  if (!x.is_empty() && x.rank() == 4 && x.dims()[1] == p.channels &&
      kFloatTypes.contains(x.dtype())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("attack: expected pictures [N,", p.channels,
                                                 ",H,W], got ",
                                                 x.is_empty() ? "nothing" : ToString(x.type())));
}

// The element that the attack makes of one: element `i` of `x` (the picture), of `at` (where the
// attack is) and of the gradient there; `unit` is what 1 of a pixel's range is of the input.
using AttackStep =
    std::function<double(size_t i, double x, double at, double gradient, double unit)>;

// Applies it everywhere, in f64, within the pixels' range; the result has x's type. `gradient` may
// be empty.
absl::StatusOr<Tensor> StepWithin(const Preprocessing& p, const Tensor& x, const Tensor& at,
                                  const Tensor& gradient, const AttackStep& step) {
  WEFT_ASSIGN_OR_RETURN(Tensor moved, at.Converted(DType::kF64));
  const std::span<double> values = moved.mutable_values<double>();
  const auto area = static_cast<size_t>(x.dims()[2] * x.dims()[3]);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t channel = i / area % static_cast<size_t>(p.channels);
    const double unit = 1.0 / p.std[channel], mean = p.mean[channel];
    const auto element = static_cast<int64_t>(i);
    const double to =
        step(i, x.At(element), values[i], gradient.is_empty() ? 0 : gradient.At(element), unit);
    values[i] = std::clamp(to, -mean * unit, (1 - mean) * unit);
  }
  return moved.Converted(x.dtype());
}

double AttackSign(double v) { return v > 0 ? 1 : v < 0 ? -1 : 0; }

// -1 at each label's place, so that what goes back is the gradient of minus the label's logarithm.
absl::StatusOr<Tensor> LabelCotangent(DType dtype, std::span<const int64_t> labels,
                                      int64_t classes) {
  const auto n = static_cast<int64_t>(labels.size());
  WEFT_ASSIGN_OR_RETURN(Tensor cotangent, Tensor::Zeros(DType::kF64, {n, classes}));
  const std::span<double> values = cotangent.mutable_values<double>();
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      return absl::InvalidArgumentError(absl::StrCat("attack: expected classes in [0,", classes,
                                                     "), example ", i, " of the batch has ",
                                                     labels[i]));
    }
    values[i * static_cast<size_t>(classes) + static_cast<size_t>(labels[i])] = -1;
  }
  return cotangent.Converted(dtype);
}

}  // namespace

absl::StatusOr<Adversary> Adversary::Create(const Model& model, const SessionOptions& session) {
  if (!model.preprocessing) {
    return absl::FailedPreconditionError(
        "attack: the model does not say how pictures become its input, so that its pixels have no "
        "range");
  }
  WEFT_RETURN_IF_ERROR(CheckPreprocessing(*model.preprocessing));
  Adversary adversary;
  adversary.preprocessing_ = *model.preprocessing;
  const auto logarithms = [](Emitter& e, std::span<const Value> scores) {
    return std::vector<Value>{e.Op("LogSoftmax", {scores[0]}, {{"axis", 1}})};
  };
  WEFT_ASSIGN_OR_RETURN(adversary.probe_,
                        Probe::Create(model, {.objectives = logarithms, .session = session}));
  const TensorType& type = adversary.probe_->type();
  if (type.rank() != 2 || !StaticDims({type.shape[1]}).ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "attack: expected scores [N,C] of a classifier, the model gives ", ToString(type)));
  }
  return adversary;
}

absl::StatusOr<Adversary::Losses> Adversary::LossesOf(const Tensor& x,
                                                      std::span<const int64_t> labels,
                                                      bool gradient) {
  WEFT_RETURN_IF_ERROR(CheckAttacked(x, preprocessing_));
  WEFT_ASSIGN_OR_RETURN(const Dims classes, StaticDims({probe_->type().shape[1]}));
  WEFT_ASSIGN_OR_RETURN(const Tensor cotangent,
                        LabelCotangent(probe_->type().dtype, labels, classes[0]));
  if (static_cast<int64_t>(labels.size()) != x.dims()[0]) {
    return absl::InvalidArgumentError(absl::StrCat("attack: expected a class for each of ",
                                                   x.dims()[0], " pictures, got ", labels.size()));
  }
  Losses losses;
  Tensor logarithms;
  if (gradient) {
    WEFT_ASSIGN_OR_RETURN(Probe::Result result, probe_->Backward(x, std::array{cotangent}));
    logarithms = std::move(result.values[0]);
    WEFT_ASSIGN_OR_RETURN(losses.gradient, result.gradients[0].Converted(x.dtype()));
  } else {
    WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> values, probe_->Values(x));
    logarithms = std::move(values[0]);
  }
  for (int64_t i = 0; i < x.dims()[0]; ++i) {
    int64_t best = 0;
    const int64_t row = i * classes[0];
    for (int64_t c = 1; c < classes[0]; ++c) {
      if (logarithms.At(row + c) > logarithms.At(row + best)) best = c;
    }
    losses.loss.push_back(-logarithms.At(row + labels[static_cast<size_t>(i)]));
    losses.predicted.push_back(best);
    losses.probability.push_back(std::exp(logarithms.At(row + best)));
  }
  return losses;
}

absl::StatusOr<Tensor> Adversary::SignStep(const Tensor& x, const Tensor& gradient,
                                           double epsilon) const {
  WEFT_RETURN_IF_ERROR(CheckAttacked(x, preprocessing_));
  if (gradient.is_empty() || gradient.dims() != x.dims()) {
    return absl::InvalidArgumentError(
        absl::StrCat("attack: expected a gradient like ", ToString(x.type()), ", got ",
                     gradient.is_empty() ? "nothing" : ToString(gradient.type())));
  }
  return StepWithin(preprocessing_, x, x, gradient,
                    [&](size_t, double, double at, double slope, double unit) {
                      return at + epsilon * unit * AttackSign(slope);
                    });
}

absl::StatusOr<Tensor> Adversary::Perturb(const Tensor& x, std::span<const int64_t> labels,
                                          const Attack& attack, int64_t first) {
  WEFT_RETURN_IF_ERROR(CheckAttack(attack));
  WEFT_RETURN_IF_ERROR(CheckAttacked(x, preprocessing_));
  if (attack.steps == 0) {
    WEFT_ASSIGN_OR_RETURN(const Losses losses, LossesOf(x, labels));
    return SignStep(x, losses.gradient, attack.epsilon);
  }
  const double epsilon = attack.epsilon;
  const double size =
      attack.step_size > 0 ? attack.step_size : 2.5 * epsilon / static_cast<double>(attack.steps);
  const size_t elements = static_cast<size_t>(x.size() / std::max<int64_t>(x.dims()[0], 1));
  // A stream an example, drawn from in the elements' order.
  RandomStream random(attack.seed, RandomPurpose::kNoise, static_cast<uint64_t>(first));
  WEFT_ASSIGN_OR_RETURN(
      Tensor at,
      StepWithin(preprocessing_, x, x, {}, [&](size_t i, double, double at, double, double unit) {
        if (i % elements == 0) {
          const auto example = static_cast<uint64_t>(first) + i / elements;
          random = RandomStream(attack.seed, RandomPurpose::kNoise, example);
        }
        return at + unit * epsilon * random.Uniform(-1, 1);
      }));
  for (int64_t step = 0; step < attack.steps; ++step) {
    WEFT_ASSIGN_OR_RETURN(const Losses losses, LossesOf(at, labels));
    WEFT_ASSIGN_OR_RETURN(
        at, StepWithin(preprocessing_, x, at, losses.gradient,
                       [&](size_t, double from, double place, double slope, double unit) {
                         const double reach = epsilon * unit;
                         return std::clamp(place + size * unit * AttackSign(slope), from - reach,
                                           from + reach);
                       }));
  }
  return at;
}

}  // namespace weft
