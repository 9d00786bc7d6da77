#ifndef WEFT_RUNTIME_PLAN_PLAN_H_
#define WEFT_RUNTIME_PLAN_PLAN_H_

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "runtime/kernel.h"
#include "runtime/plan/choices.h"

namespace weft {

// Which memory a buffer is part of.
enum class Place {
  kArena,     // the context's: reused by liveness
  kInput,     // the caller's
  kOutput,    // the caller's
  kConstant,  // the executable's: shared by contexts, prepacked
  kVariable,  // the state's
};
std::string_view ToString(Place place);

// Memory of `bytes` bytes, live from step `first` to step `last`. Several values may share it
// (views, in-place results).
struct PlanBuffer {
  Place place = Place::kArena;
  size_t bytes = 0;
  size_t offset = 0;  // in the arena
  int slot = -1;      // which input, output, constant or variable
  int first = -1;     // -1 until buffers are placed
  int last = -1;
};

// A value of the graph, or a reordered copy of one, in memory: a region of a buffer. A step writes
// it, unless it is a leaf, a view (of the whole of a value or of a part), or made of parts.
struct PlanValue {
  std::string name;
  Layout layout;
  int buffer = -1;
  size_t offset = 0;         // in the buffer, bytes
  int alias_of = -1;         // the value whose bytes it shares (view or in place), or -1
  std::vector<int> parts{};  // values that lie in its region and cover it: steps write those
};

// One kernel run. Operands are indices into Plan::values, -1 where absent or not read.
struct PlanStep {
  std::string name;            // the node's; "reorder conv1 -> aBcd16b" for those the planner added
  std::string op;              // "Conv", "Reorder", "Copy"
  const Node* node = nullptr;  // of the lowered graph; null for steps that the planner added
  std::shared_ptr<const Kernel> kernel;
  std::vector<int> inputs{};
  std::vector<int> outputs{};
  int scratch = -1;  // buffers, -1 for none
  int workspace = -1;
  int threads = 1;  // that the kernel is made for and runs with
  // Where `node` is null, the nodes whose work it does; none where it only moves elements.
  std::vector<const Node*> joined{};
};

struct PlanVariable {
  std::string name;
  std::string role;
  TensorType type;
  Layout layout;  // in which the state has to keep it
};

// The layouts of variables by name.
using VariableLayouts = std::map<std::string, Layout, std::less<>>;

// Everything that is decided before the first run. Built by Lower; read-only after that.
struct Plan {
  std::vector<PlanBuffer> buffers;
  std::vector<PlanValue> values;
  std::vector<PlanStep> steps;
  std::vector<int> checks;                            // steps whose Check comes before all steps
  std::vector<std::string> inputs, outputs;           // names, by slot
  std::vector<Layout> input_layouts, output_layouts;  // plain, by slot
  std::vector<PlanVariable> variables;                // by slot
  bool chose_variable_layouts = false;                // they are its own, not a state's
  std::vector<Tensor> constants;                      // by slot: bytes in the layout the steps want
  std::vector<std::span<std::byte>> packed_memory;    // of the packed ones, which own it
  size_t arena_bytes = 0;                             // what a context allocates, exactly
  size_t constant_bytes = 0;
  size_t variable_bytes = 0;
  int threads = 1;
  // Of a graph with updates: what was chosen for its nodes, whatever later stages made of their
  // steps. Without reference kernels.
  KernelChoices choices{};

  // The layouts that it wants its variables in.
  VariableLayouts variable_layouts() const;

  // One line a step: name, kernel, implementation, operands with layout and place; then totals.
  std::string ToString() const;
  // Checks that every value lies in its buffer; that every value (and workspace) is written before
  // it is read, and not overwritten by then, to the byte; that no step may fail once a variable has
  // changed; that no two live buffers of the arena overlap.
  absl::Status Verify() const;
  // The same of a plan whose buffers have no places yet.
  absl::Status VerifySteps() const;
  // Whether a run of the step may still report an error after the plan's checks have passed.
  bool MayFail(const PlanStep& step) const;
};

struct LowerOptions {
  int threads = 0;              // 0: AvailableCpus()
  bool reference_only = false;  // no fast kernels: the oracle path
  // The layouts in which a state keeps the variables (State::layouts()), plain where it names none.
  // Null: the plan chooses where the graph updates variables, all are plain where it does not.
  const VariableLayouts* variables = nullptr;
  // Asked, unless null, which kernels to take. Where a node is offered no such kernel (another
  // library, another machine), it gets what the families put first.
  std::shared_ptr<ChoiceSource> choices = nullptr;
};

// Lowers `graph`, whose dims must all be static, stage by stage: choose kernels and layouts, emit
// steps, order them, share memory, place buffers; each stage is verified. The plan refers to nodes
// of `graph`, which must outlive it and not change. Errors: a symbolic dim, an op left in mode
// "auto".
absl::StatusOr<Plan> Lower(const Graph& graph, const LowerOptions& options = {});

// The stages of Lower, in order.
std::vector<std::string> PlanStages();
// What is decided after the stage of that name, as text. Errors: as Lower; an unknown stage, with
// the known ones.
absl::StatusOr<std::string> DumpStage(const Graph& graph, std::string_view stage,
                                      const LowerOptions& options = {});

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_PLAN_H_
