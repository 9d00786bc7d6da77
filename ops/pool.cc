#include <algorithm>
#include <cmath>

#include "ops/families.h"
#include "ops/window_loops.h"

namespace weft {
namespace {

// Where each window's maximum lies, as an offset into its input plane, for one image of x; the
// first of equals in the order of the input. NaN counts as a maximum. (PyTorch's rules.)
template <typename T>
void FindMaxima(const PoolWindow& w, const T* x, std::vector<int64_t>& maxima) {
  const int64_t inputs = w.input_size(), outputs = w.output_size(), step = w.dilations.back();
  maxima.assign(static_cast<size_t>(w.channels * outputs), -1);
  ForEachWindowRun(w, [&](const Run& run) {
    for (int64_t c = 0; c < w.channels; ++c) {
      const T* plane = x + c * inputs;
      int64_t best = maxima[static_cast<size_t>(c * outputs + run.output)];
      if (best < 0) best = run.input;
      for (int64_t i = 0, at = run.input; i < run.count; ++i, at += step) {
        if (plane[at] > plane[best] || std::isnan(plane[at])) best = at;
      }
      maxima[static_cast<size_t>(c * outputs + run.output)] = best;
    }
  });
}

// Calls f(x offset, y offset) for the maximum of every window of the whole batch.
template <typename T, typename F>
void ForEachMaximum(const PoolWindow& w, const T* x, F f) {
  const int64_t inputs = w.input_size(), outputs = w.output_size();
  std::vector<int64_t> maxima;
  for (int64_t n = 0; n < w.batch; ++n) {
    const int64_t first = n * w.channels;
    FindMaxima(w, x + first * inputs, maxima);
    for (int64_t c = 0; c < w.channels; ++c) {
      for (int64_t o = 0; o < outputs; ++o) {
        f((first + c) * inputs + maxima[static_cast<size_t>(c * outputs + o)],
          (first + c) * outputs + o);
      }
    }
  }
}

// The offset in x with each plane's spatial axes in column-major order (ONNX's storage_order 1).
int64_t ColumnMajor(const PoolWindow& w, int64_t offset) {
  const int64_t inputs = w.input_size();
  int64_t rest = offset % inputs, result = 0;
  for (size_t axis = w.input.size(); axis-- > 0;) {
    result = result * w.input[axis] + rest % w.input[axis];
    rest /= w.input[axis];
  }
  return offset - offset % inputs + result;
}

absl::Status EvaluateMaxPool(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadPoolWindow(c.attributes, c.in(0).dims));
  const bool column_major = GetInt(c.attributes, "storage_order") == 1;
  int64_t* indices = c.outputs.size() > 1 ? c.out(1).out<int64_t>().data() : nullptr;
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in(0).in<T>().data();
    T* y = c.out().out<T>().data();
    ForEachMaximum(window, x, [&](int64_t from, int64_t to) {
      y[to] = x[from];
      if (indices != nullptr) indices[to] = column_major ? ColumnMajor(window, from) : from;
    });
  });
  return absl::OkStatus();
}

// The window of a gradient node, checked against the tensor of the output's shape.
absl::StatusOr<PoolWindow> ReadGradWindow(const EvalContext& c, const TensorView& x,
                                          const TensorView& y) {
  WEFT_ASSIGN_OR_RETURN(PoolWindow window, ReadPoolWindow(c.attributes, x.dims));
  WEFT_RETURN_IF_ERROR(CheckShape("dY", ToShape(window.output_dims()), ToShape(y.dims)));
  return window;
}

// Inputs dY, X.
absl::Status EvaluateMaxPoolGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadGradWindow(c, c.in(1), c.in(0)));
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* dy = c.in(0).in<T>().data();
    const auto dx = c.out().out<T>();
    std::fill(dx.begin(), dx.end(), T{0});
    ForEachMaximum(window, c.in(1).in<T>().data(),
                   [&](int64_t from, int64_t to) { dx.data()[from] += dy[to]; });
  });
  return absl::OkStatus();
}

// Inputs ddX, X.
absl::Status EvaluateMaxPoolGradGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadGradWindow(c, c.in(1), c.out()));
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* ddx = c.in(0).in<T>().data();
    T* ddy = c.out().out<T>().data();
    ForEachMaximum(window, c.in(1).in<T>().data(),
                   [&](int64_t from, int64_t to) { ddy[to] = ddx[from]; });
  });
  return absl::OkStatus();
}

// 1 / the number of elements that each output averages, over one plane.
std::vector<double> Weights(const PoolWindow& w) {
  std::vector<double> weights = {1.0};
  for (int axis = 0; axis < w.rank(); ++axis) {
    const size_t a = static_cast<size_t>(axis);
    std::vector<double> product;
    for (const double weight : weights) {
      for (int64_t o = 0; o < w.output[a]; ++o) {
        int64_t begin = o * w.strides[a] - w.pads_begin[a];
        int64_t end = begin + w.kernel[a];
        // ceil_mode's last window may stick out even of the padding; that part never counts.
        end = std::min(end, w.input[a] + (w.count_include_pad ? w.pads_end[a] : 0));
        if (!w.count_include_pad) begin = std::max<int64_t>(begin, 0);
        product.push_back(weight / static_cast<double>(end - begin));
      }
    }
    weights = std::move(product);
  }
  return weights;
}

template <typename T>
void Average(const PoolWindow& w, const T* x, T* y) {
  const int64_t inputs = w.input_size(), outputs = w.output_size();
  const std::vector<double> weights = Weights(w);
  std::vector<double> sums(static_cast<size_t>(w.channels * outputs));
  for (int64_t n = 0; n < w.batch; ++n, x += w.channels * inputs) {
    std::fill(sums.begin(), sums.end(), 0.0);
    ForEachWindowRun(w, [&](const Run& run) {
      for (int64_t c = 0; c < w.channels; ++c) {
        const T* row = x + c * inputs + run.input;
        double sum = 0;
        for (int64_t i = 0; i < run.count; ++i) sum += row[i];
        sums[static_cast<size_t>(c * outputs + run.output)] += sum;
      }
    });
    for (size_t i = 0; i < sums.size(); ++i) {
      *y++ = static_cast<T>(sums[i] * weights[i % static_cast<size_t>(outputs)]);
    }
  }
}

template <typename T>
void AverageBack(const PoolWindow& w, const T* dy, T* dx) {
  const int64_t inputs = w.input_size(), outputs = w.output_size();
  const std::vector<double> weights = Weights(w);
  std::vector<double> sums(static_cast<size_t>(w.channels * inputs));
  for (int64_t n = 0; n < w.batch; ++n, dy += w.channels * outputs) {
    std::fill(sums.begin(), sums.end(), 0.0);
    ForEachWindowRun(w, [&](const Run& run) {
      for (int64_t c = 0; c < w.channels; ++c) {
        const double share =
            dy[c * outputs + run.output] * weights[static_cast<size_t>(run.output)];
        double* row = sums.data() + c * inputs + run.input;
        for (int64_t i = 0; i < run.count; ++i) row[i] += share;
      }
    });
    dx = std::transform(sums.begin(), sums.end(), dx, [](double s) { return static_cast<T>(s); });
  }
}

absl::Status EvaluateAveragePool(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadPoolWindow(c.attributes, c.in(0).dims));
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    Average<T>(window, c.in(0).in<T>().data(), c.out().out<T>().data());
  });
  return absl::OkStatus();
}

// Inputs dY, X.
absl::Status EvaluateAveragePoolGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadGradWindow(c, c.in(1), c.in(0)));
  VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    AverageBack<T>(window, c.in(0).in<T>().data(), c.out().out<T>().data());
  });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorType>> InferPool(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(Shape y, InferPoolShape(c.attributes(), c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(y)}};
}

absl::StatusOr<std::vector<TensorType>> InferMaxPool(const InferContext& c) {
  const int64_t order = GetInt(c.attributes(), "storage_order");
  if (order != 0 && order != 1) {
    return absl::InvalidArgumentError(absl::StrCat("storage_order must be 0 or 1, got ", order));
  }
  WEFT_ASSIGN_OR_RETURN(const Shape y, InferPoolShape(c.attributes(), c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, y}, {DType::kI64, y}};
}

// Inputs dY, X; output of X's shape.
absl::StatusOr<std::vector<TensorType>> InferPoolGrad(const InferContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Shape y, InferPoolShape(c.attributes(), c.type(1).shape));
  WEFT_RETURN_IF_ERROR(CheckShape("dY", y, c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, c.type(1).shape}};
}

// Inputs ddX, X; output of Y's shape.
absl::StatusOr<std::vector<TensorType>> InferMaxPoolGradGrad(const InferContext& c) {
  WEFT_RETURN_IF_ERROR(CheckShape("ddX", c.type(1).shape, c.type(0).shape));
  WEFT_ASSIGN_OR_RETURN(Shape y, InferPoolShape(c.attributes(), c.type(1).shape));
  return std::vector<TensorType>{{c.type(0).dtype, std::move(y)}};
}

InputGradients MaxPoolGradient(GradientContext& c) {
  if (!c.dy()) return {Value()};
  Node* node = c.OpNode("MaxPoolGrad", {c.dy(), c.x()}, c.attributes(), -1, c.node());
  return {node != nullptr ? node->output() : Value()};
}

// The choice of maxima is locally constant: with it given, MaxPoolGrad scatters and MaxPoolGradGrad
// gathers; each is the other's transpose, and nothing flows into X.
InputGradients MaxPoolGradGradient(GradientContext& c) {
  if (!c.needs(0)) return {Value(), Value()};
  return {c.Op("MaxPoolGradGrad", {c.dy(), c.x(1)}, c.attributes()), Value()};
}

InputGradients MaxPoolGradGradGradient(GradientContext& c) {
  if (!c.needs(0)) return {Value(), Value()};
  return {c.Op("MaxPoolGrad", {c.dy(), c.x(1)}, c.attributes()), Value()};
}

InputGradients AveragePoolGradient(GradientContext& c) {
  return {c.Op("AveragePoolGrad", {c.dy(), c.x()}, c.attributes())};
}

InputGradients AveragePoolGradGradient(GradientContext& c) {
  return {c.needs(0) ? c.Op("AveragePool", {c.dy()}, c.attributes()) : Value(), Value()};
}

// One comparison or addition a tap; gradients scatter, which costs as much at most.
Cost PoolCost(const CostContext& c) {
  double flops = static_cast<double>(c.OutputSize());
  for (int64_t extent : GetInts(c.attributes, "kernel_shape")) flops *= static_cast<double>(extent);
  return {.flops = flops};
}

Cost PoolGradCost(const CostContext& c) {
  double flops = static_cast<double>(c.InputSize(0));
  for (int64_t extent : GetInts(c.attributes, "kernel_shape")) flops *= static_cast<double>(extent);
  return {.flops = flops};
}

std::vector<AttributeSpec> PoolAttributes(std::initializer_list<AttributeSpec> own) {
  std::vector<AttributeSpec> attributes = {
      {"kernel_shape", Attribute::Kind::kInts, std::nullopt, /*required=*/true},
      {"strides", Attribute::Kind::kInts},
      {"pads", Attribute::Kind::kInts},
      {"ceil_mode", Attribute::Kind::kInt, 0},
      {"auto_pad", Attribute::Kind::kString, "NOTSET"}};
  attributes.insert(attributes.end(), own);
  return attributes;
}

std::vector<AttributeSpec> MaxPoolAttributes() {
  return PoolAttributes(
      {{"dilations", Attribute::Kind::kInts}, {"storage_order", Attribute::Kind::kInt, 0}});
}

std::vector<AttributeSpec> AveragePoolAttributes() {
  return PoolAttributes({{"count_include_pad", Attribute::Kind::kInt, 0}});
}

OpDef MaxPool() {
  return {.name = "MaxPool",
          .doc =
              "The maximum of each window, as ONNX's MaxPool. Indices are offsets into X, of "
              "the first maximum in the order of X; padding is never chosen.",
          .inputs = {{"X"}},
          .outputs = {{"Y"}, {"Indices", /*optional=*/true}},
          .attributes = MaxPoolAttributes(),
          .infer = InferMaxPool,
          .gradient = MaxPoolGradient,
          .evaluate = EvaluateMaxPool,
          .cost = PoolCost};
}

OpDef MaxPoolGrad() {
  return {.name = "MaxPoolGrad",
          .doc =
              "The gradient of MaxPool: adds each element of dY where its window's maximum of X "
              "is.",
          .inputs = {{"dY"}, {"X"}},
          .outputs = {{"dX"}},
          .attributes = MaxPoolAttributes(),
          .infer = InferPoolGrad,
          .gradient = MaxPoolGradGradient,
          .evaluate = EvaluateMaxPoolGrad,
          .cost = PoolGradCost};
}

OpDef MaxPoolGradGrad() {
  return {.name = "MaxPoolGradGrad",
          .doc =
              "The gradient of MaxPoolGrad with respect to dY: the element of ddX where each "
              "window's maximum of X is.",
          .inputs = {{"ddX"}, {"X"}},
          .outputs = {{"ddY"}},
          .attributes = MaxPoolAttributes(),
          .infer = InferMaxPoolGradGrad,
          .gradient = MaxPoolGradGradGradient,
          .evaluate = EvaluateMaxPoolGradGrad,
          .cost = PoolCost};
}

OpDef AveragePool() {
  return {.name = "AveragePool",
          .doc =
              "The mean of each window, as ONNX's AveragePool; padding counts as zeros with "
              "count_include_pad and not at all without.",
          .inputs = {{"X"}},
          .attributes = AveragePoolAttributes(),
          .infer = InferPool,
          .gradient = AveragePoolGradient,
          .evaluate = EvaluateAveragePool,
          .cost = PoolCost};
}

OpDef AveragePoolGrad() {
  return {.name = "AveragePoolGrad",
          .doc =
              "The gradient of AveragePool: spreads each element of dY evenly over its window. "
              "Of X only the shape is read.",
          .inputs = {{"dY"}, {.name = "X", .shape_only = true}},
          .outputs = {{"dX"}},
          .attributes = AveragePoolAttributes(),
          .infer = InferPoolGrad,
          .gradient = AveragePoolGradGradient,
          .evaluate = EvaluateAveragePoolGrad,
          .cost = PoolGradCost};
}

}  // namespace

std::vector<OpDef> PoolOps() {
  return {MaxPool(), MaxPoolGrad(), MaxPoolGradGrad(), AveragePool(), AveragePoolGrad()};
}

}  // namespace weft
