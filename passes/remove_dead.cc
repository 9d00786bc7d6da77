// Nodes that no output and no update needs go.
//
//   x -> conv1 -> relu1 -> (output)          x -> conv1 -> relu1 -> (output)
//            \-> sigmoid1               =>

#include <algorithm>

#include "passes/pass.h"

namespace weft {
namespace {

// The op nodes that nothing needs, directly or through others, in order.
std::vector<Node*> DeadOps(Graph& graph) {
  std::vector<Node*> dead;
  auto is_dead = [&](const Node* node) {
    return std::find(dead.begin(), dead.end(), node) != dead.end();
  };
  for (auto it = graph.nodes().rbegin(); it != graph.nodes().rend(); ++it) {
    if (it->num_inputs() == 0) continue;
    bool needed = false;
    for (int i = 0; i < it->num_outputs(); ++i) needed = needed || graph.IsOutput(it->output(i));
    for (const Use& use : it->uses()) needed = needed || !is_dead(use.user);
    if (!needed) dead.push_back(&*it);
  }
  return {dead.rbegin(), dead.rend()};
}

absl::Status Run(PassContext& context) {
  if (context.done()) return absl::OkStatus();
  const Provenance from = context.From("remove_dead", DeadOps(context.graph()));
  context.graph().RemoveDeadNodes();  // leaves too, which go unmentioned
  return from.sources.empty() ? absl::OkStatus() : context.Record(from, {});
}

}  // namespace

Pass RemoveDead() { return {"remove_dead", "remove nodes that nothing needs", Run}; }

}  // namespace weft
