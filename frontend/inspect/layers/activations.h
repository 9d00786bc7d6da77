#ifndef WEFT_FRONTEND_INSPECT_LAYERS_ACTIVATIONS_H_
#define WEFT_FRONTEND_INSPECT_LAYERS_ACTIVATIONS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/inspect/running_statistics.h"
#include "frontend/io/picture.h"
#include "frontend/session/session.h"
#include "graph/model.h"
#include "graph/tensor.h"

namespace weft {

// What a layer (LayersOf in frontend/session/layers.h) makes of one example.
struct LayerActivation {
  std::string layer;   // the node's name
  std::string op;      // "Conv"
  Tensor values = {};  // f32[C,H,W], of other layers [C,...] with any or no axes behind
};

// Those of the layers `at`, of none named: of all, in one run. `x` is one example, [1,...] or
// without the first axis. Errors: those of ModelOfLayers; a model with several inputs, another
// number of examples.
absl::StatusOr<std::vector<LayerActivation>> Activations(const Model& model, const Tensor& x,
                                                         const std::vector<std::string>& at = {},
                                                         const SessionOptions& session = {});

struct ActivationPictureOptions {
  bool each = false;               // each map has a range of its own; false: one for all
  int64_t columns = 0, scale = 0;  // as in GridOptions
  uint8_t background = 255;        // likewise: of gaps and of places without a map
  int64_t most_maps = 0;           // the first so many of a layer's maps; 0: all
};

// A layer's maps as a grid, a map a channel; of signals [C,L] one map of channels by time, those of
// long ones 4 pixels high, of vectors [C] one row, of volumes the slices side by side. Numbers of
// both signs are blue and orange around white, others from dark to light. Errors: most_maps below
// 0, those of GridPicture.
absl::StatusOr<Picture> ActivationPicture(const Tensor& values,
                                          const ActivationPictureOptions& options = {});

// What a layer does over a data set. A unit is an index of its second axis: a channel, a neuron.
struct LayerStatistics {
  std::string layer, op;
  RunningStatistics values = {};
  int64_t units = 0;
  // Of rectifiers (Relu and its kin, Clip from 0): the units that no example brings above 0, so
  // that no gradient (of Relu) teaches them.
  std::optional<std::vector<int64_t>> dead = {};
  // Of Sigmoid and Tanh: the share of values where the slope is below a hundredth of its most, and
  // the units all of whose values are so.
  std::optional<double> saturated_share = {};
  std::vector<int64_t> saturated = {};
};

struct StatisticsOptions {
  std::vector<std::string> at = {};  // the layers; none: all
  int64_t examples = 0;              // so many, evenly spread over the data; 0: all
  // 0: what the model's input is fixed to, else at most 64 and so many that all layers' values are
  // kLayerBatchBytes (frontend/session/layer_batch.h) or less.
  int64_t batch_size = 0;
  int workers = 1;
  SessionOptions session = {};
};

// Over the examples in batches; a batch's activations are what is in memory at a time. Errors:
// those of ModelOfLayers; options out of range; whatever the data or the run say; a model of a
// fixed batch that does not divide the examples.
absl::StatusOr<std::vector<LayerStatistics>> ActivationStatistics(
    const Model& model, const std::shared_ptr<const Dataset>& dataset,
    const StatisticsOptions& options = {});

// `count` examples of a data set, evenly spread over its order; all for 0, or where there are no
// more. Errors: a count below 0.
absl::StatusOr<std::shared_ptr<const Dataset>> EvenSubset(
    const std::shared_ptr<const Dataset>& dataset, int64_t count);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_LAYERS_ACTIVATIONS_H_
