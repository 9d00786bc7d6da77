#include "absl/strings/str_cat.h"
#include "graph/graph.h"
#include "graph/op.h"

namespace weft {

absl::Status Graph::VerifyNode(const Node& node) const {
  const auto fail = [&](std::string what) {
    return absl::InternalError(absl::StrCat(node.Describe(), ": ", what));
  };
  if (Find(node.name_) != &node) return fail("its name is not unique");
  for (int i = 0; i < node.num_inputs(); ++i) {
    const Value v = node.input(i);
    if (v.null()) continue;
    if (Find(v.node->name_) != v.node || !v.node->IsBefore(node)) {
      return fail(absl::StrCat("input ", i, " comes after it"));
    }
    if (!Has(v)) return fail(absl::StrCat("input ", i, " reads an output that is not there"));
    const Use use{node.output().node, i};
    const std::span<const Use> uses = v.node->uses(v.index);
    if (SlotOf(use) >= uses.size() || uses[SlotOf(use)] != use) {
      return fail(absl::StrCat("input ", i, " is not among the uses of ", v.node->name()));
    }
  }
  if (node.forward_ != nullptr && (!Has(node.forward_->output()) || !node.forward_->IsBefore(node)))
    return fail("its forward node comes after it");
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
  return absl::OkStatus();
}

absl::Status Graph::VerifyKept() const {
  const auto check = [&](const std::string& what, Value v) {
    if (!v.null() && Has(v)) return absl::OkStatus();
    return absl::InternalError(absl::StrCat(what, " reads a value that is not in the graph"));
  };
  for (const NamedValue& output : outputs_) {
    WEFT_RETURN_IF_ERROR(check(absl::StrCat("output ", output.name), output.value));
  }
  for (const NamedValue& loss : losses_) {
    WEFT_RETURN_IF_ERROR(check(absl::StrCat("loss ", loss.name), loss.value));
  }
  for (const Update& update : updates_) {
    WEFT_RETURN_IF_ERROR(check("an update", update.variable->output()));
    WEFT_RETURN_IF_ERROR(check(absl::StrCat("update of ", update.variable->name()), update.value));
  }
  return absl::OkStatus();
}

absl::Status Graph::Verify() const {
  int64_t position = 0;
  size_t inputs = 0, uses = 0, keepers = 0;
  for (const Node& node : nodes_) {
    WEFT_RETURN_IF_ERROR(VerifyNode(node));
    if (std::exchange(position, node.position_) >= node.position_) {
      return absl::InternalError(absl::StrCat(node.Describe(), ": its position is not its place"));
    }
    for (const Value& v : node.inputs_) inputs += v ? 1 : 0;
    for (const Node::Output& output : node.outputs_) {
      uses += output.uses.size();
      keepers += output.keepers.size();
    }
  }
  WEFT_RETURN_IF_ERROR(VerifyKept());
  if (inputs != uses || keepers != outputs_.size() + losses_.size() + updates_.size()) {
    return absl::InternalError(absl::StrCat("the graph has ", inputs, " inputs and ", uses,
                                            " uses, and keeps ", keepers, " values"));
  }
  return absl::OkStatus();
}

}  // namespace weft
