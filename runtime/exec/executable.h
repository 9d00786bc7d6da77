#ifndef WEFT_RUNTIME_EXEC_EXECUTABLE_H_
#define WEFT_RUNTIME_EXEC_EXECUTABLE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "runtime/exec/arena.h"
#include "runtime/exec/state.h"
#include "runtime/plan/plan.h"

namespace weft {

// What a step has read and written: the address of each operand, null where there is none, laid out
// as the plan says. An input whose place an output has taken is that output.
struct PlanStepOperands {
  const PlanStep& step;
  std::vector<const std::byte*> inputs{}, outputs{};
};

struct RunOptions {
  RandomKey key;
  // Where given: the seconds that each step of the plan took are added to its element. Resized to
  // the number of steps.
  std::vector<double>* step_seconds = nullptr;
  // Where given: called after each step. Must not wait for another thread's run, which may wait for
  // this one's CPUs.
  std::function<void(const PlanStepOperands&)> after_step = {};
};

class Context;

// A plan with its prepacked constants. Immutable: any number of threads may run one executable at
// once, each with its own context.
class Executable {
 public:
  // Lowers a copy of `graph` with its symbols bound.
  static absl::StatusOr<std::unique_ptr<Executable>> Create(const Graph& graph,
                                                            const SymbolBindings& symbols,
                                                            const LowerOptions& options = {});
  // Takes a plan made from `graph` and changed by hand. Errors: one that Verify refuses.
  static absl::StatusOr<std::unique_ptr<Executable>> FromPlan(Graph graph, Plan plan);
  const Plan& plan() const { return plan_; }
  const Graph& graph() const { return graph_; }

  // One run: reads `inputs` (by slot, of the plan's types), fills `outputs` (by slot; an empty
  // tensor is allocated, one of the right type is overwritten in place where it is not shared),
  // then applies the updates to the context's state. Errors: wrong inputs, by name; variables that
  // have moved since the context was made; not enough memory; whatever a kernel reports, with the
  // step's name. No variable has changed then. Waits while other runs of the process have the CPUs
  // (CpuLease).
  absl::Status Run(Context& context, std::span<const Tensor> inputs, std::span<Tensor> outputs,
                   const RunOptions& options = {}) const;

 private:
  Executable(Graph graph) : graph_(std::move(graph)) {}
  absl::Status AtStep(int step, const absl::Status& status) const;
  void CountRun() const;
  friend class Context;
  Graph graph_;
  Plan plan_;
  mutable std::atomic<int64_t> runs_ = 0;
};

// What one running thread needs: the arena and the kernels bound to it. Not thread-safe. The
// executable and the state must outlive it.
class Context {
 public:
  // `state` may be null for a plan without variables. Where the plan chose layouts for the
  // variables, the state moves them there. Contexts of which one runs at a time may share an arena;
  // null is one of its own. Errors: a variable that the state lacks, or has with another type or in
  // another layout; not enough memory.
  static absl::StatusOr<std::unique_ptr<Context>> Create(const Executable& executable,
                                                         State* state = nullptr,
                                                         std::shared_ptr<Arena> arena = nullptr);
  // Whether the state has moved its variables since: runs are refused from then on.
  bool IsStale() const;

 private:
  friend class Executable;
  Context(const Executable& executable, std::shared_ptr<Arena> arena)
      : executable_(&executable), arena_(std::move(arena)) {}
  struct Operand {
    int step;
    int index;
    bool is_output;
    size_t offset;  // in the tensor, bytes
  };
  // One tensor of the caller's: the operands to set, and the address they were last set to.
  struct External {
    std::vector<Operand> operands;
    std::byte* address = nullptr;
  };
  absl::Status FindVariables(State* state);
  std::byte* BufferAddress(int buffer) const;
  std::byte* ValueAddress(int value) const;
  // The same of a run's own inputs and outputs too.
  const std::byte* AddressInRun(int value) const;
  PlanStepOperands OperandsOf(const PlanStep& step) const;
  // Binds the kernels to the arena, unless they are: it may have grown for another context.
  absl::Status Attach();
  absl::Status BindSteps();
  void SetExternal(External& external, std::byte* address);

  const Executable* executable_;
  const State* state_ = nullptr;
  int64_t state_moves_ = 0;            // as of Create
  std::vector<std::byte*> variables_;  // by slot
  std::shared_ptr<Arena> arena_;
  bool bound_ = false;
  std::byte* bound_to_ = nullptr;  // the arena's memory that the steps know
  std::vector<std::unique_ptr<BoundKernel>> steps_;
  std::vector<External> inputs_, outputs_;  // by slot
};

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_EXECUTABLE_H_
