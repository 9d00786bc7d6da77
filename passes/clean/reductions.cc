// A reduction need not keep the axes that a view then takes away, and one over axes of one element
// is a view:
//
//   flatten(mean(x) {axes=[2,3], keepdims=1})   =>  mean(x) {axes=[2,3], keepdims=0}
//   mean(x [N,C,1,1]) {axes=[2,3], keepdims=0}  =>  reshape(x)
//
// (Where that keeps its axes, remove_identity removes it.)

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "ops/ops.h"
#include "passes/axes.h"
#include "passes/clean/clean.h"
#include "passes/clean/moves.h"

namespace weft {
namespace {

std::vector<std::string> Reductions() {
  std::vector<std::string> names;
  for (const OpDef* op : StandardOps().All()) {
    if (op->traits.reduction) names.emplace_back(op->name);
  }
  return names;
}

bool KeepsAxes(const Node& reduction) { return GetInt(reduction.attributes(), "keepdims", 1) != 0; }

Condition DropKeptAxesHolds(const Match& m) { return HasSingleReader(m, "kept"); }

std::vector<Value> DropKeptAxesReplace(const Match& m, Rewriter& r) {
  const Node& kept = *m.node("kept");
  const std::string name = kept.name();
  AttributeMap attributes = kept.attributes();
  attributes.insert_or_assign("keepdims", 0);
  const Value dropped = r.OpAs(name, kept.op_name(), {kept.input(0)}, std::move(attributes));
  if (!r.ok() || dropped.type() == m.root()->type()) return {dropped};
  return r.Decline(absl::StrCat(name, " without the axes that it keeps would be ",
                                ToString(dropped.type()), ", not ", ToString(m.root()->type())));
}

bool ReducesNothing(const Node& reduction) {
  const TensorType& x = reduction.input(0).type();
  const std::vector<int64_t> axes = ReducedAxes(reduction);
  return x != reduction.type() && std::all_of(axes.begin(), axes.end(), [&](int64_t axis) {
           return x.dim(static_cast<int>(axis)) == Dim(1);
         });
}

std::vector<Value> ReductionToReshapeReplace(const Match& m, Rewriter& r) {
  return ReshapeToRoot(m, m["x"], r);
}

}  // namespace

Pass DropKeptAxes() {
  const Pattern kept = OneOf(Reductions(), {Any()}).Where(KeepsAxes).As("kept");
  return ToPass({.name = "drop_kept_axes",
                 .doc = "let a reduction drop the axes that a view of its result drops",
                 .pattern = OneOf(ViewOps(), {kept, Rest()}),
                 .conditions = DropKeptAxesHolds,
                 .rewrite = DropKeptAxesReplace});
}

Pass ReductionToReshape() {
  return ToPass(
      {.name = "reduction_to_reshape",
       .doc = "reshape instead of reducing axes of one element",
       .pattern = OneOf({"ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum"},
                        {Any().As("x")})
                      .Where(ReducesNothing),
       .conditions = nullptr,
       .rewrite = ReductionToReshapeReplace});
}

}  // namespace weft
