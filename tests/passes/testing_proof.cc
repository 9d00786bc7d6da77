#include "tests/passes/testing_proof.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <unordered_set>

#include "graph/bind.h"
#include "graph/text.h"
#include "ops/reference.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using NodeValues = std::unordered_map<const Node*, std::vector<Tensor>>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Adds some ulps of the largest element.
void Disturb(Tensor& tensor, std::mt19937& random) {
  if (!kFloatTypes.contains(tensor.dtype())) return;
  double largest = 0;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    if (std::isfinite(tensor.At(i))) largest = std::max(largest, std::abs(tensor.At(i)));
  }
  const double most = largest * (tensor.dtype() == DType::kF32 ? 1e-6 : 1e-14);
  (void)VisitFloat(tensor.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (T& x : tensor.mutable_values<T>()) {
      x += static_cast<T>(most * (2 * static_cast<double>(random()) / 4294967296.0 - 1));
    }
  });
}

// The values of all nodes; with `noise` those that are computed are disturbed.
absl::StatusOr<NodeValues> AllValues(const RandomGraph& random, std::mt19937* noise = nullptr) {
  NodeValues values;
  for (const Node& node : random.graph.nodes()) {
    if (node.op_name() == kInput) {
      values[&node] = {random.feeds.at(node.name())};
      continue;
    }
    std::vector<Tensor> inputs;
    for (const Value& v : node.inputs()) {
      inputs.push_back(v ? values.at(v.node)[static_cast<size_t>(v.index)] : Tensor());
    }
    WEFT_ASSIGN_OR_RETURN(values[&node], ValuesOf(node, inputs));
    if (noise == nullptr || node.num_inputs() == 0) continue;
    for (Tensor& tensor : values[&node]) Disturb(tensor, *noise);
  }
  return values;
}

// Relative to the largest finite element; infinite where an integer, an infinity or a NaN is not
// the same.
double Difference(const Tensor& expected, const Tensor& actual) {
  if (expected.type() != actual.type()) return kInfinity;
  const bool is_float = kRealTypes.contains(expected.dtype());
  double largest = 1e-3, difference = 0;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double e = expected.At(i), a = actual.At(i);
    if (std::isfinite(e)) largest = std::max(largest, std::abs(e));
    if (e == a || (std::isnan(e) && std::isnan(a))) continue;
    if (!is_float || !std::isfinite(e) || !std::isfinite(a)) return kInfinity;
    difference = std::max(difference, std::abs(e - a));
  }
  return difference / largest;
}

// How much rounding changes the value, which is of `random`'s graph.
double Sensitivity(const RandomGraph& random, Value value, const Tensor& expected) {
  std::mt19937 noise(1);
  double worst = 0;
  for (int i = 0; i < 4; ++i) {
    const auto values = AllValues(random, &noise);
    if (!values.ok()) return 0;
    worst = std::max(
        worst, Difference(expected, values->at(value.node)[static_cast<size_t>(value.index)]));
  }
  return worst;
}

std::string DifferenceOf(const RandomGraph& random, const Graph& optimized, double tolerance) {
  ReferenceEvaluator evaluator;
  const auto expected = evaluator.RunGraph(random.graph, random.feeds);
  if (!expected.ok()) return "";  // of a graph that cannot run nothing is known
  const auto actual = evaluator.RunGraph(optimized, random.feeds);
  if (!actual.ok()) return absl::StrCat("running: ", actual.status().message());
  for (size_t i = 0; i < random.graph.outputs().size(); ++i) {
    const auto& [name, value] = random.graph.outputs()[i];
    const TensorType& type = optimized.outputs()[i].value.type();
    if (type != value.type()) {
      return absl::StrCat(name, ": expected ", ToString(value.type()), ", got ", ToString(type));
    }
    const double difference = Difference(expected->at(name), actual->at(name));
    if (difference <= tolerance) continue;
    if (difference <= 100 * Sensitivity(random, value, expected->at(name))) continue;
    return absl::StrCat(name, ": differs by ", difference, " of the largest");
  }
  return "";
}

// A copy of what `outputs` need. The results of `cut`, where there is one, are the operand
// `operand`, or with -1 inputs and with -2 constants of the values that they have.
class Copier {
 public:
  Copier(const RandomGraph& from, const NodeValues& values) : from_(from), values_(values) {}

  std::optional<RandomGraph> Copy(std::span<const NamedValue> outputs, const Node* cut = nullptr,
                                  int operand = 0) {
    cut_ = cut;
    operand_ = operand;
    for (const NamedValue& output : outputs) Need(output.value);
    RandomGraph to;
    for (const Node& node : from_.graph.nodes()) {
      if (&node != cut && !needed_.contains(&node)) continue;
      if (!(&node == cut ? CopyCut(node, to) : CopyNode(node, to))) return std::nullopt;
    }
    for (const NamedValue& output : outputs) {
      const Value value = map_[{output.value.node, output.value.index}];
      if (value.null() || !to.graph.AddOutput(output.name, value).ok()) return std::nullopt;
    }
    return to;
  }

 private:
  void Need(Value value) {
    if (value.node == cut_) {
      is_cut_needed_ = true;
      if (operand_ >= 0) Need(cut_->input(operand_));
      return;
    }
    if (!needed_.insert(value.node).second) return;
    for (const Value& v : value.node->inputs()) {
      if (v) Need(v);
    }
  }

  bool CopyNode(const Node& node, RandomGraph& to) {
    if (node.op_name() == kInput) return AddInput(node.output(), node.name(), to);
    NodeSpec spec{.op = std::string(node.op_name()),
                  .name = node.name(),
                  .attributes = node.attributes(),
                  .num_outputs = node.num_outputs()};
    for (const Value& v : node.inputs()) {
      spec.inputs.push_back(v ? map_[{v.node, v.index}] : Value());
    }
    const auto copy = to.graph.AddNode(std::move(spec));
    for (int i = 0; copy.ok() && i < node.num_outputs(); ++i) map_[{&node, i}] = (*copy)->output(i);
    return copy.ok();
  }

  bool CopyCut(const Node& node, RandomGraph& to) {
    if (!is_cut_needed_) return true;
    for (int i = 0; i < node.num_outputs(); ++i) {
      if (from_.graph.CountReaders(node.output(i)) == 0) continue;
      const std::string name = i == 0 ? node.name() : absl::StrCat(node.name(), "_", i);
      if (operand_ >= 0) {
        const Value v = node.input(operand_);
        if (v.type() != node.type(i)) return false;
        map_[{&node, i}] = map_[{v.node, v.index}];
      } else if (operand_ == -1) {
        if (!AddInput(node.output(i), name, to)) return false;
      } else {
        const auto constant = to.graph.AddConstant(name, ValueAt(node.output(i)));
        if (!constant.ok()) return false;
        map_[{&node, i}] = *constant;
      }
    }
    return true;
  }

  const Tensor& ValueAt(Value v) const { return values_.at(v.node)[static_cast<size_t>(v.index)]; }

  bool AddInput(Value value, const std::string& name, RandomGraph& to) {
    const auto input = to.graph.AddInput(name, value.type());
    if (!input.ok()) return false;
    map_[{value.node, value.index}] = *input;
    to.feeds[input->node->name()] = ValueAt(value);
    return true;
  }

  const RandomGraph& from_;
  const NodeValues& values_;
  const Node* cut_ = nullptr;
  int operand_ = 0;
  bool is_cut_needed_ = false;
  std::unordered_set<const Node*> needed_;
  std::map<std::pair<const Node*, int>, Value> map_;
};

// One step of Shrink; nullopt where nothing smaller fails.
std::optional<RandomGraph> Smaller(const RandomGraph& random, const Fails& fails) {
  const auto values = AllValues(random);
  if (!values.ok()) return std::nullopt;
  const auto& outputs = random.graph.outputs();
  for (size_t i = 0; outputs.size() > 1 && i < outputs.size(); ++i) {
    auto smaller = Copier(random, *values).Copy(std::span(outputs).subspan(i, 1));
    if (smaller && fails(*smaller)) return smaller;
  }
  // An operand of the last node instead of its result.
  for (const Value& v : outputs[0].value.node->inputs()) {
    const NamedValue before[] = {{outputs[0].name, v}};
    if (outputs.size() > 1 || v.null() || v.node->num_inputs() == 0) continue;
    auto smaller = Copier(random, *values).Copy(before);
    if (smaller && fails(*smaller)) return smaller;
  }
  for (auto node = random.graph.nodes().rbegin(); node != random.graph.nodes().rend(); ++node) {
    if (node->num_inputs() == 0) continue;
    for (int operand = -2; operand < node->num_inputs(); ++operand) {
      if (operand >= 0 && node->input(operand).null()) continue;
      auto smaller = Copier(random, *values).Copy(outputs, &*node, operand);
      if (smaller && fails(*smaller)) return smaller;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string Mistake(const RandomGraph& random, const PassOptions& options, double tolerance) {
  Graph graph = Clone(random.graph);
  const auto report = Optimize(graph, options);
  if (!report.ok()) return absl::StrCat("optimizing: ", report.status().message());
  if (const absl::Status status = graph.Verify(); !status.ok()) {
    return absl::StrCat("verifying: ", status.message());
  }
  std::string difference = DifferenceOf(random, graph, tolerance);
  if (!difference.empty()) return difference + "\n" + report->ToString();
  const std::string once = ToText(graph);
  const auto second = Optimize(graph, options);
  if (!second.ok()) return absl::StrCat("optimizing again: ", second.status().message());
  const std::vector<std::string> rewrites = Rewrites(*second);
  if (!rewrites.empty()) return "a second run rewrites: " + rewrites[0];
  return ToText(graph) == once ? "" : "a second run changes the graph";
}

RandomGraph Shrink(RandomGraph random, const Fails& fails) {
  for (int step = 0; step < 1000; ++step) {
    auto smaller = Smaller(random, fails);
    if (!smaller) break;
    random = *std::move(smaller);
  }
  return random;
}

}  // namespace weft
