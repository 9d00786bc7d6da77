#include "frontend/build/init.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "ops/philox.h"

namespace weft {
namespace {

// Uniform numbers in [0, 1) with 32 bits each, of one parameter.
class UniformStream {
 public:
  UniformStream(uint64_t seed, std::string_view name) : key_(StreamKey(seed, HashName(name))) {}

  double Next() {
    if (used_ == block_.size()) {
      block_ = Philox4x32(StreamCounter(0, 0, counter_++), key_);
      used_ = 0;
    }
    return static_cast<double>(block_[used_++]) * 0x1p-32;
  }

 private:
  PhiloxKey key_;
  uint64_t counter_ = 0;
  PhiloxCounter block_ = {};
  size_t used_ = 4;
};

// Two independent normal numbers from two uniform ones (Box and Muller 1958).
std::pair<double, double> NormalPair(UniformStream& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.Next()));
  const double angle = 2 * std::numbers::pi * random.Next();
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

Fans FansOf(const Dims& weight_dims) {
  // Dims that overflow are refused where the tensor is made.
  if (weight_dims.size() < 2 || !CountElements(weight_dims).ok()) return {};
  int64_t kernel = 1;
  for (size_t i = 2; i < weight_dims.size(); ++i) kernel *= weight_dims[i];
  return {.in = weight_dims[1] * kernel, .out = weight_dims[0] * kernel};
}

uint64_t HashName(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

Initializer Initializer::ForBias(const Fans& weight_fans) const {
  return kind_ == Kind::kPyTorch ? Resolve(weight_fans) : Constant(0);
}

Initializer Initializer::Resolve(const Fans& fans) const {
  const auto in = static_cast<double>(std::max<int64_t>(fans.in, 1));
  const auto both = static_cast<double>(std::max<int64_t>(fans.in + fans.out, 1));
  // A uniform distribution in +-b has variance b^2 / 3.
  auto uniform = [](double bound) { return Uniform(-bound, bound); };
  switch (kind_) {
    case Kind::kXavierUniform:
      return uniform(a_ * std::sqrt(6 / both));
    case Kind::kXavierNormal:
      return Normal(0, a_ * std::sqrt(2 / both));
    case Kind::kHeUniform:
      return uniform(std::sqrt(6 / in));
    case Kind::kHeNormal:
      return Normal(0, std::sqrt(2 / in));
    case Kind::kPyTorch:
      return uniform(1 / std::sqrt(in));
    case Kind::kConstant:
    case Kind::kUniform:
    case Kind::kNormal:
      break;
  }
  return *this;
}

absl::StatusOr<Tensor> Initializer::Make(DType dtype, const Dims& dims, const Fans& fans,
                                         uint64_t seed, std::string_view name) const {
  const Initializer plain = Resolve(fans);
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(dtype, dims));
  WEFT_RETURN_IF_ERROR(VisitFloat(dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto values = tensor.mutable_values<T>();
    UniformStream random(seed, name);
    for (size_t i = 0; i < values.size(); ++i) {
      if (plain.kind_ == Kind::kConstant) {
        values[i] = static_cast<T>(plain.a_);
      } else if (plain.kind_ == Kind::kUniform) {
        values[i] = static_cast<T>(plain.a_ + (plain.b_ - plain.a_) * random.Next());
      } else {
        const auto [first, second] = NormalPair(random);
        values[i] = static_cast<T>(plain.a_ + plain.b_ * first);
        if (++i < values.size()) values[i] = static_cast<T>(plain.a_ + plain.b_ * second);
      }
    }
  }));
  return tensor;
}

}  // namespace weft
