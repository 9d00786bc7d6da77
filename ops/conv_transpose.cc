#include "ops/conv_transpose.h"

#include <algorithm>
#include <optional>
#include <string>

#include "ops/conv.h"
#include "ops/families.h"
#include "ops/window.h"

namespace weft {
namespace {

template <typename... Args>
absl::Status Invalid(const Args&... args) {
  return absl::InvalidArgumentError(absl::StrCat(args...));
}

// What the attributes say of one spatial axis.
struct Axis {
  size_t number = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;
  int64_t pad_end = 0;
  int64_t output_padding = 0;
  std::optional<int64_t> output = {};  // output_shape
  bool same = false;                   // auto_pad: the output is stride times the input
  bool odd_pad_at_end = false;

  int64_t span() const { return (kernel - 1) * dilation + 1; }
  // The output's extent is stride * input + this, unless given.
  int64_t rest() const { return span() + output_padding - stride - pad_begin - pad_end; }
};

// Pads that take `total` away; what is missing, where that is negative, is added behind the end.
void DistributePads(int64_t total, Axis& axis) {
  axis.output_padding += std::max<int64_t>(-total, 0);
  total = std::max<int64_t>(total, 0);
  axis.pad_begin = axis.odd_pad_at_end ? total / 2 : total - total / 2;
  axis.pad_end = total - axis.pad_begin;
}

// stride * input + rest.
absl::StatusOr<Dim> Extent(const Axis& axis, const Dim& input) {
  const std::optional<Dim> strided = Dim::Multiply(input, axis.stride);
  if (!strided) return Invalid("expected a smaller stride than ", axis.stride);
  const int64_t rest = axis.rest();
  if (rest == 0) return *strided;
  if (!input.is_static()) {
    return InferContext::DerivedDim(absl::StrCat(strided->ToString(), rest > 0 ? "+" : "", rest));
  }
  int64_t output = 0;
  if (__builtin_add_overflow(strided->coefficient(), rest, &output) || output < 1) {
    return Invalid("expected pads that leave outputs on spatial axis ", axis.number, ", got pads ",
                   axis.pad_begin, " and ", axis.pad_end, " for an extent of ",
                   output + axis.pad_begin + axis.pad_end);
  }
  return Dim(output);
}

// The output's extent; resolves the pads of `axis`.
absl::StatusOr<Dim> Place(const Dim& input, Axis& axis) {
  if (input == Dim(0)) {
    return Invalid("expected elements on spatial axis ", axis.number, " of the input, got none");
  }
  if (axis.same && !axis.output) {
    DistributePads(axis.rest(), axis);
  } else if (axis.output) {
    if (!input.is_static()) {
      return Invalid("expected a known extent on spatial axis ", axis.number,
                     " beside output_shape, got ", input.ToString());
    }
    axis.pad_begin = axis.pad_end = 0;
    WEFT_ASSIGN_OR_RETURN(const Dim full, Extent(axis, input));
    DistributePads(full.coefficient() - *axis.output, axis);
  }
  return Extent(axis, input);
}

// The end pad of the convolution from the output back to the input: what is cut off there, less
// what was added. Where more was added than cut, the convolution must skip it by its stride.
absl::StatusOr<int64_t> PadEndOfConv(const Axis& axis) {
  const int64_t surplus = axis.output_padding - axis.pad_end;
  if (surplus < axis.stride) return std::max<int64_t>(-surplus, 0);
  return Invalid("expected at most ", axis.stride - 1, " elements beyond the last window (stride ",
                 axis.stride, ") on spatial axis ", axis.number, ", got ", surplus);
}

absl::StatusOr<std::vector<Axis>> ReadAxes(const AttributeMap& attributes, const Dims& kernel) {
  const size_t rank = kernel.size();
  WEFT_ASSIGN_OR_RETURN(const WindowAttributes w, ReadWindowAttributes(attributes, kernel));
  WEFT_ASSIGN_OR_RETURN(const Dims more, ReadWindowInts(attributes, "output_padding", rank, 0));
  WEFT_ASSIGN_OR_RETURN(const Dims output, ReadWindowInts(attributes, "output_shape", rank, 0));
  const bool given = !GetInts(attributes, "output_shape").empty();
  std::vector<Axis> axes(rank);
  for (size_t a = 0; a < rank; ++a) {
    axes[a] = {
        .number = a,
        .kernel = kernel[a],
        .stride = w.strides[a],
        .dilation = w.dilations[a],
        .pad_begin = w.pads[a],
        .pad_end = w.pads[rank + a],
        .output_padding = more[a],
        .same = w.auto_pad == AutoPad::kSameUpper || w.auto_pad == AutoPad::kSameLower,
        .odd_pad_at_end = w.auto_pad == AutoPad::kSameUpper,
    };
    if (given) axes[a].output = output[a];
  }
  return axes;
}

absl::Status CheckWeights(const Shape& x, const Shape& w, int64_t group) {
  if (x.size() < 3) return Invalid("expected an input [N,C,spatial axes...], got ", ToString(x));
  if (w.size() != x.size()) {
    return Invalid("expected weights of ", x.size(), " axes for the input ", ToString(x), ", got ",
                   ToString(w));
  }
  if (group < 1) return Invalid("expected a group of at least 1, got ", group);
  if (x[1].is_static() && w[0].is_static() && x[1] != w[0]) {
    return Invalid("expected ", x[1].ToString(), " input channels, weights are ", ToString(w));
  }
  if (w[0].is_static() && w[0].coefficient() % group != 0) {
    return Invalid("expected input channels that group ", group, " divides, weights are ",
                   ToString(w));
  }
  return absl::OkStatus();
}

absl::StatusOr<Dims> ReadKernel(const AttributeMap& attributes, const Shape& w) {
  absl::StatusOr<Dims> kernel = StaticDims(Shape(w.begin() + 2, w.end()));
  if (!kernel.ok()) return Invalid("expected weights of a known kernel size, got ", ToString(w));
  const Dims given = GetInts(attributes, "kernel_shape");
  if (given.empty() || given == *kernel) return kernel;
  return Invalid("expected weights of kernel_shape ", ToString(given), ", got ", ToString(w));
}

absl::StatusOr<std::vector<TensorType>> InferConvTranspose(const InferContext& c) {
  const TensorType& x = c.type(0);
  WEFT_ASSIGN_OR_RETURN(TransposedConv conv,
                        ReadConvTranspose(c.attributes(), x.shape, c.type(1).shape));
  if (c.has(2)) {
    WEFT_RETURN_IF_ERROR(CheckShape("a bias of", {conv.output[1]}, c.type(2).shape));
  }
  return std::vector<TensorType>{{x.dtype, std::move(conv.output)}};
}

absl::Status EvaluateConvTranspose(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(
      const TransposedConv conv,
      ReadConvTranspose(c.attributes, ToShape(c.in(0).dims), ToShape(c.in(1).dims)));
  WEFT_ASSIGN_OR_RETURN(const ConvWindow window,
                        ReadConvWindow(conv.conv, c.out().dims, c.in(1).dims));
  return EvaluateConvBack(window, c.in(0), c.in(1), c.has(2) ? &c.in(2) : nullptr, c.out());
}

// Bilinear, and the transpose of a convolution: whose transpose is that convolution.
InputGradients ConvTransposeGradient(GradientContext& c) {
  InputGradients gradients(3);
  const Value dy = c.dy(), x = c.x(0), w = c.x(1);
  const auto conv = ReadConvTranspose(c.attributes(), x.type().shape, w.type().shape);
  if (!conv.ok()) return {c.Fail(conv.status())};
  if (c.needs(0)) {
    gradients[0] = c.Op("Conv", {dy, w}, conv->conv);
    if (gradients[0] && gradients[0].type() != x.type()) {
      return {c.Fail(absl::UnimplementedError(
          absl::StrCat("expected spatial extents that the stride divides or that are known, got ",
                       ToString(dy.type()), "; bind the symbols first (Bind)")))};
    }
  }
  if (c.needs(1)) gradients[1] = c.Op("ConvGradWeight", {x, dy, w}, conv->conv);
  if (c.needs(2)) {
    const std::vector<int64_t> axes = AllButChannelAxis(dy.type().rank());
    gradients[2] = c.Op("ReduceSum", {dy}, {{"axes", axes}, {"keepdims", 0}});
  }
  return gradients;
}

// Every element of X meets every tap of its group's kernels.
Cost ConvTransposeCost(const CostContext& c) { return ConvCost(c.InputSize(0), c.inputs[1]); }

}  // namespace

absl::StatusOr<TransposedConv> ReadConvTranspose(const AttributeMap& attributes, const Shape& x,
                                                 const Shape& w) {
  const int64_t group = GetInt(attributes, "group", 1);
  WEFT_RETURN_IF_ERROR(CheckWeights(x, w, group));
  WEFT_ASSIGN_OR_RETURN(const Dims kernel, ReadKernel(attributes, w));
  WEFT_ASSIGN_OR_RETURN(std::vector<Axis> axes, ReadAxes(attributes, kernel));
  const std::optional<Dim> channels = Dim::Multiply(w[1], group);
  if (!channels) return Invalid("expected smaller weights, got ", ToString(w));
  TransposedConv result{.conv = {}, .output = {x[0], *channels}};
  Dims strides, dilations, begins, ends;
  for (Axis& axis : axes) {
    WEFT_ASSIGN_OR_RETURN(result.output.emplace_back(), Place(x[axis.number + 2], axis));
    WEFT_ASSIGN_OR_RETURN(ends.emplace_back(), PadEndOfConv(axis));
    begins.push_back(axis.pad_begin);
    strides.push_back(axis.stride);
    dilations.push_back(axis.dilation);
  }
  begins.insert(begins.end(), ends.begin(), ends.end());
  result.conv = {{"strides", std::move(strides)},
                 {"pads", std::move(begins)},
                 {"dilations", std::move(dilations)},
                 {"group", group}};
  WEFT_RETURN_IF_ERROR(CountElements(result.output).status());
  return result;
}

std::vector<OpDef> ConvTransposeOps() {
  return {
      {.name = "ConvTranspose",
       .doc =
           "The transpose of a convolution, as ONNX's: X [N,C,spatial...], W [C,O/group,k...], "
           "B [O] give Y [N,O,spatial...] of extent stride*(x-1) + (k-1)*dilation + 1 + "
           "output_padding - pads, or of output_shape (spatial axes only), or by auto_pad SAME "
           "stride*x. The convolution of Y must have X's extent, so fewer than `stride` elements "
           "may follow the last window.",
       .inputs = {{"X"}, {"W"}, {.name = "B", .arity = Arity::kOptional}},
       .attributes = ConvAttributes(
           {{"output_padding", Attribute::Kind::kInts}, {"output_shape", Attribute::Kind::kInts}}),
       .infer = InferConvTranspose,
       .gradient = ConvTransposeGradient,
       .evaluate = EvaluateConvTranspose,
       .cost = ConvTransposeCost},
  };
}

}  // namespace weft
