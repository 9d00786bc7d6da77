#ifndef WEFT_FRONTEND_TRAIN_OPTIMIZER_METHOD_H_
#define WEFT_FRONTEND_TRAIN_OPTIMIZER_METHOD_H_

#include "frontend/train/optimizer.h"
#include "ops/optimizer_step.h"

namespace weft {

// The update that options ask for, with the method's own numbers where they leave them open, and
// without what differs by parameter: rate and decay factors, clip_norm's input. `options` have
// passed CheckOptimizer.
UpdateSpec UpdateSpecFor(const OptimizerOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_OPTIMIZER_METHOD_H_
