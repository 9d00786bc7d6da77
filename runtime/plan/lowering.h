#ifndef WEFT_RUNTIME_PLAN_LOWERING_H_
#define WEFT_RUNTIME_PLAN_LOWERING_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "graph/op.h"
#include "runtime/plan/plan.h"

namespace weft {

using Candidates = std::vector<std::shared_ptr<const Kernel>>;

// Steps, values and buffers of a plan are numbered by int.
inline size_t Index(int i) { return static_cast<size_t>(i); }

// What is decided about a node that is no leaf.
struct Choice {
  const Node* node = nullptr;
  std::optional<Alias> view{};    // no kernel: the result has the bytes of that input, row-major
  std::vector<Layout> offered{};  // the layouts that the inputs came in
  const Kernel* forward = nullptr;
  Candidates candidates{};  // the chosen one first; without keeps_candidates, it alone
};

// A plan in the making. The stages of Lower run in this order, each on the result of the one
// before:
//   ChooseStage    a kernel for each node, which says the layouts     (choose.cc, candidates.cc)
//   VariableStage  layouts that variables keep from run to run                    (variables.cc)
//   EmitStage      steps and values, reorders between layouts that differ              (emit.cc)
//   RegionStage    concatenations whose inputs are made where the result lies; steps that
//                  become part of their neighbours                 (regions.cc, *joins.cc)
//   OrderStage     update steps last                                                  (order.cc)
//   ViewStage      results written over inputs that die there, and over variables     (views.cc)
//   PlaceStage     lifetimes, offsets in the arena                                    (place.cc)
//   PackStage      constants in the layouts of their values                            (pack.cc)
struct Lowering {
  Lowering(const Graph& g, const LowerOptions& o) : graph(g), options(o) {}

  const Graph& graph;
  LowerOptions options;
  // Kernels that were not taken stay in the choices, to be printed. Those of a network may take as
  // much memory as its weights.
  bool keeps_candidates = false;
  // Of LowerOptions::choices, asked once.
  KernelChoices wanted;
  Plan plan;

  // Decided before anything is emitted.
  std::vector<Choice> choices;                        // in the graph's order
  std::unordered_map<const Node*, size_t> choice_of;  // index in `choices`
  std::unordered_map<const Node*, Layout> variable_layouts;
  absl::flat_hash_map<Value, Layout> layouts;  // as values come; no constants

  // Emitted.
  absl::flat_hash_map<Value, int> values;             // as their kernels make them
  std::unordered_map<const Kernel*, int> workspaces;  // buffers, by the kernel that writes them
  std::vector<std::pair<int, int>> updates;           // (next value, variable's value)

  int AddBuffer(Place place, size_t bytes, int slot = -1);
  int AddValue(std::string name, Layout layout, int buffer, int alias_of = -1);
  // `node` is null for steps that no node of the graph stands for.
  void AddStep(std::string name, std::string op, std::shared_ptr<const Kernel> kernel,
               std::vector<int> inputs, std::vector<int> outputs, const Node* node = nullptr);
  // A copy of `from`, in `buffer` or in memory of its own; returns the new value.
  int AddCopy(const std::string& name, int from, int buffer = -1);
  PlanBuffer& BufferOf(int value);

  // The layout that `value` comes in; a constant is row-major until a kernel wants another.
  absl::StatusOr<Layout> LayoutOf(Value value) const;
};

absl::StatusOr<Layout> PlainLayout(const TensorType& type);

// What families are told about a node whose inputs come in the layouts that `layout_of` says, with
// the threads, of `threads`, that it is worth. Without has_gradient and forward. Errors: dims that
// are not static, those of `layout_of`.
absl::StatusOr<KernelRequest> RequestFor(
    const Node& node, int threads, absl::FunctionRef<absl::StatusOr<Layout>(Value)> layout_of);

// Which families are asked for kernels.
enum class Families {
  kNone,   // the reference kernel only
  kBest,   // the first one that takes the node, which may leave out all kernels but its best
  kFirst,  // the first one that takes the node
  kAll,
};
// Their kernels for the node, best first within each family, the families in order; where there is
// none, its reference kernel.
absl::StatusOr<Candidates> CandidatesFor(const KernelRequest& request, Families families);
// The kernel that ChoiceText calls `wanted`, made with as few others as may be; null where the node
// is offered no such kernel.
absl::StatusOr<std::shared_ptr<const Kernel>> FindKernel(const KernelRequest& request,
                                                         std::string_view wanted);
// The layout in which the choice reads input `i`; null where it does not read its elements.
std::optional<Layout> WantedLayout(const Choice& choice, int i);

// The threads, of `threads`, that the node's kernel is made for and runs with: all, or one where
// its price says that sharing the work would take longer than it saves.
int ThreadsFor(const Node& node, int threads);
// The same of a copy or a reorder that writes `bytes` bytes.
int ThreadsToCopy(size_t bytes, int threads);

// The aliases of a step that its kernel allows, of operands that are there.
std::vector<Alias> AliasesOf(const PlanStep& step);

// Keeps the choices for nodes whose inputs come in the layouts that they came in before.
absl::Status ChooseStage(Lowering& lowering);
absl::Status VariableStage(Lowering& lowering);
absl::Status EmitStage(Lowering& lowering);
absl::Status RegionStage(Lowering& lowering);
absl::Status OrderStage(Lowering& lowering);
absl::Status ViewStage(Lowering& lowering);
absl::Status PlaceStage(Lowering& lowering);
absl::Status PackStage(Lowering& lowering);

// Checks that each choice computes its node: operands of its types, the workspace of the kernel
// that was chosen for the forward node.
absl::Status VerifyChoices(const Lowering& lowering);

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_LOWERING_H_
