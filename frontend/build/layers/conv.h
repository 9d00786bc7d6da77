#ifndef WEFT_FRONTEND_BUILD_LAYERS_CONV_H_
#define WEFT_FRONTEND_BUILD_LAYERS_CONV_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "frontend/build/init.h"
#include "frontend/build/layers/extent.h"
#include "frontend/build/layers/family.h"

namespace weft {

// What a convolution puts around its input. A number is for both sides of every axis; one number an
// axis for both sides of that axis; two an axis all begins, then all ends, as ONNX's pads. By name:
// "valid" nothing; "same" what keeps the extent at stride 1 and makes it ceil(extent / stride) at
// others, the odd one at the end; "full" all positions where the kernel meets any of the input.
struct Padding {
  Padding() = default;
  Padding(int both) : values{both} {}                             // NOLINT
  Padding(int64_t both) : values{both} {}                         // NOLINT
  Padding(const Extent2& e) : values(ListOf(e)) {}                // NOLINT
  Padding(const Extent3& e) : values(ListOf(e)) {}                // NOLINT
  Padding(std::initializer_list<int64_t> list) : values(list) {}  // NOLINT
  Padding(const char* mode) : values{}, mode(mode) {}             // NOLINT
  Padding(std::string mode) : values{}, mode(std::move(mode)) {}  // NOLINT

  std::vector<int64_t> values = {0};
  std::string mode = {};
};

// A number for one axis, an extent for two or three.
template <int N>
using ExtentOf = std::conditional_t<N == 1, int64_t, std::conditional_t<N == 2, Extent2, Extent3>>;

template <int N>
struct ConvOptions {
  int64_t channels = 0;     // of the output; required
  ExtentOf<N> kernel = {};  // required
  ExtentOf<N> stride = 1;
  Padding padding = {};
  ExtentOf<N> dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  // What the padding holds: zeros; replicate, reflect, symmetric or circular copies of the input;
  // or crop: nothing, the sum over the taps inside is scaled by taps over taps inside.
  std::string padding_mode = "zeros";
  std::optional<Initializer> init = {};  // of the weights
  std::string name = {};
};
using Conv1dOptions = ConvOptions<1>;
using Conv2dOptions = ConvOptions<2>;
using Conv3dOptions = ConvOptions<3>;

template <int N>
struct ConvTransposeOptions {
  int64_t channels = 0;     // of the output; required
  ExtentOf<N> kernel = {};  // required
  ExtentOf<N> stride = 1;
  Padding padding = {};  // what is cut off the result; numbers only
  ExtentOf<N> output_padding = 0;
  ExtentOf<N> dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};
using ConvTranspose1dOptions = ConvTransposeOptions<1>;
using ConvTranspose2dOptions = ConvTransposeOptions<2>;
using ConvTranspose3dOptions = ConvTransposeOptions<3>;

// Of a depthwise convolution: every input channel makes `multiplier` output channels.
struct DepthwiseConv2dOptions {
  Extent2 kernel = {};  // required
  int64_t multiplier = 1;
  Extent2 stride = 1;
  Padding padding = {};
  Extent2 dilation = 1;
  bool bias = true;
  std::string padding_mode = "zeros";
  std::optional<Initializer> init = {};
  std::string name = {};
};

struct LocallyConnected2dOptions {
  int64_t channels = 0;  // of the output; required
  Extent2 kernel = {};   // required
  Extent2 stride = 1;
  Padding padding = {};
  Extent2 dilation = 1;
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};

struct TiledConv2dOptions {
  int64_t channels = 0;  // of the output; required
  Extent2 kernel = {};   // required
  int64_t tile = 2;      // kernels repeat after this many positions down and across
  Extent2 stride = 1;
  Padding padding = {};
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};

// Of layers that consist of several convolutions.
struct SeparableConv2dOptions {
  int64_t channels = 0;  // of the output; required
  Extent2 kernel = {};   // required
  Extent2 stride = 1;
  Padding padding = {};
  Extent2 dilation = 1;
  int64_t multiplier = 1;  // of the depthwise convolution of DepthwiseSeparableConv2d
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};

struct Pseudo3dConvOptions {
  int64_t channels = 0;         // of the output; required
  Extent3 kernel = {};          // required
  int64_t middle_channels = 0;  // between the two; 0: `channels`
  Extent3 stride = 1;
  Extent3 padding = 0;
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};

struct ShuffledGroupConvOptions {
  int64_t channels = 0;  // of the output; required
  int64_t groups = 1;
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};

struct MlpConvOptions {
  std::vector<int64_t> channels = {};  // of the convolution and of each 1x1 one after it; required
  Extent2 kernel = {};                 // required
  Extent2 stride = 1;
  Padding padding = {};
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};

struct ConvolveOptions {
  std::string mode = "full";  // full, same, valid or circular
  std::string name = {};
};

// Convolutions. Parameters are called as PyTorch's, weight and bias, and have PyTorch's shapes; the
// spatial axes of x are its last ones: [N,C,L], [N,C,H,W], [N,C,D,H,W].
class ConvLayers : public LayerFamily<ConvLayers> {
 public:
  Value Conv1d(Value x, const Conv1dOptions& o, Where where = Where::current());
  Value Conv2d(Value x, const Conv2dOptions& o, Where where = Where::current());
  Value Conv3d(Value x, const Conv3dOptions& o, Where where = Where::current());
  Value ConvTranspose1d(Value x, const ConvTranspose1dOptions& o, Where where = Where::current());
  Value ConvTranspose2d(Value x, const ConvTranspose2dOptions& o, Where where = Where::current());
  Value ConvTranspose3d(Value x, const ConvTranspose3dOptions& o, Where where = Where::current());
  Value DepthwiseConv2d(Value x, const DepthwiseConv2dOptions& o, Where where = Where::current());

  // A kernel of its own for every position: weight [positions,O,C*taps], bias [O,outH,outW].
  Value LocallyConnected2d(Value x, const LocallyConnected2dOptions& o,
                           Where where = Where::current());
  // tile x tile kernels take turns: that of output (i,j) is (i mod tile, j mod tile). Le et al.
  // 2010, "Tiled convolutional neural networks". weight [tile*tile*O,C,k,k], bias [tile*tile*O].
  Value TiledConv2d(Value x, const TiledConv2dOptions& o, Where where = Where::current());
  // `groups` groups of channels that share one set of weights [O/groups,C/groups,k,k].
  Value TiedGroupConv2d(Value x, const Conv2dOptions& o, Where where = Where::current());

  // Compositions; inner layers are called NAME.depthwise and so on.
  // depthwise, then pointwise (1x1): Sifre 2014; Chollet 2017, "Xception".
  Value DepthwiseSeparableConv2d(Value x, const SeparableConv2dOptions& o,
                                 Where where = Where::current());
  // vertical (k x 1), then horizontal (1 x k), both over all channels.
  Value SpatiallySeparableConv2d(Value x, const SeparableConv2dOptions& o,
                                 Where where = Where::current());
  // lateral (1x1), then vertical and horizontal, one kernel a channel: a 1-D convolution for each
  // direction. Jin et al. 2014, "Flattened convolutional neural networks".
  Value FlattenedConv2d(Value x, const SeparableConv2dOptions& o, Where where = Where::current());
  // spatial (1 x k x k), then temporal (k x 1 x 1): Qiu et al. 2017, "Pseudo-3D residual networks";
  // Tran et al. 2018, R(2+1)D.
  Value Pseudo3dConv(Value x, const Pseudo3dConvOptions& o, Where where = Where::current());
  // 1x1 in groups, then the channels are shuffled so that the next groups see all of these: Zhang
  // et al. 2018, "ShuffleNet". At most one of H and W may be a symbol.
  Value ShuffledGroupConv(Value x, const ShuffledGroupConvOptions& o,
                          Where where = Where::current());
  // conv, then 1x1 convolutions cccp1, cccp2, …, each followed by Relu: Lin et al. 2013, "Network
  // in network".
  Value MlpConv(Value x, const MlpConvOptions& o, Where where = Where::current());

  // The convolution of signal processing, with a flipped kernel: y[n] = sum of h[k] x[n-k], for
  // every channel of x [N,C,spatial...] with the same h [k...]. Linear: full, its middle part of
  // x's extent (same), or where h lies inside x (valid). Or circular, of x's extent.
  Value Convolve(Value x, Value h, const ConvolveOptions& o = {}, Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_CONV_H_
