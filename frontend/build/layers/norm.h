#ifndef WEFT_FRONTEND_BUILD_LAYERS_NORM_H_
#define WEFT_FRONTEND_BUILD_LAYERS_NORM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/build/layers/family.h"

namespace weft {

struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  // PyTorch's: the weight of the new batch in the running statistics
  bool unbiased = true;   // the variance in the running statistics, as in PyTorch; ONNX's is biased
  std::string name = {};
};
using BatchNorm2dOptions = BatchNormOptions;

struct LayerNormOptions {
  // How many of the last axes are normalized; 0: all but the first, C,H,W of an image.
  int axes = 0;
  double epsilon = 1e-5;
  bool affine = true;  // has a weight, of the normalized axes' dims
  bool bias = true;    // and a bias
  std::string name = {};
};

struct InstanceNormOptions {
  double epsilon = 1e-5;
  bool affine = false;  // weight and bias, one element a channel
  std::string name = {};
};

struct GroupNormOptions {
  int64_t groups = 0;  // must be given, and divide the channels
  double epsilon = 1e-5;
  bool affine = true;
  std::string name = {};
};

struct LocalResponseNormOptions {
  int64_t size = 0;  // channels of a window; must be given
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 1;
  std::string name = {};
};

struct LpNormOptions {
  int64_t p = 2;  // or 1
  int64_t axis = 1;
  std::string name = {};
};

struct MeanVarianceNormOptions {
  std::vector<int64_t> axes = {0, 2, 3};  // ONNX's default: statistics per channel
  double epsilon = 1e-9;                  // added to the standard deviation
  std::string name = {};
};

// Normalisation.
class NormLayers : public LayerFamily<NormLayers> {
 public:
  // x is [N,C] or [N,C,L]; [N,C,H,W]; [N,C,D,H,W]. Parameters: weight, bias, running_mean,
  // running_var, one element a channel.
  Value BatchNorm1d(Value x, const BatchNormOptions& o = {}, Where where = Where::current());
  Value BatchNorm2d(Value x, const BatchNormOptions& o = {}, Where where = Where::current());
  Value BatchNorm3d(Value x, const BatchNormOptions& o = {}, Where where = Where::current());

  // Parameters: weight and bias.
  Value LayerNorm(Value x, const LayerNormOptions& o = {}, Where where = Where::current());

  // x is [N,C,L]; [N,C,H,W]; [N,C,D,H,W].
  Value InstanceNorm1d(Value x, const InstanceNormOptions& o = {}, Where where = Where::current());
  Value InstanceNorm2d(Value x, const InstanceNormOptions& o = {}, Where where = Where::current());
  Value InstanceNorm3d(Value x, const InstanceNormOptions& o = {}, Where where = Where::current());
  // x is [N,C,...].
  Value GroupNorm(Value x, const GroupNormOptions& o = {}, Where where = Where::current());

  // Across the channels of [N,C,...]: x / (k + alpha / size * sum of squares)^beta, with PyTorch's
  // options. An even window reaches one channel further up than down (ONNX's; PyTorch's down).
  Value LocalResponseNorm(Value x, const LocalResponseNormOptions& o = {},
                          Where where = Where::current());
  // x divided by its p-norm along an axis: PyTorch's normalize.
  Value LpNorm(Value x, const LpNormOptions& o = {}, Where where = Where::current());
  // (x - mean) / (standard deviation + epsilon) over axes: ONNX's MeanVarianceNormalization.
  Value MeanVarianceNorm(Value x, const MeanVarianceNormOptions& o = {},
                         Where where = Where::current());

 private:
  Value BatchNorm(Value x, int space, const BatchNormOptions& o, Where where);
  Value InstanceNorm(Value x, int space, const InstanceNormOptions& o, Where where);
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_NORM_H_
