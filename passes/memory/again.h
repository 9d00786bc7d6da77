#ifndef WEFT_PASSES_MEMORY_AGAIN_H_
#define WEFT_PASSES_MEMORY_AGAIN_H_

#include <unordered_set>

#include "graph/graph.h"

namespace weft {

// What the outputs and losses need. The rest of a training step is its gradients and updates. A
// loss at parameters that the gradients of an earlier one have moved (a sharpness-aware step's)
// needs what comes after their norm; what is before is gradients.
std::unordered_set<const Node*> ForwardNodes(const Graph& graph);

// A batch normalization that gives the statistics of its batch.
bool IsTrainingNormalization(const Node& node);
inline constexpr int kBatchMean = 3, kBatchVar = 4;  // outputs of a normalization, and inputs

// What computes `node` once more, the same to the bit, from the same inputs. A normalization does
// so in mode inference, by the statistics that it found: they are not updated twice, and nothing
// merges the two.
NodeSpec SpecOfAgain(const Node& node);

}  // namespace weft

#endif  // WEFT_PASSES_MEMORY_AGAIN_H_
