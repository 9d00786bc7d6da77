#ifndef WEFT_FRONTEND_BUILD_LAYERS_POOL_H_
#define WEFT_FRONTEND_BUILD_LAYERS_POOL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "frontend/build/layers/conv.h"  // ExtentOf, Padding
#include "frontend/build/layers/extent.h"
#include "frontend/build/layers/family.h"

namespace weft {

// Windows over N spatial axes. Of max and min pooling, padding is never chosen.
template <int N>
struct PoolOptions {
  ExtentOf<N> kernel = {};  // required
  ExtentOf<N> stride = {};  // 0: the kernel
  Padding padding = {};
  ExtentOf<N> dilation = 1;
  bool ceil_mode = false;  // round the output's extent up
  std::string name = {};
};
using MaxPool1dOptions = PoolOptions<1>;
using MaxPool2dOptions = PoolOptions<2>;
using MaxPool3dOptions = PoolOptions<3>;
using MinPool1dOptions = PoolOptions<1>;
using MinPool2dOptions = PoolOptions<2>;
using MinPool3dOptions = PoolOptions<3>;
using MedianPool2dOptions = PoolOptions<2>;
using StochasticPool2dOptions = PoolOptions<2>;

template <int N>
struct AvgPoolOptions {
  ExtentOf<N> kernel = {};  // required
  ExtentOf<N> stride = {};  // 0: the kernel
  Padding padding = {};
  ExtentOf<N> dilation = 1;
  bool ceil_mode = false;
  bool count_include_pad = true;  // as in PyTorch; ONNX's default is false
  std::string name = {};
};
using AvgPool1dOptions = AvgPoolOptions<1>;
using AvgPool2dOptions = AvgPoolOptions<2>;
using AvgPool3dOptions = AvgPoolOptions<3>;

template <int N>
struct LpPoolOptions {
  int64_t p = 2;
  ExtentOf<N> kernel = {};  // required
  ExtentOf<N> stride = {};  // 0: the kernel
  Padding padding = {};
  ExtentOf<N> dilation = 1;
  bool ceil_mode = false;
  std::string name = {};
};
using LpPool1dOptions = LpPoolOptions<1>;
using LpPool2dOptions = LpPoolOptions<2>;
using LpPool3dOptions = LpPoolOptions<3>;

struct TournamentPool2dOptions {
  int64_t contestants = 2;  // elements drawn from each window
  Extent2 kernel = {};      // required
  Extent2 stride = {};      // 0: the kernel
  Padding padding = {};
  Extent2 dilation = 1;
  bool ceil_mode = false;
  std::string name = {};
};

struct WeightedMeanPool2dOptions {
  Extent2 kernel = {};   // required
  Extent2 stride = {};   // 0: the kernel
  Padding padding = {};  // of zeros, which are weighed as well
  // Row by row, at least 0; normalized to a sum of 1. None: learned, a softmax of the parameter
  // `weight` [C,1,kernel], from equal ones on.
  std::vector<double> weights = {};
  std::string name = {};
};

// lambda * max + (1 - lambda) * average.
struct MixedPool2dOptions {
  Extent2 kernel = {};  // required
  Extent2 stride = {};  // 0: the kernel
  Padding padding = {};
  bool ceil_mode = false;
  double lambda = 0.5;  // in [0,1]
  // "fixed"; "learned": from `lambda` on, as the parameter `lambda`; or "random" (Yu et al. 2014):
  // in training all max with probability lambda, else all average, drawn for each step; in
  // inference the mean of both.
  std::string mixing = "fixed";
  std::string name = {};
};

// gate * max + (1 - gate) * average, gate = sigmoid(<weight, window>).
struct GatedPool2dOptions {
  Extent2 kernel = {};  // required
  Extent2 stride = {};  // 0: the kernel
  Padding padding = {};
  std::string name = {};
};

// Of the global poolings.
struct GlobalPoolOptions {
  bool keep_dims = false;  // false: [N,C]; true: [N,C,1,1]
  std::string name = {};
};
using GlobalAvgPoolOptions = GlobalPoolOptions;
using GlobalMaxPoolOptions = GlobalPoolOptions;

struct GlobalLpPoolOptions {
  int64_t p = 2;
  bool keep_dims = false;
  std::string name = {};
};

template <int N>
struct AdaptivePoolOptions {
  ExtentOf<N> output_size = {};  // required
  std::string name = {};
};
using AdaptivePool1dOptions = AdaptivePoolOptions<1>;
using AdaptivePool2dOptions = AdaptivePoolOptions<2>;
using AdaptivePool3dOptions = AdaptivePoolOptions<3>;

struct FractionalMaxPool2dOptions {
  double ratio = 0;          // input over output, at least 1; or
  Extent2 output_size = {};  // the output's extent
  bool overlapping = false;  // regions share their borders
  bool random = false;       // a random sequence of steps in training; false: a pseudorandom one
  std::string name = {};
};

template <int N>
struct MaxUnpoolOptions {
  ExtentOf<N> kernel = {};  // required
  ExtentOf<N> stride = {};  // 0: the kernel
  ExtentOf<N> padding = {};
  ExtentOf<N> output_size = {};  // 0: the smallest input of such a pooling
  std::string name = {};
};
using MaxUnpool1dOptions = MaxUnpoolOptions<1>;
using MaxUnpool2dOptions = MaxUnpoolOptions<2>;
using MaxUnpool3dOptions = MaxUnpoolOptions<3>;

struct SpatialPyramidPoolOptions {
  std::vector<int64_t> levels = {1, 2, 4};  // regions an axis
  std::string name = {};
};

struct PooledMaxima {
  Value values;
  Value indices;  // i64, offsets into the flat input
};

// Pooling. Images are [N,C,L], [N,C,H,W] or [N,C,D,H,W].
class PoolLayers : public LayerFamily<PoolLayers> {
 public:
  Value MaxPool1d(Value x, const MaxPool1dOptions& o, Where where = Where::current());
  Value MaxPool2d(Value x, const MaxPool2dOptions& o, Where where = Where::current());
  Value MaxPool3d(Value x, const MaxPool3dOptions& o, Where where = Where::current());
  // With the indices that MaxUnpool takes.
  PooledMaxima MaxPool1dWithIndices(Value x, const MaxPool1dOptions& o,
                                    Where where = Where::current());
  PooledMaxima MaxPool2dWithIndices(Value x, const MaxPool2dOptions& o,
                                    Where where = Where::current());
  PooledMaxima MaxPool3dWithIndices(Value x, const MaxPool3dOptions& o,
                                    Where where = Where::current());
  Value MinPool1d(Value x, const MinPool1dOptions& o, Where where = Where::current());
  Value MinPool2d(Value x, const MinPool2dOptions& o, Where where = Where::current());
  Value MinPool3d(Value x, const MinPool3dOptions& o, Where where = Where::current());
  Value AvgPool1d(Value x, const AvgPool1dOptions& o, Where where = Where::current());
  Value AvgPool2d(Value x, const AvgPool2dOptions& o, Where where = Where::current());
  Value AvgPool3d(Value x, const AvgPool3dOptions& o, Where where = Where::current());
  // (sum |x|^p)^(1/p).
  Value LpPool1d(Value x, const LpPool1dOptions& o, Where where = Where::current());
  Value LpPool2d(Value x, const LpPool2dOptions& o, Where where = Where::current());
  Value LpPool3d(Value x, const LpPool3dOptions& o, Where where = Where::current());
  // Of the elements inside the image; of an even number the mean of the middle two.
  Value MedianPool2d(Value x, const MedianPool2dOptions& o, Where where = Where::current());
  Value WeightedMeanPool2d(Value x, const WeightedMeanPool2dOptions& o,
                           Where where = Where::current());
  // Both: Lee, Gallagher and Tu 2016.
  Value MixedPool2d(Value x, const MixedPool2dOptions& o, Where where = Where::current());
  Value GatedPool2d(Value x, const GatedPool2dOptions& o, Where where = Where::current());
  // Zeiler and Fergus 2013: drawn by the activations in training, weighted by them in inference.
  Value StochasticPool2d(Value x, const StochasticPool2dOptions& o, Where where = Where::current());
  // The largest of a few elements drawn from each window; in inference its expectation.
  Value TournamentPool2d(Value x, const TournamentPool2dOptions& o, Where where = Where::current());
  // Graham 2014. The regions are drawn for each step of training and fixed in inference.
  Value FractionalMaxPool2d(Value x, const FractionalMaxPool2dOptions& o,
                            Where where = Where::current());

  // Over all spatial axes.
  Value GlobalAvgPool(Value x, const GlobalAvgPoolOptions& o = {}, Where where = Where::current());
  Value GlobalMaxPool(Value x, const GlobalMaxPoolOptions& o = {}, Where where = Where::current());
  Value GlobalLpPool(Value x, const GlobalLpPoolOptions& o = {}, Where where = Where::current());

  // PyTorch's regions, [floor(o*in/out), ceil((o+1)*in/out)).
  Value AdaptiveAvgPool1d(Value x, const AdaptivePool1dOptions& o, Where where = Where::current());
  Value AdaptiveAvgPool2d(Value x, const AdaptivePool2dOptions& o, Where where = Where::current());
  Value AdaptiveAvgPool3d(Value x, const AdaptivePool3dOptions& o, Where where = Where::current());
  Value AdaptiveMaxPool1d(Value x, const AdaptivePool1dOptions& o, Where where = Where::current());
  Value AdaptiveMaxPool2d(Value x, const AdaptivePool2dOptions& o, Where where = Where::current());
  Value AdaptiveMaxPool3d(Value x, const AdaptivePool3dOptions& o, Where where = Where::current());
  // He et al. 2014: the maxima of each level's regions, side by side: [N, C * sum of levels^2].
  Value SpatialPyramidPool(Value x, const SpatialPyramidPoolOptions& o = {},
                           Where where = Where::current());

  // Zeros, with each element of x at its index.
  Value MaxUnpool1d(Value x, Value indices, const MaxUnpool1dOptions& o,
                    Where where = Where::current());
  Value MaxUnpool2d(Value x, Value indices, const MaxUnpool2dOptions& o,
                    Where where = Where::current());
  Value MaxUnpool3d(Value x, Value indices, const MaxUnpool3dOptions& o,
                    Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_POOL_H_
