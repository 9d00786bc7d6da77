#include <algorithm>

#include "runtime/plan/lowering.h"

namespace weft {
namespace {

bool IsVariable(Value value) { return value && value.node->op_name() == kVariable; }

// Calls f(value, layout) for everything that is read, with the layout it is read in.
template <typename F>
absl::Status ForEachRead(const Lowering& l, const F& f) {
  for (const Choice& choice : l.choices) {
    for (int i = 0; i < choice.node->num_inputs(); ++i) {
      const std::optional<Layout> wanted = WantedLayout(choice, i);
      if (wanted) f(choice.node->input(i), *wanted);
    }
  }
  for (const NamedValue& output : l.graph.outputs()) {
    WEFT_ASSIGN_OR_RETURN(const Layout plain, PlainLayout(output.value.type()));
    f(output.value, plain);
  }
  for (const Update& update : l.graph.updates()) {
    f(update.value, l.variable_layouts.at(update.variable));
  }
  return absl::OkStatus();
}

// What the reorders of a run will move, in bytes.
absl::StatusOr<size_t> ReorderBytes(const Lowering& l) {
  size_t bytes = 0;
  absl::flat_hash_map<Value, std::vector<Layout>> there;
  WEFT_RETURN_IF_ERROR(ForEachRead(l, [&](Value value, const Layout& wanted) {
    if (ConstantValue(value) != nullptr || l.layouts.at(value) == wanted) return;
    std::vector<Layout>& copies = there[value];
    if (std::find(copies.begin(), copies.end(), wanted) != copies.end()) return;
    copies.push_back(wanted);
    bytes += wanted.bytes();
  }));
  return bytes;
}

// Gives each variable that is still row-major the first other layout that something reads it in.
absl::StatusOr<bool> Propose(Lowering& l) {
  bool changed = false;
  WEFT_RETURN_IF_ERROR(ForEachRead(l, [&](Value value, const Layout& wanted) {
    if (!IsVariable(value) || wanted.is_plain() || !wanted.is_elementwise()) return;
    Layout& layout = l.variable_layouts.at(value.node);
    if (!layout.is_plain()) return;
    layout = wanted;
    changed = true;
  }));
  return changed;
}

// Makes those row-major again whose next value comes in another layout.
absl::StatusOr<bool> Withdraw(Lowering& l) {
  bool changed = false;
  for (const Update& update : l.graph.updates()) {
    Layout& layout = l.variable_layouts.at(update.variable);
    WEFT_ASSIGN_OR_RETURN(const Layout next, l.LayoutOf(update.value));
    if (layout.is_plain() || next == layout) continue;
    WEFT_ASSIGN_OR_RETURN(layout, PlainLayout(update.variable->type()));
    changed = true;
  }
  return changed;
}

// Repeats `change`, and the choices that depend on it, until it changes nothing.
absl::Status Repeat(Lowering& l, absl::StatusOr<bool> (*change)(Lowering&)) {
  while (true) {
    WEFT_ASSIGN_OR_RETURN(const bool changed, change(l));
    if (!changed) return absl::OkStatus();
    WEFT_RETURN_IF_ERROR(ChooseStage(l));
  }
}

}  // namespace

// A variable is in one layout from run to run, the layout that its update comes in, so that neither
// needs a reorder; in its first reader's, where the kernel of the update can follow. Where the
// whole plan would move more bytes than with row-major variables, they stay row-major.
absl::Status VariableStage(Lowering& lowering) {
  Lowering& l = lowering;
  if (l.options.variables != nullptr || l.graph.updates().empty()) return absl::OkStatus();
  l.plan.chose_variable_layouts = true;
  WEFT_ASSIGN_OR_RETURN(const size_t before, ReorderBytes(l));
  const auto plain = l.variable_layouts;
  WEFT_RETURN_IF_ERROR(Repeat(l, Propose));
  WEFT_RETURN_IF_ERROR(Repeat(l, Withdraw));
  WEFT_ASSIGN_OR_RETURN(const size_t after, ReorderBytes(l));
  if (after < before) return absl::OkStatus();
  l.variable_layouts = plain;
  return ChooseStage(l);
}

}  // namespace weft
