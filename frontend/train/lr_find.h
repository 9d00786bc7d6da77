#ifndef WEFT_FRONTEND_TRAIN_LR_FIND_H_
#define WEFT_FRONTEND_TRAIN_LR_FIND_H_

#include <functional>
#include <memory>
#include <vector>

#include "frontend/train/train.h"

namespace weft {

// The range test of Smith 2017 (Cyclical learning rates, section 3.3): the learning rate rises
// exponentially from step to step until the loss explodes; a good one is where it falls fastest.
struct LrFindOptions {
  double begin = 1e-7;
  double end = 10;
  int64_t steps = 100;
  int64_t batch_size = 128;
  int64_t workers = 1;     // threads that prepare batches
  double smoothing = 0.9;  // share of what was in the running mean of the loss
  double divergence = 4;   // ends where the smoothed loss is so many times its least, above 0
};

struct LrFindPoint {
  double learning_rate = 0;
  double loss = 0;      // of the step's batch
  double smoothed = 0;  // the running mean, without its bias to 0
};

struct LrFindResult {
  std::vector<LrFindPoint> points = {};
  double steepest = 0;  // the suggestion: where the smoothed loss falls fastest by log(rate)
  double least = 0;     // where it is least; ten times less than this is another usual choice
};

// Spoils the trainer's weights. `on_step` may be empty; true ends the test there. Errors: options
// out of range; a loss that explodes or is stopped before three steps; whatever the trainer or the
// data say.
absl::StatusOr<LrFindResult> FindLearningRate(
    Trainer& trainer, const std::shared_ptr<const Dataset>& train, const LrFindOptions& options,
    const std::function<bool(const LrFindPoint&)>& on_step = {});

// What the curve says; `points` has at least three.
LrFindResult SuggestLearningRate(std::vector<LrFindPoint> points);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_LR_FIND_H_
