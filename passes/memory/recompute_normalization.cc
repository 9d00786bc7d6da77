// The backward pass computes a batch normalization and what follows it element by element again
// instead of having them kept:
//
//   x -> bn -> relu -> conv                  x -> bn -> relu -> conv
//   conv's gradient reads relu         =>    conv's gradient reads relu', relu' = relu(bn'(x)),
//   bn's gradient reads x                    and bn' normalizes by the statistics that bn found
//
// The normalization's gradient needs x anyway, so one map of a layer is kept instead of two (Chen
// et al. 2016, Training Deep Nets with Sublinear Memory Cost; Pleiss et al. 2017 for DenseNet), for
// one more reading and writing of it. bn' is in mode inference: no equal of bn, so that nothing
// merges the two. It stands before its first reader, where the plan runs it.

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "passes/memory/again.h"
#include "passes/memory/memory.h"
#include "passes/pass.h"
#include "passes/rule.h"

namespace weft {
namespace {

constexpr std::string_view kRecomputeName = "recompute_normalization";
constexpr int kMostAgain = 4;  // ops after a normalization; more would cost too much

using NodeSet = std::unordered_set<const Node*>;

// The only node whose result an element-wise one reads beside leaves; null where there are several,
// or another output of it.
const Node* OnlySource(const Node& node) {
  if (!node.op().traits.elementwise || node.op().draws_random || node.num_outputs() != 1) {
    return nullptr;
  }
  Value source;
  for (const Value& v : node.inputs()) {
    if (v.null() || v.node->num_inputs() == 0 || v == source) continue;
    if (!source.null() || v.index != 0) return nullptr;
    source = v;
  }
  return source.node;
}

// What it costs to compute an element-wise node again, in ops.
int StepsAgain(const Node& node) {
  if (node.op_name() != "FusedElementwise") return 1;
  return static_cast<int>(GetPostOps(node.attributes(), "steps").size());
}

// The normalization that `v` is computed from, element by element; null where there is none.
const Node* NormalizationOf(Value v) {
  const Node* node = v && v.index == 0 ? v.node : nullptr;
  for (int ops = 0; node != nullptr && ops <= kMostAgain; node = OnlySource(*node)) {
    if (IsTrainingNormalization(*node)) return node;
    ops += StepsAgain(*node);
  }
  return nullptr;
}

class RecomputeRun : public PassRun {
 public:
  explicit RecomputeRun(PassContext& context) : context_(context), graph_(context.graph()) {}

  absl::Status Run() override {
    // One turn is enough: nothing that passes do to the result makes it keep more.
    if (std::exchange(is_done_, true)) return absl::OkStatus();
    forward_ = ForwardNodes(graph_);
    for (Node *node = First(), *next; node != nullptr && !context_.done(); node = next) {
      next = graph_.After(node);
      if (forward_.contains(node)) continue;
      const std::vector<int> inputs = InputsToRecompute(*node);
      if (!inputs.empty()) WEFT_RETURN_IF_ERROR(Rewire(node, inputs));
    }
    return absl::OkStatus();
  }

  void Explain() override {
    forward_ = ForwardNodes(graph_);
    for (const Node& node : graph_.nodes()) {
      const bool is_cheap = node.op().traits.elementwise || IsTrainingNormalization(node);
      if (!is_cheap || !forward_.contains(&node) || !HasBackwardReading(node.output())) continue;
      Condition condition = IsRecomputable(node.output());
      if (condition.holds) continue;
      context_.AddNearMiss(kRecomputeName, node, std::move(condition.failure));
    }
  }

 private:
  Node* First() { return graph_.nodes().empty() ? nullptr : &graph_.nodes().front(); }

  // Whether a node of the backward pass reads the elements of input `i`.
  bool IsBackwardReading(const Node& user, int i) const {
    return !forward_.contains(&user) && !user.op().input(static_cast<size_t>(i)).shape_only;
  }

  bool HasBackwardReading(Value v) const {
    const auto uses = v.node->uses(v.index);
    return std::any_of(uses.begin(), uses.end(),
                       [&](const Use& use) { return IsBackwardReading(*use.user, use.input); });
  }

  // Whether `v` can be computed from what the backward pass keeps anyway.
  Condition IsRecomputable(Value v) const {
    const Node* normalization = NormalizationOf(v);
    if (normalization == nullptr) {
      return Unless(true, "it follows no batch normalization element by element");
    }
    const Value x = normalization->input(0);
    return Unless(NormalizationOf(x) != nullptr || !HasBackwardReading(x),
                  absl::StrCat(x.ToString(), " is not kept"));
  }

  std::vector<int> InputsToRecompute(const Node& reader) const {
    std::vector<int> result;
    for (int i = 0; i < reader.num_inputs(); ++i) {
      const Value v = reader.input(i);
      if (v.null() || !forward_.contains(v.node) || !IsBackwardReading(reader, i)) continue;
      if (IsRecomputable(v).holds) result.push_back(i);
    }
    return result;
  }

  // `v` computed again; earlier readers may have made it.
  absl::StatusOr<Value> Again(Value v, const Provenance& from) {
    if (const auto found = again_.find(v); found != again_.end()) return found->second;
    const Node& node = *v.node;
    NodeSpec spec = SpecOfAgain(node);
    for (Value& input : spec.inputs) {
      const bool is_kept = IsTrainingNormalization(node) || input.null();
      if (is_kept || input.node->num_inputs() == 0) continue;
      WEFT_ASSIGN_OR_RETURN(input, Again(input, from));
    }
    spec.provenance = from;
    WEFT_ASSIGN_OR_RETURN(Node * copy, graph_.AddNode(std::move(spec)));
    return again_[v] = copy->output();
  }

  // A copy of `reader`, whose `inputs` are computed again, takes its place.
  absl::StatusOr<Node*> Replace(Node* reader, const std::vector<int>& inputs,
                                const Provenance& from) {
    NodeSpec spec = reader->Spec();
    for (int i : inputs) {
      WEFT_ASSIGN_OR_RETURN(spec.inputs[static_cast<size_t>(i)], Again(reader->input(i), from));
    }
    spec.provenance = from;
    WEFT_RETURN_IF_ERROR(graph_.Rename(reader, graph_.UniqueName(reader->name() + "/before")));
    WEFT_ASSIGN_OR_RETURN(Node * copy, graph_.AddNode(std::move(spec)));
    for (int i = 0; i < reader->num_outputs(); ++i) {
      WEFT_RETURN_IF_ERROR(graph_.ReplaceUses(reader->output(i), copy->output(i)));
    }
    graph_.MoveGradientLinks(reader, copy);
    graph_.RemoveDeadNodes(reader);
    return copy;
  }

  // Where nodes cannot be copied, that reader stays as it is.
  absl::Status Rewire(Node* reader, const std::vector<int>& inputs) {
    std::vector<Node*> sources = {reader};
    for (int i : inputs) sources.push_back(reader->input(i).node);
    const Provenance from = context_.From(kRecomputeName, sources);
    absl::Status failure;
    {
      Graph::Transaction change(graph_);
      graph_.SetInsertionPoint(reader);
      absl::StatusOr<Node*> copy = Replace(reader, inputs, from);
      graph_.SetInsertionPoint(nullptr);
      if (copy.ok()) return Finish(from, *copy, change);
      failure = copy.status();
    }
    again_.clear();
    context_.AddNearMiss(kRecomputeName, *reader, std::string(failure.message()));
    return absl::OkStatus();
  }

  absl::Status Finish(const Provenance& from, Node* copy, Graph::Transaction& change) {
    const int rewrites = context_.rewrites();
    WEFT_RETURN_IF_ERROR(context_.Record(from, std::span(&copy, 1), change));
    // Taken back, with what it may have computed again.
    if (context_.rewrites() == rewrites) again_.clear();
    return absl::OkStatus();
  }

  PassContext& context_;
  Graph& graph_;
  bool is_done_ = false;
  NodeSet forward_;
  absl::flat_hash_map<Value, Value> again_;  // by what is computed again
};

}  // namespace

Pass RecomputeNormalization() {
  return {.name = kRecomputeName,
          .doc = "compute normalized values again for the backward pass instead of keeping them",
          .start = [](PassContext& context) { return std::make_unique<RecomputeRun>(context); },
          .on_request = true};
}

}  // namespace weft
