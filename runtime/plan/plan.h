#ifndef WEFT_RUNTIME_PLAN_PLAN_H_
#define WEFT_RUNTIME_PLAN_PLAN_H_

#include <memory>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "runtime/kernel.h"

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
  int first = -1;
  int last = -1;
};

// A value of the graph, or a reordered copy of one, in memory.
struct PlanValue {
  std::string name;
  Layout layout;
  int buffer = -1;
  int alias_of = -1;  // the value whose bytes it shares (view or in place), or -1
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
};

struct PlanVariable {
  std::string name;
  std::string role;
  TensorType type;
};

// Everything that is decided before the first run. Built by Lower; read-only after that.
struct Plan {
  std::vector<PlanBuffer> buffers;
  std::vector<PlanValue> values;
  std::vector<PlanStep> steps;
  std::vector<std::string> inputs, outputs;           // names, by slot
  std::vector<Layout> input_layouts, output_layouts;  // plain, by slot
  std::vector<PlanVariable> variables;                // by slot
  std::vector<Tensor> constants;                      // by slot: bytes in the layout the steps want
  size_t arena_bytes = 0;                             // what a context allocates, exactly
  size_t constant_bytes = 0;
  size_t variable_bytes = 0;
  int threads = 1;

  // One line a step: name, kernel, implementation, operands with layout and place; then totals.
  std::string ToString() const;
  // Checks that no two live buffers of the arena overlap, that every value (and workspace) is
  // written before it is read, and that no step reads what an in-place step has overwritten.
  absl::Status Verify() const;
};

struct LowerOptions {
  int threads = 0;              // 0: AvailableCpus()
  bool reference_only = false;  // no fast kernels: the oracle path
};

// Lowers `graph`, whose dims must all be static, stage by stage: select kernels and layouts, insert
// and prepack reorders, alias, place buffers. The plan refers to nodes of `graph`, which must
// outlive it and not change. Errors: a symbolic dim, an op left in mode "auto".
absl::StatusOr<Plan> Lower(const Graph& graph, const LowerOptions& options = {});

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_PLAN_H_
