#include "passes/memory/recomputation.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "graph/op.h"
#include "passes/memory/again.h"

namespace weft {
namespace {

constexpr double kOpsPerByte = 10;    // what a processor computes while it moves a byte
constexpr size_t kAlignment = 64;     // of a value in the arena
constexpr size_t kLeastBytes = 4096;  // smaller values are not worth a node

size_t Slot(int i) { return static_cast<size_t>(i); }

size_t BytesOf(const TensorType& type) {
  size_t bytes = SizeOf(type.dtype);
  for (const Dim& dim : type.shape) bytes *= static_cast<size_t>(dim.coefficient());
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

bool IsLeaf(const Node& node) {
  return node.op_name() == kInput || node.op_name() == kConstant || node.op_name() == kVariable;
}

// Nodes whose kernels leave something behind for their gradients, and may be others where nothing
// reads it: a maximum is the same by any kernel, and a normalization has its statistics.
std::unordered_set<const Node*> TiedNodes(const Graph& graph) {
  std::unordered_set<const Node*> tied;
  for (const Node& node : graph.nodes()) {
    const Node* forward = node.forward();
    if (forward == nullptr || forward->op_name() == "MaxPool") continue;
    if (!IsTrainingNormalization(*forward)) tied.insert(forward);
  }
  return tied;
}

}  // namespace

Recomputation::Recomputation(const Graph& graph, const std::set<std::string>& never,
                             const StepUses& uses)
    : graph_(graph) {
  const auto forward = ForwardNodes(graph);
  const auto tied = TiedNodes(graph);
  for (const Node& node : graph.nodes()) {
    const auto use = uses.find(&node);
    AddNode(node, forward.contains(&node), use == uses.end() ? StepUse() : use->second);
    nodes_.back().computable = nodes_.back().forward && !IsLeaf(node) && !tied.contains(&node) &&
                               !never.contains(node.name());
  }
  FindKept();
  FindCandidates();
}

void Recomputation::AddNode(const Node& node, bool forward, const StepUse& use) {
  const int index = static_cast<int>(nodes_.size());
  NodeInfo info{.node = &node,
                .forward = forward,
                .first = static_cast<int>(values_.size()),
                .scratch = use.scratch};
  index_.emplace(&node, index);
  for (int i = 0; i < node.num_inputs(); ++i) {
    const Value v = node.input(i);
    const bool reads = v && !node.op().input(Slot(i)).shape_only &&
                       (Slot(i) >= use.reads.size() || use.reads[Slot(i)]);
    info.inputs.push_back(reads ? nodes_[Slot(index_.at(v.node))].first + v.index : -1);
  }
  info.again = info.inputs;
  if (IsTrainingNormalization(node)) {
    for (const int i : {kBatchMean, kBatchVar}) info.again[Slot(i)] = info.first + i;
  }
  if (node.op().aliases != nullptr) {
    for (const Alias& alias : node.op().aliases(node)) {
      if (alias.output >= node.num_outputs() || alias.input >= node.num_inputs()) continue;
      if (alias.view && node.num_outputs() == 1) info.view = alias.input;
      info.in_place.emplace_back(alias.output, alias.input);
    }
  }
  if (const absl::StatusOr<Cost> cost = CostOf(node); cost.ok() && !IsLeaf(node)) {
    info.flops = cost->flops;
    info.work = info.view >= 0 ? 0 : std::max(cost->flops, kOpsPerByte * cost->bytes);
    flops_ += cost->flops;
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    values_.push_back({.node = index, .bytes = IsLeaf(node) ? 0 : BytesOf(node.type(i))});
  }
  nodes_.push_back(std::move(info));
}

void Recomputation::FindKept() {
  const auto number = [&](Value v) {
    return Slot(nodes_[Slot(index_.at(v.node))].first + v.index);
  };
  for (const NodeInfo& info : nodes_) {
    for (const int v : info.inputs) {
      if (v >= 0 && !info.forward) values_[Slot(v)].kept = true;
    }
    if (!IsTrainingNormalization(*info.node)) continue;
    for (const int i : {kBatchMean, kBatchVar}) values_[Slot(info.first + i)].fixed = true;
  }
  for (const auto* outputs : {&graph_.outputs(), &graph_.losses()}) {
    for (const NamedValue& output : *outputs) {
      values_[number(output.value)].fixed = true;
      values_[number(output.value)].bytes = 0;  // the caller's memory
    }
  }
  // In the memory of their variables.
  for (const Update& update : graph_.updates()) values_[number(update.value)].bytes = 0;
}

void Recomputation::FindCandidates() {
  for (size_t v = 0; v < values_.size(); ++v) {
    const ValueInfo& value = values_[v];
    if (!value.kept || value.fixed || value.bytes < kLeastBytes) continue;
    if (nodes_[Slot(value.node)].computable) candidates_.push_back(static_cast<int>(v));
  }
}

bool Recomputation::IsThere(int value, const Choice& choice) const {
  const ValueInfo& info = values_[Slot(value)];
  if (info.fixed || !nodes_[Slot(info.node)].computable) return true;
  return info.kept && !choice[Slot(value)];
}

int Recomputation::ReadBy(const Turn& turn, int value, const Choice& choice) const {
  const bool is_forward = nodes_[Slot(turn.node)].forward && !turn.again;
  return is_forward || IsThere(value, choice) ? value : value + static_cast<int>(values_.size());
}

void Recomputation::AddAgain(int node, const Choice& choice, std::vector<bool>& done,
                             std::vector<Turn>& order) const {
  if (done[Slot(node)]) return;
  done[Slot(node)] = true;
  for (const int v : nodes_[Slot(node)].again) {
    if (v >= 0 && !IsThere(v, choice)) AddAgain(values_[Slot(v)].node, choice, done, order);
  }
  order.push_back({node, true});
}

std::vector<Recomputation::Turn> Recomputation::Order(const Choice& choice) const {
  std::vector<Turn> order;
  std::vector<bool> done(nodes_.size());
  for (size_t n = 0; n < nodes_.size(); ++n) {
    for (const int v : nodes_[n].inputs) {
      if (v < 0 || nodes_[n].forward || IsThere(v, choice)) continue;
      AddAgain(values_[Slot(v)].node, choice, done, order);
    }
    order.push_back({static_cast<int>(n), false});
  }
  return order;
}

const std::vector<int>& Recomputation::InputsOf(const Turn& turn) const {
  const NodeInfo& info = nodes_[Slot(turn.node)];
  return turn.again ? info.again : info.inputs;
}

int Recomputation::CountOutputs(const Turn& turn) const {
  const Node& node = *nodes_[Slot(turn.node)].node;
  return turn.again && IsTrainingNormalization(node) ? 1 : node.num_outputs();
}

int Recomputation::OutputOf(const Turn& turn, int i) const {
  return nodes_[Slot(turn.node)].first + i + (turn.again ? static_cast<int>(values_.size()) : 0);
}

size_t Recomputation::BytesAt(int number) const {
  return values_[Slot(number) % values_.size()].bytes;
}

Recomputation::Lives Recomputation::LivesOf(const std::vector<Turn>& order,
                                            const Choice& choice) const {
  Lives lives{.root = std::vector<int>(2 * values_.size(), -1),
              .last = std::vector<int>(2 * values_.size(), -1)};
  for (size_t t = 0; t < order.size(); ++t) {
    const Turn& turn = order[t];
    for (const int v : InputsOf(turn)) {
      if (v >= 0) lives.last[Slot(lives.root[Slot(ReadBy(turn, v, choice))])] = static_cast<int>(t);
    }
    for (int i = 0; i < CountOutputs(turn); ++i) {
      lives.root[Slot(OutputOf(turn, i))] = OutputOf(turn, i);
    }
    const int view = nodes_[Slot(turn.node)].view;
    if (view >= 0 && InputsOf(turn)[Slot(view)] >= 0) {
      const int source = ReadBy(turn, InputsOf(turn)[Slot(view)], choice);
      lives.root[Slot(OutputOf(turn, 0))] = lives.root[Slot(source)];
    }
  }
  return lives;
}

size_t Recomputation::BytesInPlace(const Turn& turn, const Choice& choice, const Lives& lives,
                                   const std::vector<int>& dying) const {
  size_t bytes = 0;
  for (const auto& [out, in] : nodes_[Slot(turn.node)].in_place) {
    const int v = InputsOf(turn)[Slot(in)];
    if (v < 0 || out >= CountOutputs(turn)) continue;
    const int root = lives.root[Slot(ReadBy(turn, v, choice))];
    const bool dies = std::find(dying.begin(), dying.end(), root) != dying.end();
    if (dies && BytesAt(root) == BytesAt(OutputOf(turn, out))) bytes += BytesAt(root);
  }
  return bytes;
}

std::vector<size_t> Recomputation::BytesByTurn(const std::vector<Turn>& order, const Choice& choice,
                                               const Lives& lives) const {
  std::vector<size_t> bytes(order.size());
  size_t live = 0;
  std::vector<int> dying;
  for (size_t t = 0; t < order.size(); ++t) {
    const Turn& turn = order[t];
    const NodeInfo& info = nodes_[Slot(turn.node)];
    dying.clear();
    for (const int v : InputsOf(turn)) {
      const int root = v < 0 ? -1 : lives.root[Slot(ReadBy(turn, v, choice))];
      if (root < 0 || lives.last[Slot(root)] != static_cast<int>(t)) continue;
      if (std::find(dying.begin(), dying.end(), root) == dying.end()) dying.push_back(root);
    }
    if (info.view < 0) {
      for (int i = 0; i < CountOutputs(turn); ++i) live += BytesAt(OutputOf(turn, i));
      bytes[t] = live + info.scratch - BytesInPlace(turn, choice, lives, dying);
      for (int i = 0; i < CountOutputs(turn); ++i) {
        const int output = OutputOf(turn, i);
        if (lives.last[Slot(output)] < 0) live -= BytesAt(output);
      }
    }
    for (const int root : dying) live -= BytesAt(root);
  }
  return bytes;
}

Recomputation::Measure Recomputation::Of(const Choice& choice, size_t limit) const {
  const std::vector<Turn> order = Order(choice);
  const std::vector<size_t> bytes = BytesByTurn(order, choice, LivesOf(order, choice));
  Measure result;
  for (size_t t = 0; t < order.size(); ++t) {
    const NodeInfo& info = nodes_[Slot(order[t].node)];
    if (order[t].again) {
      result.work += info.work;
      result.flops += info.flops;
      ++result.nodes;
    }
    result.peak = std::max(result.peak, bytes[t]);
    if (bytes[t] > limit) result.excess += static_cast<double>(bytes[t] - limit);
  }
  return result;
}

absl::StatusOr<Graph> Recomputation::Apply(const Choice& choice, FirstNames* firsts) const {
  Graph result(graph_.registry());
  std::vector<Node*> copies(nodes_.size()), again(nodes_.size());
  for (const Turn& turn : Order(choice)) {
    const NodeInfo& info = nodes_[Slot(turn.node)];
    const Node& node = *info.node;
    if (node.op_name() == kInput) {
      WEFT_ASSIGN_OR_RETURN(const Value input, result.AddInput(node.name(), node.type()));
      copies[Slot(turn.node)] = input.node;
      continue;
    }
    NodeSpec spec = turn.again ? SpecOfAgain(node) : node.Spec();
    if (turn.again) {
      // It may stand before a node that has its name already.
      spec.name = graph_.UniqueName(spec.name);
    } else if (node.forward() != nullptr) {
      spec.forward = copies[Slot(index_.at(node.forward()))];
    }
    const std::vector<int>& reads = turn.again ? info.again : info.inputs;
    for (size_t i = 0; i < spec.inputs.size(); ++i) {
      Value& v = spec.inputs[i];
      if (v.null()) continue;
      const size_t source = Slot(index_.at(v.node));
      const bool kept = reads[i] < 0 || ReadBy(turn, reads[i], choice) == reads[i];
      v = (kept ? copies : again)[source]->output(v.index);
    }
    WEFT_ASSIGN_OR_RETURN(Node * copy, result.AddNode(std::move(spec)));
    (turn.again ? again : copies)[Slot(turn.node)] = copy;
    if (turn.again && firsts != nullptr) firsts->emplace(copy->name(), node.name());
  }
  const auto copied = [&](Value v) { return copies[Slot(index_.at(v.node))]->output(v.index); };
  for (const NamedValue& output : graph_.outputs()) {
    WEFT_RETURN_IF_ERROR(result.AddOutput(output.name, copied(output.value)));
  }
  for (const NamedValue& loss : graph_.losses()) {
    WEFT_RETURN_IF_ERROR(result.AddLoss(loss.name, copied(loss.value)));
  }
  for (const Update& update : graph_.updates()) {
    WEFT_RETURN_IF_ERROR(
        result.AddUpdate(copies[Slot(index_.at(update.variable))], copied(update.value)));
  }
  return result;
}

}  // namespace weft
