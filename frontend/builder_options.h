#ifndef WEFT_FRONTEND_BUILDER_OPTIONS_H_
#define WEFT_FRONTEND_BUILDER_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/init.h"
#include "graph/dim.h"
#include "graph/dtype.h"

// What the builder's functions take, for designated initializers:
//   b.Conv2d(x, {.channels = 6, .kernel = 5, .padding = 2})
// `name` is the layer's name within its scope; without one it gets its kind and a number (conv1).

namespace weft {

// Height and width: 5 is {5, 5}.
struct Extent2 {
  Extent2() = default;
  Extent2(int64_t both) : height(both), width(both) {}  // NOLINT: one number stands for both
  Extent2(int64_t h, int64_t w) : height(h), width(w) {}
  friend bool operator==(const Extent2&, const Extent2&) = default;

  int64_t height = 0;
  int64_t width = 0;
};

// One axis of an input: a number or the name of a symbol, as in {"N", 1, 28, 28}.
struct Axis {
  Axis(int64_t n) : dim(n) {}                                        // NOLINT
  Axis(int n) : dim(int64_t{n}) {}                                   // NOLINT
  Axis(const char* symbol) : dim(Dim::Symbol(symbol)) {}             // NOLINT
  Axis(std::string symbol) : dim(Dim::Symbol(std::move(symbol))) {}  // NOLINT
  Dim dim;
};

struct BuilderOptions {
  uint64_t seed = 0;          // of the initializers
  DType dtype = DType::kF32;  // of inputs and parameters: f32 or f64
  Initializer init = {};      // of weights that say nothing else
};

struct InputOptions {
  std::optional<DType> dtype = {};  // the builder's unless given
};

struct ParameterOptions {
  std::optional<Initializer> init = {};
  bool trainable = true;
};

// Any op that has no options of its own.
struct NameOption {
  std::string name = {};
};

struct Conv2dOptions {
  int64_t channels = 0;  // of the output; required
  Extent2 kernel = {};   // required
  Extent2 stride = 1;
  Extent2 padding = 0;  // zeros on both sides of each axis
  Extent2 dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  std::optional<Initializer> init = {};  // of the weights
  std::string name = {};
};

struct LinearOptions {
  int64_t features = 0;  // of the output; required
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};

struct BatchNorm2dOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  // PyTorch's: the weight of the new batch in the running statistics
  bool unbiased = true;   // the variance in the running statistics, as in PyTorch; ONNX's is biased
  std::string name = {};
};

struct MaxPool2dOptions {
  Extent2 kernel = {};  // required
  Extent2 stride = {};  // 0: the kernel
  Extent2 padding = 0;
  Extent2 dilation = 1;
  bool ceil_mode = false;  // round the output's extent up
  std::string name = {};
};

struct AvgPool2dOptions {
  Extent2 kernel = {};  // required
  Extent2 stride = {};  // 0: the kernel
  Extent2 padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;  // as in PyTorch; ONNX's default is false
  std::string name = {};
};

struct GlobalAvgPoolOptions {
  bool keep_dims = false;  // false: [N,C]; true: [N,C,1,1]
  std::string name = {};
};

struct SoftmaxOptions {
  int64_t axis = -1;
  std::string name = {};
};

struct FlattenOptions {
  int64_t axis = 1;  // axes before it become the rows, the others the columns
  std::string name = {};
};

struct DropoutOptions {
  double ratio = 0.5;  // of elements that become zero while training
  std::string name = {};
};

struct ReduceOptions {
  std::vector<int64_t> axes = {};  // none: all
  bool keep_dims = true;
  std::string name = {};
};

struct ArgMaxOptions {
  int64_t axis = -1;
  bool keep_dims = false;
  std::string name = {};
};

struct GemmOptions {
  double alpha = 1;
  double beta = 1;
  bool transpose_a = false;
  bool transpose_b = false;
  std::string name = {};
};

struct CrossEntropyOptions {
  double label_smoothing = 0;
  std::string reduction = "mean";  // "sum", "none"
  std::optional<int64_t> ignore_index = {};
  std::string name = {};
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILDER_OPTIONS_H_
