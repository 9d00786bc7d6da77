#include "passes/verify/replay.h"

#include <algorithm>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "graph/bind.h"
#include "graph/op.h"
#include "passes/verify/samples.h"

namespace weft {
namespace {

absl::Status CheckSample(const Graph& graph, const TensorMap& sample) {
  for (const Node* input : graph.inputs()) {
    if (sample.contains(input->name())) continue;
    return absl::InvalidArgumentError(absl::StrCat("sample: input ", input->name(), ": expected ",
                                                   ToString(input->type()), ", got nothing"));
  }
  for (const auto& [name, tensor] : sample) {
    const Node* input = graph.Find(name);
    if (input != nullptr && input->op_name() == kInput) continue;
    return absl::InvalidArgumentError(absl::StrCat("sample: there is no input ", name));
  }
  return Annotate(BindingsFromFeeds(graph, sample).status(), "sample");
}

}  // namespace

absl::StatusOr<std::unique_ptr<Replay>> Replay::Create(Graph& graph, const PassOptions& options) {
  const ReplayOptions& replay = options.replay;
  if (!(replay.tolerance > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("tolerance: expected a number above 0, got ", replay.tolerance));
  }
  WEFT_ASSIGN_OR_RETURN(std::vector<TensorMap> samples, RandomSamples(graph, replay.random));
  for (const TensorMap& sample : replay.samples) {
    WEFT_RETURN_IF_ERROR(CheckSample(graph, sample));
    samples.push_back(sample);
  }
  Evaluator& evaluator = replay.evaluator != nullptr ? *replay.evaluator : *options.evaluator;
  std::unique_ptr<Replay> result(
      new Replay(graph, std::move(samples), replay.tolerance, evaluator));
  for (const Node& node : graph.nodes()) result->known_[&node] = result->Compute(node);
  result->kept_ = result->Kept();
  for (size_t i = 0; i < result->samples_.size(); ++i) {
    TensorMap& outputs = result->outputs_.emplace_back();
    for (const NamedValue& output : graph.outputs()) {
      if (const Tensor* tensor = result->Find(output.value, i)) outputs[output.name] = *tensor;
    }
  }
  return result;
}

const Tensor* Replay::Find(Value value, size_t sample) const {
  const auto it = known_.find(value.node);
  if (it == known_.end() || it->second.samples[sample].empty()) return nullptr;
  return &it->second.samples[sample][static_cast<size_t>(value.index)];
}

// A copy of the node is what is run, on constants, so that its types are those of the sample.
absl::StatusOr<Replay::Outputs> Replay::Evaluate(const Node& node, size_t sample) const {
  if (const Tensor& leaf = LeafValue(node); !leaf.is_empty()) return Outputs{leaf};
  if (node.op_name() == kInput) return Outputs{samples_[sample].find(node.name())->second};
  Graph scratch(graph_.registry());
  NodeSpec spec = node.Spec();
  spec.inputs.clear();
  spec.forward = nullptr;
  std::vector<Tensor> inputs;
  for (const Value& input : node.inputs()) {
    const Tensor* tensor = input ? Find(input, sample) : nullptr;
    if (input && tensor == nullptr) return Outputs{};
    inputs.push_back(input ? *tensor : Tensor());
    spec.inputs.emplace_back();
    if (!input) continue;
    WEFT_ASSIGN_OR_RETURN(spec.inputs.back(), scratch.AddConstant("x", *tensor));
  }
  WEFT_ASSIGN_OR_RETURN(const Node* copy, scratch.AddNode(std::move(spec)));
  return evaluator_.RunNode(*copy, inputs);
}

void Replay::Remember(const Node& node, Known& known) {
  known.inputs.assign(node.inputs().begin(), node.inputs().end());
  known.attributes = node.attributes();
}

Replay::Known Replay::Compute(const Node& node) const {
  Known known;
  Remember(node, known);
  for (size_t i = 0; i < samples_.size(); ++i) {
    absl::StatusOr<Outputs> outputs = Evaluate(node, i);
    known.samples.push_back(outputs.ok() ? *std::move(outputs) : Outputs{});
  }
  return known;
}

std::vector<Value> Replay::Kept() const {
  std::vector<Value> kept;
  for (const NamedValue& output : graph_.outputs()) kept.push_back(output.value);
  for (const NamedValue& loss : graph_.losses()) kept.push_back(loss.value);
  for (const Update& update : graph_.updates()) kept.push_back(update.value);
  return kept;
}

void Replay::Compare(Value before, Value after, Verdict& verdict) const {
  if (before == after || before.null() || after.null()) return;
  for (size_t i = 0; i < samples_.size() && verdict.error; ++i) {
    const Tensor* expected = Find(before, i);
    const Tensor* actual = Find(after, i);
    if (expected == nullptr || actual == nullptr) {
      // What is wrong already stays so, whatever else cannot be told.
      if (*verdict.error <= tolerance_) verdict = {std::nullopt, before.node};
      return;
    }
    const double error = ErrorOf(*expected, *actual);
    if (error > *verdict.error || verdict.where == nullptr) verdict = {error, before.node};
  }
}

// A node that was there before: where it reads other values, these are compared; where it has
// changed itself, its outputs.
void Replay::CompareReader(const Node& node, Verdict& verdict) {
  const Known& before = known_.at(&node);
  const std::vector<Value> inputs(node.inputs().begin(), node.inputs().end());
  if (!inputs.empty() && inputs.size() == before.inputs.size() &&
      node.attributes() == before.attributes) {
    for (size_t i = 0; i < inputs.size(); ++i) Compare(before.inputs[i], inputs[i], verdict);
    return;
  }
  const Known after = Compute(node);
  for (size_t i = 0; i < samples_.size() && verdict.error; ++i) {
    const Outputs &expected = before.samples[i], &actual = after.samples[i];
    if (expected.empty() || actual.size() != expected.size()) {
      if (*verdict.error <= tolerance_) verdict = {std::nullopt, &node};
      return;
    }
    for (size_t j = 0; j < expected.size() && verdict.error; ++j) {
      const double error = ErrorOf(expected[j], actual[j]);
      if (error > *verdict.error || verdict.where == nullptr) verdict = {error, &node};
    }
  }
}

Replay::Verdict Replay::Judge(const Changes& changes) {
  std::vector<Node*> made, readers;
  std::unordered_set<const Node*> seen;
  for (Node* node : changes.changed) {
    if (seen.insert(node).second) (known_.contains(node) ? readers : made).push_back(node);
  }
  std::sort(made.begin(), made.end(), [](const Node* a, const Node* b) { return a->IsBefore(*b); });
  for (const Node* node : made) {
    Known known = Compute(*node);
    known_[node] = std::move(known);
    pending_.push_back(node);
  }
  Verdict verdict;
  for (const Node* node : readers) CompareReader(*node, verdict);
  const std::vector<Value> kept = Kept();
  for (size_t i = 0; i < kept.size() && kept.size() == kept_.size(); ++i) {
    Compare(kept_[i], kept[i], verdict);
  }
  return verdict;
}

void Replay::Keep(const Changes& changes, const Verdict& verdict) {
  pending_.clear();
  Forget(changes);
  if (verdict.error && *verdict.error > tolerance_) ComputeAgain(changes);
}

void Replay::Drop() {
  for (const Node* node : pending_) known_.erase(node);
  pending_.clear();
}

void Replay::Forget(const Changes& changes) {
  for (const Node* node : changes.removed) known_.erase(node);
  for (const Node* node : changes.changed) {
    const auto it = known_.find(node);
    if (it != known_.end()) Remember(*node, it->second);
  }
  kept_ = Kept();
}

// After a rewrite that changes values knowingly: what follows is no error of the rewrites to come.
void Replay::ComputeAgain(const Changes& changes) {
  std::unordered_set<const Node*> stale(changes.changed.begin(), changes.changed.end());
  for (const Node& node : graph_.nodes()) {
    const bool is_stale =
        stale.contains(&node) ||
        std::any_of(node.inputs().begin(), node.inputs().end(),
                    [&](const Value& input) { return stale.contains(input.node); });
    if (!is_stale) continue;
    stale.insert(&node);
    Known known = Compute(node);
    known_[&node] = std::move(known);
  }
}

std::optional<double> Replay::OutputError() const {
  double worst = 0;
  for (size_t i = 0; i < samples_.size(); ++i) {
    const absl::StatusOr<TensorMap> outputs = evaluator_.RunGraph(graph_, samples_[i]);
    if (!outputs.ok() || outputs_[i].size() != outputs->size()) return std::nullopt;
    worst = std::max(worst, ErrorOf(outputs_[i], *outputs));
  }
  return worst;
}

}  // namespace weft
