#ifndef WEFT_FRONTEND_TRAIN_FINETUNE_WEIGHTS_H_
#define WEFT_FRONTEND_TRAIN_FINETUNE_WEIGHTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graph/model.h"

namespace weft {

struct InitReport {
  std::vector<std::string> loaded;  // variables that have new values
  std::vector<std::string>
      skipped;  // of another shape or type: "fc.weight f32[10,84] (not f32[5,84])"
  std::vector<std::string> missing;     // variables that the file lacks
  std::vector<std::string> unexpected;  // in the file, of no variable
};

// Gives a model the weights of a .weft file (by its ending) or of one that OpenWeights reads, by
// name. What has another shape, as the head for other classes, keeps its values and is listed. The
// model's training state is dropped. Errors: those of reading; nothing that fits.
absl::StatusOr<InitReport> InitFrom(Model& model, const std::string& path);

// The last layer before the scores, the first output:
//
//   h -> Gemm | Conv | MatMul [-> Add bias] -> (pooling, reshaping, activations) -> scores
struct ModelHead {
  Node* layer = nullptr;
  Node* weight = nullptr;
  Node* bias = nullptr;  // null: none
  int units_axis = 0;    // of the weight
};
// Errors: no output; another op on the way back, which the message names; weights that are no
// variable, or read by others too.
absl::StatusOr<ModelHead> FindHead(const Graph& graph);

// Replaces the head by one of `classes` units, drawn as by a Builder of this seed; the model's
// class names and training state go. Errors: those of FindHead; a number of classes below 1; a
// model that states its losses, which may have other heads; shapes after the head that are fixed.
absl::Status ReplaceHead(Model& model, int64_t classes, uint64_t seed = 0);

// A copy with other values, of any dims, for these leaves; all types are inferred again. Errors: a
// node that is ill-typed then.
absl::StatusOr<Graph> WithLeafValues(const Graph& graph, const TensorMap& values);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_FINETUNE_WEIGHTS_H_
