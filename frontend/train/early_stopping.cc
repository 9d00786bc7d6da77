#include "frontend/train/early_stopping.h"

#include <cmath>

namespace weft {

absl::Status CheckEarlyStopping(const EarlyStoppingOptions& o) {
  if (o.monitor != "loss" && o.monitor != "accuracy") {
    return absl::InvalidArgumentError(
        absl::StrCat("monitor: expected loss or accuracy, got \"", o.monitor, "\""));
  }
  if (o.patience < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("patience: expected at least 0, got ", o.patience));
  }
  if (!(o.min_delta >= 0 && std::isfinite(o.min_delta))) {
    return absl::InvalidArgumentError(
        absl::StrCat("min_delta: expected at least 0, got ", o.min_delta));
  }
  return absl::OkStatus();
}

bool UpdateBest(const EarlyStoppingOptions& o, int64_t epoch, double value, BestEpoch* best) {
  const bool better = std::isnan(best->value) ? !std::isnan(value)
                                              : (o.rises() ? value > best->value + o.min_delta
                                                           : value < best->value - o.min_delta);
  if (!better) {
    ++best->waited;
    return false;
  }
  *best = {.epoch = epoch, .value = value};
  return true;
}

bool ShouldStop(const EarlyStoppingOptions& o, const BestEpoch& best) {
  return o.patience > 0 && best.waited >= o.patience;
}

}  // namespace weft
