// Between Transposes that undo one another, ops that do the same along other axes work on the axes
// as they were, as exporters from NHWC leave them around every convolution:
//
//   transpose2(relu1(pad1(transpose1(x)) + transpose3(y)))  =>  relu1(pad1(x) + y)
//
// Some of what such a region reads or makes may have to be transposed instead: of all ways to
// compute its nodes, each in one of the two orders, the one is taken in which Transposes move the
// fewest bytes. Those become fewer every time, so that this comes to an end. Constants are
// transposed once, by folding. Where that takes no more, a Transpose makes way for what becomes
// part of a convolution or matrix product:
//
//   relu1(transpose1(conv1(x)) + b)  =>  transpose1(relu1(conv1(x) + b'))
//
// Axes may go on the way, and the Transpose with them:
//
//   transpose1(x) -> reduce_mean1 over [1,2] -> y   =>   x -> reduce_mean1 over [2,3] -> y

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "passes/axes.h"
#include "passes/clean/clean.h"
#include "passes/clean/transposed_region.h"
#include "passes/worklist.h"

namespace weft {
namespace {

constexpr std::string_view kCancelTransposesName = "cancel_transposes";

// Builds members of a region anew, in the other order.
class OrderMover {
 public:
  OrderMover(PassContext& context, const TransposedRegion& region, std::vector<Node*> moved)
      : context_(context),
        graph_(context.graph()),
        region_(region),
        order_(std::move(moved)),
        moved_(order_.begin(), order_.end()) {}

  // Errors: a decline, or a node that is ill-typed in the other order.
  absl::StatusOr<std::vector<Node*>> Move() {
    for (Node* node : order_) WEFT_RETURN_IF_ERROR(MoveNode(node));
    graph_.SetInsertionPoint(nullptr);
    for (const auto& [from, to] : replaced_) {
      const absl::Status status = graph_.ReplaceUses(from, to);
      if (!status.ok()) return Decline(std::string(status.message()));
    }
    std::erase_if(gone_, [&](Node* node) { return IsRead(*node); });  // they go with their readers
    for (Node* node : gone_) graph_.RemoveDeadNodes(node);
    return std::move(built_);
  }
  // Why it must not be; empty where nothing is in the way.
  const std::string& declined() const { return declined_; }

 private:
  absl::Status Decline(std::string condition) {
    declined_ = std::move(condition);
    return absl::FailedPreconditionError(declined_);
  }

  absl::Status MoveNode(Node* node) {
    graph_.SetInsertionPoint(node);
    from_ = context_.From(kCancelTransposesName, std::span(&node, 1));
    const PermutedOp& op = region_.members().at(node);
    WEFT_ASSIGN_OR_RETURN(std::vector<Value> inputs, InputsOf(*node, op));
    WEFT_ASSIGN_OR_RETURN(Node * moved, AddAs(node, op.op, std::move(inputs), op.attributes));
    for (int i = 0; i < node->num_outputs(); ++i) {
      const TensorType expected = TypeBefore(node->type(i), op.output);
      if (moved->type(i) != expected) {  // as a symbolic extent's formula may be
        return Decline(absl::StrCat(moved->name(), " would be ", ToString(moved->type(i)), ", not ",
                                    ToString(expected)));
      }
      other_.emplace(node->output(i), moved->output(i));
      WEFT_RETURN_IF_ERROR(ServeReaders(node->output(i), moved->output(i)));
    }
    gone_.push_back(node);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Value>> InputsOf(const Node& node, const PermutedOp& op) {
    std::vector<Value> inputs;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const Value v = node.input(static_cast<int>(i));
      inputs.push_back(v ? AsItWas(v) : v);
      if (op.inputs[i].empty()) continue;
      WEFT_ASSIGN_OR_RETURN(inputs[i], InOrder(v, op.inputs[i], node));
    }
    const OpDef& def = *graph_.registry().Find(op.op);
    for (const auto& [i, list] : op.arguments) {
      const auto input = static_cast<size_t>(i);
      inputs.resize(std::max(inputs.size(), input + 1));
      WEFT_ASSIGN_OR_RETURN(inputs[input], AddList(node, def.input(input).name, list));
    }
    return inputs;
  }

  absl::StatusOr<Value> AddList(const Node& reader, std::string_view name, Tensor list) {
    return graph_.AddConstant(graph_.UniqueName(absl::StrCat(reader.name(), "/", Absl(name))),
                              std::move(list));
  }

  // v' where v, which `reader` reads, is Transpose(v', order).
  absl::StatusOr<Value> InOrder(Value v, const Permutation& order, const Node& reader) {
    const size_t rank = v.type().shape.size();
    const auto other = other_.find(v);
    if (other != other_.end() && rank == order.size()) return other->second;
    if (const auto it = operands_.find({v, order}); it != operands_.end()) return it->second;
    Value x = AsItWas(v);
    if (rank < order.size()) {
      Dims axes(order.size() - rank);
      for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(i);
      WEFT_ASSIGN_OR_RETURN(const Value list, AddList(reader, "axes", Tensor::FromInts(axes)));
      WEFT_ASSIGN_OR_RETURN(x, Add("Unsqueeze", reader.name(), {x, list}, {}));
    }
    WEFT_ASSIGN_OR_RETURN(x, Transposed(x, Inverse(order), reader.name() + "/Transpose"));
    operands_.emplace(std::pair(v, order), x);
    return x;
  }

  // `x` with its axes moved, from what it is a Transpose of where it is one.
  absl::StatusOr<Value> Transposed(Value x, Permutation perm, const std::string& name) {
    if (x.node->op_name() == "Transpose") {
      perm = Composed(PermutationOf(*x.node), perm);
      x = x.node->input(0);
    }
    if (KeepsOrder(perm)) return x;
    return Add("Transpose", name, {x}, {{"perm", std::move(perm)}});
  }

  // Makes readers of v that do not move read what `to`, which is v in the other order, gives.
  absl::Status ServeReaders(Value v, Value to) {
    const Permutation& order = region_.orders().at(v);
    const TransposedRegion::Readers readers = region_.ReadersOf(v);
    const bool all_move = std::ranges::all_of(
        readers.followers, [&](Node* reader) { return moved_.contains(reader); });
    if (readers.others || !all_move) {
      WEFT_ASSIGN_OR_RETURN(const Value back,
                            Transposed(to, order, to.node->name() + "/Transpose"));
      as_it_was_.emplace(v, back);
      replaced_.emplace_back(v, back);
    }
    for (Node* transpose : readers.transposes) {
      const Permutation both = Composed(order, PermutationOf(*transpose));
      Value made = to;
      if (!KeepsOrder(both)) {
        WEFT_ASSIGN_OR_RETURN(const Node* node,
                              AddAs(transpose, "Transpose", {to}, {{"perm", both}}));
        made = node->output();
      }
      replaced_.emplace_back(transpose->output(), made);
      gone_.push_back(transpose);
    }
    return absl::OkStatus();
  }

  Value AsItWas(Value v) const {
    const auto it = as_it_was_.find(v);
    return it == as_it_was_.end() ? v : it->second;
  }

  bool IsRead(const Node& node) const {
    for (int i = 0; i < node.num_outputs(); ++i) {
      if (graph_.CountReaders(node.output(i)) > 0) return true;
    }
    return false;
  }

  absl::StatusOr<Value> Add(std::string_view op, const std::string& name, std::vector<Value> inputs,
                            AttributeMap attributes) {
    WEFT_ASSIGN_OR_RETURN(Node * node, graph_.AddNode({.op = std::string(op),
                                                       .name = name,
                                                       .inputs = std::move(inputs),
                                                       .attributes = std::move(attributes),
                                                       .provenance = from_}));
    built_.push_back(node);
    return node->output();
  }

  // A node that takes the name of `old`, which goes.
  absl::StatusOr<Node*> AddAs(Node* old, const std::string& op, std::vector<Value> inputs,
                              AttributeMap attributes) {
    const std::string name = old->name();
    WEFT_RETURN_IF_ERROR(graph_.Rename(old, graph_.UniqueName(name + "/before")));
    WEFT_ASSIGN_OR_RETURN(Node * node, graph_.AddNode({.op = op,
                                                       .name = name,
                                                       .inputs = std::move(inputs),
                                                       .attributes = std::move(attributes),
                                                       .num_outputs = old->num_outputs(),
                                                       .provenance = from_}));
    built_.push_back(node);
    return node;
  }

  PassContext& context_;
  Graph& graph_;
  const TransposedRegion& region_;
  std::vector<Node*> order_;
  absl::flat_hash_set<const Node*> moved_;
  Provenance from_;                              // of what is built for one node
  absl::flat_hash_map<Value, Value> other_;      // results in the other order
  absl::flat_hash_map<Value, Value> as_it_was_;  // and back in their own
  absl::flat_hash_map<std::pair<Value, Permutation>, Value> operands_;  // what comes from outside
  std::vector<std::pair<Value, Value>> replaced_;
  std::vector<Node*> gone_;
  std::vector<Node*> built_;
  std::string declined_;
};

class CancelTransposesRun : public PassRun {
 public:
  explicit CancelTransposesRun(PassContext& context)
      : context_(context), graph_(context.graph()), worklist_(context, {.ops = {"Transpose"}}) {}

  // A region may be far from a change that lets it move: all are looked at again after one.
  absl::Status Run() override {
    // Far more than it can take until no fewer bytes move.
    const int limit = context_.rewrites() + 10 * graph_.size() + 1000;
    while (!context_.done() && seen_ != context_.rewrites()) {
      seen_ = context_.rewrites();
      covered_.clear();
      declined_.clear();
      for (Node& node : graph_.nodes()) worklist_.Add(&node);
      worklist_.StartOver();
      while (Node* transpose = context_.done() ? nullptr : worklist_.Next()) {
        WEFT_RETURN_IF_ERROR(MoveAround(*transpose));
        if (context_.rewrites() <= limit) continue;
        return absl::InternalError(
            absl::StrCat(Absl(kCancelTransposesName), ": never comes to an end"));
      }
    }
    return absl::OkStatus();
  }

  void Explain() override {
    covered_.clear();
    for (Node& node : graph_.nodes()) {
      if (node.op_name() != "Transpose") continue;
      if (const auto declined = declined_.find(node.name()); declined != declined_.end()) {
        context_.AddNearMiss(kCancelTransposesName, node, declined->second);
      }
      for (const auto& [v, order] : SeedsOf(node)) {
        if (covered_.contains({v, order})) continue;
        const TransposedRegion region(graph_, v, order);
        Cover(region);
        Condition condition = region.Undoes();
        if (!condition.holds) {
          context_.AddNearMiss(kCancelTransposesName, node, std::move(condition.failure));
        }
      }
    }
  }

 private:
  using Seed = std::pair<Value, Permutation>;

  // What is behind a Transpose, in the order from before it; and the other way round.
  static std::vector<Seed> SeedsOf(const Node& transpose) {
    if (IsKnown(transpose.output())) return {};
    const Permutation perm = PermutationOf(transpose);
    return {{transpose.output(), perm}, {transpose.input(0), Inverse(perm)}};
  }

  // A region that grew from one of these would be the same, or nearly so where it is cut off.
  void Cover(const TransposedRegion& region) {
    for (const Value v : region.inner()) covered_.emplace(v, region.orders().at(v));
  }

  absl::Status MoveAround(const Node& transpose) {
    for (const auto& [v, order] : SeedsOf(transpose)) {
      if (covered_.contains({v, order})) continue;
      const TransposedRegion region(graph_, v, order);
      Cover(region);
      for (size_t i = 0; i < region.members().size(); ++i) context_.CountLook();
      const std::vector<Node*> moved = region.Cheapest();
      if (moved.empty() || refused_.contains(NamesOf(moved))) continue;
      const int before = context_.rewrites();
      WEFT_RETURN_IF_ERROR(MoveNodes(transpose, region, moved));
      if (context_.rewrites() != before) return absl::OkStatus();  // the Transpose may have gone
    }
    return absl::OkStatus();
  }

  absl::Status MoveNodes(const Node& transpose, const TransposedRegion& region,
                         const std::vector<Node*>& moved) {
    const Provenance from = context_.From(kCancelTransposesName, SourcesOf(region, moved));
    const std::string name = transpose.name();
    std::vector<std::string> names = NamesOf(moved);
    const int before = context_.rewrites();
    Graph::Transaction change(graph_);
    OrderMover mover(context_, region, moved);
    const absl::StatusOr<std::vector<Node*>> built = mover.Move();
    if (!mover.declined().empty()) {
      declined_[name] = mover.declined();
      return absl::OkStatus();  // which takes the change back
    }
    if (!built.ok()) {
      return absl::InternalError(
          absl::StrCat(Absl(kCancelTransposesName), " at ", name,
                       ": ill-typed replacement: ", built.status().message()));
    }
    WEFT_RETURN_IF_ERROR(context_.Record(from, *built, change));
    if (context_.rewrites() > before) {
      covered_.clear();
    } else {
      refused_.insert(std::move(names));
    }
    return absl::OkStatus();
  }

  static std::vector<std::string> NamesOf(const std::vector<Node*>& nodes) {
    std::vector<std::string> names;
    for (const Node* node : nodes) names.push_back(node->name());
    return names;
  }

  // The nodes that move and the Transposes around them, in order.
  static std::vector<Node*> SourcesOf(const TransposedRegion& region,
                                      const std::vector<Node*>& moved) {
    std::set<Node*, TransposedRegion::IsEarlier> sources(moved.begin(), moved.end());
    for (const Node* node : moved) {
      for (const Value& v : node->inputs()) {
        const bool turned = v && v.node->op_name() == "Transpose" && region.orders().contains(v);
        if (turned) sources.insert(v.node);
      }
      for (int i = 0; i < node->num_outputs(); ++i) {
        const auto readers = region.ReadersOf(node->output(i));
        sources.insert(readers.transposes.begin(), readers.transposes.end());
      }
    }
    return {sources.begin(), sources.end()};
  }

  PassContext& context_;
  Graph& graph_;
  Worklist worklist_;
  int seen_ = -1;                      // rewrites there were when all regions were last looked at
  absl::flat_hash_set<Seed> covered_;  // since the last rewrite
  std::map<std::string, std::string> declined_;  // why, by the Transpose where it was tried
  std::set<std::vector<std::string>> refused_;   // nodes whose move the replay took back
};

}  // namespace

Pass CancelTransposes() {
  return {kCancelTransposesName, "do without Transposes around ops that work along any axes",
          [](PassContext& context) { return std::make_unique<CancelTransposesRun>(context); }};
}

}  // namespace weft
