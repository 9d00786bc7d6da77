#include "frontend/train/loss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "frontend/train/config.h"
#include "graph/emitter.h"

namespace weft {
namespace {

constexpr std::string_view kBalanced = "balanced";
constexpr std::array<std::string_view, 4> kLosses = {"cross_entropy", "bce", "focal", "mse"};
// The focal loss's (1 - p)^gamma has no derivative at 0 for a gamma below 1.
constexpr double kLeastFocal = 1e-12;

absl::StatusOr<std::vector<double>> ParseClassWeights(const std::string& text) {
  std::vector<double> weights;
  if (text.empty()) return weights;
  for (const auto& part : absl::StrSplit(text, ',')) {
    double weight = 0;
    if (!absl::SimpleAtod(part, &weight) || !(weight >= 0) || !std::isfinite(weight)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "class_weights: expected numbers of at least 0, as in 1,0.5,2, got \"", part, "\""));
    }
    weights.push_back(weight);
  }
  return weights;
}

// A loss while it is composed.
class LossOfScores {
 public:
  LossOfScores(Graph& graph, Value scores, Value labels, const LossOptions& options,
               std::vector<double> weights)
      : e_(graph, "loss"),
        scores_(scores),
        labels_(labels),
        options_(options),
        weights_(std::move(weights)),
        dtype_(scores.type().dtype) {}

  absl::StatusOr<Value> Make() {
    WEFT_RETURN_IF_ERROR(CheckCount());
    const bool targets = options_.targets;
    if (options_.loss == "cross_entropy") return Done(targets ? SoftCrossEntropy() : OfClasses());
    if (options_.loss == "bce") return Done(Mean(Binary(Targets())));
    if (options_.loss == "focal") return Done(targets ? SigmoidFocal() : SoftmaxFocal());
    const Value d = Sub(scores_, Targets());
    return Done(Mean(Mul(d, d)));
  }

 private:
  absl::Status CheckCount() const {
    const bool smooth = options_.label_smoothing != 0 && options_.targets;
    const bool one_hot = options_.loss == "bce" && !options_.targets;
    if (weights_.empty() && !smooth && !one_hot) return absl::OkStatus();
    const Dim& classes = scores_.type().dim(1);
    if (!classes.is_static()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "loss: expected a known number of classes, the scores are ", ToString(scores_.type())));
    }
    if (weights_.empty() || static_cast<int64_t>(weights_.size()) == classes.coefficient()) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat("class_weights: expected one for each of the ",
                                                   classes.coefficient(), " classes, got ",
                                                   weights_.size()));
  }
  absl::StatusOr<Value> Done(Value loss) {
    WEFT_RETURN_IF_ERROR(e_.status());
    return loss;
  }

  double classes() const { return static_cast<double>(scores_.type().dim(1).coefficient()); }
  Value Number(double value) { return e_.Scalar(value, dtype_); }
  Value Add(Value a, Value b) { return e_.Op("Add", {a, b}); }
  Value Sub(Value a, Value b) { return e_.Op("Sub", {a, b}); }
  Value Mul(Value a, Value b) { return e_.Op("Mul", {a, b}); }
  Value Mean(Value v) { return e_.Op("ReduceMean", {v}, {{"keepdims", 0}}); }
  // 1 - v
  Value Not(Value v) { return Sub(Number(1), v); }

  // (1 - p)^gamma of 1 - p.
  Value Focus(Value missing) {
    return e_.Op("Pow",
                 {e_.Op("Max", {missing, Number(kLeastFocal)}), Number(options_.focal_gamma)});
  }

  Value Constant(Dims dims, const std::vector<double>& numbers) {
    absl::StatusOr<Tensor> tensor = Tensor::FromValues<double>(std::move(dims), numbers);
    if (tensor.ok()) tensor = tensor->Converted(dtype_);
    return tensor.ok() ? e_.Constant(*std::move(tensor)) : e_.Fail(tensor.status());
  }
  Value Weights() {
    if (weights_.empty()) return {};
    return Constant({static_cast<int64_t>(weights_.size())}, weights_);
  }
  // The same along axis 1 of the scores.
  Value WeightsAlongClasses(const std::vector<double>& weights) {
    Dims dims(static_cast<size_t>(scores_.type().rank()) - 1, 1);
    dims[0] = static_cast<int64_t>(weights.size());
    return Constant(std::move(dims), weights);
  }

  // The labels as numbers of the scores' shape and dtype.
  Value Targets() {
    if (!options_.targets) {
      const Value depth = e_.Scalar(classes(), DType::kI64);
      return e_.Op("OneHot", {labels_, depth, Constant({2}, {0, 1})}, {{"axis", 1}});
    }
    return dtype_ == DType::kF32 ? labels_ : e_.Op("Cast", {labels_}, {{"to", dtype_}});
  }

  AttributeMap ClassAttributes(std::string_view reduction) const {
    AttributeMap attributes = {{"reduction", std::string(reduction)}};
    if (options_.ignore_index != -1) attributes.emplace("ignore_index", options_.ignore_index);
    return attributes;
  }

  // The sum of the labels' weights, which is minus that of minus one a label. 1 instead of 0: the
  // loss of a batch in which no label counts is then 0.
  Value CountedWeight(Value weights) {
    const Value minus_one = e_.Op("ExpandLike", {Number(-1), scores_});
    const Value sum =
        e_.Op("NegativeLogLikelihoodLoss", {minus_one, labels_, weights}, ClassAttributes("sum"));
    return Add(sum, e_.Op("Cast", {e_.Op("Equal", {sum, Number(0)})}, {{"to", dtype_}}));
  }

  Value OfClasses() {
    const bool may_be_none = options_.ignore_index != -1 ||
                             std::find(weights_.begin(), weights_.end(), 0) != weights_.end();
    AttributeMap attributes = ClassAttributes(may_be_none ? "sum" : "mean");
    attributes.emplace("label_smoothing", options_.label_smoothing);
    const Value weights = Weights();
    auto node = e_.graph().AddNode({.op = "SoftmaxCrossEntropyLoss",
                                    .name = "loss",
                                    .inputs = {scores_, labels_, weights},
                                    .attributes = std::move(attributes)});
    const Value loss = node.ok() ? (*node)->output() : e_.Fail(node.status());
    return may_be_none ? e_.Op("Div", {loss, CountedWeight(weights)}) : loss;
  }

  Value SoftCrossEntropy() {
    Value shares = Targets();
    const double smoothing = options_.label_smoothing;
    if (smoothing != 0) {
      shares = Add(Mul(shares, Number(1 - smoothing)), Number(smoothing / classes()));
    }
    if (!weights_.empty()) shares = Mul(shares, WeightsAlongClasses(weights_));
    const Value log_p = e_.Op("LogSoftmax", {scores_}, {{"axis", 1}});
    const Value sums = e_.Op("ReduceSum", {Mul(shares, log_p)},
                             {{"axes", std::vector<int64_t>{1}}, {"keepdims", 0}});
    return e_.Op("Neg", {Mean(sums)});
  }

  // (1 - t) x + (1 + (w - 1) t) log(1 + e^-x), which no x makes overflow.
  Value Binary(Value t) {
    const double smoothing = options_.label_smoothing;
    if (smoothing != 0) t = Add(Mul(t, Number(1 - smoothing)), Number(smoothing / 2));
    Value positive = e_.Op("Softplus", {e_.Op("Neg", {scores_})});
    if (!weights_.empty()) {
      std::vector<double> more = weights_;
      for (double& w : more) w -= 1;
      positive = Mul(positive, Add(Mul(WeightsAlongClasses(more), t), Number(1)));
    }
    return Add(Mul(Not(t), scores_), positive);
  }

  Value SigmoidFocal() {
    const Value t = Targets(), p = e_.Op("Sigmoid", {scores_});
    // 1 - p_t is p where the answer is no, 1 - p where it is yes.
    const Value missing = Add(Mul(Not(t), p), Mul(t, Not(p)));
    Value loss = Mul(Binary(t), Focus(missing));
    const double alpha = options_.focal_alpha;
    if (alpha >= 0) loss = Mul(loss, Add(Mul(t, Number(2 * alpha - 1)), Number(1 - alpha)));
    return Mean(loss);
  }

  Value SoftmaxFocal() {
    if (options_.focal_gamma == 0) return OfClasses();
    const auto entropy = [&](Value weights) {
      return e_.Op("SoftmaxCrossEntropyLoss", {scores_, labels_, weights}, ClassAttributes("none"));
    };
    const Value weights = Weights(), plain = entropy({});
    const Value weighted = weights.null() ? plain : entropy(weights);
    const Value p = e_.Op("Exp", {e_.Op("Neg", {plain})});
    const Value sum = e_.Op("ReduceSum", {Mul(Focus(Not(p)), weighted)}, {{"keepdims", 0}});
    return e_.Op("Div", {sum, CountedWeight(weights)});
  }

  Emitter e_;
  Value scores_, labels_;
  const LossOptions& options_;
  std::vector<double> weights_;
  DType dtype_;
};

// The first option, as text, that a loss of this kind does not read.
std::string SurplusOption(const LossOptions& o) {
  const bool focal = o.loss == "focal", mse = o.loss == "mse";
  const bool graded = mse || o.loss == "bce" || o.targets;
  if (o.label_smoothing != 0 && (focal || mse))
    return absl::StrCat("label smoothing ", o.label_smoothing);
  if (!o.class_weights.empty() && (mse || (focal && o.targets))) return "class_weights";
  if (o.ignore_index != -1 && graded) return absl::StrCat("ignore_index ", o.ignore_index);
  if (o.focal_gamma != LossOptions().focal_gamma && !focal) return "focal_gamma";
  if (o.focal_alpha != LossOptions().focal_alpha && !(focal && o.targets)) return "focal_alpha";
  return "";
}

absl::Status CheckSurplus(const LossOptions& o) {
  const std::string surplus = SurplusOption(o);
  if (surplus.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(surplus, ": does not apply to the loss ", o.loss,
                                                 o.targets ? " of targets" : " of classes"));
}

absl::Status OutOfRange(std::string_view expected, double got) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", Absl(expected), ", got ", got));
}

}  // namespace

LossOptions WithLoss(LossOptions options, std::string_view loss) {
  options.loss = loss;
  if (options.loss == "focal") return options;
  options.focal_gamma = LossOptions().focal_gamma;
  options.focal_alpha = LossOptions().focal_alpha;
  return options;
}

absl::Status CheckLossOptions(const LossOptions& o) {
  if (std::find(kLosses.begin(), kLosses.end(), o.loss) == kLosses.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("loss: expected cross_entropy, bce, focal or mse, got \"", o.loss, "\""));
  }
  if (!(o.label_smoothing >= 0 && o.label_smoothing < 1)) {
    return OutOfRange("a label smoothing in [0,1)", o.label_smoothing);
  }
  if (!(o.focal_gamma >= 0) || !std::isfinite(o.focal_gamma)) {
    return OutOfRange("a focal_gamma of at least 0", o.focal_gamma);
  }
  if (o.focal_alpha != -1 && !(o.focal_alpha >= 0 && o.focal_alpha <= 1)) {
    return OutOfRange("a focal_alpha in [0,1], or -1", o.focal_alpha);
  }
  WEFT_RETURN_IF_ERROR(CheckSurplus(o));
  if (o.loss == "mse" && !o.targets) {
    return absl::InvalidArgumentError(
        "loss mse: expected numbers to learn, the labels are classes");
  }
  if (o.class_weights == kBalanced) {
    return absl::InvalidArgumentError("class_weights: balanced needs the data (FitLoss)");
  }
  WEFT_ASSIGN_OR_RETURN(const std::vector<double> weights, ParseClassWeights(o.class_weights));
  const bool nothing = !weights.empty() && *std::max_element(weights.begin(), weights.end()) == 0;
  if (nothing && o.loss != "bce") {  // whose mean does not divide by them
    return absl::InvalidArgumentError("class_weights: expected one above 0, all are 0");
  }
  return absl::OkStatus();
}

absl::Status CheckNoLossOptions(const LossOptions& options) {
  Config given, usual;
  LossOptions o = options, fallback;
  o.targets = fallback.targets;
  ConfigWriter write_given(given), write_usual(usual);
  VisitOptions(o, write_given);
  VisitOptions(fallback, write_usual);
  for (const auto& [key, value] : given) {
    if (value == usual[key]) continue;
    std::string words = key;
    std::replace(words.begin(), words.end(), '_', ' ');
    return absl::InvalidArgumentError(
        absl::StrCat(words, " ", value, ": does not apply to a model that states its own loss"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Value> ScoresFor(const Graph& graph, const LossOptions& options) {
  if (graph.outputs().empty()) {
    return absl::InvalidArgumentError("expected a model with scores as output, it has no output");
  }
  const auto& [name, value] = graph.outputs()[0];
  const bool regression = options.loss == "mse";
  const TensorType& type = value.type();
  if (type.rank() < (regression ? 1 : 2) || !kFloatTypes.contains(type.dtype)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output ", name, ": expected ", regression ? "numbers [N,...]" : "scores [N,classes]",
        ", it is ", ToString(type)));
  }
  const std::string_view op = value.node->op_name();
  if (!regression && (op == "Softmax" || op == "Sigmoid")) {
    return absl::InvalidArgumentError(absl::StrCat("output ", name, ": expected scores, it is a ",
                                                   Absl(op), ", which the loss contains"));
  }
  return value;
}

TensorType LabelsFor(const TensorType& scores, const LossOptions& options) {
  if (options.targets) return {DType::kF32, scores.shape};
  Shape shape = scores.shape;
  shape.erase(shape.begin() + 1);
  return {DType::kI64, std::move(shape)};
}

absl::StatusOr<Value> AddLoss(Graph& graph, Value scores, Value labels,
                              const LossOptions& options) {
  WEFT_RETURN_IF_ERROR(CheckLossOptions(options));
  WEFT_ASSIGN_OR_RETURN(std::vector<double> weights, ParseClassWeights(options.class_weights));
  return LossOfScores(graph, scores, labels, options, std::move(weights)).Make();
}

absl::Status CheckClasses(const Tensor& labels, int64_t classes, int64_t ignored) {
  if (labels.is_empty() || !kIndexTypes.contains(labels.dtype())) return absl::OkStatus();
  const int64_t positions = labels.rank() == 0 || labels.dims()[0] == 0
                                ? 1
                                : std::max<int64_t>(labels.size() / labels.dims()[0], 1);
  for (int64_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<int64_t>(labels.At(i));
    if ((label >= 0 && label < classes) || (label == ignored && ignored != -1)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "expected labels in [0,", classes, "), label of example ", i / positions, " is ", label));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> FitLabels(const Node& input, const Tensor& labels) {
  const TensorType& type = input.type();
  if (labels.is_empty() || labels.rank() == 0 || type.rank() == 0 ||
      !kFloatTypes.contains(type.dtype)) {
    return labels;
  }
  const bool classes = kIndexTypes.contains(labels.dtype()) && labels.rank() + 1 == type.rank() &&
                       type.dim(1).is_static();
  if (!classes) {
    auto rest = StaticDims(Shape(type.shape.begin() + 1, type.shape.end()));
    if (!rest.ok()) return labels;  // nothing to compare with
    Dims dims = *std::move(rest);
    dims.insert(dims.begin(), labels.dims()[0]);
    const auto elements = CountElements(dims);
    return elements.ok() && *elements == labels.size() ? labels.Reshaped(std::move(dims)) : labels;
  }
  const int64_t count = type.dim(1).coefficient();
  WEFT_RETURN_IF_ERROR(CheckClasses(labels, count, -1));
  Dims dims = labels.dims();
  dims.insert(dims.begin() + 1, count);
  const int64_t inner = labels.size() / std::max<int64_t>(labels.dims()[0], 1);
  WEFT_ASSIGN_OR_RETURN(Tensor shares, Tensor::Zeros(DType::kF32, std::move(dims)));
  const std::span<float> values = shares.mutable_values<float>();
  for (int64_t i = 0; i < labels.size(); ++i) {
    const int64_t n = i / inner, position = i % inner;
    const auto label = static_cast<int64_t>(labels.At(i));
    values[static_cast<size_t>((n * count + label) * inner + position)] = 1;
  }
  return shares;
}

std::string BalancedWeights(std::span<const double> counts, double n, const LossOptions& options) {
  std::string text;
  for (const double count : counts) {
    double weight = 1;
    if (count > 0 && options.loss == "bce") {
      weight = (n - count) / count;
    } else if (count > 0) {
      weight = n / (static_cast<double>(counts.size()) * count);
    }
    absl::StrAppend(&text, text.empty() ? "" : ",", weight);
  }
  return text;
}

absl::Status FitLoss(const Dataset& dataset, LossOptions& options) {
  options.targets = dataset.targets();
  if (options.class_weights != kBalanced) return absl::OkStatus();
  WEFT_RETURN_IF_ERROR(CheckSurplus(options));
  if (dataset.class_names().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("class_weights: balanced needs data whose classes are known, those of ",
                     dataset.name(), " are not; write the weights as 1,0.5,2"));
  }
  const auto size = static_cast<size_t>(dataset.label_size());
  std::vector<double> counts(dataset.class_names().size());
  std::vector<int64_t> classes(dataset.targets() ? 0 : size);
  std::vector<float> targets(dataset.targets() ? size : 0);
  double n = 0;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    WEFT_RETURN_IF_ERROR(dataset.ReadLabels(i, LabelBuffer{classes, targets}));
    n += dataset.targets() ? 1 : 0;
    for (const int64_t label : classes) {
      const bool known = label >= 0 && label < static_cast<int64_t>(counts.size());
      if (!known || label == options.ignore_index) continue;
      counts[static_cast<size_t>(label)] += 1;
      n += 1;
    }
    for (size_t c = 0; c < std::min(targets.size(), counts.size()); ++c) counts[c] += targets[c];
  }
  options.class_weights = BalancedWeights(counts, n, options);
  return absl::OkStatus();
}

}  // namespace weft
