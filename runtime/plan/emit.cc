#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runtime/exec/parallel.h"
#include "runtime/plan/lowering.h"

namespace weft {
namespace {

class Emitting {
 public:
  explicit Emitting(Lowering& lowering) : l_(lowering), plan_(lowering.plan) {}

  absl::Status Run() {
    for (const Node& node : l_.graph.nodes()) {
      absl::Status status = Emit(node);
      if (!status.ok()) return Annotate(status, node.Describe());
    }
    for (const NamedValue& output : l_.graph.outputs()) {
      WEFT_RETURN_IF_ERROR(Annotate(EmitOutput(output), "output " + output.name));
    }
    for (const Update& update : l_.graph.updates()) {
      WEFT_RETURN_IF_ERROR(Annotate(EmitUpdate(update), "update of " + update.variable->name()));
    }
    if (!l_.graph.updates().empty()) KeepChoices();
    return absl::OkStatus();
  }

 private:
  absl::Status Emit(const Node& node) {
    if (node.op_name() == kConstant) return absl::OkStatus();  // on first use
    if (node.op_name() == kInput) return EmitInput(node);
    if (node.op_name() == kVariable) return EmitVariable(node);
    const Choice& choice = l_.choices[l_.choice_of.at(&node)];
    return choice.view ? EmitView(choice) : EmitStep(choice);
  }

  void KeepChoices() {
    for (const Choice& choice : l_.choices) {
      if (choice.view || choice.candidates.front()->name() == "reference") continue;
      plan_.choices[choice.node->name()] = ChoiceText(*choice.node, *choice.candidates.front());
    }
  }

  absl::Status EmitInput(const Node& node) {
    const Layout& layout = l_.layouts.at(ValueOf(node));
    const int slot = static_cast<int>(plan_.inputs.size());
    plan_.inputs.push_back(node.name());
    plan_.input_layouts.push_back(layout);
    l_.values[ValueOf(node)] =
        l_.AddValue(node.name(), layout, l_.AddBuffer(Place::kInput, layout.bytes(), slot));
    return absl::OkStatus();
  }

  absl::Status EmitVariable(const Node& node) {
    const Layout& layout = l_.layouts.at(ValueOf(node));
    const int slot = static_cast<int>(plan_.variables.size());
    plan_.variables.push_back({node.name(), VariableRole(node), node.type(), layout});
    plan_.variable_bytes += layout.bytes();
    l_.values[ValueOf(node)] =
        l_.AddValue(node.name(), layout, l_.AddBuffer(Place::kVariable, layout.bytes(), slot));
    return absl::OkStatus();
  }

  absl::Status EmitView(const Choice& choice) {
    const Node& node = *choice.node;
    const int input = choice.view->input;
    WEFT_ASSIGN_OR_RETURN(const int source,
                          Convert(node.input(input), *WantedLayout(choice, input)));
    l_.values[ValueOf(node)] =
        l_.AddValue(node.name(), l_.layouts.at(ValueOf(node)),
                    plan_.values[static_cast<size_t>(source)].buffer, source);
    return absl::OkStatus();
  }

  absl::Status EmitStep(const Choice& choice) {
    const Node& node = *choice.node;
    std::vector<int> inputs, outputs;
    for (int i = 0; i < node.num_inputs(); ++i) {
      inputs.push_back(-1);
      const std::optional<Layout> wanted = WantedLayout(choice, i);
      if (!wanted) continue;
      WEFT_ASSIGN_OR_RETURN(inputs.back(), Convert(node.input(i), *wanted));
    }
    for (int i = 0; i < node.num_outputs(); ++i) {
      const Value value = ValueOf(node, i);
      const Layout& layout = l_.layouts.at(value);
      outputs.push_back(
          l_.AddValue(value.ToString(), layout, l_.AddBuffer(Place::kArena, layout.bytes())));
      l_.values[value] = outputs.back();
    }
    l_.AddStep(node.name(), std::string(node.op_name()), choice.candidates.front(),
               std::move(inputs), std::move(outputs), &node);
    return absl::OkStatus();
  }

  absl::Status EmitOutput(const NamedValue& output) {
    WEFT_ASSIGN_OR_RETURN(Layout plain, PlainLayout(output.value.type()));
    WEFT_ASSIGN_OR_RETURN(int id, Convert(output.value, plain));
    const int slot = static_cast<int>(plan_.outputs.size());
    plan_.outputs.push_back(output.name);
    plan_.output_layouts.push_back(plain);
    // Only memory of the plan's own can become the caller's; anything else is copied.
    if (l_.BufferOf(id).place != Place::kArena) id = l_.AddCopy(output.name, id);
    l_.BufferOf(id).place = Place::kOutput;
    l_.BufferOf(id).slot = slot;
    return absl::OkStatus();
  }

  absl::Status EmitUpdate(const Update& update) {
    WEFT_ASSIGN_OR_RETURN(int id, Convert(update.value, l_.layouts.at(update.variable->output(0))));
    // Another variable's memory may be overwritten before it is read here.
    if (l_.BufferOf(id).place == Place::kVariable) id = l_.AddCopy(update.value.ToString(), id);
    l_.updates.emplace_back(id, l_.values.at(update.variable->output(0)));
    return absl::OkStatus();
  }

  // `value` in the wanted layout: as it is, an earlier copy, or a new one.
  absl::StatusOr<int> Convert(Value value, const Layout& wanted) {
    const Tensor* constant = ConstantValue(value);
    if (constant == nullptr && l_.layouts.at(value) == wanted) return l_.values.at(value);
    for (const int copy : copies_[value]) {
      if (plan_.values[static_cast<size_t>(copy)].layout == wanted) return copy;
    }
    WEFT_ASSIGN_OR_RETURN(const int copy, constant != nullptr
                                              ? AddConstant(value, *constant, wanted)
                                              : AddReorder(l_.values.at(value), wanted));
    copies_[value].push_back(copy);
    return copy;
  }

  absl::StatusOr<int> AddReorder(int value, const Layout& wanted) {
    const PlanValue have = plan_.values[static_cast<size_t>(value)];
    const RunScope scope(ThreadsToCopy(wanted.bytes(), plan_.threads));  // those it is made for
    WEFT_ASSIGN_OR_RETURN(std::shared_ptr<const Kernel> kernel, MakeReorder(have.layout, wanted));
    const int copy = l_.AddValue(have.name, wanted, l_.AddBuffer(Place::kArena, wanted.bytes()));
    l_.AddStep(absl::StrCat("reorder ", have.name, " -> ", wanted.name()), "Reorder",
               std::move(kernel), {value}, {copy});
    return copy;
  }

  // A constant is there from its first use on, row-major until PackStage.
  int AddConstant(Value value, const Tensor& constant, const Layout& wanted) {
    const int slot = static_cast<int>(plan_.constants.size());
    plan_.constant_bytes += wanted.bytes();
    plan_.constants.push_back(constant);
    return l_.AddValue(value.ToString(), wanted,
                       l_.AddBuffer(Place::kConstant, wanted.bytes(), slot));
  }

  static Value ValueOf(const Node& node, int output = 0) {
    return {const_cast<Node*>(&node), output};
  }

  Lowering& l_;
  Plan& plan_;
  absl::flat_hash_map<Value, std::vector<int>> copies_;  // in other layouts; all of a constant
};

}  // namespace

absl::Status EmitStage(Lowering& lowering) { return Emitting(lowering).Run(); }

}  // namespace weft
