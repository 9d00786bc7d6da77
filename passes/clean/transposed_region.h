#ifndef WEFT_PASSES_CLEAN_TRANSPOSED_REGION_H_
#define WEFT_PASSES_CLEAN_TRANSPOSED_REGION_H_

#include <map>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "passes/clean/permuted_op.h"

namespace weft {

// Values joined by ops that work on their axes in any order, as far as they go: what can be
// computed in another order, all of it or some. A value and its own Transpose are not both among
// them, since one would be made from the other in a third order.
class TransposedRegion {
 public:
  // Grows from a value v that would be Transpose(v', order).
  TransposedRegion(const Graph& graph, Value v, const Permutation& order);

  struct IsEarlier {
    bool operator()(const Node* a, const Node* b) const { return a->IsBefore(*b); }
  };
  const std::map<Node*, PermutedOp, IsEarlier>& members() const { return members_; }
  // What the members make and what they read, each with the order in which all of them take it.
  const absl::flat_hash_map<Value, Permutation>& orders() const { return orders_; }
  // Those of the values that have all their neighbours in the region: all, unless it was too large
  // to be seen whole. At least the one that it grew from.
  std::span<const Value> inner() const { return std::span(values_).first(inner_); }

  // Who reads a value of the region.
  struct Readers {
    std::vector<Node*> followers;   // members, each once, that would take it in the other order
    std::vector<Node*> transposes;  // these can be others instead
    bool others = false;            // that need the value as it is, the graph's outputs among them
  };
  Readers ReadersOf(Value v) const;

  // The members that are to work in the other order, so that Transposes move the fewest bytes; none
  // where those are the fewest already. (A symbol counts as 64.)
  std::vector<Node*> Cheapest() const;
  // Where Cheapest has none although Transposes undo one another around the region: what stands
  // in the way.
  Condition Undoes() const;

 private:
  class Network;
  bool is_cut_off() const;
  void Offer(Node* node, Value v);
  bool Fits(const Node& node, const PermutedOp& op, Value v) const;
  bool IsTurned(const std::vector<Value>& values) const;
  void Add(Value v, const Permutation& order);

  const Graph& graph_;
  std::map<Node*, PermutedOp, IsEarlier> members_;
  absl::flat_hash_map<Value, Permutation> orders_;
  std::vector<Value> values_;           // the keys of orders_, as they were found
  absl::flat_hash_set<Value> sources_;  // what those are Transposes of
  size_t inner_ = 1;
};

// Whether the value is one that constant folding computes, so that its Transpose costs nothing.
bool IsKnown(Value v);

// The type of v' where v, of `type`, is Transpose(v', order).
TensorType TypeBefore(const TensorType& type, const Permutation& order);

}  // namespace weft

#endif  // WEFT_PASSES_CLEAN_TRANSPOSED_REGION_H_
