#include <unordered_map>
#include <unordered_set>

#include "graph/bind.h"
#include "graph/op.h"
#include "passes/passes.h"

namespace weft {
namespace {

constexpr int kBatchNormalizationOutputs = 5;  // Y, running mean and variance, the batch's
constexpr int kFirstStatistic = 3;             // the inputs mean and variance
constexpr int kFirstRunning = 1;               // the outputs that follow them

bool IsModeNeutral(const Node& node) { return GetString(node.attributes(), "mode") == "auto"; }

// Copies a graph node by node. A mode changes what outputs a node has, and freezing what can be
// inferred, so nodes are added anew instead of changed.
class Copier {
 public:
  explicit Copier(const Graph& source) : source_(source), target_(source.registry()) {}

  NodeSpec SpecOf(const Node& node) const { return SpecOfCopy(node, map_); }

  Value Map(Value v) const { return CopyOf(v, map_); }

  // Adds the copy of `node`.
  absl::StatusOr<Node*> Add(const Node& node, NodeSpec spec) {
    WEFT_ASSIGN_OR_RETURN(Node * copy, target_.AddNode(std::move(spec)));
    map_.emplace(&node, copy);
    return copy;
  }

  absl::Status AddOutputs(bool losses) {
    for (const NamedValue& output : source_.outputs()) {
      WEFT_RETURN_IF_ERROR(target_.AddOutput(output.name, Map(output.value)));
    }
    for (size_t i = 0; losses && i < source_.losses().size(); ++i) {
      const NamedValue& loss = source_.losses()[i];
      WEFT_RETURN_IF_ERROR(target_.AddLoss(loss.name, Map(loss.value)));
    }
    return absl::OkStatus();
  }

  absl::Status AddUpdates() {
    for (const Update& update : source_.updates()) {
      WEFT_RETURN_IF_ERROR(
          target_.AddUpdate(Map(update.variable->output()).node, Map(update.value)));
    }
    return absl::OkStatus();
  }

  Graph& target() { return target_; }

 private:
  const Graph& source_;
  Graph target_;
  NodeMap map_;
};

// The statistics of a batch normalization that are variables follow its batches. Where several
// nodes share a variable, each goes on from what the one before it left.
class RunningStatistics {
 public:
  void ReadLatest(NodeSpec& spec) const {
    for (size_t i = kFirstStatistic; i < spec.inputs.size(); ++i) {
      auto it = latest_.find(spec.inputs[i].node);
      if (it != latest_.end()) spec.inputs[i] = it->second;
    }
  }
  // A constant is frozen on purpose. Errors: a statistic that is computed, which no update could
  // reach: it would stay as it is without a word.
  absl::Status Follow(const Node& original, Node* copy, const Copier& copier) {
    for (int i = 0; i < 2; ++i) {
      const int input = kFirstStatistic + i;
      const Value statistic = original.input(input);
      if (statistic.node->op_name() == kConstant) continue;
      if (statistic.node->op_name() != kVariable) {
        return absl::InvalidArgumentError(absl::StrCat(
            original.Describe(), ": training could not update its ",
            Absl(original.op().input(static_cast<size_t>(input)).name),
            ": expected a variable, or a constant to keep, got ", statistic.node->Describe()));
      }
      Node* variable = copier.Map(statistic).node;
      if (!latest_.contains(variable)) variables_.push_back(variable);
      latest_[variable] = copy->output(kFirstRunning + i);
    }
    return absl::OkStatus();
  }
  absl::Status AddUpdates(Graph& graph) const {
    for (Node* variable : variables_) {
      WEFT_RETURN_IF_ERROR(graph.AddUpdate(variable, latest_.at(variable)));
    }
    return absl::OkStatus();
  }

 private:
  std::vector<Node*> variables_;  // in order
  std::unordered_map<Node*, Value> latest_;
};

}  // namespace

absl::StatusOr<Graph> ForInference(const Graph& graph, const InferenceOptions& options) {
  Copier copier(graph);
  const auto left_out = options.losses ? std::unordered_set<const Node*>() : NodesOfLosses(graph);
  for (const Node& node : graph.nodes()) {
    if (left_out.contains(&node)) continue;
    NodeSpec spec = copier.SpecOf(node);
    if (IsModeNeutral(node)) spec.attributes.insert_or_assign("mode", "inference");
    if (options.freeze && node.op_name() == kVariable) {
      spec.op = kConstant;
      spec.attributes = {{"value", LeafValue(node)}};
    }
    WEFT_RETURN_IF_ERROR(copier.Add(node, std::move(spec)).status());
  }
  WEFT_RETURN_IF_ERROR(copier.AddOutputs(options.losses));
  copier.target().RemoveDeadNodes();
  return std::move(copier.target());
}

absl::StatusOr<Graph> ForTraining(const Graph& graph) {
  Copier copier(graph);
  RunningStatistics statistics;
  for (const Node& node : graph.nodes()) {
    NodeSpec spec = copier.SpecOf(node);
    const bool neutral = IsModeNeutral(node);
    const bool batch_norm = neutral && node.op_name() == "BatchNormalization";
    if (neutral) spec.attributes.insert_or_assign("mode", "training");
    if (batch_norm) {
      spec.num_outputs = kBatchNormalizationOutputs;
      statistics.ReadLatest(spec);
    }
    WEFT_ASSIGN_OR_RETURN(Node * copy, copier.Add(node, std::move(spec)));
    if (batch_norm) WEFT_RETURN_IF_ERROR(statistics.Follow(node, copy, copier));
  }
  WEFT_RETURN_IF_ERROR(copier.AddOutputs(/*losses=*/true));
  WEFT_RETURN_IF_ERROR(copier.AddUpdates());
  WEFT_RETURN_IF_ERROR(statistics.AddUpdates(copier.target()));
  return std::move(copier.target());
}

}  // namespace weft
