#ifndef WEFT_FRONTEND_TRAIN_EARLY_STOPPING_H_
#define WEFT_FRONTEND_TRAIN_EARLY_STOPPING_H_

#include <cstdint>
#include <limits>
#include <string>

#include "graph/status.h"

namespace weft {

// When a training has learned all that it will, as Keras's EarlyStopping: what is watched is the
// test's, or the training's own where there are no test data.
struct EarlyStoppingOptions {
  std::string monitor = "loss";  // or "accuracy"
  int64_t patience = 0;          // epochs without improvement; 0: goes on to the last epoch
  double min_delta = 0;          // what counts as improvement is more than this
  bool restore_best = true;      // with a patience, the result is the best epoch's
  friend bool operator==(const EarlyStoppingOptions&, const EarlyStoppingOptions&) = default;

  bool rises() const { return monitor == "accuracy"; }
  bool restores() const { return patience > 0 && restore_best; }
};

template <typename F>
void VisitOptions(EarlyStoppingOptions& o, F& f) {
  f("monitor", o.monitor, "What tells the best epoch, for plateau too: loss or accuracy");
  f("patience", o.patience, "Stop after so many epochs without improvement (0: never)");
  f("min_delta", o.min_delta, "What counts as improvement for the patience is more than this");
  f("restore_best", o.restore_best, "With a patience, end with the best epoch's model");
}

// Errors: another monitor, numbers out of their range.
absl::Status CheckEarlyStopping(const EarlyStoppingOptions& options);

// The best epoch so far.
struct BestEpoch {
  int64_t epoch = -1;                                       // from 0; -1: none yet
  double value = std::numeric_limits<double>::quiet_NaN();  // NaN: any number is better
  int64_t waited = 0;                                       // epochs since
};

template <typename F>
void VisitOptions(BestEpoch& b, F& f) {
  f("best_epoch", b.epoch);
  f("best_value", b.value);
  f("epochs_since_best", b.waited);
}

// After an epoch: true where it is the best one so far.
bool UpdateBest(const EarlyStoppingOptions& options, int64_t epoch, double value, BestEpoch* best);
// Whether the patience is at its end.
bool ShouldStop(const EarlyStoppingOptions& options, const BestEpoch& best);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_EARLY_STOPPING_H_
