#include "frontend/train/lr_find.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "frontend/data/loader.h"
#include "frontend/train/smoothed_loss.h"

namespace weft {
namespace {

absl::Status CheckLrFind(const LrFindOptions& o) {
  if (!(o.begin > 0 && o.end > o.begin && std::isfinite(o.end))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected learning rates that rise from above 0, got ", o.begin, " to ", o.end));
  }
  if (o.steps < 3) {
    return absl::InvalidArgumentError(absl::StrCat("expected at least 3 steps, got ", o.steps));
  }
  if (o.workers < 1 || o.workers > kMaxWorkers) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected 1 to ", kMaxWorkers, " workers, got ", o.workers));
  }
  if (!(o.smoothing >= 0 && o.smoothing < 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a smoothing in [0,1), got ", o.smoothing));
  }
  return absl::OkStatus();
}

// Batches without end, epoch after epoch.
absl::Status NextOfAnyEpoch(Loader& loader, int64_t* epoch, Batch* batch) {
  WEFT_ASSIGN_OR_RETURN(bool more, loader.Next(batch));
  if (more) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(loader.StartEpoch(++*epoch));
  return loader.Next(batch).status();
}

}  // namespace

LrFindResult SuggestLearningRate(std::vector<LrFindPoint> points) {
  LrFindResult result{.points = std::move(points)};
  const auto& p = result.points;
  const auto least = std::ranges::min_element(p, {}, &LrFindPoint::smoothed);
  result.least = result.steepest = least->learning_rate;
  double steepest = std::numeric_limits<double>::infinity();
  for (auto it = p.begin() + 1; it < least && it + 1 != p.end(); ++it) {
    const double slope =
        (it[1].smoothed - it[-1].smoothed) / std::log(it[1].learning_rate / it[-1].learning_rate);
    if (slope >= steepest) continue;
    steepest = slope;
    result.steepest = it->learning_rate;
  }
  return result;
}

absl::StatusOr<LrFindResult> FindLearningRate(
    Trainer& trainer, const std::shared_ptr<const Dataset>& train, const LrFindOptions& o,
    const std::function<bool(const LrFindPoint&)>& on_step) {
  WEFT_RETURN_IF_ERROR(CheckLrFind(o));
  WEFT_ASSIGN_OR_RETURN(const std::unique_ptr<Loader> loader,
                        Loader::Create(train, {.batch_size = o.batch_size,
                                               .seed = trainer.options().seed,
                                               .workers = static_cast<int>(o.workers)}));
  std::vector<LrFindPoint> points;
  SmoothedLoss mean(o.smoothing);
  double least = std::numeric_limits<double>::infinity();
  int64_t epoch = 0;
  Batch batch;
  for (int64_t step = 0; step < o.steps; ++step) {
    WEFT_RETURN_IF_ERROR(NextOfAnyEpoch(*loader, &epoch, &batch));
    const double part = static_cast<double>(step) / static_cast<double>(o.steps - 1);
    LrFindPoint point{.learning_rate = o.begin * std::pow(o.end / o.begin, part)};
    WEFT_ASSIGN_OR_RETURN(const StepResult result, trainer.Step(batch, point.learning_rate));
    if (!std::isfinite(result.loss)) break;
    point.loss = result.loss;
    point.smoothed = mean.Add(result.loss);
    points.push_back(point);
    least = std::min(least, point.smoothed);
    if (on_step && on_step(point)) break;
    if (least > 0 && point.smoothed > o.divergence * least) break;
  }
  if (points.size() < 3) {
    return absl::OutOfRangeError(absl::StrCat("the test ended after ", points.size(),
                                              " steps: begin with a lower rate than ", o.begin));
  }
  return SuggestLearningRate(std::move(points));
}

}  // namespace weft
