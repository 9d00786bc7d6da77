#include <algorithm>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "graph/graph.h"
#include "graph/op.h"

namespace weft {

absl::Status Graph::Verify() const {
  std::unordered_set<const Node*> seen;
  for (const Node& node : nodes_) {
    auto fail = [&](std::string what) {
      return absl::InternalError(absl::StrCat(node.Describe(), ": ", what));
    };
    if (Find(node.name_) != &node) return fail("its name is not unique");
    for (int i = 0; i < node.num_inputs(); ++i) {
      const Value v = node.input(i);
      if (v.null()) continue;
      if (!seen.contains(v.node)) return fail(absl::StrCat("input ", i, " comes after it"));
      if (v.index < 0 || v.index >= v.node->num_outputs()) {
        return fail(absl::StrCat("input ", i, " reads an output that is not there"));
      }
      const auto& uses = v.node->uses_;
      if (std::count(uses.begin(), uses.end(), Use{const_cast<Node*>(&node), i}) != 1) {
        return fail(absl::StrCat("input ", i, " is not among the uses of ", v.node->name()));
      }
    }
    if (node.forward_ != nullptr && !seen.contains(node.forward_)) {
      return fail("its forward node comes after it");
    }
    absl::Status inputs = CheckInputs(*node.op_, node.inputs_);
    if (!inputs.ok()) return Annotate(inputs, node.Describe());
    auto types = Infer(*node.op_, node.name_, node.inputs_, node.attributes_, node.num_outputs());
    if (!types.ok()) return Annotate(types.status(), node.Describe());
    for (int i = 0; i < node.num_outputs(); ++i) {
      if ((*types)[static_cast<size_t>(i)] != node.type(i)) {
        return fail(absl::StrCat("output ", i, " is ", weft::ToString(node.type(i)), ", inferred ",
                                 weft::ToString((*types)[static_cast<size_t>(i)])));
      }
    }
    seen.insert(&node);
  }
  auto check = [&](Value v, const std::string& what) -> absl::Status {
    if (!v.null() && seen.contains(v.node) && v.index >= 0 && v.index < v.node->num_outputs())
      return absl::OkStatus();
    return absl::InternalError(absl::StrCat(what, " reads a value that is not in the graph"));
  };
  for (const NamedValue& output : outputs_) {
    WEFT_RETURN_IF_ERROR(check(output.value, absl::StrCat("output ", output.name)));
  }
  for (const Update& update : updates_) {
    WEFT_RETURN_IF_ERROR(check(update.variable->output(0), "an update"));
    WEFT_RETURN_IF_ERROR(check(update.value, absl::StrCat("update of ", update.variable->name())));
  }
  return absl::OkStatus();
}

}  // namespace weft
