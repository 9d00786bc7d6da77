#ifndef WEFT_RUNTIME_PLAN_LOWERING_H_
#define WEFT_RUNTIME_PLAN_LOWERING_H_

#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "runtime/plan/plan.h"

namespace weft {

// A plan in the making. The stages of Lower run in this order, each on the result of the one
// before:
//   SelectStage  a kernel for each node, reorders between layouts that differ, memory of the
//                caller's for the outputs                                          (select.cc)
//   AliasStage   update steps last; results written over inputs that die there     (alias.cc)
//   PlaceStage   lifetimes, offsets in the arena                                   (place.cc)
struct Lowering {
  Lowering(const Graph& g, const LowerOptions& o) : graph(g), options(o) {}

  const Graph& graph;
  LowerOptions options;
  Plan plan;
  absl::flat_hash_map<Value, int> values;  // as their kernels made them
  std::unordered_map<const Node*, const Kernel*> kernels;
  std::map<std::pair<int, std::string>, int> reordered;  // (value, native layout) -> copy
  std::unordered_map<const Kernel*, int> workspaces;     // buffers, by the kernel that writes them
  std::vector<std::pair<int, int>> updates;              // (next value, variable's value)

  int AddBuffer(Place place, size_t bytes, int slot = -1);
  int AddValue(std::string name, Layout layout, int buffer, int alias_of = -1);
  // `node` is null for steps that no node of the graph stands for.
  void AddStep(std::string name, std::string op, std::shared_ptr<const Kernel> kernel,
               std::vector<int> inputs, std::vector<int> outputs, const Node* node = nullptr);
  // A copy of `from`, in `buffer` or in memory of its own; returns the new value.
  int AddCopy(const std::string& name, int from, int buffer = -1);
  PlanBuffer& BufferOf(int value);
};

absl::Status SelectStage(Lowering& lowering);
void AliasStage(Lowering& lowering);
void PlaceStage(Lowering& lowering);

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_LOWERING_H_
