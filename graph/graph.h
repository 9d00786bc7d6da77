#ifndef WEFT_GRAPH_GRAPH_H_
#define WEFT_GRAPH_GRAPH_H_

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "graph/attribute.h"
#include "graph/type.h"

namespace weft {

class Graph;
class Node;
class OpRegistry;
struct OpDef;

// One output of a node. Two pointers wide, copied freely; null() for an absent optional input.
struct Value {
  Node* node = nullptr;
  int index = 0;

  bool null() const { return node == nullptr; }
  explicit operator bool() const { return node != nullptr; }
  const TensorType& type() const;  // of a value that is not null
  std::string ToString() const;    // "conv1", "bn1:3", "-" for null
  friend bool operator==(const Value&, const Value&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Value& v) {
    return H::combine(std::move(h), v.node, v.index);
  }
};

// Where a rewritten node came from: the rule that made it and the names of the nodes it replaced.
struct Provenance {
  std::string rule{};
  std::vector<std::string> sources{};
  friend bool operator==(const Provenance&, const Provenance&) = default;
};

// One reading of a value: input `input` of `user`.
struct Use {
  Node* user = nullptr;
  int input = 0;
  friend bool operator==(const Use&, const Use&) = default;
};

// What AddNode needs to know.
struct NodeSpec {
  std::string op{};
  std::string name{};           // made unique by a suffix; empty: derived from the op
  std::vector<Value> inputs{};  // null where an optional one is absent
  AttributeMap attributes{};
  int num_outputs = -1;  // -1: only those that the op always has
  Provenance provenance{};
  Node* forward = nullptr;  // see Node::forward()
};

// An operation of a graph. Made and changed through its Graph only.
class Node {
 public:
  const OpDef& op() const { return *op_; }
  std::string_view op_name() const;
  // Unique in the graph; what files, errors and dumps call the node.
  const std::string& name() const { return name_; }

  std::span<const Value> inputs() const { return inputs_; }
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  // Null when the optional input is absent or beyond the last one given.
  Value input(int i) const { return i < num_inputs() ? inputs_[static_cast<size_t>(i)] : Value(); }
  int num_outputs() const { return static_cast<int>(outputs_.size()); }
  // A value refers to its node as what the graph may change, whoever asks.
  Value output(int i = 0) const { return Value{const_cast<Node*>(this), i}; }
  const TensorType& type(int output = 0) const { return Of(output).type; }

  const AttributeMap& attributes() const { return attributes_; }  // defaults filled in
  const Provenance& provenance() const { return provenance_; }
  // The node whose gradient this one computes, or null: the plan may share a hidden workspace.
  Node* forward() const { return forward_; }
  // The nodes that read an output, one entry a reading, in no particular order; what the graph
  // itself reads (outputs, losses, updates) does not count.
  std::span<const Use> uses(int output = 0) const { return Of(output).uses; }
  // Of two nodes of one graph.
  bool IsBefore(const Node& other) const { return position_ < other.position_; }
  // Grows along the order, from 1; the graph may give all nodes new ones when it is changed.
  int64_t position() const { return position_; }
  std::string Describe() const;  // "conv1 (Conv)", for errors
  // What makes it once more, of the same inputs, under its name.
  NodeSpec Spec() const;

 private:
  friend class Graph;
  // A reading by the graph itself: entry `index` of its outputs, losses or updates.
  struct Keeper {
    enum class Kind { kOutput, kLoss, kUpdate };
    Kind kind = Kind::kOutput;
    size_t index = 0;
  };
  struct Output {
    TensorType type;
    std::vector<Use> uses{};
    std::vector<Keeper> keepers{};
  };
  const Output& Of(int output) const { return outputs_[static_cast<size_t>(output)]; }

  const OpDef* op_ = nullptr;
  std::string name_;
  std::vector<Value> inputs_;
  std::vector<size_t> use_slots_;  // where each input stands among the uses of what it reads
  AttributeMap attributes_;
  std::vector<Output> outputs_;
  Provenance provenance_;
  Node* forward_ = nullptr;
  std::vector<Node*> gradients_;  // nodes whose forward_ is this one
  size_t gradient_slot_ = 0;      // where this one stands among its forward node's
  bool is_updated_ = false;       // a variable with an update
  std::list<Node>::iterator self_;
  int64_t position_ = 0;  // grows along the order, with gaps for insertion; 0: removed
};

// An output or a loss of a graph.
struct NamedValue {
  std::string name;
  Value value;
};

// After a run, `variable` takes the value; all updates of a graph apply together.
struct Update {
  Node* variable = nullptr;
  Value value;
};

// The op names of the leaves. A leaf has no inputs; its type is its attribute's.
inline constexpr std::string_view kInput = "Input";        // attribute type: TensorType
inline constexpr std::string_view kConstant = "Constant";  // attribute value: Tensor
inline constexpr std::string_view kVariable = "Variable";  // value: Tensor; trainable: 0|1; role

// What a variable is for; the plan keeps one flat buffer per role.
inline constexpr std::string_view kParameter = "parameter";
inline constexpr std::string_view kStatistic = "statistic";  // BatchNormalization's running ones
inline constexpr std::string_view kOptimizerSlot = "optimizer_slot";

// A static computation: nodes in a topological order, named outputs, losses, updates of variables.
//
// Invariants, kept by every member function: each input of a node is an output of an earlier node;
// every node's types are what its op infers; names are unique. New nodes go before the insertion
// point (the end, unless set), so a rewrite that builds its replacement before the node it replaces
// keeps the order without sorting.
//
// A change takes time for what it changes, not for the graph's size. Changes can be taken back
// together: see graph/transaction.h.
//
// Movable, not copyable (see Clone in graph/bind.h). Not thread-safe while it changes; const
// members may be called from several threads. The registry must outlive the graph.
class Graph {
 public:
  class Transaction;  // graph/transaction.h

  explicit Graph(const OpRegistry& registry);
  Graph(Graph&&) noexcept;
  Graph& operator=(Graph&&) noexcept;
  ~Graph();

  const OpRegistry& registry() const { return *registry_; }

  // Adds a node, checks inputs and attributes against the op's schema, fills in attribute defaults
  // and infers output types. Errors name the node: unknown op, missing or surplus input, one that
  // does not come before the insertion point, wrong dtype, unknown or ill-kinded attribute,
  // whatever the op's inference says. Nothing is added then.
  absl::StatusOr<Node*> AddNode(NodeSpec spec);
  absl::StatusOr<Value> AddInput(std::string name, TensorType type);
  absl::StatusOr<Value> AddConstant(std::string name, Tensor value);
  absl::StatusOr<Value> AddVariable(std::string name, Tensor value, bool trainable = true,
                                    std::string_view role = kParameter);

  // New nodes go before `node`, or at the end for null.
  void SetInsertionPoint(Node* node) { insertion_point_ = node; }
  Node* insertion_point() const { return insertion_point_; }

  // In topological order. (Iteration gives const or mutable nodes; addresses are stable.)
  const std::list<Node>& nodes() const { return nodes_; }
  std::list<Node>& nodes() { return nodes_; }
  int size() const { return static_cast<int>(nodes_.size()); }
  Node* After(const Node* node) const;      // the next in order; null for the last one
  Node* Find(std::string_view name) const;  // null when there is none
  // `hint`, or hint_1, hint_2, … when it is taken.
  std::string UniqueName(std::string_view hint) const;
  // Errors: an empty name, one that another node has.
  absl::Status Rename(Node* node, std::string name);
  std::vector<Node*> inputs() const;     // the Input nodes, in order
  std::vector<Node*> variables() const;  // the Variable nodes, in order

  const std::vector<NamedValue>& outputs() const { return outputs_; }
  // What training minimises and inference leaves out: scalars. One called SCOPE.loss is for the
  // variables below that scope, any other one for all.
  const std::vector<NamedValue>& losses() const { return losses_; }
  // Errors: a value not of this graph, a name that another output or loss has.
  absl::Status AddOutput(std::string name, Value value);
  // Errors as of AddOutput, and a value that is no floating-point scalar.
  absl::Status AddLoss(std::string name, Value value);
  void ClearOutputs();  // losses too
  const std::vector<Update>& updates() const { return updates_; }
  // Errors: not a variable, a type other than the variable's, a second update of it.
  absl::Status AddUpdate(Node* variable, Value value);
  void ClearUpdates();

  bool IsOutput(Value value) const;  // read by an output, a loss or an update of the graph
  // Readers of `value`: nodes, and the graph's outputs, losses and updates.
  int CountReaders(Value value) const;

  // Makes every reader of `from` read `to`. Errors: types differ; `to` comes after a reader of
  // `from` in the order; a reader's type would change, as a Reshape's does with its constant.
  absl::Status ReplaceUses(Value from, Value to);
  // Gradient nodes of `from` become gradient nodes of `to`, which must come before them.
  void MoveGradientLinks(Node* from, Node* to);
  // A new value for a leaf's tensor (Variable or Constant). Errors: another type; a reader's type
  // would change.
  absl::Status SetLeafValue(Node* leaf, Tensor value);
  // An attribute changed in place. Errors: one that the schema does not allow; the node's types
  // would change, or those of a constant's reader.
  absl::Status SetAttribute(Node* node, std::string_view name, Attribute value);

  // Removes every node that no output, loss or update needs; inputs stay. Returns how many went.
  int RemoveDeadNodes();
  // The same for `node` and for what only it needed.
  int RemoveDeadNodes(Node* node);

  // Checks the invariants from scratch; an error names the first node that breaks one. For tests,
  // debug builds and files from outside.
  absl::Status Verify() const;

 private:
  struct Log;
  using Keeper = Node::Keeper;

  absl::StatusOr<std::vector<TensorType>> Infer(const OpDef& op, std::string_view name,
                                                std::span<const Value> inputs,
                                                const AttributeMap& attributes,
                                                int num_outputs) const;
  bool Has(Value value) const;  // an output of a node of this graph
  // Whether inputs and forward node are there and come before the insertion point.
  absl::Status CheckWiring(const Node& node) const;
  // Whether `reader` keeps its types when it reads `to` for `from`: inference sees the elements of
  // constants.
  absl::Status CheckReader(const Node& reader, Value from, Value to) const;

  absl::Status VerifyNode(const Node& node) const;
  absl::Status VerifyKept() const;
  absl::Status CheckKept(const std::string& name, Value value) const;

  // graph/edit.cc: what every change is made of. Each tells an open transaction how it is undone.
  // Puts `node`, already filled in, at the insertion point and links it to its inputs.
  Node* Insert(Node node);
  bool IsDead(const Node& node) const;
  void Remove(Node* node);  // a dead one
  void ReleaseRemoved();    // frees what was removed, unless a transaction may bring it back
  void SetInput(const Use& use, Value to);
  void SetForward(Node* gradient, Node* forward);
  void Place(Node* node);  // gives a node that has just come to its place in the list its position
  // A reading among the uses of what is read, as the last one; gone, the last one in its place; and
  // back at its slot.
  static void Link(const Use& use);
  static void Unlink(const Use& use);
  static void Relink(const Use& use, size_t slot);
  static std::vector<Use>& UsesOf(const Use& use);
  static size_t& SlotOf(const Use& use);
  // The same for a gradient among those of its forward node.
  static void LinkForward(Node* gradient);
  static void UnlinkForward(Node* gradient);
  static void RelinkForward(Node* gradient, size_t slot);

  // graph/outputs.cc
  void Keep(Keeper keeper);  // the last of its list, which has just come
  void MoveKeepers(Value from, Value to);
  void Release(Value value, bool (*goes)(const Keeper&));
  static std::vector<Keeper>& KeepersOf(Value value);
  Value& ValueOf(const Keeper& keeper);

  // graph/transaction.cc. How to take back the change just made, while a transaction is open.
  template <typename Undo>
  void OnRevert(Undo undo) {
    if (log_ != nullptr) Remember(std::move(undo));
  }
  void Remember(std::function<void()> undo);
  void NoteChanged(Node* node);
  void NoteRenamed(Node* node);
  void NoteUnread(Value value);
  void NoteRemoved(Node* node);

  const OpRegistry* registry_;
  std::list<Node> nodes_;
  std::list<Node> removed_;  // while a transaction may bring them back
  absl::flat_hash_map<std::string, Node*> by_name_;
  std::vector<NamedValue> outputs_;
  std::vector<NamedValue> losses_;
  std::unordered_set<std::string> output_names_;  // of both
  std::vector<Update> updates_;
  Node* insertion_point_ = nullptr;
  std::unique_ptr<Log> log_;  // while a transaction is open
};

// The tensor of a Constant or Variable node; an empty tensor for other nodes.
const Tensor& LeafValue(const Node& node);
// The value's tensor where it is a Constant's; null otherwise.
const Tensor* ConstantValue(Value value);
bool IsTrainable(const Node& node);  // a Variable with trainable = 1
std::string VariableRole(const Node& node);

}  // namespace weft

#endif  // WEFT_GRAPH_GRAPH_H_
