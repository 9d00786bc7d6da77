#include "frontend/data/model_inputs.h"

namespace weft {

std::vector<const Node*> InputsForExamples(const Graph& graph) {
  std::vector<const Node*> inputs;
  for (const Node* input : graph.inputs()) {
    const bool other = input->name() == kLabelsInput || input->name() == kNoiseInput;
    if (graph.losses().empty() || !other) inputs.push_back(input);
  }
  return inputs;
}

}  // namespace weft
