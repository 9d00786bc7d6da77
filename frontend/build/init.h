#ifndef WEFT_FRONTEND_BUILD_INIT_H_
#define WEFT_FRONTEND_BUILD_INIT_H_

#include <cstdint>
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

// How the first values of a parameter are drawn. A value type; the default is PyTorch().
class Initializer {
 public:
  Initializer() = default;
  static Initializer Constant(double value) { return {Kind::kConstant, value, 0}; }
  static Initializer Uniform(double low, double high) { return {Kind::kUniform, low, high}; }
  static Initializer Normal(double mean, double std) { return {Kind::kNormal, mean, std}; }
  // Glorot and Bengio 2010: variance gain^2 * 2 / (fan in + fan out).
  static Initializer XavierUniform(double gain = 1) { return {Kind::kXavierUniform, gain, 0}; }
  static Initializer XavierNormal(double gain = 1) { return {Kind::kXavierNormal, gain, 0}; }
  // He et al. 2015, for layers followed by a ReLU: variance 2 / fan in.
  static Initializer HeUniform() { return {Kind::kHeUniform, 0, 0}; }
  static Initializer HeNormal() { return {Kind::kHeNormal, 0, 0}; }
  // What PyTorch does unless told otherwise: uniform in +-1/sqrt(fan in).
  static Initializer PyTorch() { return {}; }

  // The initializer of the bias beside weights that use this one: the same bound for PyTorch(),
  // zeros otherwise.
  Initializer ForBias(const Fans& weight_fans) const;

  // A tensor of `dtype`, f32 or f64. Depends on (seed, name, dims) and the fans only, so the order
  // in which parameters are made does not matter; f32 values are the f64 ones, rounded. Errors:
  // dims beyond the limits of type.h.
  absl::StatusOr<Tensor> Make(DType dtype, const Dims& dims, const Fans& fans, uint64_t seed,
                              std::string_view name) const;

 private:
  enum class Kind {
    kConstant,
    kUniform,
    kNormal,
    kXavierUniform,
    kXavierNormal,
    kHeUniform,
    kHeNormal,
    kPyTorch
  };
  Initializer(Kind kind, double a, double b) : kind_(kind), a_(a), b_(b) {}
  // The same distribution as one of the first three kinds.
  Initializer Resolve(const Fans& fans) const;

  Kind kind_ = Kind::kPyTorch;
  double a_ = 0;  // value, low, mean or gain
  double b_ = 0;  // high or std
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_INIT_H_
