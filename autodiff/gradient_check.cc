#include "autodiff/gradient_check.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "autodiff/gradients.h"
#include "graph/bind.h"

namespace weft {
namespace {

// Derivatives below this count as this large: smaller ones drown in rounding.
constexpr double kSmallestDerivative = 1e-4;

using Vector = std::vector<double>;

double MaxNorm(std::span<const double> values) {
  double result = 0;
  for (double v : values) result = std::max(result, std::abs(v));
  return result;
}

// "[0,2,1,1]" for the element at `offset`.
std::string Position(int64_t offset, const Dims& dims) {
  Dims position(dims.size());
  for (size_t axis = dims.size(); axis-- > 0;) {
    position[axis] = offset % dims[axis];
    offset /= dims[axis];
  }
  return ToString(position);
}

std::string OutputName(size_t i) { return absl::StrCat("y", i); }
std::string GradientName(size_t i) { return absl::StrCat("dx", i); }

absl::StatusOr<std::vector<Value>> MapValues(std::span<const Value> values, const NodeMap& map) {
  std::vector<Value> result;
  for (Value v : values) {
    auto found = map.find(v.node);
    if (found == map.end()) {
      return absl::InvalidArgumentError("gradient check: a value that is not of the graph");
    }
    result.push_back(Value{found->second, v.index});
  }
  return result;
}

class Checker {
 public:
  Checker(Graph graph, const TensorMap& feeds, Evaluator& evaluator,
          const GradientCheckOptions& options)
      : graph_(std::move(graph)),
        feeds_(feeds),
        evaluator_(evaluator),
        options_(options),
        random_(options.seed) {}

  // `ys` and `xs` belong to the checker's graph.
  absl::Status Prepare(std::span<const Value> ys, std::span<const Value> xs);
  absl::StatusOr<GradientCheckResult> Check();

 private:
  absl::Status DrawCotangents();
  absl::Status RunGradients(std::span<const Value> ys, std::span<const Value> xs);
  absl::Status CheckOne(size_t i);
  absl::Status Compare(size_t i, const Vector& direction, std::string_view where);
  // The derivative of the weighted outputs along `direction` in x, by differences.
  absl::StatusOr<double> Numerical(Node* x, const Vector& direction);
  absl::StatusOr<double> CentralDifference(Node* x, const Vector& direction, double step);
  absl::StatusOr<std::vector<Tensor>> RunAt(Node* x, const Vector& direction, double step);
  double Uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  const Tensor& PointOf(const Node* x) const {
    return x->op_name() == kInput ? feeds_.find(x->name())->second : LeafValue(*x);
  }

  Graph graph_;
  const TensorMap& feeds_;
  Evaluator& evaluator_;
  const GradientCheckOptions& options_;
  std::mt19937_64 random_;
  size_t num_ys_ = 0;
  std::vector<Node*> xs_;
  std::vector<Tensor> cotangents_;  // of the ys
  std::vector<Tensor> gradients_;   // of the xs, by Gradients
  GradientCheckResult result_;
};

absl::Status Checker::Prepare(std::span<const Value> ys, std::span<const Value> xs) {
  num_ys_ = ys.size();
  graph_.ClearOutputs();
  graph_.ClearUpdates();
  for (size_t i = 0; i < ys.size(); ++i) {
    WEFT_RETURN_IF_ERROR(graph_.AddOutput(OutputName(i), ys[i]));
  }
  for (size_t i = 0; i < xs.size(); ++i) {
    // As outputs, xs that nothing reads survive the removal of what is not under test.
    WEFT_RETURN_IF_ERROR(graph_.AddOutput(absl::StrCat("x", i), xs[i]));
    xs_.push_back(xs[i].node);
  }
  graph_.RemoveDeadNodes();
  WEFT_RETURN_IF_ERROR(DrawCotangents());
  return RunGradients(ys, xs);
}

absl::Status Checker::DrawCotangents() {
  WEFT_ASSIGN_OR_RETURN(TensorMap outputs, evaluator_.RunGraph(graph_, feeds_));
  for (size_t i = 0; i < num_ys_; ++i) {
    Tensor cotangent = outputs.at(OutputName(i));
    if (cotangent.dtype() != DType::kF64) {
      return absl::InvalidArgumentError(
          absl::StrCat("gradient check: y is ", ToString(cotangent.type()), ", not f64"));
    }
    for (double& c : cotangent.mutable_values<double>()) c = 2 * Uniform() - 1;
    cotangents_.push_back(std::move(cotangent));
  }
  return absl::OkStatus();
}

absl::Status Checker::RunGradients(std::span<const Value> ys, std::span<const Value> xs) {
  NodeMap map;
  Graph graph = Clone(graph_, &map);
  std::vector<Value> cotangents;
  for (size_t i = 0; i < num_ys_; ++i) {
    WEFT_ASSIGN_OR_RETURN(
        cotangents.emplace_back(),
        graph.AddConstant(graph.UniqueName(absl::StrCat("cotangent", i)), cotangents_[i]));
  }
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> own_ys, MapValues(ys, map));
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> own_xs, MapValues(xs, map));
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> gradients, Gradients(graph, own_ys, own_xs, cotangents));
  graph.ClearOutputs();
  for (size_t i = 0; i < gradients.size(); ++i) {
    WEFT_RETURN_IF_ERROR(graph.AddOutput(GradientName(i), gradients[i]));
  }
  graph.RemoveDeadNodes();
  WEFT_ASSIGN_OR_RETURN(TensorMap outputs, evaluator_.RunGraph(graph, feeds_));
  for (size_t i = 0; i < gradients.size(); ++i) {
    gradients_.push_back(outputs.at(GradientName(i)));
  }
  return absl::OkStatus();
}

absl::StatusOr<GradientCheckResult> Checker::Check() {
  for (size_t i = 0; i < xs_.size(); ++i) WEFT_RETURN_IF_ERROR(CheckOne(i));
  return result_;
}

absl::Status Checker::CheckOne(size_t i) {
  const Tensor point = PointOf(xs_[i]);
  if (gradients_[i].dims() != point.dims()) {
    return absl::InternalError(absl::StrCat("gradient check: ", xs_[i]->name(), " is ",
                                            ToString(point.type()), ", its gradient ",
                                            ToString(gradients_[i].type())));
  }
  if (point.size() == 0) return absl::OkStatus();
  std::vector<int64_t> elements(static_cast<size_t>(point.size()));
  std::iota(elements.begin(), elements.end(), 0);
  if (elements.size() > static_cast<size_t>(options_.max_elements)) {
    for (size_t k = elements.size(); k-- > 1;)
      std::swap(elements[k], elements[random_() % (k + 1)]);
    elements.resize(static_cast<size_t>(options_.max_elements));
  }
  Vector direction(static_cast<size_t>(point.size()), 0.0);
  for (int64_t element : elements) {
    direction[static_cast<size_t>(element)] = 1;
    WEFT_RETURN_IF_ERROR(Compare(i, direction, Position(element, point.dims())));
    direction[static_cast<size_t>(element)] = 0;
  }
  for (int k = 0; k < options_.directions; ++k) {
    for (double& d : direction) d = random_() & 1 ? 1 : -1;
    WEFT_RETURN_IF_ERROR(Compare(i, direction, absl::StrCat(" along direction ", k)));
  }
  return absl::OkStatus();
}

absl::Status Checker::Compare(size_t i, const Vector& direction, std::string_view where) {
  WEFT_ASSIGN_OR_RETURN(double numerical, Numerical(xs_[i], direction));
  std::span<const double> gradient = gradients_[i].values<double>();
  const double ruled = std::inner_product(gradient.begin(), gradient.end(), direction.begin(), 0.0);
  const double scale =
      std::max({std::abs(ruled), std::abs(numerical), MaxNorm(gradient), kSmallestDerivative});
  const double error = std::abs(ruled - numerical) / scale;
  ++result_.comparisons;
  if (error <= result_.error) return absl::OkStatus();  // false for NaN, which is kept
  if (!std::isnan(result_.error)) {
    result_.error = error;
    result_.where =
        absl::StrCat(xs_[i]->name(), Absl(where), ": by rule ", ruled, ", numerically ", numerical);
  }
  return absl::OkStatus();
}

absl::StatusOr<double> Checker::Numerical(Node* x, const Vector& direction) {
  WEFT_ASSIGN_OR_RETURN(double coarse, CentralDifference(x, direction, options_.step));
  WEFT_ASSIGN_OR_RETURN(double fine, CentralDifference(x, direction, options_.step / 2));
  return (4 * fine - coarse) / 3;
}

absl::StatusOr<double> Checker::CentralDifference(Node* x, const Vector& direction, double step) {
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> above, RunAt(x, direction, step));
  WEFT_ASSIGN_OR_RETURN(std::vector<Tensor> below, RunAt(x, direction, -step));
  double sum = 0;
  for (size_t i = 0; i < above.size(); ++i) {
    std::span<const double> a = above[i].values<double>(), b = below[i].values<double>();
    std::span<const double> c = cotangents_[i].values<double>();
    for (size_t k = 0; k < a.size(); ++k) sum += c[k] * (a[k] - b[k]);
  }
  return sum / (2 * step);
}

absl::StatusOr<std::vector<Tensor>> Checker::RunAt(Node* x, const Vector& direction, double step) {
  const Tensor point = PointOf(x);
  Tensor moved = point;
  std::span<double> values = moved.mutable_values<double>();
  for (size_t k = 0; k < values.size(); ++k) values[k] += step * direction[k];

  TensorMap feeds = feeds_;
  const bool fed = x->op_name() == kInput;
  if (fed) {
    feeds.find(x->name())->second = moved;
  } else {
    WEFT_RETURN_IF_ERROR(graph_.SetLeafValue(x, moved));
  }
  absl::StatusOr<TensorMap> outputs = evaluator_.RunGraph(graph_, feeds);
  if (!fed) WEFT_RETURN_IF_ERROR(graph_.SetLeafValue(x, point));
  WEFT_RETURN_IF_ERROR(outputs.status());
  std::vector<Tensor> ys;
  for (size_t i = 0; i < num_ys_; ++i) ys.push_back(outputs->at(OutputName(i)));
  return ys;
}

absl::Status CheckLeaf(Value x, const TensorMap& feeds) {
  if (x.null()) return absl::InvalidArgumentError("gradient check: a null x");
  const std::string_view op = x.node->op_name();
  if (op != kInput && op != kVariable && op != kConstant) {
    return absl::InvalidArgumentError(
        absl::StrCat("gradient check: ", x.node->Describe(), " is not an input or variable"));
  }
  if (x.type().dtype != DType::kF64) {
    return absl::InvalidArgumentError(
        absl::StrCat("gradient check: ", x.ToString(), " is ", ToString(x.type()), ", not f64"));
  }
  if (op == kInput && !feeds.contains(x.node->name())) {
    return absl::InvalidArgumentError(
        absl::StrCat("gradient check: no feed for input ", x.node->name()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<GradientCheckResult> CheckGradients(const Graph& graph, std::span<const Value> ys,
                                                   std::span<const Value> xs,
                                                   const TensorMap& feeds, Evaluator& evaluator,
                                                   const GradientCheckOptions& options) {
  for (Value x : xs) WEFT_RETURN_IF_ERROR(CheckLeaf(x, feeds));
  WEFT_ASSIGN_OR_RETURN(SymbolBindings bindings, BindingsFromFeeds(graph, feeds));
  NodeMap map;
  WEFT_ASSIGN_OR_RETURN(Graph bound, Bind(graph, bindings, {}, &map));
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> bound_ys, MapValues(ys, map));
  WEFT_ASSIGN_OR_RETURN(std::vector<Value> bound_xs, MapValues(xs, map));
  Checker checker(std::move(bound), feeds, evaluator, options);
  WEFT_RETURN_IF_ERROR(checker.Prepare(bound_ys, bound_xs));
  return checker.Check();
}

}  // namespace weft
