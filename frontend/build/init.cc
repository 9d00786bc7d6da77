#include "frontend/build/init.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

#include "frontend/build/picture_kernels.h"
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

double TruncatedNormalNumber(UniformStream& random) {
  constexpr double kCut = 2;
  while (true) {
    const auto [first, second] = NormalPair(random);
    if (std::abs(first) <= kCut) return first;
    if (std::abs(second) <= kCut) return second;
  }
}

// count <= length vectors of length 1 at right angles, by Gram and Schmidt's process on normal
// numbers, which gives every such set equally often (Mezzadri 2007, section 4: R's diagonal is
// positive). Twice, since once leaves rounding errors.
std::vector<double> OrthonormalVectors(size_t count, size_t length, UniformStream& random) {
  std::vector<double> vectors(count * length);
  for (size_t i = 0; i < vectors.size(); i += 2) {
    const auto [first, second] = NormalPair(random);
    vectors[i] = first;
    if (i + 1 < vectors.size()) vectors[i + 1] = second;
  }
  const auto dot = [&](const double* a, const double* b) {
    return std::inner_product(a, a + length, b, 0.0);
  };
  for (size_t i = 0; i < count; ++i) {
    double* const v = vectors.data() + i * length;
    for (int round = 0; round < 2; ++round) {
      for (size_t j = 0; j < i; ++j) {
        const double* const u = vectors.data() + j * length;
        const double along = dot(u, v);
        for (size_t k = 0; k < length; ++k) v[k] -= along * u[k];
      }
    }
    const double size = std::sqrt(dot(v, v));
    for (size_t k = 0; k < length; ++k) v[k] /= size;
  }
  return vectors;
}

template <typename T>
void FillOrthogonal(double gain, const Dims& dims, UniformStream& random, std::span<T> values) {
  const auto rows = static_cast<size_t>(dims[0]);
  const size_t columns = rows == 0 ? 0 : values.size() / rows;
  const bool wide = rows <= columns;
  const std::vector<double> vectors =
      OrthonormalVectors(std::min(rows, columns), std::max(rows, columns), random);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) {
      values[r * columns + c] =
          static_cast<T>(gain * vectors[wide ? r * columns + c : c * rows + r]);
    }
  }
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
  const auto out = static_cast<double>(std::max<int64_t>(fans.out, 1));
  const auto both = static_cast<double>(std::max<int64_t>(fans.in + fans.out, 1));
  // A uniform distribution in +-b has variance b^2 / 3.
  auto uniform = [](double bound) { return Uniform(-bound, bound); };
  switch (kind_) {
    case Kind::kXavierUniform:
      return uniform(a_ * std::sqrt(6 / both));
    case Kind::kXavierNormal:
      return Normal(0, a_ * std::sqrt(2 / both));
    case Kind::kFanUniform:
      return uniform(std::sqrt(3 * a_ / (b_ == 0 ? in : out)));
    case Kind::kFanNormal:
      return Normal(0, std::sqrt(a_ / (b_ == 0 ? in : out)));
    case Kind::kPyTorch:
      return uniform(1 / std::sqrt(in));
    case Kind::kConstant:
    case Kind::kUniform:
    case Kind::kNormal:
    case Kind::kTruncatedNormal:
    case Kind::kOrthogonal:
    case Kind::kValues:
    case Kind::kGabor:
    case Kind::kKernel:
      break;
  }
  return *this;
}

template <typename Random, typename T>
void Initializer::Fill(const Dims& dims, Random& random, std::span<T> values) const {
  if (kind_ == Kind::kOrthogonal) return FillOrthogonal(a_, dims, random, values);
  for (size_t i = 0; i < values.size(); ++i) {
    if (kind_ == Kind::kConstant) {
      values[i] = static_cast<T>(a_);
    } else if (kind_ == Kind::kUniform) {
      values[i] = static_cast<T>(a_ + (b_ - a_) * random.Next());
    } else if (kind_ == Kind::kTruncatedNormal) {
      values[i] = static_cast<T>(a_ + b_ * TruncatedNormalNumber(random));
    } else {
      const auto [first, second] = NormalPair(random);
      values[i] = static_cast<T>(a_ + b_ * first);
      if (++i < values.size()) values[i] = static_cast<T>(a_ + b_ * second);
    }
  }
}

Initializer Initializer::Values(Tensor values) {
  Initializer result(Kind::kValues, 0, 0);
  result.values_ = std::move(values);
  return result;
}

absl::StatusOr<Tensor> Initializer::MakeKernels(DType dtype, const Dims& dims,
                                                std::string_view name) const {
  if (dims.size() != 4 || dims[2] != dims[3]) {
    return absl::InvalidArgumentError(
        absl::StrCat("kernels as initial values of ", Absl(name),
                     ": expected weights [O,I,H,W] of a square kernel, got ", ToString(dims)));
  }
  const bool bank = kind_ == Kind::kGabor;
  absl::StatusOr<Tensor> planes =
      bank ? GaborBank(dims[0], dims[2]) : MakePictureKernel(kernel_, {.size = dims[2]});
  if (!planes.ok()) {
    return Annotate(planes.status(), absl::StrCat("initial values of ", Absl(name)));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor weights, Tensor::Zeros(DType::kF64, dims));
  const auto inputs = static_cast<double>(dims[1]);
  const double scale = bank ? a_ * std::sqrt(2 / inputs) : 1 / inputs;
  const auto area = static_cast<size_t>(dims[2] * dims[3]);
  const std::span<const double> from = planes->values<double>();
  const std::span<double> to = weights.mutable_values<double>();
  for (size_t i = 0; i < to.size(); ++i) {
    const size_t output = bank ? i / (area * static_cast<size_t>(dims[1])) : 0;
    to[i] = scale * from[output * area + i % area];
  }
  return weights.Converted(dtype);
}

absl::StatusOr<Tensor> Initializer::Make(DType dtype, const Dims& dims, const Fans& fans,
                                         uint64_t seed, std::string_view name) const {
  if (kind_ == Kind::kValues) {
    if (!values_.is_empty() && values_.dims() == dims) return values_.Converted(dtype);
    return absl::InvalidArgumentError(
        absl::StrCat("initial values of ", Absl(name), ": expected ", ToString(dims), ", got ",
                     values_.is_empty() ? std::string("none") : ToString(values_.dims())));
  }
  if (kind_ == Kind::kGabor || kind_ == Kind::kKernel) return MakeKernels(dtype, dims, name);
  if (kind_ == Kind::kOrthogonal && dims.size() < 2) {
    return absl::InvalidArgumentError(absl::StrCat("orthogonal initial values of ", Absl(name),
                                                   ": expected a matrix, got ", ToString(dims)));
  }
  const Initializer plain = Resolve(fans);
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Tensor::Zeros(dtype, dims));
  WEFT_RETURN_IF_ERROR(VisitFloat(dtype, [&](auto zero) {
    using T = decltype(zero);
    UniformStream random(seed, name);
    plain.Fill(dims, random, tensor.mutable_values<T>());
  }));
  return tensor;
}

}  // namespace weft
