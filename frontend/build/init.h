#ifndef WEFT_FRONTEND_BUILD_INIT_H_
#define WEFT_FRONTEND_BUILD_INIT_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "graph/tensor.h"

namespace weft {

// How many values flow into and out of one unit of a layer. Of weights [out,in,k...] (a linear
// layer has no k): in * k..., and out * k..., with k... the product of the kernel's extents.
struct Fans {
  int64_t in = 1;
  int64_t out = 1;
};
Fans FansOf(const Dims& weight_dims);

// FNV-1a: the stream of random numbers that belongs to a name.
uint64_t HashName(std::string_view name);

// Which of both keeps its variance: values forwards, or gradients backwards.
enum class Fan { kIn, kOut };

// How the first values of a parameter are drawn. A value type; the default is PyTorch().
class Initializer {
 public:
  Initializer() = default;
  static Initializer Constant(double value) { return {Kind::kConstant, value, 0}; }
  static Initializer Uniform(double low, double high) { return {Kind::kUniform, low, high}; }
  static Initializer Normal(double mean, double std) { return {Kind::kNormal, mean, std}; }
  // A normal distribution without what is more than two of its deviations from the mean, as
  // Keras's; what is left has 0.8796 of the deviation.
  static Initializer TruncatedNormal(double mean, double std) {
    return {Kind::kTruncatedNormal, mean, std};
  }
  // Glorot and Bengio 2010: variance gain^2 * 2 / (fan in + fan out).
  static Initializer XavierUniform(double gain = 1) { return {Kind::kXavierUniform, gain, 0}; }
  static Initializer XavierNormal(double gain = 1) { return {Kind::kXavierNormal, gain, 0}; }
  // He et al. 2015, for layers followed by a ReLU: variance 2 / fan.
  static Initializer HeUniform(Fan fan = Fan::kIn) { return OfFan(Kind::kFanUniform, fan, 2); }
  static Initializer HeNormal(Fan fan = Fan::kIn) { return OfFan(Kind::kFanNormal, fan, 2); }
  // The same for another activation, as PyTorch's kaiming_uniform_: variance gain^2 / fan.
  static Initializer HeUniform(Fan fan, double gain) {
    return OfFan(Kind::kFanUniform, fan, gain * gain);
  }
  static Initializer HeNormal(Fan fan, double gain) {
    return OfFan(Kind::kFanNormal, fan, gain * gain);
  }
  // LeCun et al. 1998, "Efficient BackProp": variance 1 / fan in.
  static Initializer LeCunUniform() { return OfFan(Kind::kFanUniform, Fan::kIn, 1); }
  static Initializer LeCunNormal() { return OfFan(Kind::kFanNormal, Fan::kIn, 1); }
  // Saxe et al. 2013: of the weights as a matrix [dims[0], rest] the rows are orthogonal or, where
  // there are more than columns, these, all of length `gain`. Of weights of two axes or more.
  static Initializer Orthogonal(double gain = 1) { return {Kind::kOrthogonal, gain, 0}; }
  // These values, of the parameter's dims, such as ReadNpy's of a file.
  static Initializer Values(Tensor values);
  // Of weights [O,I,H,H], H odd: GaborBank's kernels (picture_kernels.h), an output channel each,
  // the same for all inputs. Each filter has the norm sqrt(2) * gain; sqrt(2) is that of
  // HeNormal().
  static Initializer Gabor(double gain = 1) { return {Kind::kGabor, gain, 0}; }
  // Of the same: a kernel by its name (PictureKernels) in every output channel; each input has its
  // share of 1/I, so that equal inputs are filtered as one. Made so depthwise, I is 1.
  static Initializer Kernel(std::string_view name) {
    Initializer result(Kind::kKernel, 0, 0);
    result.kernel_ = std::string(name);
    return result;
  }
  // What PyTorch does unless told otherwise: uniform in +-1/sqrt(fan in).
  static Initializer PyTorch() { return {}; }

  // The initializer of the bias beside weights that use this one: the same bound for PyTorch(),
  // zeros otherwise.
  Initializer ForBias(const Fans& weight_fans) const;

  // A tensor of `dtype`, f32 or f64. Depends on (seed, name, dims) and the fans only, so the order
  // in which parameters are made does not matter; f32 values are the f64 ones, rounded. Errors:
  // dims beyond the limits of type.h; dims of which there is no such initializer.
  absl::StatusOr<Tensor> Make(DType dtype, const Dims& dims, const Fans& fans, uint64_t seed,
                              std::string_view name) const;

 private:
  enum class Kind {
    kConstant,
    kUniform,
    kNormal,
    kTruncatedNormal,
    kOrthogonal,
    kValues,
    kGabor,
    kKernel,
    kXavierUniform,
    kXavierNormal,
    kFanUniform,
    kFanNormal,
    kPyTorch
  };
  Initializer(Kind kind, double a, double b) : kind_(kind), a_(a), b_(b) {}
  static Initializer OfFan(Kind kind, Fan fan, double variance) {
    return {kind, variance, fan == Fan::kOut ? 1.0 : 0.0};
  }
  // The same distribution as one of the first kinds, which do not depend on fans.
  Initializer Resolve(const Fans& fans) const;
  template <typename Random, typename T>
  void Fill(const Dims& dims, Random& random, std::span<T> values) const;
  absl::StatusOr<Tensor> MakeKernels(DType dtype, const Dims& dims, std::string_view name) const;

  Kind kind_ = Kind::kPyTorch;
  double a_ = 0;        // value, low, mean, gain or, times the fan, the variance
  double b_ = 0;        // high, std, or whether it is the fan out
  Tensor values_;       // of kValues
  std::string kernel_;  // of kKernel
};

// An initializer by the name that Keras or PyTorch has for it, in lower case with or without _, and
// its arguments: he_normal, kaiming_uniform, glorot_uniform, xavier_normal, lecun_normal,
// orthogonal, orthogonal(1.4), truncated_normal(0, 0.02), normal(0, 0.01), uniform(-0.1, 0.1),
// constant(0.5), zeros, ones, pytorch, gabor, gabor(2), a picture's kernel such as sobel_x. Errors:
// another name, other arguments.
absl::StatusOr<Initializer> ParseInitializer(std::string_view text);

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_INIT_H_
