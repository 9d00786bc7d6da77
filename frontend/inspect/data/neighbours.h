#ifndef WEFT_FRONTEND_INSPECT_DATA_NEIGHBOURS_H_
#define WEFT_FRONTEND_INSPECT_DATA_NEIGHBOURS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/inspect/example.h"
#include "frontend/inspect/picture_sheet.h"
#include "frontend/train/finetune_features.h"
#include "graph/model.h"

namespace weft {

// An example that a model sees as something like another one.
struct Neighbour {
  int64_t index = 0;                  // in the data set
  std::optional<int64_t> label = {};  // where examples have one class
  double distance = 0;                // 1 - cosine of the features, in [0,2]
};

struct NeighbourOptions {
  int64_t count = 9;
  std::optional<int64_t> leave_out = {};  // the example itself, where it is one of the data set
  FeatureOptions features = {};           // of which node
};

// The data set's examples whose features are nearest to those of `x`, [1,...]: nearest first.
// Errors: those of ComputeFeatures and FindNearest.
absl::StatusOr<std::vector<Neighbour>> NearestExamples(
    const Model& model, const Tensor& x, const std::shared_ptr<const Dataset>& dataset,
    const NeighbourOptions& options = {});

// The example, then its neighbours, each above its class and distance. Errors: examples that are no
// pictures, those of reading.
absl::StatusOr<Picture> NeighbourSheet(const Model& model, const Example& example,
                                       const Dataset& dataset,
                                       std::span<const Neighbour> neighbours,
                                       const SheetOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_DATA_NEIGHBOURS_H_
