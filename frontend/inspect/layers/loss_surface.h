#ifndef WEFT_FRONTEND_INSPECT_LAYERS_LOSS_SURFACE_H_
#define WEFT_FRONTEND_INSPECT_LAYERS_LOSS_SURFACE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "frontend/data/dataset.h"
#include "graph/evaluator.h"
#include "graph/model.h"

namespace weft {

// A direction in the space of a model's weights, by the names of its trainable variables: of a
// variable of two axes or more, each filter (index of the first axis) is drawn from a normal
// distribution and scaled to the norm of the model's filter; biases, and the scales and shifts of
// normalizations, stay where they are (Li et al., "Visualizing the loss landscape of neural nets",
// 2018, section 4). f32 or f64 as the variable; those that stay are left out. The same for the same
// seed, model and number. Errors: no such variable.
absl::StatusOr<TensorMap> FilterNormalizedDirection(const Model& model, uint64_t seed,
                                                    int64_t number);

// The model with its weights moved by `steps[i]` times `directions[i]`. Errors: a variable that is
// not there or of another type.
absl::StatusOr<Model> Moved(const Model& model, std::span<const TensorMap> directions,
                            std::span<const double> steps);

struct LossSurfaceOptions {
  int64_t points = 21;     // along each direction, odd, so that the model is one of them
  double extent = 1;       // the directions' multiples reach from -extent to extent
  int64_t examples = 512;  // evenly spread over the data; 0: all. They are held in memory
  int64_t batch_size = 256;
  uint64_t seed = 0;
  int threads = 0;
  // Sees how many points are done, of how many; false ends it.
  std::function<bool(int64_t done, int64_t all)> progress = {};
};

struct LossSurface {
  std::vector<double> steps = {};  // multiples of each direction
  // f64[points,points]: rows by the second direction, columns by the first, both ascending. The
  // mean loss by Session::Evaluate.
  Tensor losses = {};
  Tensor accuracies = {};  // the same of a classifier; empty for other models
  double center() const { return losses.At(losses.size() / 2); }
};

// The loss in inference mode (statistics of batch normalization as they are) on the plane of two
// FilterNormalizedDirections, 0 and 1, through the model. Errors: options out of range, no label,
// whatever the data or the run say; CancelledError where `progress` ends it.
absl::StatusOr<LossSurface> ComputeLossSurface(const Model& model,
                                               const std::shared_ptr<const Dataset>& dataset,
                                               const LossSurfaceOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_LAYERS_LOSS_SURFACE_H_
