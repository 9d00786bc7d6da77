#ifndef WEFT_FRONTEND_CLI_PROGRESS_H_
#define WEFT_FRONTEND_CLI_PROGRESS_H_

#include <chrono>

#include "frontend/train/smoothed_loss.h"
#include "frontend/watch/progress_text.h"

namespace weft {

// Shows a training on stdout: on a terminal a bar that is redrawn ten times a second, elsewhere a
// line every ten seconds; and a line for every epoch.
class ProgressDisplay {
 public:
  ProgressDisplay();
  ~ProgressDisplay();
  void OnStep(const StepProgress& p);
  void OnEpoch(const EpochSummary& s);
  // Removes an unfinished bar, before something else is printed.
  void Clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool terminal_;
  bool bar_shown_ = false;
  SmoothedLoss loss_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_PROGRESS_H_
