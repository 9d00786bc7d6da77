// A reduction need not keep the axes that a view then takes away:
//
//   flatten(mean(x) {axes=[2,3], keepdims=1})  =>  mean(x) {axes=[2,3], keepdims=0}

#include "absl/strings/str_cat.h"
#include "ops/ops.h"
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

}  // namespace

Pass DropKeptAxes() {
  const Pattern kept = OneOf(Reductions(), {Any()}).Where(KeepsAxes).As("kept");
  return ToPass({.name = "drop_kept_axes",
                 .doc = "let a reduction drop the axes that a view of its result drops",
                 .pattern = OneOf(ViewOps(), {kept, Rest()}),
                 .conditions = DropKeptAxesHolds,
                 .rewrite = DropKeptAxesReplace});
}

}  // namespace weft
