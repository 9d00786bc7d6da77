#include "ops/batch_norm.h"
#include "ops/window.h"

// The gradient rules of ops/batch_norm.cc.

namespace weft {
namespace {

// The parts that the formulas below share, on values per channel [C] and on those of X's shape.
class Terms {
 public:
  Terms(GradientContext& c, Value x, Value mean, Value var)
      : c_(c), x_(x), dtype_(x.type().dtype), axes_(AllButChannelAxis(x.type().rank())) {
    const Value epsilon = c.Scalar(GetFloat(c.attributes(), "epsilon"), dtype_);
    rstd_ = Div(c.Scalar(1, dtype_), c.Op("Sqrt", {Add(var, epsilon)}));
    centered_ = Sub(x, Spread(mean));
  }

  Value Add(Value a, Value b) { return c_.Op("Add", {a, b}); }
  Value Sub(Value a, Value b) { return c_.Op("Sub", {a, b}); }
  Value Mul(Value a, Value b) { return c_.Op("Mul", {a, b}); }
  Value Div(Value a, Value b) { return c_.Op("Div", {a, b}); }
  Value Times(double factor, Value a) { return Mul(a, c_.Scalar(factor, dtype_)); }
  // [C] as [C,1,...], which broadcasts along the axes of X.
  Value Spread(Value per_channel) {
    if (axes_.size() == 1) return per_channel;
    std::vector<int64_t> shape(axes_.size(), 1);
    shape[0] = -1;
    return c_.Op("Reshape", {per_channel, c_.Ints(shape)});
  }
  Value Sum(Value a) { return c_.Op("ReduceSum", {a}, {{"axes", axes_}, {"keepdims", 0}}); }
  Value Mean(Value a) { return c_.Op("ReduceMean", {a}, {{"axes", axes_}, {"keepdims", 0}}); }
  // The number of values per channel, n.
  Value Count(Value per_channel) {
    const AttributeMap to = {{"to", dtype_}};
    return Div(c_.Op("Cast", {c_.Op("Size", {x_})}, to),
               c_.Op("Cast", {c_.Op("Size", {per_channel})}, to));
  }

  Value rstd() const { return rstd_; }          // 1 / sqrt(var + epsilon), [C]
  Value centered() const { return centered_; }  // X - mean
  Value normalized() { return Mul(centered_, Spread(rstd_)); }

 private:
  GradientContext& c_;
  Value x_;
  DType dtype_;
  std::vector<int64_t> axes_;
  Value rstd_;
  Value centered_;
};

// Y = (X - mean) scale / sqrt(var + epsilon) + B with constants mean and var.
InputGradients InferenceGradient(GradientContext& c) {
  InputGradients gradients(5);
  const Value dy = c.dy(), scale = c.x(bn::kScale);
  Terms t(c, c.x(bn::kX), c.x(bn::kMean), c.x(bn::kVar));
  const Value factor = t.Mul(scale, t.rstd());
  if (c.needs(bn::kX)) gradients[bn::kX] = t.Mul(dy, t.Spread(factor));
  const Value sum = c.needs(bn::kBias) || c.needs(bn::kMean) ? t.Sum(dy) : Value();
  if (c.needs(bn::kBias)) gradients[bn::kBias] = sum;
  if (c.needs(bn::kMean)) gradients[bn::kMean] = c.Op("Neg", {t.Mul(factor, sum)});
  if (!c.needs(bn::kScale) && !c.needs(bn::kVar)) return gradients;
  const Value dot = t.Sum(t.Mul(dy, t.normalized()));
  if (c.needs(bn::kScale)) gradients[bn::kScale] = dot;
  // d/dvar (var + epsilon)^-1/2 = -1/2 (var + epsilon)^-3/2
  if (c.needs(bn::kVar)) gradients[bn::kVar] = t.Times(-0.5, t.Mul(t.Mul(factor, t.rstd()), dot));
  return gradients;
}

// The sum of two gradients, either of which may be null.
Value Accumulate(GradientContext& c, Value a, Value b) {
  if (!a || !b) return a ? a : b;
  return c.Op("Add", {a, b});
}

// A statistics output's cotangent; null when the node does not have that output.
Value Cotangent(GradientContext& c, int output) {
  return output < c.node()->num_outputs() ? c.dy(output) : Value();
}

// What the statistics outputs send back to X: d mean = dX / n, d var = 2 (X - mean) dX / n; the
// running ones are (1 - momentum) times these, the unbiased variance also n / (n - 1) times.
Value StatisticsGradient(GradientContext& c, Value batch_mean, Value batch_var) {
  Value mean = Cotangent(c, bn::kBatchMean), var = Cotangent(c, bn::kBatchVar);
  const Value running_mean = Cotangent(c, bn::kRunningMean),
              running_var = Cotangent(c, bn::kRunningVar);
  if (!mean && !var && !running_mean && !running_var) return Value();
  const double fresh = 1 - GetFloat(c.attributes(), "momentum");
  Terms t(c, c.x(bn::kX), batch_mean, batch_var);
  const Value count = t.Count(c.x(bn::kScale));
  if (running_mean) mean = Accumulate(c, mean, t.Times(fresh, running_mean));
  if (running_var) {
    Value scaled = t.Times(fresh, running_var);
    if (IsUnbiased(c.attributes())) {
      const Value one = c.Scalar(1, c.x(bn::kX).type().dtype);
      scaled = t.Mul(scaled, t.Div(count, t.Sub(count, one)));
    }
    var = Accumulate(c, var, scaled);
  }
  Value dx;
  if (var) dx = t.Mul(t.centered(), t.Spread(t.Div(t.Times(2, var), count)));
  if (mean) {
    const Value share = t.Spread(t.Div(mean, count));
    dx = dx ? t.Add(dx, share)
            : c.Op("ExpandLike", {t.Div(mean, count), c.x(bn::kX)},
                   {{"axes", AllButChannelAxis(c.x(bn::kX).type().rank())}});
  }
  return dx;
}

InputGradients TrainingGradient(GradientContext& c) {
  InputGradients gradients(5);
  const Value x = c.x(bn::kX), scale = c.x(bn::kScale);
  Value mean = Cotangent(c, bn::kRunningMean), var = Cotangent(c, bn::kRunningVar);
  const double keep = GetFloat(c.attributes(), "momentum");
  const DType dtype = x.type().dtype;
  if (c.needs(bn::kMean) && mean) gradients[bn::kMean] = c.Op("Mul", {mean, c.Scalar(keep, dtype)});
  if (c.needs(bn::kVar) && var) gradients[bn::kVar] = c.Op("Mul", {var, c.Scalar(keep, dtype)});
  if (!c.needs(bn::kX) && !c.needs(bn::kScale) && !c.needs(bn::kBias)) return gradients;

  Value batch_mean, batch_var;
  if (c.node()->num_outputs() > bn::kBatchVar) {
    batch_mean = c.y(bn::kBatchMean);
    batch_var = c.y(bn::kBatchVar);
  } else {  // The node does not give them away: compute them again.
    const AttributeMap axes = {{"axes", AllButChannelAxis(x.type().rank())}, {"keepdims", 0}};
    const AttributeMap kept = {{"axes", AllButChannelAxis(x.type().rank())}, {"keepdims", 1}};
    batch_mean = c.Op("ReduceMean", {x}, axes);
    const Value centered = c.Op("Sub", {x, c.Op("ReduceMean", {x}, kept)});
    batch_var = c.Op("ReduceMean", {c.Op("Mul", {centered, centered})}, axes);
  }
  if (c.dy()) {
    Node* node = c.OpNode("BatchNormalizationGrad", {c.dy(), x, scale, batch_mean, batch_var},
                          {{"epsilon", GetFloat(c.attributes(), "epsilon")}}, -1, c.node());
    if (node == nullptr) return gradients;
    for (int i : {bn::kX, bn::kScale, bn::kBias}) {
      if (c.needs(i)) gradients[static_cast<size_t>(i)] = node->output(i);
    }
  }
  if (c.needs(bn::kX)) {
    gradients[bn::kX] =
        Accumulate(c, gradients[bn::kX], StatisticsGradient(c, batch_mean, batch_var));
  }
  return gradients;
}

}  // namespace

InputGradients BatchNormGradient(GradientContext& c) {
  const std::string mode = GetString(c.attributes(), "mode");
  if (mode == "training") return TrainingGradient(c);
  if (mode == "inference") return InferenceGradient(c);
  c.Fail(absl::FailedPreconditionError(
      "there is none in mode auto: call ForTraining or ForInference first"));
  return InputGradients(5);
}

// The gradient of BatchNormalizationGrad as a function of dY, X, scale, mean and var. Let g = dY,
// u = scale rstd, and m() the mean per channel; the node computes
//   dX = u (g - m(g) - x^ m(g x^)), dscale = sum(g x^), dB = sum(g).
// For cotangents a of dX, p of dscale, q of dB, and S = sum(a (g - m(g) - x^ m(g x^))):
//   to g:      u (a - m(a) - x^ m(a x^)) + p x^ + q      to scale: rstd S
//   to x^:     h = p g - u (a m(g x^) + g m(a x^))       to X:     rstd h
//   to mean:   -rstd sum(h)            to var: -rstd^2/2 (u S + sum(h x^))
InputGradients BatchNormGradGradient(GradientContext& c) {
  InputGradients gradients(5);
  const Value g = c.x(0), scale = c.x(2), a = c.dy(0), p = c.dy(1), q = c.dy(2);
  Terms t(c, c.x(1), c.x(3), c.x(4));
  const Value rstd = t.rstd(), u = t.Mul(scale, rstd), xhat = t.normalized();
  const auto residual = [&](Value v, Value dot) {  // v - m(v) - x^ m(v x^)
    return t.Sub(t.Sub(v, t.Spread(t.Mean(v))), t.Mul(xhat, t.Spread(dot)));
  };
  Value to_g, h, sum;
  if (a) {
    const Value g_dot = t.Mean(t.Mul(g, xhat)), a_dot = t.Mean(t.Mul(a, xhat));
    to_g = t.Mul(residual(a, a_dot), t.Spread(u));
    sum = t.Sum(t.Mul(a, residual(g, g_dot)));
    const Value mixed = t.Add(t.Mul(a, t.Spread(g_dot)), t.Mul(g, t.Spread(a_dot)));
    h = c.Op("Neg", {t.Mul(mixed, t.Spread(u))});
  }
  if (p) {
    to_g = Accumulate(c, to_g, t.Mul(xhat, t.Spread(p)));
    h = Accumulate(c, h, t.Mul(g, t.Spread(p)));
  }
  if (q) {
    to_g = Accumulate(c, to_g,
                      c.Op("ExpandLike", {q, g}, {{"axes", AllButChannelAxis(g.type().rank())}}));
  }
  if (c.needs(0)) gradients[0] = to_g;
  if (c.needs(2) && a) gradients[2] = t.Mul(rstd, sum);
  if (h) {
    if (c.needs(1)) gradients[1] = t.Mul(h, t.Spread(rstd));
    if (c.needs(3)) gradients[3] = c.Op("Neg", {t.Mul(rstd, t.Sum(h))});
  }
  if (h && c.needs(4)) {
    const Value inner = Accumulate(c, a ? t.Mul(u, sum) : Value(), t.Sum(t.Mul(h, xhat)));
    gradients[4] = t.Times(-0.5, t.Mul(t.Mul(rstd, rstd), inner));
  }
  return gradients;
}

}  // namespace weft
