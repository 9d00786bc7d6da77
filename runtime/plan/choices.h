#ifndef WEFT_RUNTIME_PLAN_CHOICES_H_
#define WEFT_RUNTIME_PLAN_CHOICES_H_

#include <map>
#include <string>
#include <utility>

#include "graph/graph.h"
#include "runtime/kernel.h"

namespace weft {

struct LowerOptions;

// Which kernel each node of a graph runs, by the node's name: ChoiceText of the kernel.
using KernelChoices = std::map<std::string, std::string, std::less<>>;

// "IMPLEMENTATION (LAYOUTS) -> (LAYOUTS)", the layouts of the node's inputs and outputs, "-" for an
// input that is not read.
std::string ChoiceText(const Node& node, const Kernel& kernel);

// Says, before a graph is lowered, which kernels its plan shall take.
class ChoiceSource {
 public:
  virtual ~ChoiceSource() = default;
  // For some or all nodes of `graph`, whose dims are all static; a node that is not named gets what
  // the families put first. Callable from several threads.
  virtual absl::StatusOr<KernelChoices> ChoicesFor(const Graph& graph,
                                                   const LowerOptions& options) = 0;
};

// The same for every graph.
class FixedChoices : public ChoiceSource {
 public:
  explicit FixedChoices(KernelChoices choices) : choices_(std::move(choices)) {}
  absl::StatusOr<KernelChoices> ChoicesFor(const Graph&, const LowerOptions&) override {
    return choices_;
  }

 private:
  const KernelChoices choices_;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_PLAN_CHOICES_H_
