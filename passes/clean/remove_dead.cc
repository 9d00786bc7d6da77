// Nodes that no output and no update needs go.
//
//   x -> conv1 -> relu1 -> (output)          x -> conv1 -> relu1 -> (output)
//            \-> sigmoid1               =>

#include <algorithm>
#include <memory>
#include <unordered_set>
#include <utility>

#include "passes/clean/clean.h"
#include "passes/pass.h"

namespace weft {
namespace {

// The op nodes that nothing needs, directly or through others, in order.
std::vector<Node*> DeadOps(Graph& graph) {
  std::vector<Node*> in_reverse;
  std::unordered_set<const Node*> dead;
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (node->num_inputs() == 0) continue;
    bool needed = false;
    for (int i = 0; i < node->num_outputs() && !needed; ++i) {
      const auto uses = node->uses(i);
      needed = graph.IsOutput(node->output(i)) ||
               !std::all_of(uses.begin(), uses.end(),
                            [&](const Use& use) { return dead.contains(use.user); });
    }
    if (needed) continue;
    in_reverse.push_back(&*node);
    dead.insert(&*node);
  }
  return {in_reverse.rbegin(), in_reverse.rend()};
}

class RemoveDeadRun : public PassRun {
 public:
  explicit RemoveDeadRun(PassContext& context) : context_(context) {}

  absl::Status Run() override {
    // One turn is enough: other passes remove what they leave dead.
    if (context_.done() || std::exchange(is_done_, true)) return absl::OkStatus();
    Graph::Transaction change(context_.graph());
    const Provenance from = context_.From("remove_dead", DeadOps(context_.graph()));
    context_.graph().RemoveDeadNodes();  // leaves too, which go unmentioned
    if (!from.sources.empty()) return context_.Record(from, {}, change);
    context_.Commit(change);
    return absl::OkStatus();
  }

 private:
  PassContext& context_;
  bool is_done_ = false;
};

}  // namespace

Pass RemoveDead() {
  return {"remove_dead", "remove nodes that nothing needs",
          [](PassContext& context) { return std::make_unique<RemoveDeadRun>(context); }};
}

}  // namespace weft
