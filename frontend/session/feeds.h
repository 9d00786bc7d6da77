#ifndef WEFT_FRONTEND_SESSION_FEEDS_H_
#define WEFT_FRONTEND_SESSION_FEEDS_H_

#include <span>
#include <string>
#include <vector>

#include "frontend/data/loader.h"
#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

// Examples as an input takes them: FitToInput, and numbers of tokens as integers. Errors: another
// type.
absl::StatusOr<Tensor> FitExamples(const Node& input, const Tensor& examples);

// What inputs for examples are fed by a batch: the only one by all of it, several each by the part
// of its name. Parts for which there is no input are passed over. Errors: those of CheckParts for
// an input that gets nothing, of FitExamples.
absl::StatusOr<TensorMap> FeedExamples(std::span<Node* const> inputs, const Batch& batch);

// OK where a model with these inputs for examples takes all of such examples: their parts have the
// inputs' names, in any order, or there is one input and no parts. The error lists both.
absl::Status CheckParts(const std::vector<std::string>& inputs, const Batch& batch);
absl::Status CheckParts(const std::vector<std::string>& inputs, const Dataset& dataset);

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_FEEDS_H_
