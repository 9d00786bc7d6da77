#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/copy_kernel.h"
#include "runtime/plan/lowering.h"

namespace weft {
namespace {

std::string LayoutNames(const std::vector<Layout>& layouts) {
  return absl::StrJoin(layouts, ", ", [](std::string* out, const Layout& l) { *out += l.name(); });
}

// One line a node, with the kernels that were not taken in brackets; then the variables that are
// not row-major.
std::string ChoicesText(const Lowering& lowering) {
  std::string text;
  for (const Choice& choice : lowering.choices) {
    absl::StrAppend(&text, choice.node->Describe(), ": ");
    if (choice.view) {
      absl::StrAppend(&text, "view of input ", choice.view->input, "\n");
      continue;
    }
    const Kernel& kernel = *choice.candidates.front();
    absl::StrAppend(&text, kernel.name(), " ", kernel.implementation(), " (",
                    LayoutNames(kernel.inputs()), ") -> (", LayoutNames(kernel.outputs()), ")");
    for (size_t i = 1; i < choice.candidates.size(); ++i) {
      const Kernel& other = *choice.candidates[i];
      absl::StrAppend(&text, i == 1 ? " [" : "; ", other.implementation(), " (",
                      LayoutNames(other.inputs()), ")");
    }
    absl::StrAppend(&text, choice.candidates.size() > 1 ? "]\n" : "\n");
  }
  for (const Node& node : lowering.graph.nodes()) {
    const auto it = lowering.variable_layouts.find(&node);
    if (it == lowering.variable_layouts.end() || it->second.is_plain()) continue;
    absl::StrAppend(&text, "variable ", node.name(), ": ", it->second.name(), "\n");
  }
  return text;
}

std::string PlanText(const Lowering& lowering) { return lowering.plan.ToString(); }

absl::Status VerifySteps(const Lowering& lowering) { return lowering.plan.VerifySteps(); }
absl::Status VerifyPlan(const Lowering& lowering) { return lowering.plan.Verify(); }

struct Stage {
  const char* name;
  absl::Status (*run)(Lowering&);
  absl::Status (*verify)(const Lowering&);
  std::string (*dump)(const Lowering&);
};

constexpr Stage kStages[] = {
    {"choose", ChooseStage, VerifyChoices, ChoicesText},
    {"variables", VariableStage, VerifyChoices, ChoicesText},
    {"emit", EmitStage, VerifySteps, PlanText},
    {"regions", RegionStage, VerifySteps, PlanText},
    {"order", OrderStage, VerifySteps, PlanText},
    {"views", ViewStage, VerifySteps, PlanText},
    {"place", PlaceStage, VerifyPlan, PlanText},
    {"pack", PackStage, VerifyPlan, PlanText},
};

// Runs the stages up to `last`.
absl::Status RunStages(Lowering& lowering, const Stage& last) {
  const int threads = lowering.options.threads;
  lowering.plan.threads = threads > 0 ? threads : AvailableCpus();
  // Constants are packed while lowering.
  RunScope scope(lowering.plan.threads);
  if (lowering.options.choices != nullptr) {
    LowerOptions options = lowering.options;
    options.threads = lowering.plan.threads;
    WEFT_ASSIGN_OR_RETURN(lowering.wanted, options.choices->ChoicesFor(lowering.graph, options));
  }
  for (const Stage& stage : kStages) {
    WEFT_RETURN_IF_ERROR(stage.run(lowering));
    WEFT_RETURN_IF_ERROR(Annotate(stage.verify(lowering), absl::StrCat("stage ", stage.name)));
    if (&stage == &last) break;
  }
  return absl::OkStatus();
}

}  // namespace

int Lowering::AddBuffer(Place place, size_t bytes, int slot) {
  plan.buffers.push_back({.place = place, .bytes = bytes, .slot = slot});
  return static_cast<int>(plan.buffers.size()) - 1;
}

int Lowering::AddValue(std::string name, Layout layout, int buffer, int alias_of) {
  plan.values.push_back({.name = std::move(name),
                         .layout = std::move(layout),
                         .buffer = buffer,
                         .alias_of = alias_of});
  return static_cast<int>(plan.values.size()) - 1;
}

void Lowering::AddStep(std::string name, std::string op, std::shared_ptr<const Kernel> kernel,
                       std::vector<int> inputs, std::vector<int> outputs, const Node* node) {
  PlanStep step{.name = std::move(name),
                .op = std::move(op),
                .node = node,
                .kernel = std::move(kernel),
                .inputs = std::move(inputs),
                .outputs = std::move(outputs)};
  step.threads =
      node != nullptr
          ? ThreadsFor(*node, plan.threads)
          : ThreadsToCopy(plan.values[Index(step.outputs.front())].layout.bytes(), plan.threads);
  if (step.kernel->scratch_bytes() > 0) {
    step.scratch = AddBuffer(Place::kArena, step.kernel->scratch_bytes());
  }
  if (const Kernel* owner = step.kernel->workspace_owner()) {
    step.workspace = workspaces.at(owner);
  } else if (step.kernel->workspace_bytes() > 0) {
    step.workspace = AddBuffer(Place::kArena, step.kernel->workspace_bytes());
    workspaces.emplace(step.kernel.get(), step.workspace);
  }
  plan.steps.push_back(std::move(step));
}

int Lowering::AddCopy(const std::string& name, int from, int buffer) {
  const Layout layout = plan.values[static_cast<size_t>(from)].layout;
  if (buffer < 0) buffer = AddBuffer(Place::kArena, layout.bytes());
  const int copy = AddValue(name, layout, buffer);
  AddStep("copy " + name, "Copy", MakeCopy(layout), {from}, {copy});
  return copy;
}

PlanBuffer& Lowering::BufferOf(int value) {
  return plan.buffers[static_cast<size_t>(plan.values[static_cast<size_t>(value)].buffer)];
}

absl::StatusOr<Layout> Lowering::LayoutOf(Value value) const {
  if (ConstantValue(value) != nullptr) return PlainLayout(value.type());
  return layouts.at(value);
}

absl::StatusOr<Layout> PlainLayout(const TensorType& type) {
  WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(type.shape));
  return Layout::Plain(type.dtype, std::move(dims));
}

std::vector<Alias> AliasesOf(const PlanStep& step) {
  if (step.node == nullptr || step.node->op().aliases == nullptr) return {};
  std::vector<Alias> aliases = step.node->op().aliases(*step.node);
  std::erase_if(aliases, [&](const Alias& a) {
    return static_cast<size_t>(a.output) >= step.outputs.size() ||
           static_cast<size_t>(a.input) >= step.inputs.size() ||
           step.inputs[static_cast<size_t>(a.input)] < 0 ||
           !step.kernel->AllowsInPlace(a.output, a.input);
  });
  return aliases;
}

absl::StatusOr<Plan> Lower(const Graph& graph, const LowerOptions& options) {
  Lowering lowering(graph, options);
  WEFT_RETURN_IF_ERROR(RunStages(lowering, *std::prev(std::end(kStages))));
  return std::move(lowering.plan);
}

std::vector<std::string> PlanStages() {
  std::vector<std::string> names;
  for (const Stage& stage : kStages) names.push_back(stage.name);
  return names;
}

absl::StatusOr<std::string> DumpStage(const Graph& graph, std::string_view stage,
                                      const LowerOptions& options) {
  for (const Stage& last : kStages) {
    if (last.name != stage) continue;
    Lowering lowering(graph, options);
    lowering.keeps_candidates = true;
    WEFT_RETURN_IF_ERROR(RunStages(lowering, last));
    return last.dump(lowering);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "expected a stage of ", absl::StrJoin(PlanStages(), ", "), ", got \"", Absl(stage), "\""));
}

}  // namespace weft
