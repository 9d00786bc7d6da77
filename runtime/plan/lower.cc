#include "runtime/exec/parallel.h"
#include "runtime/host/copy_kernel.h"
#include "runtime/plan/lowering.h"

namespace weft {

int Lowering::AddBuffer(Place place, size_t bytes, int slot) {
  plan.buffers.push_back({.place = place, .bytes = bytes, .slot = slot});
  return static_cast<int>(plan.buffers.size()) - 1;
}

int Lowering::AddValue(std::string name, Layout layout, int buffer, int alias_of) {
  plan.values.push_back({std::move(name), std::move(layout), buffer, alias_of});
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

absl::StatusOr<Plan> Lower(const Graph& graph, const LowerOptions& options) {
  Lowering lowering(graph, options);
  lowering.plan.threads = options.threads > 0 ? options.threads : AvailableCpus();
  // Reorders of constants run while lowering.
  RunScope scope(lowering.plan.threads);
  WEFT_RETURN_IF_ERROR(SelectStage(lowering));
  AliasStage(lowering);
  PlaceStage(lowering);
  WEFT_RETURN_IF_ERROR(lowering.plan.Verify());
  return std::move(lowering.plan);
}

}  // namespace weft
