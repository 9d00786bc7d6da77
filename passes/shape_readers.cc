#include "passes/shape_readers.h"

#include <unordered_set>
#include <vector>

#include "graph/op.h"
#include "ops/shape_value.h"

namespace weft {
namespace {

bool HasStaleTypes(const Node& node) {
  const auto types = node.op().infer(
      InferContext(node.name(), node.inputs(), node.attributes(), node.num_outputs()));
  if (!types.ok()) return true;
  for (int i = 0; i < node.num_outputs(); ++i) {
    if ((*types)[static_cast<size_t>(i)] != node.type(i)) return true;
  }
  return false;
}

}  // namespace

bool AreKnownAlike(Value a, Value b) {
  if (!ListLengthOf(a.type()) && !ListLengthOf(b.type())) return true;
  const auto known = SymbolicValue(a), other = SymbolicValue(b);
  return known.has_value() == other.has_value() && (!known || known->elements == other->elements);
}

const Node* FindStaleReader(Value value) {
  std::unordered_set<const Node*> seen;
  std::vector<Value> pending = {value};
  while (!pending.empty()) {
    const Value next = pending.back();
    pending.pop_back();
    for (const Use& use : next.node->uses(next.index)) {
      if (!seen.insert(use.user).second) continue;
      if (use.user->op().infer == nullptr) continue;
      if (HasStaleTypes(*use.user)) return use.user;
      for (int i = 0; i < use.user->num_outputs(); ++i) {
        if (ListLengthOf(use.user->type(i))) pending.push_back(use.user->output(i));
      }
    }
  }
  return nullptr;
}

}  // namespace weft
