// Transposes in a row are one, or none where the axes come back to their places:
//
//   transpose2(transpose1(x))  =>  transpose2(x)
//
// and one that moves only axes of one element moves no element:
//
//   transpose1(x: [N,1,28,28], perm=[0,2,3,1])  =>  reshape(x)

#include <algorithm>

#include "passes/clean/clean.h"
#include "passes/clean/moves.h"

namespace weft {
namespace {

Permutation Both(const Match& m) {
  return Composed(PermutationOf(*m.node("inner")), PermutationOf(*m.root()));
}

Condition TransposesHolds(const Match& m) {
  return KeepsOrder(Both(m)) ? Condition{} : HasSingleReader(m, "inner");
}

std::vector<Value> MergePermutations(const Match& m, Rewriter& r) {
  const Permutation both = Both(m);
  if (KeepsOrder(both)) return {m["x"]};
  return {r.OpAs(m.root()->name(), "Transpose", {m["x"]}, {{"perm", both}})};
}

bool MovesNoElement(const Node& transpose) {
  Permutation longer;  // the axes of more than one element
  for (int64_t axis : PermutationOf(transpose)) {
    if (transpose.input(0).type().dim(static_cast<int>(axis)) != Dim(1)) longer.push_back(axis);
  }
  return std::is_sorted(longer.begin(), longer.end());
}

std::vector<Value> ToReshape(const Match& m, Rewriter& r) { return ReshapeToRoot(m, m["x"], r); }

}  // namespace

Pass MergeTransposes() {
  return ToPass({.name = "merge_transposes",
                 .doc = "make one Transpose of two in a row, or none",
                 .pattern = Op("Transpose", {Op("Transpose", {Any().As("x")}).As("inner")}),
                 .conditions = TransposesHolds,
                 .rewrite = MergePermutations});
}

Pass TransposeToReshape() {
  return ToPass({.name = "transpose_to_reshape",
                 .doc = "make a Reshape of a Transpose that only moves axes of one element",
                 .pattern = Op("Transpose", {Any().As("x")}).Where(MovesNoElement),
                 .conditions = nullptr,
                 .rewrite = ToReshape});
}

}  // namespace weft
