#ifndef WEFT_PASSES_PASS_H_
#define WEFT_PASSES_PASS_H_

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "passes/pass_context.h"
#include "passes/passes.h"

namespace weft {

// A pass at work on one graph. Between its turns it keeps what it has yet to look at.
class PassRun {
 public:
  virtual ~PassRun() = default;
  // Rewrites until the pass finds nothing more to do, or context.done().
  virtual absl::Status Run() = 0;
  // Reports the near-misses of the graph as it is then, in its order.
  virtual void Explain() {}
};

// Optimize is RunStages with the pipeline: each stage repeats until none of its passes changes
// anything, and all of them until nothing changes at all, so that a second run finds nothing to do.
// A pass that is named twice is one pass with two turns.
struct Stage {
  std::string_view name;
  std::vector<Pass> passes;
};
absl::StatusOr<PassReport> RunStages(std::span<const Stage> stages, Graph& graph,
                                     const PassOptions& options);
const std::vector<Stage>& Pipeline();

}  // namespace weft

#endif  // WEFT_PASSES_PASS_H_
