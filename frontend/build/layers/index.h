#ifndef WEFT_FRONTEND_BUILD_LAYERS_INDEX_H_
#define WEFT_FRONTEND_BUILD_LAYERS_INDEX_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/build/init.h"
#include "frontend/build/layers/family.h"
#include "graph/dtype.h"

namespace weft {

struct GatherOptions {
  int64_t axis = 0;
  std::string name = {};
};

struct GatherNDOptions {
  int64_t batch_dims = 0;  // leading axes that data and indices share
  std::string name = {};
};

struct ScatterElementsOptions {
  int64_t axis = 0;
  std::string reduction = "none";  // or add, mul, max, min
  std::string name = {};
};

struct ScatterNDOptions {
  std::string reduction = "none";
  std::string name = {};
};

struct OneHotOptions {
  int64_t depth = 0;  // required
  int64_t axis = -1;
  double on = 1;
  double off = 0;
  std::optional<DType> dtype = {};  // of the result: the builder's unless given
  std::string name = {};
};

struct EmbeddingOptions {
  int64_t count = 0;     // of vectors; required
  int64_t features = 0;  // of each; required
  Initializer init = Initializer::Normal(0, 1);
  std::string name = {};
};

// ONNX's Resize. Either sizes or scales, one for each of `axes` (none: all).
struct ResizeOptions {
  std::vector<int64_t> axes = {};
  std::vector<int64_t> sizes = {};
  std::vector<double> scales = {};
  std::string mode = "nearest";            // or linear, cubic
  std::string coordinates = "half_pixel";  // coordinate_transformation_mode
  std::string nearest_mode = "round_prefer_floor";
  double cubic_a = -0.75;
  bool exclude_outside = false;
  std::vector<double> roi = {};  // of tf_crop_and_resize: the starts, then the ends
  double extrapolation_value = 0;
  std::string name = {};
};

// PyTorch's Upsample of all spatial axes: one number stands for each of them.
struct UpsampleOptions {
  std::vector<int64_t> size = {};  // either size
  std::vector<double> scale = {};  // or scale
  std::string mode = "nearest";    // or linear (on any number of axes), cubic
  bool align_corners = false;      // of linear and cubic: corner elements stay where they are
  std::string name = {};
};

// Gathering, scattering, one-hot codes and resizing. Negative indices count from the end.
class IndexLayers : public LayerFamily<IndexLayers> {
 public:
  // Slices of x along the axis, one for each index.
  Value Gather(Value x, Value indices, const GatherOptions& o = {}, Where where = Where::current());
  // One element of x for each index, which selects along the axis.
  Value GatherElements(Value x, Value indices, const GatherOptions& o = {},
                       Where where = Where::current());
  // Slices of x, one for each tuple along the last axis of the indices.
  Value GatherND(Value x, Value indices, const GatherNDOptions& o = {},
                 Where where = Where::current());
  // x with the updates put in where GatherElements and GatherND would find them.
  Value ScatterElements(Value x, Value indices, Value updates, const ScatterElementsOptions& o = {},
                        Where where = Where::current());
  Value ScatterND(Value x, Value indices, Value updates, const ScatterNDOptions& o = {},
                  Where where = Where::current());
  // A new axis that is `on` at the index and `off` elsewhere.
  Value OneHot(Value indices, const OneHotOptions& o, Where where = Where::current());
  // A trained vector for each index. Parameter: weight [count, features].
  Value Embedding(Value indices, const EmbeddingOptions& o, Where where = Where::current());
  Value Resize(Value x, const ResizeOptions& o, Where where = Where::current());
  // x is [N,C,..].
  Value Upsample(Value x, const UpsampleOptions& o, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_INDEX_H_
