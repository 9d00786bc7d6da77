// Reshapes in a row, of whatever kind, are one:
//
//   reshape2(squeeze1(x))  =>  reshape2(x), or x where that has the type of the result

#include "passes/clean/clean.h"
#include "passes/clean/moves.h"

namespace weft {
namespace {

Condition MergeViewsHolds(const Match& m) {
  if (m["x"].type() == m.root()->type()) return {};
  return HasSingleReader(m, "inner");
}

std::vector<Value> MergeViewsReplace(const Match& m, Rewriter& r) {
  if (m["x"].type() == m.root()->type()) return {m["x"]};
  if (m.root()->op_name() != "ReshapeLike") return ReshapeToRoot(m, m["x"], r);
  return {r.OpAs(m.root()->name(), "ReshapeLike", {m["x"], m.root()->input(1)})};
}

}  // namespace

Pass MergeViews() {
  return ToPass(
      {.name = "merge_views",
       .doc = "make one Reshape of reshapes in a row",
       .pattern = OneOf(ViewOps(), {OneOf(ViewOps(), {Any().As("x"), Rest()}).As("inner"), Rest()}),
       .conditions = MergeViewsHolds,
       .rewrite = MergeViewsReplace});
}

}  // namespace weft
