#ifndef WEFT_FRONTEND_INSPECT_LAYERS_PARAMETER_STATISTICS_H_
#define WEFT_FRONTEND_INSPECT_LAYERS_PARAMETER_STATISTICS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/inspect/running_statistics.h"
#include "graph/model.h"

namespace weft {

// A parameter and its gradients over batches of a data set.
struct ParameterStatistics {
  std::string parameter;
  Dims dims = {};
  RunningStatistics weights = {};
  RunningStatistics gradients = {};  // the elements of all batches' gradients
  double gradient_norm = 0;          // Euclid's of a batch's gradient, the mean over batches
};

struct ParameterStatisticsOptions {
  int64_t examples = 1024;  // evenly spread over the data; 0: all
  int64_t batch_size = 128;
  uint64_t seed = 0;  // of dropout
  int threads = 0;
};

// The gradients of the loss that the model was trained with (its own, else cross-entropy) as a
// training would meet them: in training mode, mean over a batch, before anything is clipped or
// decayed; no weight changes. In the graph's order. Errors: a model that cannot be trained, such as
// an optimized one; options out of range; whatever the data or the run say.
absl::StatusOr<std::vector<ParameterStatistics>> GradientStatistics(
    const Model& model, const std::shared_ptr<const Dataset>& dataset,
    const ParameterStatisticsOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_LAYERS_PARAMETER_STATISTICS_H_
