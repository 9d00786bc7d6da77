#include "frontend/build/layers/loss.h"

#include <cmath>
#include <limits>
#include <utility>

#include "frontend/build/builder.h"
#include "frontend/build/builder_layer.h"

namespace weft {
namespace {

// The layer of a loss while it is composed: arithmetic on values of x's dtype, and the reduction.
class Loss {
 public:
  Loss(Builder& builder, std::string_view kind, const std::string& name, const Where& where,
       std::string reduction, Value x)
      : layer_(builder, kind, name, where),
        reduction_(std::move(reduction)),
        dtype_(x ? x.type().dtype : DType::kF32) {}

  // That the operands have one shape. (Broadcasting is seldom what was meant.)
  bool ExpectOneShape(Value x, Value target) {
    if (!layer_.ok()) return false;
    if (x && target && x.type().shape == target.type().shape) return true;
    const auto text = [](Value v) { return v ? ToString(v.type()) : std::string("none"); };
    layer_.Fail(absl::InvalidArgumentError(absl::StrCat(
        "expected a target of the input's shape, got ", text(target), " for ", text(x))));
    return false;
  }
  bool Expect(bool holds, std::string_view what, double got) {
    if (layer_.ok() && !holds) {
      layer_.Fail(absl::InvalidArgumentError(absl::StrCat("expected ", Absl(what), ", got ", got)));
    }
    return layer_.ok();
  }

  Value Op(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {}) {
    return layer_.Part(op, std::move(inputs), std::move(attributes));
  }
  Value Number(double value) { return layer_.Scalar(value, dtype_); }
  Value Neg(Value a) { return Op("Neg", {a}); }
  Value Add(Value a, Value b) { return Op("Add", {a, b}); }
  Value Sub(Value a, Value b) { return Op("Sub", {a, b}); }
  Value Mul(Value a, Value b) { return Op("Mul", {a, b}); }
  Value Max(Value a, double b) { return Op("Max", {a, Number(b)}); }
  Value Min(Value a, double b) { return Op("Min", {a, Number(b)}); }

  // The numbers as a constant NAME.suffix [n,1,...] that broadcasts along the last axes.
  Value Weights(std::string_view suffix, const std::vector<double>& numbers, int axes_after = 0) {
    if (!layer_.ok()) return {};
    Dims dims(static_cast<size_t>(axes_after) + 1, 1);
    dims[0] = static_cast<int64_t>(numbers.size());
    absl::StatusOr<Tensor> tensor = Tensor::FromValues<double>(std::move(dims), numbers);
    if (tensor.ok() && kFloatTypes.contains(dtype_)) tensor = tensor->Converted(dtype_);
    return tensor.ok() ? layer_.Constant(suffix, *std::move(tensor)) : layer_.Fail(tensor.status());
  }

  // The loss `op(inputs)` of every element, reduced.
  Value Reduce(std::string_view op, std::vector<Value> inputs) {
    if (reduction_ == "none") return layer_.Result(op, std::move(inputs));
    if (reduction_ != "mean" && reduction_ != "sum") {
      return layer_.Fail(absl::InvalidArgumentError(absl::StrCat(
          "expected a reduction of \"mean\", \"sum\" or \"none\", got \"", reduction_, "\"")));
    }
    return layer_.Result(reduction_ == "mean" ? "ReduceMean" : "ReduceSum",
                         {Op(op, std::move(inputs))}, {{"keepdims", 0}});
  }
  Layer& layer() { return layer_; }
  const std::string& reduction() const { return reduction_; }

 private:
  Layer layer_;
  std::string reduction_;
  DType dtype_;
};

constexpr auto kSumOverClasses = [](bool keep) {
  return AttributeMap{{"axes", std::vector<int64_t>{1}}, {"keepdims", keep ? 1 : 0}};
};

// A loss against labels that is one op, with class weights as its third input.
template <typename Options>
Value LabelLoss(Builder& builder, std::string_view op, Value scores, Value labels, const Options& o,
                AttributeMap attributes, const Where& where) {
  Loss loss(builder, op, o.name, where, o.reduction, scores);
  attributes.emplace("reduction", o.reduction);
  if (o.ignore_index) attributes.emplace("ignore_index", *o.ignore_index);
  std::vector<Value> inputs = {scores, labels};
  if (!o.class_weights.empty()) {
    inputs.push_back(loss.Weights("class_weights", o.class_weights));
  }
  return loss.layer().Node(std::move(inputs), std::move(attributes));
}

}  // namespace

Value LossLayers::CrossEntropy(Value scores, Value labels, const CrossEntropyOptions& o,
                               Where where) {
  return LabelLoss(builder(), "SoftmaxCrossEntropyLoss", scores, labels, o,
                   {{"label_smoothing", o.label_smoothing}}, where);
}

Value LossLayers::NegativeLogLikelihood(Value log_probabilities, Value labels, const NllOptions& o,
                                        Where where) {
  return LabelLoss(builder(), "NegativeLogLikelihoodLoss", log_probabilities, labels, o, {}, where);
}

Value LossLayers::SoftCrossEntropy(Value scores, Value probabilities,
                                   const SoftCrossEntropyOptions& o, Where where) {
  Loss loss(builder(), "SoftCrossEntropy", o.name, where, o.reduction, scores);
  if (!loss.ExpectOneShape(scores, probabilities)) return {};
  if (!loss.Expect(scores.type().rank() >= 2, "scores [N,C,...], of a rank of at least 2",
                   scores.type().rank()) ||
      !loss.Expect(o.label_smoothing >= 0 && o.label_smoothing <= 1, "label_smoothing in [0,1]",
                   o.label_smoothing)) {
    return {};
  }
  Value target = probabilities;
  if (o.label_smoothing > 0) {
    const int64_t classes = loss.layer().KnownExtent(scores, 1, "classes");
    target = loss.Add(loss.Mul(target, loss.Number(1 - o.label_smoothing)),
                      loss.Number(o.label_smoothing / static_cast<double>(classes)));
  }
  if (!o.class_weights.empty()) {
    const int64_t classes = loss.layer().KnownExtent(scores, 1, "classes");
    if (!loss.Expect(o.class_weights.size() == static_cast<size_t>(classes),
                     absl::StrCat("one of the class_weights for each of the ", classes, " classes"),
                     static_cast<double>(o.class_weights.size()))) {
      return {};
    }
    target =
        loss.Mul(target, loss.Weights("class_weights", o.class_weights, scores.type().rank() - 2));
  }
  const Value log_p = loss.Op("LogSoftmax", {scores}, {{"axis", 1}});
  return loss.Reduce("Neg",
                     {loss.Op("ReduceSum", {loss.Mul(target, log_p)}, kSumOverClasses(false))});
}

Value LossLayers::Mse(Value x, Value target, const RegressionLossOptions& o, Where where) {
  Loss loss(builder(), "Mse", o.name, where, o.reduction, x);
  if (!loss.ExpectOneShape(x, target)) return {};
  const Value d = loss.Sub(x, target);
  return loss.Reduce("Mul", {d, d});
}

Value LossLayers::L1(Value x, Value target, const RegressionLossOptions& o, Where where) {
  Loss loss(builder(), "L1", o.name, where, o.reduction, x);
  if (!loss.ExpectOneShape(x, target)) return {};
  return loss.Reduce("Abs", {loss.Sub(x, target)});
}

// With a = |x - target| and m = min(a, beta): m (a - m / 2) / beta.
Value LossLayers::SmoothL1(Value x, Value target, const SmoothL1Options& o, Where where) {
  if (o.beta == 0) return L1(x, target, {.reduction = o.reduction, .name = o.name}, where);
  Loss loss(builder(), "SmoothL1", o.name, where, o.reduction, x);
  if (!loss.Expect(o.beta > 0, "a beta of at least 0", o.beta)) return {};
  if (!loss.ExpectOneShape(x, target)) return {};
  const Value a = loss.Op("Abs", {loss.Sub(x, target)}), m = loss.Min(a, o.beta);
  const Value twice = loss.Sub(a, loss.Mul(m, loss.Number(0.5)));
  return loss.Reduce("Mul", {loss.Mul(m, loss.Number(1 / o.beta)), twice});
}

Value LossLayers::Huber(Value x, Value target, const HuberOptions& o, Where where) {
  Loss loss(builder(), "Huber", o.name, where, o.reduction, x);
  if (!loss.Expect(o.delta > 0, "a delta above 0", o.delta)) return {};
  if (!loss.ExpectOneShape(x, target)) return {};
  const Value a = loss.Op("Abs", {loss.Sub(x, target)}), m = loss.Min(a, o.delta);
  return loss.Reduce("Mul", {m, loss.Sub(a, loss.Mul(m, loss.Number(0.5)))});
}

Value LossLayers::BinaryCrossEntropy(Value p, Value target, const RegressionLossOptions& o,
                                     Where where) {
  Loss loss(builder(), "BinaryCrossEntropy", o.name, where, o.reduction, p);
  if (!loss.ExpectOneShape(p, target)) return {};
  // e^-100, or what floats have above 0. The logarithm below sees no less, so that its gradient is
  // finite.
  const double least =
      p.type().dtype == DType::kF64 ? std::exp(-100.0) : std::numeric_limits<float>::min();
  const auto log = [&](Value v) {
    const Value below = loss.Op("LessOrEqual", {v, loss.Number(least)});  // not of NaN
    return loss.Op("Where", {below, loss.Number(-100), loss.Op("Log", {loss.Max(v, least)})});
  };
  const Value one = loss.Number(1);
  const Value yes = loss.Mul(target, log(p));
  const Value no = loss.Mul(loss.Sub(one, target), log(loss.Sub(one, p)));
  return loss.Reduce("Neg", {loss.Add(yes, no)});
}

// (1 - t) x + (1 + (w - 1) t) log(1 + e^-x) with the weight w of positive answers.
Value LossLayers::BinaryCrossEntropyWithLogits(Value x, Value target, const BceWithLogitsOptions& o,
                                               Where where) {
  Loss loss(builder(), "BinaryCrossEntropyWithLogits", o.name, where, o.reduction, x);
  if (!loss.ExpectOneShape(x, target)) return {};
  const Value one = loss.Number(1);
  Value positive = loss.Op("Softplus", {loss.Neg(x)});
  if (!o.pos_weight.empty()) {
    const size_t n = o.pos_weight.size();
    const int rank = x.type().rank();
    const bool fits =
        n == 1 || (rank > 0 && x.type().dim(rank - 1) == Dim(static_cast<int64_t>(n)));
    if (!loss.Expect(fits, "one pos_weight or one an element of the last axis",
                     static_cast<double>(n))) {
      return {};
    }
    const Value more = loss.Sub(loss.Weights("pos_weight", o.pos_weight), one);
    // A scalar stays one.
    const Value weight = rank == 0 ? loss.Op("Reshape", {more, loss.layer().Ints({})}) : more;
    positive = loss.Mul(loss.Add(loss.Mul(weight, target), one), positive);
  }
  return loss.Reduce("Add", {loss.Mul(loss.Sub(one, target), x), positive});
}

Value LossLayers::KlDivergence(Value x, Value target, const KlDivergenceOptions& o, Where where) {
  const bool batch = o.reduction == "batchmean";
  Loss loss(builder(), "KlDivergence", o.name, where, o.reduction, x);
  if (!loss.ExpectOneShape(x, target)) return {};
  // 0 log 0 is 0: the logarithm sees no 0.
  const double least = x.type().dtype == DType::kF64 ? std::numeric_limits<double>::min()
                                                     : std::numeric_limits<float>::min();
  const Value p = o.log_target ? loss.Op("Exp", {target}) : target;
  const Value log_p = o.log_target ? target : loss.Op("Log", {loss.Max(target, least)});
  const std::vector<Value> factors = {p, loss.Sub(log_p, x)};
  if (!batch) return loss.Reduce("Mul", factors);
  if (!loss.Expect(x.type().rank() >= 1, "a batch axis, so a rank of at least 1", 0)) return {};
  std::vector<int64_t> rest;
  for (int axis = 1; axis < x.type().rank(); ++axis) rest.push_back(axis);
  Value sums = loss.Op("Mul", factors);
  if (!rest.empty()) sums = loss.Op("ReduceSum", {sums}, {{"axes", rest}});
  return loss.layer().Result("ReduceMean", {sums}, {{"keepdims", 0}});
}

Value LossLayers::Hinge(Value x, Value target, const HingeOptions& o, Where where) {
  Loss loss(builder(), "Hinge", o.name, where, o.reduction, x);
  if (!loss.ExpectOneShape(x, target)) return {};
  return loss.Reduce("Relu", {loss.Sub(loss.Number(o.margin), loss.Mul(target, x))});
}

// The score of the label is minus its negative log-likelihood loss, as is its weight that of -1.
Value LossLayers::MultiMargin(Value scores, Value labels, const MultiMarginOptions& o,
                              Where where) {
  Loss loss(builder(), "MultiMargin", o.name, where, o.reduction, scores);
  if (!loss.layer().ExpectRank(scores, 2, "[N,C]")) return {};
  if (!loss.Expect(o.p == 1 || o.p == 2, "p to be 1 or 2", static_cast<double>(o.p)) ||
      !loss.Expect(o.margin > 0, "a margin above 0", o.margin)) {
    return {};
  }
  const int64_t classes = loss.layer().KnownExtent(scores, 1, "classes");
  const AttributeMap each = {{"reduction", "none"}};
  const Value minus_score = loss.Op("NegativeLogLikelihoodLoss", {scores, labels}, each);
  const Value column = loss.Op("Reshape", {minus_score, loss.layer().Ints({-1, 1})});
  const Value distance = loss.Add(loss.Add(scores, column), loss.Number(o.margin));
  Value lost = loss.Op("Relu", {distance});
  if (o.p == 2) lost = loss.Mul(lost, lost);
  // The label itself has lost the margin, which does not count.
  const double own = o.p == 2 ? o.margin * o.margin : o.margin;
  const Value sum = loss.Op("ReduceSum", {lost}, kSumOverClasses(false));
  Value share = loss.Number(1 / static_cast<double>(std::max<int64_t>(classes, 1)));
  if (!o.class_weights.empty()) {
    const Value minus_one = loss.Op("ExpandLike", {loss.Number(-1), scores});
    const Value weights = loss.Weights("class_weights", o.class_weights);
    share =
        loss.Mul(share, loss.Op("NegativeLogLikelihoodLoss", {minus_one, labels, weights}, each));
  }
  return loss.Reduce("Mul", {loss.Sub(sum, loss.Number(own)), share});
}

}  // namespace weft
