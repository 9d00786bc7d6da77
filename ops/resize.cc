#include "ops/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ops/arguments.h"
#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/index_map.h"

namespace weft {
namespace {

constexpr double kExactFloats = 1 << 24;

bool Crops(const AttributeMap& attributes) {
  return GetString(attributes, "coordinate_transformation_mode") == "tf_crop_and_resize";
}

absl::Status CheckModes(const AttributeMap& attributes, DType dtype) {
  WEFT_RETURN_IF_ERROR(CheckOneOf(attributes, "mode", {"nearest", "linear", "cubic"}));
  WEFT_RETURN_IF_ERROR(CheckOneOf(attributes, "coordinate_transformation_mode",
                                  {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
                                   "align_corners", "asymmetric", "tf_crop_and_resize"}));
  WEFT_RETURN_IF_ERROR(CheckOneOf(attributes, "nearest_mode",
                                  {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}));
  if (kFloatTypes.contains(dtype) || GetString(attributes, "mode") == "nearest") {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("expected floating-point X for mode ",
                                                 GetString(attributes, "mode"), ", got ",
                                                 Absl(ToString(dtype))));
}

// The axes that scales, sizes and roi are about, in their order.
absl::StatusOr<std::vector<int64_t>> NamedAxes(const AttributeMap& attributes, int rank) {
  std::vector<int64_t> axes = GetInts(attributes, "axes");
  WEFT_RETURN_IF_ERROR(NormalizeAxes(axes, rank).status());
  for (int64_t& axis : axes) axis = axis < 0 ? axis + rank : axis;
  for (int64_t axis = 0; axes.size() < static_cast<size_t>(rank) && axis < rank; ++axis) {
    if (GetInts(attributes, "axes").empty()) axes.push_back(axis);
  }
  return axes;
}

// The operand `i` is a vector of `count` elements.
absl::Status CheckVector(const InferContext& c, int i, std::string_view name, size_t count) {
  const TensorType& type = c.type(i);
  const Dim expected(static_cast<int64_t>(count));
  if (type.rank() == 1 && (!type.dim(0).is_static() || type.dim(0) == expected)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", count, " ", Absl(name), ", got ", ToString(type)));
}

bool IsGiven(const InferContext& c, int i) {
  return c.has(i) && !(c.type(i).rank() == 1 && c.type(i).dim(0) == Dim(0));
}

// floor(dim * scale). ONNX multiplies in f32, where 10 * 0.7 is 7.
absl::StatusOr<Dim> ScaledDim(const Dim& dim, double scale) {
  if (!(scale > 0) || !std::isfinite(scale)) {
    return absl::InvalidArgumentError(absl::StrCat("expected scales above 0, got ", scale));
  }
  if (scale == 1) return dim;
  if (dim.is_static()) {
    double size = static_cast<double>(dim.coefficient()) * scale;
    if (size < kExactFloats) size = static_cast<double>(static_cast<float>(size));
    if (size >= static_cast<double>(kMaxElements)) {
      return absl::InvalidArgumentError(absl::StrCat("expected at most ", kMaxElements,
                                                     " elements, got ", dim.ToString(),
                                                     " scaled by ", scale));
    }
    if (size < 1 && dim != Dim(0)) {
      return absl::InvalidArgumentError(absl::StrCat("expected scales that leave an element, got ",
                                                     dim.ToString(), " scaled by ", scale));
    }
    return Dim(static_cast<int64_t>(std::floor(size)));
  }
  if (scale == std::floor(scale) && scale < kExactFloats) {
    if (const auto product = Dim::Multiply(dim, Dim(static_cast<int64_t>(scale)))) return *product;
  }
  return InferContext::DerivedDim(absl::StrCat("floor(", dim.ToString(), "*", scale, ")"));
}

// The resized shape of `shape`; the operands roi, scales and sizes begin with number `first`.
absl::StatusOr<Shape> ResizedShape(const InferContext& c, Shape shape, int first) {
  const int roi = first, scales = first + 1, sizes = first + 2;
  const int rank = static_cast<int>(shape.size());
  WEFT_ASSIGN_OR_RETURN(const std::vector<int64_t> axes, NamedAxes(c.attributes(), rank));
  const bool crops = Crops(c.attributes()), by_scales = IsGiven(c, scales);
  if (by_scales == IsGiven(c, sizes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected either scales or sizes, got ", by_scales ? "both" : "neither"));
  }
  if (by_scales) WEFT_RETURN_IF_ERROR(CheckVector(c, scales, "scales", axes.size()));
  if (!by_scales) WEFT_RETURN_IF_ERROR(CheckVector(c, sizes, "sizes", axes.size()));
  if (crops && !IsGiven(c, roi)) {
    return absl::InvalidArgumentError("expected a roi for tf_crop_and_resize, got none");
  }
  if (crops) WEFT_RETURN_IF_ERROR(CheckVector(c, roi, "elements of roi", 2 * axes.size()));
  const Tensor* by = by_scales ? c.constant(scales) : nullptr;
  std::vector<std::optional<Dim>> known;
  if (!by_scales) known = KnownDims(c, sizes, std::ssize(axes));
  const Tensor* region = c.constant(roi);
  for (size_t k = 0; k < axes.size(); ++k) {
    Dim& dim = shape[static_cast<size_t>(axes[k])];
    const Dim before = dim;
    const auto at = static_cast<int64_t>(k);
    if (by_scales && (by == nullptr || (crops && region == nullptr))) {
      dim = c.FreshDim(absl::StrCat("d", axes[k]));
    } else if (by_scales) {
      const double part =
          crops ? region->At(at + static_cast<int64_t>(axes.size())) - region->At(at) : 1;
      WEFT_ASSIGN_OR_RETURN(dim, ScaledDim(before, by->At(at) * part));
    } else {
      if (known[k] && known[k]->is_static() &&
          (known[k]->coefficient() < 0 || (known[k] == Dim(0) && before != Dim(0)))) {
        return absl::InvalidArgumentError(
            absl::StrCat("expected sizes of at least 1, got ", known[k]->coefficient()));
      }
      dim = DimOr(c, known[k], axes[k]);
    }
    if ((crops || dim != before) &&
        ((before.is_static() && before.coefficient() > kLongestResizedAxis) ||
         (dim.is_static() && dim.coefficient() > kLongestResizedAxis))) {
      return absl::InvalidArgumentError(absl::StrCat("expected resized axes of at most ",
                                                     kLongestResizedAxis, " elements, got ",
                                                     before.ToString(), " to ", dim.ToString()));
    }
    if (before == Dim(0) && dim != Dim(0)) {
      return absl::InvalidArgumentError(absl::StrCat("expected at least one element along axis ",
                                                     axes[k], ", got ", ToString(shape)));
    }
  }
  return shape;
}

absl::StatusOr<std::vector<TensorType>> InferResize(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckModes(c.attributes(), c.type(0).dtype));
  WEFT_ASSIGN_OR_RETURN(Shape shape, ResizedShape(c, c.type(0).shape, 1));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(shape)}};
}

absl::StatusOr<std::vector<TensorType>> InferResizeGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckModes(c.attributes(), c.type(0).dtype));
  WEFT_ASSIGN_OR_RETURN(const Shape shape, ResizedShape(c, c.type(1).shape, 2));
  if (DimsDiffer(shape, c.type(0).shape)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected dY ", ToString(shape), ", got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

// --- Reference kernels ---

absl::Status CheckExtents(std::span<const int64_t> input, std::span<const int64_t> output) {
  for (size_t i = 0; i < input.size(); ++i) {
    if (input[i] > 0 || output[i] == 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("expected at least one element along axis ", i, ", got ", ToString(input)));
  }
  return absl::OkStatus();
}

// Applies one axis after another, in double.
std::vector<double> ApplyAxes(std::vector<double> x, Dims dims,
                              const std::vector<ResizeAxis>& axes) {
  for (size_t i : ResizeOrder(axes)) {
    const ResizeAxis& axis = axes[i];
    int64_t outer = 1, inner = 1;
    for (size_t k = 0; k < i; ++k) outer *= dims[k];
    for (size_t k = i + 1; k < dims.size(); ++k) inner *= dims[k];
    std::vector<double> y(static_cast<size_t>(outer * axis.output * inner), 0);
    for (int64_t row = 0; row < outer * axis.output; ++row) {
      const auto o = static_cast<size_t>(row % axis.output);
      for (auto k = static_cast<size_t>(axis.starts[o]);
           k < static_cast<size_t>(axis.starts[o + 1]); ++k) {
        const int64_t from = (row / axis.output * axis.input + axis.sources[k]) * inner;
        for (int64_t j = 0; j < inner; ++j) {
          y[static_cast<size_t>(row * inner + j)] +=
              axis.weights[k] * x[static_cast<size_t>(from + j)];
        }
      }
    }
    dims[i] = axis.output;
    x = std::move(y);
  }
  return x;
}

// Element k of an axis's result comes from there; -1 from outside.
int64_t SourceOf(const ResizeAxis& axis, int64_t k) {
  if (axis.identity) return k;
  const auto o = static_cast<size_t>(k);
  return axis.starts[o] == axis.starts[o + 1] ? -1
                                              : axis.sources[static_cast<size_t>(axis.starts[o])];
}

// f(i, offset) for each output element: the offset of its (first) source, -1 for one outside.
template <typename F>
void ForEachSource(const EvalContext& c, const std::vector<ResizeAxis>& axes, F f) {
  const std::vector<int64_t> strides = RowMajorStrides(c.in(0).dims);
  for (int64_t i = 0; i < c.out().size(); ++i) {
    int64_t rest = i, offset = 0;
    bool outside = false;
    for (size_t axis = axes.size(); axis-- > 0; rest /= axes[axis].output) {
      const int64_t source = SourceOf(axes[axis], rest % axes[axis].output);
      outside = outside || source < 0;
      offset += source * strides[axis];
    }
    f(static_cast<size_t>(i), outside ? -1 : offset);
  }
}

absl::Status EvaluateResize(const EvalContext& c) {
  WEFT_RETURN_IF_ERROR(CheckExtents(c.in(0).dims, c.out().dims));
  const std::vector<ResizeAxis> axes =
      ResizeAxes(c.attributes, c.in(0).dims, c.out().dims, c.has(1) ? c.in(1) : TensorView(),
                 c.has(2) ? c.in(2) : TensorView());
  const double outside = GetFloat(c.attributes, "extrapolation_value");
  if (GetString(c.attributes, "mode") == "nearest") {
    const Tensor fill = Tensor::Scalar(outside, c.out().dtype);
    VisitWidth(c.out().dtype, [&](auto word) {
      std::memcpy(&word, fill.data(), sizeof word);
      const auto* x = static_cast<const decltype(word)*>(c.in(0).data);
      auto* y = static_cast<decltype(word)*>(c.out().data);
      ForEachSource(c, axes,
                    [&](size_t i, int64_t source) { y[i] = source < 0 ? word : x[source]; });
    });
    return absl::OkStatus();
  }
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto x = c.in(0).in<T>();
    const auto y = c.out().out<T>();
    const std::vector<double> result =
        ApplyAxes({x.begin(), x.end()}, {c.in(0).dims.begin(), c.in(0).dims.end()}, axes);
    ForEachSource(c, axes, [&](size_t i, int64_t source) {
      y[i] = static_cast<T>(source < 0 ? outside : result[i]);
    });
  });
}

absl::Status EvaluateResizeGrad(const EvalContext& c) {
  WEFT_RETURN_IF_ERROR(CheckExtents(c.out().dims, c.in(0).dims));
  std::vector<ResizeAxis> axes =
      ResizeAxes(c.attributes, c.out().dims, c.in(0).dims, c.has(2) ? c.in(2) : TensorView(),
                 c.has(3) ? c.in(3) : TensorView());
  for (ResizeAxis& axis : axes) axis = axis.Transposed();
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto dy = c.in(0).in<T>();
    const std::vector<double> dx =
        ApplyAxes({dy.begin(), dy.end()}, {c.in(0).dims.begin(), c.in(0).dims.end()}, axes);
    std::transform(dx.begin(), dx.end(), c.out().out<T>().begin(),
                   [](double v) { return static_cast<T>(v); });
  });
}

// --- Gradients ---

InputGradients ResizeGradient(GradientContext& c) {
  AttributeMap attributes = c.attributes();
  attributes.erase("extrapolation_value");
  return {c.Op("ResizeGrad", {c.dy(), c.x(0), c.x(1), c.x(2), c.x(3)}, std::move(attributes))};
}

// Linear in dY: its transpose is the Resize, but for what comes from outside.
InputGradients ResizeGradGradient(GradientContext& c) {
  return {c.Op("Resize", {c.dy(), c.x(2), c.x(3), c.x(4)}, c.attributes())};
}

// A multiplication and an addition for each term of an axis, as if the axes were applied at once.
Cost TermsOf(const CostContext& c, int64_t elements) {
  const std::string mode = GetString(c.attributes, "mode");
  const double terms = mode == "nearest" ? 0 : mode == "linear" ? 4 : 16;
  return {.flops = 2 * terms * static_cast<double>(elements)};
}
Cost ResizeCost(const CostContext& c) { return TermsOf(c, c.OutputSize()); }
Cost ResizeGradCost(const CostContext& c) { return TermsOf(c, c.InputSize(0)); }

std::vector<InputSpec> WithRegion(std::vector<InputSpec> inputs) {
  inputs.push_back({.name = "roi", .arity = Arity::kOptional, .type_variable = 'R'});
  inputs.push_back(
      {.name = "scales", .dtypes = {DType::kF32}, .arity = Arity::kOptional, .type_variable = ' '});
  inputs.push_back(
      {.name = "sizes", .dtypes = {DType::kI64}, .arity = Arity::kOptional, .type_variable = ' '});
  return inputs;
}

std::vector<AttributeSpec> Modes() {
  using Kind = Attribute::Kind;
  return {
      {.name = "axes", .kind = Kind::kInts},
      {.name = "coordinate_transformation_mode", .kind = Kind::kString, .fallback = "half_pixel"},
      {.name = "cubic_coeff_a", .kind = Kind::kFloat, .fallback = -0.75},
      {.name = "exclude_outside", .fallback = 0},
      {.name = "mode", .kind = Kind::kString, .fallback = "nearest"},
      {.name = "nearest_mode", .kind = Kind::kString, .fallback = "round_prefer_floor"}};
}

}  // namespace

std::vector<OpDef> ResizeOps() {
  std::vector<AttributeSpec> with_outside = Modes();
  with_outside.push_back(
      {.name = "extrapolation_value", .kind = Attribute::Kind::kFloat, .fallback = 0.0});
  return {
      {.name = "Resize",
       .doc = "X interpolated along `axes` (as in ONNX 18; absent: all) to `sizes`, or to "
              "floor(dim * scales): the nearest element, or linear or cubic weights along each "
              "axis (ONNX's Resize, opset 13). Outside of the roi of tf_crop_and_resize is "
              "extrapolation_value.",
       .inputs = WithRegion({{"X", kAllTypes}}),
       .attributes = std::move(with_outside),
       .infer = InferResize,
       .gradient = ResizeGradient,
       .non_differentiable_inputs = {1, 2},
       .evaluate = EvaluateResize,
       .cost = ResizeCost},
      {.name = "ResizeGrad",
       .doc = "The gradient of Resize in X: each element of dY goes back to the elements of `like` "
              "that it was made of, by their weights.",
       .inputs = WithRegion(
           {{"dY"},
            {.name = "like", .dtypes = kAllTypes, .type_variable = ' ', .shape_only = true}}),
       .outputs = {{"dX"}},
       .attributes = Modes(),
       .infer = InferResizeGrad,
       .gradient = ResizeGradGradient,
       .non_differentiable_inputs = {2, 3},
       .evaluate = EvaluateResizeGrad,
       .cost = ResizeGradCost},
  };
}

}  // namespace weft
