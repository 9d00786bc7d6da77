// Ops that return their input as it is go.
//
//   x -> drop1 (Dropout, inference) -> fc1    =>    x -> fc1
//
// The same for Identity, and for Reshape, Flatten, Transpose and Cast that change nothing.

#include "passes/clean/clean.h"
#include "passes/rule.h"

namespace weft {
namespace {

bool KeepsOrder(const Node& transpose) {
  const int rank = transpose.type().rank();
  const std::vector<int64_t> perm = GetInts(transpose.attributes(), "perm");
  if (perm.empty()) return rank <= 1;  // the default reverses the axes
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

bool ChangesNothing(const Node& node) {
  if (node.op_name() == "Transpose") return KeepsOrder(node);
  return node.input(0).type() == node.type();
}

Condition Holds(const Match& m) {
  const Node& node = *m.root();
  if (node.op_name() != "Dropout") return {};
  const bool mask = node.num_outputs() > 1 && m.graph().CountReaders(m.root()->output(1)) > 0;
  return All({IsInMode(m, "node", "inference"),
              Unless(mask, absl::StrCat("the mask of ", node.name(), " is read"))});
}

std::vector<Value> Replace(const Match& m, Rewriter&) {
  std::vector<Value> values(static_cast<size_t>(m.root()->num_outputs()));
  values[0] = m["x"];
  return values;
}

}  // namespace

Pass RemoveIdentity() {
  return ToPass({.name = "remove_identity",
                 .doc = "remove Identity, Dropout at inference, and reshapes and casts to the same",
                 .pattern = OneOf({"Identity", "Dropout", "Reshape", "ReshapeLike", "Flatten",
                                   "Transpose", "Cast"},
                                  {Any().As("x"), Rest()})
                                .As("node")
                                .Where(ChangesNothing),
                 .conditions = Holds,
                 .rewrite = Replace});
}

}  // namespace weft
