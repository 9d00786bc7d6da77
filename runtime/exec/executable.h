#ifndef WEFT_RUNTIME_EXEC_EXECUTABLE_H_
#define WEFT_RUNTIME_EXEC_EXECUTABLE_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "graph/evaluator.h"
#include "graph/graph.h"
#include "runtime/exec/arena.h"
#include "runtime/plan/plan.h"

namespace weft {

// The variables' current values, row-major, one flat buffer per role. Shared by all executables of
// one model: training and evaluation plans find variables by name. One writer at a time; readers
// may run while nobody writes.
class State {
 public:
  // Takes every variable of `graph` with its initial value.
  static absl::StatusOr<std::unique_ptr<State>> Create(const Graph& graph);

  bool Has(std::string_view name) const;
  std::vector<std::string> names() const;  // sorted
  // A copy. Errors: an unknown name.
  absl::StatusOr<Tensor> Get(std::string_view name) const;
  // Errors: an unknown name, another type.
  absl::Status Set(std::string_view name, const Tensor& value);
  // Writes the current values into the variables of `graph` that have the same names.
  absl::Status StoreTo(Graph& graph) const;
  // All bytes of one role, in the order of the variables; for fused updates and all-reduce.
  std::span<std::byte> Flat(std::string_view role);
  std::byte* Address(std::string_view name) const;  // null when unknown
  absl::StatusOr<TensorType> Type(std::string_view name) const;
  size_t bytes() const;

 private:
  struct Entry {
    TensorType type;
    std::string role;
    size_t offset = 0;  // in the role's buffer
    size_t bytes = 0;
  };
  struct Flatness {
    std::shared_ptr<std::byte> memory;
    size_t bytes = 0;
  };
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, Flatness, std::less<>> roles_;
};

struct RunOptions {
  RandomKey key;
  // Where given: the seconds that each step of the plan took are added to its element. Resized to
  // the number of steps.
  std::vector<double>* step_seconds = nullptr;
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
  const Plan& plan() const { return plan_; }
  const Graph& graph() const { return graph_; }

  // One run: reads `inputs` (by slot, of the plan's types), fills `outputs` (by slot; an empty
  // tensor is allocated, one of the right type is overwritten in place where it is not shared),
  // then applies the updates to the context's state. Errors: wrong inputs, by name; whatever a
  // kernel reports, with the step's name, in which case no variable has changed.
  absl::Status Run(Context& context, std::span<const Tensor> inputs, std::span<Tensor> outputs,
                   const RunOptions& options = {}) const;

 private:
  Executable(Graph graph) : graph_(std::move(graph)) {}
  friend class Context;
  Graph graph_;
  Plan plan_;
};

// What one running thread needs: the arena and the kernels bound to it. Not thread-safe. The
// executable and the state must outlive it.
class Context {
 public:
  // `state` may be null for a plan without variables. Contexts of which one runs at a time may
  // share an arena; null is one of its own. Errors: a variable that the state lacks or has with
  // another type; not enough memory.
  static absl::StatusOr<std::unique_ptr<Context>> Create(const Executable& executable,
                                                         State* state = nullptr,
                                                         std::shared_ptr<Arena> arena = nullptr);

 private:
  friend class Executable;
  Context(const Executable& executable, std::shared_ptr<Arena> arena)
      : executable_(&executable), arena_(std::move(arena)) {}
  struct Operand {
    int step;
    int index;
    bool is_output;
  };
  // One tensor of the caller's: the operands to set, and the address they were last set to.
  struct External {
    std::vector<Operand> operands;
    std::byte* address = nullptr;
  };
  std::byte* Address(int buffer) const;
  // Binds the kernels to the arena, unless they are: it may have grown for another context.
  absl::Status Attach();
  absl::Status BindSteps();
  void SetExternal(External& external, std::byte* address);

  const Executable* executable_;
  std::vector<std::byte*> variables_;  // by slot
  std::shared_ptr<Arena> arena_;
  bool bound_ = false;
  std::byte* bound_to_ = nullptr;  // the arena's memory that the steps know
  std::vector<std::unique_ptr<BoundKernel>> steps_;
  std::vector<External> inputs_, outputs_;  // by slot
};

// The fast Evaluator: lowers and runs each graph it is given. For tests and tools, not for loops.
class RuntimeEvaluator : public Evaluator {
 public:
  explicit RuntimeEvaluator(LowerOptions options = {}, RandomKey key = {})
      : options_(options), key_(key) {}
  absl::StatusOr<std::vector<Tensor>> RunNode(const Node& node,
                                              std::span<const Tensor> inputs) override;
  absl::StatusOr<TensorMap> RunGraph(const Graph& graph, const TensorMap& feeds) override;

 private:
  LowerOptions options_;
  RandomKey key_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_EXECUTABLE_H_
