#include "ops/broadcast.h"
#include "ops/common.h"
#include "ops/families.h"
#include "ops/row_norm.h"

namespace weft {
namespace {

absl::Status CheckScale(const TensorType& x, const Shape& scale) {
  if (MayBroadcastTo(scale, x.shape)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected Scale to broadcast to X ",
                                                 ToString(x.shape), ", got ", ToString(scale)));
}

absl::StatusOr<int> AxisOf(const AttributeMap& attributes, int rank) {
  return NormalizeAxis(GetInt(attributes, "axis", -1), rank);
}

absl::StatusOr<std::vector<TensorType>> InferLayerNorm(const InferContext& c) {
  const TensorType& x = c.type(0);
  WEFT_RETURN_IF_ERROR(CheckFinite(c.attributes(), "epsilon", 0));
  WEFT_ASSIGN_OR_RETURN(const int axis, AxisOf(c.attributes(), x.rank()));
  WEFT_RETURN_IF_ERROR(CheckScale(x, c.type(1).shape));
  if (c.has(2) && c.type(2).shape != c.type(1).shape) {
    return absl::InvalidArgumentError(absl::StrCat("expected B of Scale's shape ",
                                                   ToString(c.type(1).shape), ", got ",
                                                   ToString(c.type(2).shape)));
  }
  TensorType row = x;
  for (int i = axis; i < x.rank(); ++i) row.shape[static_cast<size_t>(i)] = 1;
  return std::vector<TensorType>{x, row, row};
}

absl::StatusOr<std::vector<TensorType>> InferLayerNormGrad(const InferContext& c) {
  const TensorType& x = c.type(1);
  WEFT_RETURN_IF_ERROR(CheckFinite(c.attributes(), "epsilon", 0));
  WEFT_RETURN_IF_ERROR(AxisOf(c.attributes(), x.rank()).status());
  WEFT_RETURN_IF_ERROR(CheckScale(x, c.type(2).shape));
  if (c.type(0).shape != x.shape) {
    return absl::InvalidArgumentError(absl::StrCat("expected dY of X's shape ", ToString(x.shape),
                                                   ", got ", ToString(c.type(0).shape)));
  }
  return std::vector<TensorType>{x, c.type(2), c.type(2)};
}

absl::Status EvaluateLayerNorm(const EvalContext& c) {
  return EvaluateRowNorm(
      ReadRowNorm("LayerNormalization", c.attributes, c.in(0).dims, c.in(1).dims), c);
}

absl::Status EvaluateLayerNormGrad(const EvalContext& c) {
  return EvaluateRowNormGrad(
      ReadRowNorm("LayerNormalizationGrad", c.attributes, c.in(1).dims, c.in(2).dims), c);
}

// X's rows in the gradient rules: their mean, 1 / sqrt(var + epsilon) and normalized values.
class Rows {
 public:
  Rows(GradientContext& c, Value x) : c_(c), x_(x), dtype_(x.type().dtype) {
    const absl::StatusOr<int> axis = AxisOf(c.attributes(), x.type().rank());
    for (int i = axis.value_or(0); i < x.type().rank(); ++i) axes_.push_back(i);
    centered_ = Sub(x, Mean(x));
    const Value var = Mean(Mul(centered_, centered_));
    const Value epsilon = c.Scalar(GetFloat(c.attributes(), "epsilon"), dtype_);
    rstd_ = Div(c.Scalar(1, dtype_), c.Op("Sqrt", {Add(var, epsilon)}));
    normal_ = Mul(centered_, rstd_);
  }

  Value Add(Value a, Value b) { return a && b ? c_.Op("Add", {a, b}) : a ? a : b; }
  Value Sub(Value a, Value b) { return c_.Op("Sub", {a, b}); }
  Value Mul(Value a, Value b) { return c_.Op("Mul", {a, b}); }
  Value Div(Value a, Value b) { return c_.Op("Div", {a, b}); }
  Value Mean(Value v) { return c_.Op("ReduceMean", {v}, {{"axes", axes_}}); }
  // What is left of `v` without its mean and its part along x^: v - m(v) - x^ m(v x^).
  Value Project(Value v) { return Sub(Sub(v, Mean(v)), Mul(normal_, Mean(Mul(v, normal_)))); }
  // One value a row, divided among the row's elements.
  Value Share(Value per_row) {
    const AttributeMap to = {{"to", dtype_}};
    const Value count = Div(c_.Op("Cast", {c_.Op("Size", {x_})}, to),
                            c_.Op("Cast", {c_.Op("Size", {per_row})}, to));
    return c_.Op("ExpandLike", {Div(per_row, count), x_});
  }

  Value rstd() const { return rstd_; }
  Value normal() const { return normal_; }

 private:
  GradientContext& c_;
  Value x_;
  DType dtype_;
  std::vector<int64_t> axes_;
  Value centered_, rstd_, normal_;
};

// An output's cotangent; null when the node does not have that output.
Value Cotangent(GradientContext& c, int output) {
  return output < c.node()->num_outputs() ? c.dy(output) : Value();
}

InputGradients LayerNormGradient(GradientContext& c) {
  InputGradients gradients(static_cast<size_t>(c.node()->num_inputs()));
  if (c.dy()) {
    Node* node = c.OpNode("LayerNormalizationGrad", {c.dy(), c.x(), c.x(1)}, c.attributes());
    for (size_t i = 0; node != nullptr && i < gradients.size(); ++i) {
      if (c.needs(static_cast<int>(i))) gradients[i] = node->output(static_cast<int>(i));
    }
  }
  const Value mean = Cotangent(c, 1), rstd = Cotangent(c, 2);
  if (!c.needs(0) || (!mean && !rstd)) return gradients;
  // d mean / dX = 1 / n, d rstd / dX = -rstd^2 x^ / n
  Rows rows(c, c.x());
  if (mean) gradients[0] = rows.Add(gradients[0], rows.Share(mean));
  if (rstd) {
    const Value each = rows.Share(rows.Mul(rstd, rows.Mul(rows.rstd(), rows.rstd())));
    const Value part = c.Op("Neg", {rows.Mul(each, rows.normal())});
    gradients[0] = rows.Add(gradients[0], part);
  }
  return gradients;
}

// The node computes, with P(v) = v - m(v) - x^ m(v x^) and s the scale,
//   dX = rstd P(dY s), dscale = sum dY x^, dB = sum dY.
// P is symmetric. For cotangents a of dX, p of dscale and q of dB:
//   to dY: rstd P(a) s + p x^ + q           to scale: sum dY rstd P(a)
//   to x^: h = p dY - rstd (a m(g x^) + g m(a x^)), with g = dY s
//   to X:  rstd (P(h) - rstd x^ m(P(a) g)), the last from rstd itself
InputGradients LayerNormGradGradient(GradientContext& c) {
  InputGradients gradients(3);
  const Value dy = c.x(0), scale = c.x(2), a = c.dy(0), p = c.dy(1), q = c.dy(2);
  Rows r(c, c.x(1));
  const Value xhat = r.normal(), g = r.Mul(dy, scale);
  Value projected, to_dy, h;
  if (a) {
    projected = r.Mul(r.Project(a), r.rstd());
    to_dy = r.Mul(projected, scale);
    const Value mixed = r.Add(r.Mul(a, r.Mean(r.Mul(g, xhat))), r.Mul(g, r.Mean(r.Mul(a, xhat))));
    h = c.Op("Neg", {r.Mul(mixed, r.rstd())});
    if (c.needs(2)) gradients[2] = SumToLike(c, r.Mul(dy, projected), scale);
  }
  if (p) {
    to_dy = r.Add(to_dy, r.Mul(xhat, p));
    h = r.Add(h, r.Mul(dy, p));
  }
  if (q) to_dy = r.Add(to_dy, to_dy ? q : c.Op("ExpandLike", {q, dy}));
  if (c.needs(0)) gradients[0] = to_dy;
  if (c.needs(1) && h) {
    Value inner = r.Project(h);
    if (a) inner = r.Sub(inner, r.Mul(xhat, r.Mean(r.Mul(projected, g))));
    gradients[1] = r.Mul(inner, r.rstd());
  }
  return gradients;
}

// 1 for the mean, 3 for the variance, 4 to normalize; the gradient twice that.
Cost LayerNormCost(const CostContext& c) {
  return {.flops = 8 * static_cast<double>(c.OutputSize())};
}
Cost LayerNormGradCost(const CostContext& c) {
  return {.flops = 16 * static_cast<double>(c.OutputSize())};
}

std::vector<AttributeSpec> LayerNormAttributes() {
  return {{.name = "axis", .fallback = -1}, {"epsilon", Attribute::Kind::kFloat, 1e-5}};
}

}  // namespace

std::vector<OpDef> LayerNormOps() {
  return {
      {.name = "LayerNormalization",
       .doc = "Y = (X - mean) / sqrt(var + epsilon) * Scale + B with the mean and the biased "
              "variance over X's axes from `axis` on, as ONNX's (Ba, Kiros, Hinton 2016). Scale "
              "and B have one shape, which broadcasts to X's. Mean and InvStdDev have 1 for the "
              "axes normalized.",
       .inputs = {{"X"}, {"Scale"}, {"B", kFloatTypes, Arity::kOptional}},
       .outputs = {{"Y"}, {"Mean", /*optional=*/true}, {"InvStdDev", /*optional=*/true}},
       .attributes = LayerNormAttributes(),
       .infer = InferLayerNorm,
       .gradient = LayerNormGradient,
       .evaluate = EvaluateLayerNorm,
       .cost = LayerNormCost,
       .aliases = InPlace},
      {.name = "LayerNormalizationGrad",
       .doc = "The gradients of LayerNormalization in X, Scale and B for the cotangent dY of Y; "
              "also those of InstanceNormalization and GroupNormalization, on X by groups.",
       .inputs = {{"dY"}, {"X"}, {"Scale"}},
       .outputs = {{"dX"}, {"dScale"}, {"dB"}},
       .attributes = LayerNormAttributes(),
       .infer = InferLayerNormGrad,
       .gradient = LayerNormGradGradient,
       .evaluate = EvaluateLayerNormGrad,
       .cost = LayerNormGradCost},
  };
}

}  // namespace weft
