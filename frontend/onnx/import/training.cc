// ai.onnx.preview.training: optimizer steps and gradients.

#include <algorithm>

#include "autodiff/gradients.h"
#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

// Operands before the tensors: the learning rate R and the update count T.
constexpr int kScalars = 2;
constexpr int64_t kMostOnes = 4096;
// Gradients of gradients of …: each makes the graph some times as large.
constexpr size_t kMostNodes = size_t{1} << 16;

// How many tensors are optimized, where each has `kinds` operands; 0 after a failure.
int TensorCount(ImportContext& c, int kinds) {
  const int tensors = c.num_inputs() - kScalars;
  if (tensors > 0 && tensors % kinds == 0) return tensors / kinds;
  c.Fail(absl::InvalidArgumentError(absl::StrCat("expected R, T and ", kinds,
                                                 " operands for each tensor, got ", tensors,
                                                 " operands after T")));
  return 0;
}

Value Number(ImportContext& c, double value, Value like) {
  return c.Scalar(value, c.TypeOf(like).dtype);
}
Value Scaled(ImportContext& c, Value x, double factor) {
  return c.Op("Mul", {x, Number(c, factor, x)});
}

// The update count as a number of R's type.
Value Count(ImportContext& c) { return c.Op("Cast", {c.in(1)}, {{"to", c.type(0).dtype}}); }

// norm_coefficient * X + G.
Value Regularized(ImportContext& c, Value x, Value g) {
  return c.Op("Add", {Scaled(c, x, c.Float("norm_coefficient")), g});
}

// H' = H + G^2; X' = X - R / (1 + T * decay_factor) * G / (sqrt(H') + epsilon).
std::vector<Value> Adagrad(ImportContext& c) {
  const int n = TensorCount(c, 3);
  if (n == 0 || !c.in(0)) return {};
  const Value decay =
      c.Op("Add", {Scaled(c, Count(c), c.Float("decay_factor")), Number(c, 1, c.in(0))});
  const Value rate = c.Op("Div", {c.in(0), decay});
  std::vector<Value> xs, hs;
  for (int i = 0; i < n && c.ok(); ++i) {
    const Value x = c.in(kScalars + i);
    const Value g = Regularized(c, x, c.in(kScalars + n + i));
    const Value h = c.Op("Add", {c.in(kScalars + 2 * n + i), c.Op("Mul", {g, g})});
    if (!c.ok()) return {};
    const Value root = c.Op("Add", {c.Op("Sqrt", {h}), Number(c, c.Float("epsilon"), h)});
    xs.push_back(c.Op("Sub", {x, c.Op("Div", {c.Op("Mul", {rate, g}), root})}));
    hs.push_back(h);
  }
  xs.insert(xs.end(), hs.begin(), hs.end());
  return xs;
}

// 1 - beta^T.
Value BiasCorrection(ImportContext& c, double beta) {
  const Value power = c.Op("Pow", {Number(c, beta, c.in(0)), Count(c)});
  return c.Op("Sub", {Number(c, 1, c.in(0)), power});
}

// V' = alpha V + (1 - alpha) G, H' = beta H + (1 - beta) G^2; X' = X - R_T V' / (sqrt(H') +
// epsilon) with R_T = R sqrt(1 - beta^T) / (1 - alpha^T), or R where T is 0; then X' (1 -
// norm_coefficient_post).
std::vector<Value> Adam(ImportContext& c) {
  const int n = TensorCount(c, 4);
  if (n == 0 || !c.in(0)) return {};
  const double alpha = c.Float("alpha"), beta = c.Float("beta");
  const Value corrected = c.Op(
      "Div",
      {c.Op("Mul", {c.in(0), c.Op("Sqrt", {BiasCorrection(c, beta)})}), BiasCorrection(c, alpha)});
  const Value started = c.Op("Greater", {c.in(1), Number(c, 0, c.in(1))});
  const Value rate = c.Op("Where", {started, corrected, c.in(0)});
  std::vector<Value> xs, vs, hs;
  for (int i = 0; i < n && c.ok(); ++i) {
    const Value x = c.in(kScalars + i);
    const Value g = Regularized(c, x, c.in(kScalars + n + i));
    const Value v =
        c.Op("Add", {Scaled(c, c.in(kScalars + 2 * n + i), alpha), Scaled(c, g, 1 - alpha)});
    const Value h = c.Op("Add", {Scaled(c, c.in(kScalars + 3 * n + i), beta),
                                 Scaled(c, c.Op("Mul", {g, g}), 1 - beta)});
    if (!c.ok()) return {};
    const Value root = c.Op("Add", {c.Op("Sqrt", {h}), Number(c, c.Float("epsilon"), h)});
    const Value next = c.Op("Sub", {x, c.Op("Div", {c.Op("Mul", {rate, v}), root})});
    const double post = c.Float("norm_coefficient_post");
    xs.push_back(post == 0 ? next : Scaled(c, next, 1 - post));
    vs.push_back(v);
    hs.push_back(h);
  }
  xs.insert(xs.end(), vs.begin(), vs.end());
  xs.insert(xs.end(), hs.begin(), hs.end());
  return xs;
}

// Ones of y's type: a constant where that is known and small.
Value Ones(ImportContext& c, Value y) {
  const TensorType& type = c.TypeOf(y);
  if (!kFloatTypes.contains(type.dtype)) {
    return c.Unsupported(absl::StrCat("the gradient of a ", ToString(type), " is not supported"));
  }
  const auto size = CountElements(type.shape);
  if (!size.ok() || !size->is_static() || size->coefficient() > kMostOnes) {
    return c.Op("ExpandLike", {Number(c, 1, y), y});
  }
  absl::StatusOr<Tensor> ones = Tensor::Zeros(DType::kF64, StaticDims(type.shape).value());
  if (ones.ok()) {
    std::ranges::fill(ones->mutable_values<double>(), 1);
    ones = ones->Converted(type.dtype);
  }
  if (!ones.ok()) return c.Fail(ones.status());
  return c.Constant(*std::move(ones));
}

// The derivative of the value `y` by the values `xs`, at the place where they are computed.
std::vector<Value> Gradient(ImportContext& c) {
  const std::vector<std::string> xs = c.Strings("xs");
  if (!c.Strings("zs").empty() || c.num_inputs() != static_cast<int>(xs.size())) {
    c.Unsupported("fixed inputs (zs) are not supported");
    return {};
  }
  if (c.graph().nodes().size() > kMostNodes) {
    c.Unsupported(
        absl::StrCat("gradients in a graph of more than ", kMostNodes, " nodes are not supported"));
    return {};
  }
  std::vector<Value> points;
  for (size_t i = 0; i < xs.size(); ++i) {
    if (c.input_name(static_cast<int>(i)) != xs[i]) {
      c.Unsupported(absl::StrCat("the gradient by ", xs[i], " at ",
                                 c.input_name(static_cast<int>(i)), " is not supported"));
      return {};
    }
    points.push_back(c.Named(xs[i]));
  }
  const Value y = c.Named(c.String("y"));
  const Value ones = Ones(c, y);
  if (!c.ok()) return {};
  auto gradients = Gradients(c.graph(), std::span(&y, 1), points, std::span(&ones, 1));
  if (gradients.ok()) return *std::move(gradients);
  c.Fail(gradients.status());
  return {};
}

}  // namespace

std::vector<OnnxOp> TrainingImports() {
  return {{"Adagrad", Adagrad, {}, kTrainingDomain},
          {"Adam", Adam, {}, kTrainingDomain},
          {"Gradient", Gradient, {}, kTrainingDomain},
          {"Momentum", ImportSame, {}, kTrainingDomain}};
}

}  // namespace weft
