#include "ops/conv.h"

#include <algorithm>
#include <limits>

#include "ops/families.h"
#include "ops/window_loops.h"

namespace weft {
namespace {

// Sums are kept in double for both types and rounded once.
template <typename T>
void Convolve(const ConvWindow& w, const T* x, const T* weights, const T* bias, T* y) {
  const int64_t inputs = w.input_size(), outputs = w.output_size(), taps = w.kernel_size();
  const int64_t channels = w.group_inputs(), stride = w.strides.back();
  std::vector<double> sums(static_cast<size_t>(w.out_channels * outputs));
  for (int64_t n = 0; n < w.batch; ++n) {
    const T* image = x + n * w.in_channels * inputs;
    for (int64_t o = 0; o < w.out_channels; ++o) {
      std::fill_n(sums.data() + o * outputs, outputs, bias != nullptr ? bias[o] : T{0});
    }
    ForEachTapRun(w, [&](const Run& run) {
      for (int64_t o = 0; o < w.out_channels; ++o) {
        const T* planes = image + o / w.group_outputs() * channels * inputs + run.input;
        const T* tap = weights + o * channels * taps + run.tap;
        double* sum = sums.data() + o * outputs + run.output;
        for (int64_t c = 0; c < channels; ++c) {
          const double factor = tap[c * taps];
          const T* row = planes + c * inputs;
          for (int64_t i = 0; i < run.count; ++i) sum[i] += factor * row[i * stride];
        }
      }
    });
    std::transform(sums.begin(), sums.end(), y + n * w.out_channels * outputs,
                   [](double sum) { return static_cast<T>(sum); });
  }
}

absl::StatusOr<std::vector<TensorType>> InferConv(const InferContext& c) {
  const TensorType& x = c.type(0);
  const TensorType& w = c.type(1);
  WEFT_ASSIGN_OR_RETURN(Shape shape, InferConvShape(c.attributes(), x.shape, w.shape));
  if (c.has(2)) WEFT_RETURN_IF_ERROR(CheckShape("a bias of", {w.dim(0)}, c.type(2).shape));
  return std::vector<TensorType>{{x.dtype, std::move(shape)}};
}

absl::Status EvaluateConv(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const ConvWindow window,
                        ReadConvWindow(c.attributes, c.in(0).dims, c.in(1).dims));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    Convolve<T>(window, c.in(0).in<T>().data(), c.in(1).in<T>().data(),
                c.has(2) ? c.in(2).in<T>().data() : nullptr, c.out().out<T>().data());
  });
}

// Conv is bilinear; its transposes in X and in W are ops of their own.
InputGradients ConvGradient(GradientContext& c) {
  InputGradients gradients(3);
  const Value dy = c.dy(), x = c.x(0), w = c.x(1);
  if (c.needs(0)) gradients[0] = c.Op("ConvGradInput", {dy, w, x}, c.attributes());
  if (c.needs(1)) {
    Node* node = c.OpNode("ConvGradWeight", {dy, x, w}, c.attributes(), c.needs(2) ? 2 : 1);
    if (node == nullptr) return gradients;
    gradients[1] = node->output(0);
    if (c.needs(2)) gradients[2] = node->output(1);
  } else if (c.needs(2)) {
    const std::vector<int64_t> axes = AllButChannelAxis(dy.type().rank());
    gradients[2] = c.Op("ReduceSum", {dy}, {{"axes", axes}, {"keepdims", 0}});
  }
  return gradients;
}

}  // namespace

std::vector<AttributeSpec> ConvAttributes(std::initializer_list<AttributeSpec> further) {
  std::vector<AttributeSpec> attributes = {
      {"strides", Attribute::Kind::kInts},      {"pads", Attribute::Kind::kInts},
      {"dilations", Attribute::Kind::kInts},    {"group", Attribute::Kind::kInt, 1},
      {"kernel_shape", Attribute::Kind::kInts}, {"auto_pad", Attribute::Kind::kString, "NOTSET"}};
  attributes.insert(attributes.end(), further);
  return attributes;
}

Cost ConvCost(int64_t outputs, const Dims& weights) {
  int64_t macs = outputs;
  for (size_t axis = 1; axis < weights.size(); ++axis) {
    if (__builtin_mul_overflow(macs, weights[axis], &macs)) {
      macs = std::numeric_limits<int64_t>::max();
    }
  }
  return {.macs = macs, .flops = 2.0 * static_cast<double>(macs)};
}

std::vector<OpDef> ConvOps() {
  return {
      {.name = "Conv",
       .doc = "Cross-correlation over the spatial axes, as ONNX's Conv: X [N,C,spatial...], "
              "W [O,C/group,kernel...], B [O] give Y [N,O,spatial...].",
       .inputs = {{"X"}, {"W"}, {.name = "B", .arity = Arity::kOptional}},
       .attributes = ConvAttributes(),
       .infer = InferConv,
       .gradient = ConvGradient,
       .evaluate = EvaluateConv,
       .cost = [](const CostContext& c) { return ConvCost(c.OutputSize(), c.inputs[1]); }},
  };
}

}  // namespace weft
