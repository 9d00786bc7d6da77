#ifndef WEFT_FRONTEND_WATCH_PROGRESS_TEXT_H_
#define WEFT_FRONTEND_WATCH_PROGRESS_TEXT_H_

#include <string>

#include "frontend/train/train_loop.h"

namespace weft {

// "1:05" or "12.3 s"
std::string DurationText(double seconds);

// One line of a training's progress, at most `columns` wide unless it is "epoch 1/3  loss 0.1234"
// already: of a narrow terminal first the bar shrinks, then figures go, the least wanted first.
//   epoch 1/3  [=====>    ]  loss 0.1234  accuracy 98.76 %  ETA 1:05  1,234 images/s  waiting 3 %
//   lr 0.05
std::string ProgressLine(const StepProgress& p, double smoothed_loss, int columns);
// The same without a bar, for files: "epoch 1/3  batch 4 of 8  loss 0.1234 ...".
std::string ProgressRow(const StepProgress& p, double smoothed_loss);
// What an epoch has come to, with the metrics that matter for the task.
std::string EpochLine(const EpochSummary& s);

}  // namespace weft

#endif  // WEFT_FRONTEND_WATCH_PROGRESS_TEXT_H_
