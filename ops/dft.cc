#include "ops/dft.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "ops/arguments.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"

namespace weft {
namespace {

constexpr int64_t kLongest = int64_t{1} << 24;  // fast transforms keep tables of that length

// The axis, which is not the last one: that holds the real and imaginary parts.
absl::StatusOr<int> TransformedAxis(const AttributeMap& attributes, int rank) {
  WEFT_ASSIGN_OR_RETURN(const int axis, NormalizeAxis(GetInt(attributes, "axis", 1), rank));
  if (axis < rank - 1) return axis;
  return absl::InvalidArgumentError(
      absl::StrCat("expected an axis before the last one, which holds the parts of numbers, got ",
                   GetInt(attributes, "axis", 1), " of ", rank, " axes"));
}

// The shape of the spectrum of `input`; the dft_length is input number `length`.
absl::StatusOr<Shape> SpectrumShape(const InferContext& c, const Shape& input, int length) {
  const AttributeMap& attributes = c.attributes();
  const bool onesided = GetInt(attributes, "onesided") != 0;
  const bool real = !input.empty() && input.back() == Dim(1);
  if (input.size() < 2 || (!real && input.back() != Dim(2))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected an input [..,1] of real or [..,2] of complex numbers, got ", ToString(input)));
  }
  if (onesided && (!real || GetInt(attributes, "inverse") != 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a real input [..,1] and inverse 0 for onesided, got ",
                     ToString(input), " and inverse ", GetInt(attributes, "inverse")));
  }
  WEFT_ASSIGN_OR_RETURN(const int axis,
                        TransformedAxis(attributes, static_cast<int>(input.size())));
  Shape shape = input;
  shape.back() = 2;
  Dim& dim = shape[static_cast<size_t>(axis)];
  if (c.has(length)) {
    const TensorType& type = c.type(length);
    if (type.rank() > 1 || (type.rank() == 1 && type.dim(0) != Dim(1))) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a scalar dft_length, got ", ToString(type)));
    }
    const std::optional<Dims> constant = KnownInts(c, length);
    dim = constant ? Dim(constant->front()) : c.FreshDim("length");
  }
  if (dim.coefficient() < 1 || (dim.is_static() && dim.coefficient() > kLongest)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a transform of at least 1 element and at most ", kLongest, ", got ",
                     dim.ToString()));
  }
  if (onesided && dim != Dim(1)) {
    dim = dim.is_static() ? Dim(dim.coefficient() / 2 + 1)
                          : InferContext::DerivedDim(absl::StrCat(dim.ToString(), "/2+1"));
  }
  return shape;
}

absl::StatusOr<std::vector<TensorType>> InferDft(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, SpectrumShape(c, c.type(0).shape, 1));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(shape)}};
}

absl::StatusOr<std::vector<TensorType>> InferDftGrad(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Shape shape, SpectrumShape(c, c.type(1).shape, 2));
  if (DimsDiffer(shape, c.type(0).shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected dY ", ToString(shape), ", got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

// --- Reference kernels ---

// Line (o, j) of the problem.
template <typename T>
void TransformLine(const DftProblem& p, const T* x, T* y) {
  const int64_t x_step = p.inner * p.input_parts, y_step = p.inner * p.output_parts;
  for (int64_t k = 0; k < p.output_extent; ++k) {
    double real = 0, imaginary = 0;
    int64_t turn = 0;  // k n modulo length
    for (int64_t n = 0; n < p.inputs && k < p.outputs; ++n) {
      const double angle =
          p.sign * 2 * std::numbers::pi * static_cast<double>(turn) / static_cast<double>(p.length);
      const double re = x[n * x_step];
      const double im = p.input_parts == 2 ? static_cast<double>(x[n * x_step + 1]) : 0;
      real += re * std::cos(angle) - im * std::sin(angle);
      imaginary += re * std::sin(angle) + im * std::cos(angle);
      turn += k;
      if (turn >= p.length) turn -= p.length;
    }
    y[k * y_step] = static_cast<T>(p.scale * real);
    if (p.output_parts == 2) y[k * y_step + 1] = static_cast<T>(p.scale * imaginary);
  }
}

absl::Status Transform(const EvalContext& c, const TensorView& input, const TensorView& output,
                       int length, bool gradient) {
  const int rank = input.rank();
  WEFT_ASSIGN_OR_RETURN(const int axis, TransformedAxis(c.attributes, rank));
  const int64_t n = c.has(length) ? IntegerIn(c.in(length)) : input.dim(axis);
  WEFT_ASSIGN_OR_RETURN(const DftProblem p,
                        DftProblemOf(c.attributes, input.dims, output.dims, n, gradient));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in(0).in<T>().data();
    T* y = c.out().out<T>().data();
    for (int64_t line = 0; line < p.outer * p.inner; ++line) {
      const int64_t o = line / p.inner, j = line % p.inner;
      TransformLine(p, x + (o * p.input_extent * p.inner + j) * p.input_parts,
                    y + (o * p.output_extent * p.inner + j) * p.output_parts);
    }
  });
}

absl::Status EvaluateDft(const EvalContext& c) {
  return Transform(c, c.in(0), c.out(), 1, /*gradient=*/false);
}
absl::Status EvaluateDftGrad(const EvalContext& c) {
  return Transform(c, c.out(), c.in(0), 2, /*gradient=*/true);
}

// --- Gradients ---

InputGradients DftGradient(GradientContext& c) {
  return {c.Op("DFTGrad", {c.dy(), c.x(0), c.x(1)}, c.attributes())};
}

InputGradients DftGradGradient(GradientContext& c) {
  return {c.Op("DFT", {c.dy(), c.x(2)}, c.attributes())};
}

// 5 n log2 n operations a line of n complex numbers, as the fast transform has.
Cost DftCost(const CostContext& c) {
  const Dims& dims = c.outputs[0];
  const auto axis = NormalizeAxis(GetInt(c.attributes, "axis", 1), static_cast<int>(dims.size()));
  const int64_t length = axis.ok() ? dims[static_cast<size_t>(*axis)] : 1;
  const auto numbers = static_cast<double>(std::max(c.InputSize(0), c.OutputSize()));
  return {.flops = 5 * numbers * std::log2(static_cast<double>(std::max<int64_t>(length, 2)))};
}

InputSpec Length() {
  return {
      .name = "dft_length", .dtypes = kIndexTypes, .arity = Arity::kOptional, .type_variable = ' '};
}

std::vector<AttributeSpec> Attributes() {
  return {{.name = "axis", .fallback = 1},
          {.name = "inverse", .fallback = 0},
          {.name = "onesided", .fallback = 0}};
}

}  // namespace

int64_t IntegerIn(const TensorView& scalar) {
  return scalar.dtype == DType::kI32 ? static_cast<const int32_t*>(scalar.data)[0]
                                     : static_cast<const int64_t*>(scalar.data)[0];
}

absl::StatusOr<DftProblem> DftProblemOf(const AttributeMap& attributes,
                                        std::span<const int64_t> input,
                                        std::span<const int64_t> output, int64_t length,
                                        bool gradient) {
  const int rank = static_cast<int>(input.size());
  WEFT_ASSIGN_OR_RETURN(const int axis, TransformedAxis(attributes, rank));
  const auto at = static_cast<size_t>(axis);
  const int64_t bins = GetInt(attributes, "onesided") != 0 ? length / 2 + 1 : length;
  if (length < 1 || bins != output[at]) {
    return absl::InvalidArgumentError(absl::StrCat("expected a dft_length that gives ", output[at],
                                                   " numbers along axis ", axis, ", got ", length));
  }
  DftProblem p;
  for (size_t i = 0; i < at; ++i) p.outer *= input[i];
  for (size_t i = at + 1; i + 1 < input.size(); ++i) p.inner *= input[i];
  const bool inverse = GetInt(attributes, "inverse") != 0;
  p.length = length;
  p.sign = inverse ? 1 : -1;
  p.scale = inverse ? 1 / static_cast<double>(length) : 1;
  p.inputs = std::min(input[at], length);
  p.input_extent = input[at];
  p.outputs = p.output_extent = output[at];
  p.input_parts = static_cast<int>(input.back());
  if (!gradient) return p;
  // The conjugate transpose.
  p.sign = -p.sign;
  std::swap(p.inputs, p.outputs);
  std::swap(p.input_extent, p.output_extent);
  std::swap(p.input_parts, p.output_parts);
  return p;
}

std::vector<OpDef> DftOps() {
  return {
      {.name = "DFT",
       .doc = "The discrete Fourier transform along `axis` of real [..,1] or complex [..,2] "
              "numbers, cut or padded with zeros to dft_length: Y[k] = sum_n x[n] exp(-2 pi i k n "
              "/ length); inverse: exp(+..) and divided by the length; onesided: the bins 0 to "
              "length / 2 (ONNX's DFT, opset 17).",
       .inputs = {{"input"}, Length()},
       .outputs = {{"output"}},
       .attributes = Attributes(),
       .infer = InferDft,
       .gradient = DftGradient,
       .evaluate = EvaluateDft,
       .cost = DftCost},
      {.name = "DFTGrad",
       .doc = "The gradient of DFT in its input, which `like` stands for: the conjugate transform "
              "of dY, cut or padded to like's extent; its real part where the input is real.",
       .inputs = {{"dY"},
                  {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true},
                  Length()},
       .outputs = {{"dX"}},
       .attributes = Attributes(),
       .infer = InferDftGrad,
       .gradient = DftGradGradient,
       .evaluate = EvaluateDftGrad,
       .cost = DftCost},
  };
}

}  // namespace weft
