#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "frontend/data/loader.h"
#include "frontend/inspect/data/adversarial.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/io/image.h"
#include "frontend/watch/plot.h"

namespace weft {
namespace {

absl::Status CheckAttackable(const Dataset& dataset) {
  if (dataset.is_images() && dataset.parts().empty() && !dataset.targets() &&
      dataset.label_dims().empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(dataset.name(), ": expected pictures with one class each"));
}

// Batches of a data set in its order, until `see` says false.
absl::Status ForAttackedBatches(
    const std::shared_ptr<const Dataset>& dataset, int64_t batch_size,
    const std::function<absl::StatusOr<bool>(const Batch&, std::span<const int64_t>)>& see) {
  WEFT_RETURN_IF_ERROR(CheckAttackable(*dataset));
  WEFT_ASSIGN_OR_RETURN(const auto loader,
                        Loader::Create(dataset, {.batch_size = batch_size, .shuffle = false}));
  Batch batch;
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool more, loader->Next(&batch));
    if (!more) return absl::OkStatus();
    WEFT_ASSIGN_OR_RETURN(const bool on, see(batch, batch.labels.values<int64_t>()));
    if (!on) return absl::OkStatus();
  }
}

// Example `i` of a batch, [1,C,H,W].
absl::StatusOr<Tensor> OneAttacked(const Tensor& batch, int64_t i) {
  const auto size = static_cast<size_t>(batch.size() / batch.dims()[0]);
  Dims dims = batch.dims();
  dims[0] = 1;
  return Tensor::FromValues<float>(
      std::move(dims), batch.values<float>().subspan(static_cast<size_t>(i) * size, size));
}

// What was added, epsilon being white.
Picture ChangePicture(const Preprocessing& p, const Tensor& from, const Tensor& to,
                      double epsilon) {
  const std::span<const float> a = from.values<float>(), b = to.values<float>();
  const size_t area = a.size() / static_cast<size_t>(p.channels);
  std::vector<float> planes(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    const double share = epsilon > 0 ? (b[i] - a[i]) * p.std[i / area] / epsilon : 0;
    planes[i] = static_cast<float>(std::clamp(0.5 + share / 2, 0.0, 1.0));
  }
  return PlanesToPicture(planes, p);
}

int64_t CountRightClasses(std::span<const int64_t> predicted, std::span<const int64_t> labels) {
  int64_t right = 0;
  for (size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i];
  return right;
}

// Adds how many of a batch are right at each epsilon to `points`, which are numbers of examples.
absl::Status AddRight(Adversary& adversary, const Batch& batch, std::span<const int64_t> labels,
                      const RobustnessOptions& o, std::vector<RobustnessPoint>& points) {
  WEFT_ASSIGN_OR_RETURN(const Adversary::Losses clean, adversary.LossesOf(batch.images, labels));
  for (RobustnessPoint& point : points) {
    if (point.epsilon == 0) {
      const auto right = static_cast<double>(CountRightClasses(clean.predicted, labels));
      point.fgsm += right;
      point.pgd += right;
      continue;
    }
    const auto right = [&](const Tensor& x) -> absl::StatusOr<double> {
      WEFT_ASSIGN_OR_RETURN(const Adversary::Losses at, adversary.LossesOf(x, labels, false));
      return static_cast<double>(CountRightClasses(at.predicted, labels));
    };
    WEFT_ASSIGN_OR_RETURN(const Tensor one_step,
                          adversary.SignStep(batch.images, clean.gradient, point.epsilon));
    WEFT_ASSIGN_OR_RETURN(
        const Tensor many_steps,
        adversary.Perturb(batch.images, labels,
                          {.epsilon = point.epsilon, .steps = o.steps, .seed = o.seed},
                          batch.first));
    WEFT_ASSIGN_OR_RETURN(const double fgsm, right(one_step));
    WEFT_ASSIGN_OR_RETURN(const double pgd, right(many_steps));
    point.fgsm += fgsm;
    point.pgd += pgd;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<RobustnessPoint>> AccuracyAgainstEpsilon(
    const Model& model, const std::shared_ptr<const Dataset>& dataset,
    const RobustnessOptions& options) {
  std::vector<RobustnessPoint> points;
  for (const double epsilon : options.epsilons) points.push_back({.epsilon = epsilon});
  const auto fits = [](double e) { return e >= 0 && e <= 1; };
  if (points.empty() || !std::ranges::all_of(options.epsilons, fits) || options.steps < 1) {
    return absl::InvalidArgumentError(
        "attack: expected one epsilon or more, in [0,1], and a step or more");
  }
  WEFT_ASSIGN_OR_RETURN(Adversary adversary, Adversary::Create(model, options.session));
  WEFT_RETURN_IF_ERROR(ForAttackedBatches(
      dataset, options.batch_size,
      [&](const Batch& batch, std::span<const int64_t> labels) -> absl::StatusOr<bool> {
        WEFT_RETURN_IF_ERROR(AddRight(adversary, batch, labels, options, points));
        return true;
      }));
  for (RobustnessPoint& point : points) {
    point.fgsm /= static_cast<double>(dataset->size());
    point.pgd /= static_cast<double>(dataset->size());
  }
  return points;
}

std::string RobustnessSvg(std::span<const RobustnessPoint> points) {
  Series fgsm{.name = "FGSM"}, pgd{.name = "PGD"};
  for (const RobustnessPoint& p : points) {
    fgsm.x.push_back(p.epsilon);
    fgsm.y.push_back(p.fgsm);
    pgd.x.push_back(p.epsilon);
    pgd.y.push_back(p.pgd);
  }
  return PlotSvg(std::vector<Series>{fgsm, pgd}, {.title = "Accuracy on attacked pictures",
                                                  .x_label = "epsilon (a pixel's range is 1)",
                                                  .y_label = "accuracy"});
}

absl::StatusOr<std::vector<AdversarialExample>> FindAdversarial(
    const Model& model, const std::shared_ptr<const Dataset>& dataset, const Attack& attack,
    int64_t count, const RobustnessOptions& options) {
  WEFT_ASSIGN_OR_RETURN(Adversary adversary, Adversary::Create(model, options.session));
  const Preprocessing& p = adversary.preprocessing();
  std::vector<AdversarialExample> found;
  const auto see = [&](const Batch& batch,
                       std::span<const int64_t> labels) -> absl::StatusOr<bool> {
    WEFT_ASSIGN_OR_RETURN(const Adversary::Losses before,
                          adversary.LossesOf(batch.images, labels, false));
    WEFT_ASSIGN_OR_RETURN(const Tensor attacked,
                          adversary.Perturb(batch.images, labels, attack, batch.first));
    WEFT_ASSIGN_OR_RETURN(const Adversary::Losses after,
                          adversary.LossesOf(attacked, labels, false));
    for (size_t i = 0; i < labels.size() && static_cast<int64_t>(found.size()) < count; ++i) {
      if (before.predicted[i] != labels[i] || after.predicted[i] == labels[i]) continue;
      AdversarialExample e{.index = batch.indices[i],
                           .before = labels[i],
                           .after = after.predicted[i],
                           .probability_before = before.probability[i],
                           .probability_after = after.probability[i]};
      WEFT_ASSIGN_OR_RETURN(const Tensor from, OneAttacked(batch.images, static_cast<int64_t>(i)));
      WEFT_ASSIGN_OR_RETURN(const Tensor to, OneAttacked(attacked, static_cast<int64_t>(i)));
      WEFT_ASSIGN_OR_RETURN(e.picture, PictureOfInput(from, p));
      WEFT_ASSIGN_OR_RETURN(e.attacked, PictureOfInput(to, p));
      e.change = ChangePicture(p, from, to, attack.epsilon);
      found.push_back(std::move(e));
    }
    return static_cast<int64_t>(found.size()) < count;
  };
  WEFT_RETURN_IF_ERROR(ForAttackedBatches(dataset, options.batch_size, see));
  return found;
}

absl::StatusOr<Picture> AdversarialSheet(const Model& model,
                                         std::span<const AdversarialExample> examples,
                                         int64_t tile) {
  std::vector<SheetTile> tiles;
  for (const AdversarialExample& e : examples) {
    tiles.push_back({e.picture, {ShareText(ClassName(model, e.before), e.probability_before)}});
    tiles.push_back({e.change, {"change"}});
    tiles.push_back({e.attacked, {ShareText(ClassName(model, e.after), e.probability_after)}});
  }
  return PictureSheet(tiles, {.columns = 3, .tile = tile});
}

}  // namespace weft
