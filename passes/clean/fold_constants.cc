// What can be computed now is computed now:
//
//   Sqrt(Add(var, eps)) with constants var and eps  =>  one constant
//
// A whole expression of constants is one rewrite: only what others read becomes a constant. Random
// ops stay, and so does what would make the file grow much (an ExpandLike of a scalar), above all
// by mere copies (a Tile of weights), or take much memory to compute (the Size of an image that is
// known but large).

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "graph/evaluate.h"
#include "passes/clean/clean.h"
#include "passes/clean/growth.h"
#include "passes/pass.h"
#include "passes/shape_readers.h"
#include "passes/worklist.h"

namespace weft {
namespace {

constexpr std::string_view kFoldConstantsName = "fold_constants";
// What is larger than kFreeBytes and than what it is made from is worth its bytes only if it takes
// this much arithmetic: each sum of a matrix product has two operations or more, a Tile's copies
// none. (A second run, which finds the first one's constants, must not fold further.)
constexpr double kLeastFlopsAnElement = 2;
// Zeros that may stand for an operand of which only the shape is read.
constexpr size_t kMostShapeBytes = size_t{64} << 20;

absl::StatusOr<size_t> BytesOf(const TensorType& type) {
  WEFT_ASSIGN_OR_RETURN(const Dims dims, StaticDims(type.shape));
  WEFT_ASSIGN_OR_RETURN(const int64_t size, CountElements(dims));
  return static_cast<size_t>(size) * SizeOf(type.dtype);
}

absl::StatusOr<size_t> OutputBytes(const Node& node) {
  size_t bytes = 0;
  for (int i = 0; i < node.num_outputs(); ++i) {
    WEFT_ASSIGN_OR_RETURN(const size_t output, BytesOf(node.type(i)));
    bytes += output;
  }
  return bytes;
}

std::vector<Use> ReadersOf(const Node& node) {
  std::vector<Use> readers;
  for (int i = 0; i < node.num_outputs(); ++i) {
    readers.insert(readers.end(), node.uses(i).begin(), node.uses(i).end());
  }
  return readers;
}

// Of the constants among the nodes.
int64_t BytesOf(const std::vector<Node*>& nodes) {
  int64_t bytes = 0;
  for (const Node* node : nodes) {
    if (node->op_name() == kConstant) bytes += static_cast<int64_t>(LeafValue(*node).bytes());
  }
  return bytes;
}

class FoldRun : public PassRun {
 public:
  explicit FoldRun(PassContext& context)
      : context_(context), graph_(context.graph()), worklist_(context, {}) {
    for (const Node& node : graph_.nodes()) {
      if (node.op_name() != kConstant) continue;
      const size_t bytes = LeafValue(node).bytes();
      constant_bytes_ += bytes;
      // What an earlier session made counts as made.
      if (node.provenance().rule == kFoldConstantsName) growth_ += static_cast<int64_t>(bytes);
    }
    given_bytes_ = static_cast<int64_t>(constant_bytes_) - growth_;
  }

  absl::Status Run() override {
    if (worklist_.empty()) return absl::OkStatus();
    refused_.clear();
    size_t refused = 0;
    do {  // what a refused node is made from may be folded instead
      refused = refused_.size();
      WEFT_RETURN_IF_ERROR(RunOnce());
    } while (refused_.size() > refused);
    return absl::OkStatus();
  }

  void Explain() override {
    for (const Node& node : graph_.nodes()) {
      const auto miss = misses_.find(node.name());
      if (miss != misses_.end()) context_.AddNearMiss(kFoldConstantsName, node, miss->second);
    }
  }

 private:
  // A node that has been computed. Once all its readers have been looked at, the values are kept
  // only if some reader needs them in the graph.
  struct Known {
    std::vector<Tensor> values;    // of the outputs
    size_t bytes = 0;              // of the outputs
    size_t from = 0;               // bytes of the constants it is made from, at most
    size_t unseen = 0;             // readings by nodes that have not been looked at
    bool is_read_outside = false;  // by what is not computed
    bool is_taken = false;         // a source of a rewrite
  };

  absl::Status RunOnce() {
    std::vector<Node*> read_outside;
    for (Node* node : ComputeAll()) {
      left_.insert(node->name());
      if (!known_.at(node).values.empty()) read_outside.push_back(node);
    }
    for (Node* node : read_outside) {
      if (context_.done()) break;
      if (KeepsReadersTypes(node)) WEFT_RETURN_IF_ERROR(Materialize(node));
    }
    known_.clear();
    std::erase_if(left_, [&](const std::string& name) {
      const Node* node = graph_.Find(name);
      return node == nullptr || node->op_name() == kConstant;
    });
    return absl::OkStatus();
  }

  // Computes what can be, in order; returns those nodes.
  std::vector<Node*> ComputeAll() {
    std::vector<Node*> computed;
    worklist_.StartOver();
    while (Node* node = worklist_.Next()) {
      if (node->op_name() == kConstant || Recall(node)) continue;
      left_.erase(node->name());
      misses_.erase(node->name());
      const bool is_known =
          IsKnown(node->op(), node->inputs(), [this](Value v) { return TensorOf(v); }) &&
          Compute(node);
      if (is_known) {
        computed.push_back(node);
        Follow(node);
      }
      for (const Value& v : node->inputs()) SeeReader(v, is_known);
    }
    return computed;
  }

  // What the node reads and was computed in an earlier turn but stayed is to be looked at before
  // it.
  bool Recall(Node* node) {
    bool recalls = false;
    for (const Value& v : node->inputs()) {
      if (v.null() || left_.erase(v.node->name()) == 0) continue;
      worklist_.Add(v.node);
      recalls = true;
    }
    if (recalls) worklist_.Add(node);
    if (recalls) worklist_.StartOver();
    return recalls;
  }

  // The value's tensor where it is a constant or has been computed.
  const Tensor* TensorOf(Value v) const {
    if (const Tensor* constant = ConstantValue(v)) return constant;
    const auto known = known_.find(v.node);
    return known == known_.end() ? nullptr : &known->second.values[static_cast<size_t>(v.index)];
  }

  // The operands; zeros stand for one of which only the shape is read.
  absl::StatusOr<std::vector<Tensor>> Operands(const Node& node) const {
    std::vector<Tensor> operands;
    for (const Value& v : node.inputs()) {
      if (const Tensor* known = v.null() ? nullptr : TensorOf(v); v.null() || known != nullptr) {
        operands.push_back(v.null() ? Tensor() : *known);
        continue;
      }
      WEFT_ASSIGN_OR_RETURN(const size_t bytes, BytesOf(v.type()));
      if (bytes > kMostShapeBytes) {
        return absl::ResourceExhaustedError(
            absl::StrCat(v.ToString(), " of ", bytes, " bytes is too large to stand in for"));
      }
      WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(v.type().shape));
      WEFT_ASSIGN_OR_RETURN(Tensor zeros, Tensor::Zeros(v.type().dtype, std::move(dims)));
      operands.push_back(std::move(zeros));
    }
    return operands;
  }

  absl::StatusOr<std::vector<Tensor>> Evaluate(const Node& node) const {
    WEFT_ASSIGN_OR_RETURN(const std::vector<Tensor> operands, Operands(node));
    return context_.options().evaluator->RunNode(node, operands);
  }

  // The bytes of the constants that an operand is made from.
  size_t BytesBehind(Value v) const {
    if (const Tensor* constant = ConstantValue(v)) return constant->bytes();
    const auto known = known_.find(v.node);
    return known == known_.end() ? 0 : known->second.from;
  }

  bool Compute(Node* node) {
    const absl::StatusOr<size_t> bytes = OutputBytes(*node);
    if (!bytes.ok()) return false;  // symbolic: nothing to compute yet
    if (const auto refusal = refused_.find(node->name()); refusal != refused_.end()) {
      misses_[node->name()] = refusal->second;
      return false;
    }
    Known known;
    known.bytes = *bytes;
    // A constant that is behind several operands counts once for each, but there are no more than
    // all of them.
    for (const Value& v : node->inputs()) known.from += BytesBehind(v);
    if (constant_bytes_ > 0) known.from = std::min(known.from, constant_bytes_);
    if (!MayBeFolded(*bytes, known.from)) {
      misses_[node->name()] =
          absl::StrCat(node->name(), " would make ", *bytes, " bytes of ", known.from);
      return false;
    }
    absl::StatusOr<std::vector<Tensor>> values = Evaluate(*node);
    if (!values.ok()) {
      misses_[node->name()] = std::string(values.status().message());
      return false;
    }
    known.values = *std::move(values);
    known.unseen = ReadersOf(*node).size();
    for (int i = 0; i < node->num_outputs(); ++i) {
      known.is_read_outside = known.is_read_outside || graph_.IsOutput(node->output(i));
    }
    known_.emplace(node, std::move(known));
    return true;
  }

  // Its readers may be computed now. They come later in the order.
  void Follow(Node* node) {
    for (const Use& use : ReadersOf(*node)) worklist_.Add(use.user);
  }

  void SeeReader(Value v, bool is_computed) {
    const auto it = known_.find(v.node);
    if (it == known_.end()) return;
    Known& known = it->second;
    known.is_read_outside = known.is_read_outside || !is_computed;
    if (--known.unseen == 0 && !known.is_read_outside) known.values.clear();
  }

  // An op may infer more from a constant than from a computed value (Reshape's shape); its type,
  // and what follows from it, cannot change in place.
  bool KeepsReadersTypes(Node* node) {
    Graph scratch(graph_.registry());
    for (const Use& use : ReadersOf(*node)) {
      const Node& user = *use.user;
      std::vector<Value> inputs(user.inputs().begin(), user.inputs().end());
      const Value read = user.input(use.input);
      const Tensor& tensor = known_.at(node).values[static_cast<size_t>(read.index)];
      absl::StatusOr<Value> constant = scratch.AddConstant("c", tensor);
      if (!constant.ok()) return false;
      // All readings of the value at once, as it will be: some types follow from two inputs only.
      std::replace(inputs.begin(), inputs.end(), read, *constant);
      const auto types =
          user.op().infer(InferContext(user.name(), inputs, user.attributes(), user.num_outputs()));
      for (int i = 0; i < user.num_outputs(); ++i) {
        if (types.ok() && (*types)[static_cast<size_t>(i)] == user.type(i)) continue;
        misses_[node->name()] = absl::StrCat("folding it would change the type of ", user.name());
        return false;
      }
    }
    return true;
  }

  // The nodes that are computed for `node` and no earlier rewrite has taken, in order.
  std::vector<Node*> Take(Node* node) {
    std::vector<Node*> taken;
    std::vector<Node*> pending = {node};
    while (!pending.empty()) {
      Node* next = pending.back();
      pending.pop_back();
      const auto known = known_.find(next);
      if (known == known_.end() || std::exchange(known->second.is_taken, true)) continue;
      taken.push_back(next);
      for (const Value& v : next->inputs()) {
        if (v && v.node->op_name() != kConstant) pending.push_back(v.node);
      }
    }
    std::sort(taken.begin(), taken.end(),
              [](const Node* a, const Node* b) { return a->IsBefore(*b); });
    return taken;
  }

  // Whether the node, made by computing `sources`, is large for the little work in it. A rule that
  // makes copies has decided that they pay.
  bool IsMereCopy(const Node* node, const std::vector<Node*>& sources) const {
    if (!HasGrown(node) || !node->provenance().rule.empty()) return false;
    double flops = 0;
    for (const Node* source : sources) {
      const absl::StatusOr<Cost> cost = context_.options().costs->Price(*source);
      if (cost.ok()) flops += cost->flops;
    }
    const double elements = static_cast<double>(known_.at(node).bytes) /
                            static_cast<double>(SizeOf(node->type().dtype));
    return flops < kLeastFlopsAnElement * elements;
  }

  bool HasGrown(const Node* node) const {
    const Known& known = known_.at(node);
    return known.bytes > std::max(kFreeBytes, known.from);
  }

  // Those of the nodes that have grown stay as they are; the others are looked at once more.
  void Refuse(const std::vector<Node*>& nodes) {
    for (Node* node : nodes) {
      worklist_.Add(node);
      Known& known = known_.at(node);
      known.is_taken = false;
      if (!HasGrown(node)) continue;
      const std::string miss = absl::StrCat(node->name(), " would make ", known.bytes, " bytes of ",
                                            known.from, " with hardly any work");
      refused_[node->name()] = misses_[node->name()] = miss;
    }
  }

  absl::Status Materialize(Node* node) {
    const std::vector<Tensor> values = known_.at(node).values;
    const std::vector<Node*> taken = Take(node);
    if (IsMereCopy(node, taken)) {
      Refuse(taken);
      return absl::OkStatus();
    }
    Graph::Transaction change(graph_);
    const Provenance from = context_.From(kFoldConstantsName, taken);
    const std::string name = node->name();
    graph_.SetInsertionPoint(node);
    WEFT_RETURN_IF_ERROR(graph_.Rename(node, graph_.UniqueName(name + "/folded")));
    std::vector<Node*> constants;
    const Node* stale = nullptr;  // a reader's reader whose type would change
    for (int i = 0; i < node->num_outputs(); ++i) {
      const Value value = node->output(i);
      if (graph_.CountReaders(value) == 0) continue;
      WEFT_ASSIGN_OR_RETURN(
          Node * constant,
          graph_.AddNode({.op = std::string(kConstant),
                          .name = i == 0 ? name : absl::StrCat(name, "_", i),
                          .inputs = {},
                          .attributes = {{"value", values[static_cast<size_t>(i)]}},
                          .provenance = from}));
      const bool alike = AreKnownAlike(value, constant->output());
      WEFT_RETURN_IF_ERROR(graph_.ReplaceUses(value, constant->output()));
      if (!alike && stale == nullptr) stale = FindStaleReader(constant->output());
      constants.push_back(constant);
    }
    graph_.SetInsertionPoint(nullptr);
    if (stale != nullptr) {
      misses_[name] = absl::StrCat("folding it would change the type of ", stale->name());
      for (const Node* source : taken) known_.at(source).is_taken = false;
      return absl::OkStatus();  // which takes the change back
    }
    graph_.RemoveDeadNodes(node);
    const int64_t growth = BytesOf(constants) - BytesOf(change.changes().removed);
    const int64_t most =
        static_cast<int64_t>(kMostGrowth) * (given_bytes_ + static_cast<int64_t>(kFreeBytes));
    if (growth > 0 && growth_ + growth > most) {
      misses_[name] = absl::StrCat(name, " would add ", growth, " bytes to the ", growth_,
                                   " that folding has added, of ", most, " that it may");
      for (const Node* source : taken) known_.at(source).is_taken = false;
      return absl::OkStatus();  // which takes the change back
    }
    const int rewrites = context_.rewrites();
    WEFT_RETURN_IF_ERROR(context_.Record(from, constants, change));
    if (context_.rewrites() > rewrites) growth_ += growth;
    return absl::OkStatus();
  }

  PassContext& context_;
  Graph& graph_;
  Worklist worklist_;
  int64_t growth_ = 0;         // bytes of constants made, less those that went for it
  size_t constant_bytes_ = 0;  // of the graph as it was
  int64_t given_bytes_ = 0;    // of those, what no folding made
  absl::flat_hash_map<const Node*, Known> known_;         // of this turn
  std::unordered_map<std::string, std::string> misses_;   // by node
  std::unordered_map<std::string, std::string> refused_;  // by node, in this turn
  // Computed nodes that stay. They are computed again only for a reader that has changed.
  std::unordered_set<std::string> left_;
};

}  // namespace

Pass FoldConstants() {
  return {kFoldConstantsName, "compute what depends on constants only",
          [](PassContext& context) { return std::make_unique<FoldRun>(context); }};
}

}  // namespace weft
