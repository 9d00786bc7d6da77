// Between Transposes that undo one another, element-wise ops work on the axes as they were:
//
//   transpose2(relu1(add1(transpose1(x), transpose3(y))))  =>  relu1(add1(x, y))
//
// (and Concats likewise, along another axis). Constants are transposed once. Nothing moves unless
// every operand of all the ops between can do without a Transpose, so that there is always one
// less.

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "passes/clean/clean.h"
#include "passes/clean/moves.h"

namespace weft {
namespace {

constexpr int kDeepest = 8;         // ops one after the other between the Transposes
constexpr size_t kMostReaders = 4;  // of a value: the driver tells when one of so few goes

bool HasOneElement(const TensorType& type) {
  return std::all_of(type.shape.begin(), type.shape.end(),
                     [](const Dim& d) { return d == Dim(1); });
}

// Whether an op does the same along other axes.
bool FollowsAxes(const Node& node) {
  if (node.op_name() == "Concat") return true;
  return node.op().traits.elementwise && !node.op().draws_random && node.num_outputs() == 1;
}

// The ops between a Transpose and those that it undoes.
class TransposedRegion {
 public:
  explicit TransposedRegion(const Node& transpose)
      : transpose_(transpose), permutation_(PermutationOf(transpose)) {
    std::vector<Value> level = {transpose.input(0)};
    for (int depth = 0; !level.empty(); ++depth) level = Extend(level, depth);
    std::sort(between_.begin(), between_.end(),
              [](const Node* a, const Node* b) { return a->IsBefore(*b); });
  }

  bool empty() const { return between_.empty(); }
  int undone() const { return undone_; }  // readings of Transposes that would go

  Condition IsFree(const Graph& graph) const {
    if (in_the_way_) return {false, absl::StrCat(in_the_way_.ToString(), " would be transposed")};
    for (const Node* node : between_) {
      const auto uses = node->uses();
      const bool stays = std::all_of(uses.begin(), uses.end(), [&](const Use& use) {
        return use.user == &transpose_ || members_.contains(use.user);
      });
      if (stays && uses.size() <= kMostReaders && !graph.IsOutput(node->output())) continue;
      return {false, absl::StrCat(node->name(), " has ", graph.CountReaders(node->output()),
                                  " consumers")};
    }
    return {};
  }

  // What the Transpose makes, without it.
  Value Build(Rewriter& r) const {
    absl::flat_hash_map<const Node*, Value> built;
    for (const Node* node : between_) {
      std::vector<Value> inputs;
      for (const Value& v : node->inputs()) {
        const auto inner = built.find(v.node);
        inputs.push_back(inner != built.end() ? inner->second : Leaf(v, r));
      }
      AttributeMap attributes = node->attributes();
      if (node->op_name() == "Concat") attributes["axis"] = PlaceOf(AxisOf(*node));
      built[node] = r.OpAs(node->name(), node->op_name(), inputs, std::move(attributes));
    }
    return built.at(transpose_.input(0).node);
  }

 private:
  int rank() const { return static_cast<int>(permutation_.size()); }

  int64_t PlaceOf(int64_t axis) const {
    return std::find(permutation_.begin(), permutation_.end(), axis) - permutation_.begin();
  }

  bool IsUndone(Value v) const {
    return v.node->op_name() == "Transpose" && v.type().rank() == rank() &&
           KeepsOrder(Composed(PermutationOf(*v.node), permutation_));
  }

  // Takes in what makes `values`; returns what that reads.
  std::vector<Value> Extend(const std::vector<Value>& values, int depth) {
    std::vector<Value> read;
    for (const Value& v : values) {
      if (v.null() || HasOneElement(v.type()) || ConstantValue(v) != nullptr) continue;
      if (IsUndone(v)) {
        ++undone_;
      } else if (depth == kDeepest || !FollowsAxes(*v.node) || v.type().rank() != rank()) {
        in_the_way_ = v;
      } else if (members_.insert(v.node).second) {
        between_.push_back(v.node);
        read.insert(read.end(), v.node->inputs().begin(), v.node->inputs().end());
      }
    }
    return read;
  }

  Value Leaf(Value v, Rewriter& r) const {
    if (v.null() || HasOneElement(v.type())) return v;
    if (IsUndone(v)) return v.node->input(0);
    // A constant, before whose axes broadcasting has put others.
    Dims dims = ConstantValue(v)->dims();
    dims.insert(dims.begin(), static_cast<size_t>(rank()) - dims.size(), 1);
    return r.Op("Transpose", {r.Op("Reshape", {v, r.Ints(dims)}, {{"allowzero", 1}})},
                {{"perm", permutation_}});
  }

  const Node& transpose_;
  Permutation permutation_;
  std::vector<Node*> between_;                // in the graph's order
  absl::flat_hash_set<const Node*> members_;  // the same
  int undone_ = 0;
  Value in_the_way_;
};

bool UndoesAnother(const Node& transpose) {
  const TransposedRegion region(transpose);
  return !region.empty() && region.undone() > 0;
}

Condition CancelTransposesHolds(const Match& m) {
  return TransposedRegion(*m.root()).IsFree(m.graph());
}

std::vector<Value> CancelTransposesReplace(const Match& m, Rewriter& r) {
  const Value result = TransposedRegion(*m.root()).Build(r);
  if (!r.ok() || result.type() == m.root()->type()) return {result};
  return r.Decline(absl::StrCat("it would be ", ToString(result.type())));
}

}  // namespace

Pass CancelTransposes() {
  return ToPass({.name = "cancel_transposes",
                 .doc = "remove Transposes that undo one another around element-wise ops",
                 .pattern = Op("Transpose", {Any().As("x")}).Where(UndoesAnother),
                 .conditions = CancelTransposesHolds,
                 .rewrite = CancelTransposesReplace,
                 .reach = kDeepest});
}

}  // namespace weft
