#include <algorithm>

#include "ops/conv.h"
#include "ops/families.h"
#include "ops/window_loops.h"

namespace weft {
namespace {

template <typename T>
void ConvolveInputBack(const ConvWindow& w, const T* dy, const T* weights, const T* bias, T* dx) {
  const int64_t inputs = w.input_size(), outputs = w.output_size(), taps = w.kernel_size();
  const int64_t channels = w.group_inputs(), stride = w.strides.back();
  std::vector<double> sums(static_cast<size_t>(w.in_channels * inputs));
  for (int64_t n = 0; n < w.batch; ++n) {
    const T* image = dy + n * w.out_channels * outputs;
    for (int64_t c = 0; c < w.in_channels; ++c) {
      std::fill_n(sums.data() + c * inputs, inputs, bias != nullptr ? bias[c] : T{0});
    }
    ForEachTapRun(w, [&](const Run& run) {
      for (int64_t o = 0; o < w.out_channels; ++o) {
        double* planes = sums.data() + o / w.group_outputs() * channels * inputs + run.input;
        const T* tap = weights + o * channels * taps + run.tap;
        const T* row = image + o * outputs + run.output;
        for (int64_t c = 0; c < channels; ++c) {
          const double factor = tap[c * taps];
          double* sum = planes + c * inputs;
          for (int64_t i = 0; i < run.count; ++i) sum[i * stride] += factor * row[i];
        }
      }
    });
    std::transform(sums.begin(), sums.end(), dx + n * w.in_channels * inputs,
                   [](double sum) { return static_cast<T>(sum); });
  }
}

// dW[o,c,tap] = sum of X[c] dY[o] over the pairs that the tap joins.
template <typename T>
void ConvolveWeightBack(const ConvWindow& w, const T* dy, const T* x, T* dw) {
  const int64_t inputs = w.input_size(), outputs = w.output_size(), taps = w.kernel_size();
  const int64_t channels = w.group_inputs(), stride = w.strides.back();
  std::vector<double> sums(static_cast<size_t>(w.out_channels * channels * taps));
  for (int64_t n = 0; n < w.batch; ++n) {
    ForEachTapRun(w, [&](const Run& run) {
      const T* image = x + n * w.in_channels * inputs + run.input;
      const T* errors = dy + n * w.out_channels * outputs + run.output;
      for (int64_t o = 0; o < w.out_channels; ++o) {
        const T* planes = image + o / w.group_outputs() * channels * inputs;
        const T* error = errors + o * outputs;
        double* tap = sums.data() + o * channels * taps + run.tap;
        for (int64_t c = 0; c < channels; ++c) {
          const T* row = planes + c * inputs;
          double sum = 0;
          for (int64_t i = 0; i < run.count; ++i) {
            sum += static_cast<double>(row[i * stride]) * error[i];
          }
          tap[c * taps] += sum;
        }
      }
    });
  }
  std::transform(sums.begin(), sums.end(), dw, [](double sum) { return static_cast<T>(sum); });
}

template <typename T>
void SumChannels(const ConvWindow& w, const T* dy, T* db) {
  const int64_t outputs = w.output_size();
  for (int64_t o = 0; o < w.out_channels; ++o) {
    double sum = 0;
    for (int64_t n = 0; n < w.batch; ++n) {
      const T* plane = dy + (n * w.out_channels + o) * outputs;
      for (int64_t i = 0; i < outputs; ++i) sum += plane[i];
    }
    db[o] = static_cast<T>(sum);
  }
}

// The window of a gradient node, checked against its dY.
absl::StatusOr<ConvWindow> ReadGradWindow(const EvalContext& c, const TensorView& x,
                                          const TensorView& w) {
  WEFT_ASSIGN_OR_RETURN(ConvWindow window, ReadConvWindow(c.attributes, x.dims, w.dims));
  WEFT_RETURN_IF_ERROR(CheckShape("dY", ToShape(window.output_dims()), ToShape(c.in(0).dims)));
  return window;
}

// Inputs dY, W, X.
absl::Status EvaluateGradInput(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const ConvWindow window, ReadGradWindow(c, c.in(2), c.in(1)));
  return EvaluateConvBack(window, c.in(0), c.in(1), nullptr, c.out());
}

// Inputs dY, X, W.
absl::Status EvaluateGradWeight(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const ConvWindow window, ReadGradWindow(c, c.in(1), c.in(2)));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* dy = c.in(0).in<T>().data();
    ConvolveWeightBack<T>(window, dy, c.in(1).in<T>().data(), c.out().out<T>().data());
    if (c.outputs.size() > 1 && c.out(1).present) {
      SumChannels<T>(window, dy, c.out(1).out<T>().data());
    }
  });
}

absl::Status CheckGrad(const InferContext& c, const TensorType& x, const TensorType& w) {
  WEFT_ASSIGN_OR_RETURN(const Shape y, InferConvShape(c.attributes(), x.shape, w.shape));
  return CheckShape("dY", y, c.type(0).shape);
}

absl::StatusOr<std::vector<TensorType>> InferGradInput(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckGrad(c, c.type(2), c.type(1)));
  return std::vector<TensorType>{{c.type(0).dtype, c.type(2).shape}};
}

absl::StatusOr<std::vector<TensorType>> InferGradWeight(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckGrad(c, c.type(1), c.type(2)));
  const Shape& w = c.type(2).shape;
  return std::vector<TensorType>{{c.type(0).dtype, w}, {c.type(0).dtype, {w[0]}}};
}

// dX = W^T dY: linear in dY (transpose: Conv) and in W (transpose: ConvGradWeight).
InputGradients GradInputGradient(GradientContext& c) {
  InputGradients gradients(3);
  const Value dy = c.x(0), w = c.x(1);
  if (c.needs(0)) gradients[0] = c.Op("Conv", {c.dy(), w}, c.attributes());
  if (c.needs(1)) gradients[1] = c.Op("ConvGradWeight", {dy, c.dy(), w}, c.attributes());
  return gradients;
}

// dW and dB are linear in dY (transpose: Conv with cotangents for weights and bias) and dW in X.
InputGradients GradWeightGradient(GradientContext& c) {
  InputGradients gradients(3);
  const Value dy = c.x(0), x = c.x(1), dw = c.dy(0);
  const Value db = c.node()->num_outputs() > 1 ? c.dy(1) : Value();
  if (c.needs(0)) {
    if (dw) {
      gradients[0] = c.Op("Conv", db ? std::vector<Value>{x, dw, db} : std::vector<Value>{x, dw},
                          c.attributes());
    } else if (db) {
      const std::vector<int64_t> axes = AllButChannelAxis(dy.type().rank());
      gradients[0] = c.Op("ExpandLike", {db, dy}, {{"axes", axes}});
    }
  }
  if (c.needs(1) && dw) gradients[1] = c.Op("ConvGradInput", {dy, dw, x}, c.attributes());
  return gradients;
}

Cost GradInputCost(const CostContext& c) { return ConvCost(c.InputSize(0), c.inputs[1]); }

Cost GradWeightCost(const CostContext& c) {
  Cost cost = ConvCost(c.InputSize(0), c.inputs[2]);
  if (c.outputs.size() > 1) cost.flops += static_cast<double>(c.InputSize(0));
  return cost;
}

}  // namespace

absl::Status EvaluateConvBack(const ConvWindow& window, const TensorView& dy, const TensorView& w,
                              const TensorView* b, const TensorView& dx) {
  return VisitFloat(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    ConvolveInputBack<T>(window, dy.in<T>().data(), w.in<T>().data(),
                         b != nullptr ? b->in<T>().data() : nullptr, dx.out<T>().data());
  });
}

std::vector<OpDef> ConvGradOps() {
  return {
      {.name = "ConvGradInput",
       .doc = "The gradient of Conv with respect to X, for the cotangent dY of Y; attributes are "
              "Conv's. Of X only the shape is read.",
       .inputs = {{"dY"}, {"W"}, {.name = "X", .shape_only = true}},
       .outputs = {{"dX"}},
       .attributes = ConvAttributes(),
       .infer = InferGradInput,
       .gradient = GradInputGradient,
       .evaluate = EvaluateGradInput,
       .cost = GradInputCost},
      {.name = "ConvGradWeight",
       .doc =
           "The gradients of Conv with respect to W and B, for the cotangent dY of Y; attributes "
           "are Conv's. Of W only the shape is read.",
       .inputs = {{"dY"}, {"X"}, {.name = "W", .shape_only = true}},
       .outputs = {{"dW"}, {"dB", /*optional=*/true}},
       .attributes = ConvAttributes(),
       .infer = InferGradWeight,
       .gradient = GradWeightGradient,
       .evaluate = EvaluateGradWeight,
       .cost = GradWeightCost},
  };
}

}  // namespace weft
