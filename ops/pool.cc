#include "ops/pool.h"

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
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = c.in(0).in<T>().data();
    T* y = c.out().out<T>().data();
    ForEachMaximum(window, x, [&](int64_t from, int64_t to) {
      y[to] = x[from];
      if (indices != nullptr) indices[to] = column_major ? ColumnMajor(window, from) : from;
    });
  });
}

// Inputs dY, X.
absl::Status EvaluateMaxPoolGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadGradWindow(c, c.in(1), c.in(0)));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* dy = c.in(0).in<T>().data();
    const auto dx = c.out().out<T>();
    std::fill(dx.begin(), dx.end(), T{0});
    ForEachMaximum(window, c.in(1).in<T>().data(),
                   [&](int64_t from, int64_t to) { dx.data()[from] += dy[to]; });
  });
}

// Inputs ddX, X.
absl::Status EvaluateMaxPoolGradGrad(const EvalContext& c) {
  WEFT_ASSIGN_OR_RETURN(const PoolWindow window, ReadGradWindow(c, c.in(1), c.out()));
  return VisitFloat(c.out().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* ddx = c.in(0).in<T>().data();
    T* ddy = c.out().out<T>().data();
    ForEachMaximum(window, c.in(1).in<T>().data(),
                   [&](int64_t from, int64_t to) { ddy[to] = ddx[from]; });
  });
}

absl::StatusOr<std::vector<TensorType>> InferMaxPool(const InferContext& c) {
  const int64_t order = GetInt(c.attributes(), "storage_order");
  if (order != 0 && order != 1) {
    return absl::InvalidArgumentError(absl::StrCat("expected storage_order 0 or 1, got ", order));
  }
  WEFT_ASSIGN_OR_RETURN(const Shape y, InferPoolShape(c.attributes(), c.type(0).shape));
  return std::vector<TensorType>{{c.type(0).dtype, y}, {DType::kI64, y}};
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

Cost TapsCost(const CostContext& c, int64_t windows) {
  double flops = static_cast<double>(windows);
  for (int64_t extent : GetInts(c.attributes, "kernel_shape")) flops *= static_cast<double>(extent);
  return {.flops = flops};
}

std::vector<AttributeSpec> MaxPoolAttributes() {
  return PoolAttributes({{"storage_order", Attribute::Kind::kInt, 0}});
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
          .infer = InferPooledGrad<InferPoolShape>,
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

}  // namespace

std::vector<AttributeSpec> PoolAttributes(std::initializer_list<AttributeSpec> own) {
  std::vector<AttributeSpec> attributes = {
      {"kernel_shape", Attribute::Kind::kInts, std::nullopt, /*required=*/true},
      {"strides", Attribute::Kind::kInts},
      {"pads", Attribute::Kind::kInts},
      {"dilations", Attribute::Kind::kInts},
      {"ceil_mode", Attribute::Kind::kInt, 0},
      {"auto_pad", Attribute::Kind::kString, "NOTSET"}};
  attributes.insert(attributes.end(), own);
  return attributes;
}

absl::StatusOr<PoolWindow> ReadGradWindow(const EvalContext& c, const TensorView& x,
                                          const TensorView& y) {
  WEFT_ASSIGN_OR_RETURN(PoolWindow window, ReadPoolWindow(c.attributes, x.dims));
  WEFT_RETURN_IF_ERROR(CheckShape("dY", ToShape(window.output_dims()), ToShape(y.dims)));
  return window;
}

Cost PoolCost(const CostContext& c) { return TapsCost(c, c.OutputSize()); }
Cost PoolGradCost(const CostContext& c) { return TapsCost(c, c.InputSize(0)); }

std::vector<OpDef> PoolOps() { return {MaxPool(), MaxPoolGrad(), MaxPoolGradGrad()}; }

}  // namespace weft
