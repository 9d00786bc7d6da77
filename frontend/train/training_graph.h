#ifndef WEFT_FRONTEND_TRAIN_TRAINING_GRAPH_H_
#define WEFT_FRONTEND_TRAIN_TRAINING_GRAPH_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/data/model_inputs.h"
#include "frontend/train/finetune.h"
#include "frontend/train/loss.h"
#include "frontend/train/optimizer.h"
#include "graph/graph.h"
#include "passes/passes.h"

namespace weft {

// What a model is for training: what it is fed, what it minimises.
struct TrainingForm {
  // The input for the examples, or several, each for the part of them that has its name.
  std::vector<std::string> examples = {};
  std::string labels = {};            // the input for labels; "" where there is none
  std::string noise = {};             // likewise
  std::vector<std::string> losses{};  // what is minimised, the first outputs of a run
  // There is an output kScoresOutput: in training, [N,classes] beside labels [N]; in evaluation
  // also [N,classes,...] of a model that states no loss.
  bool scores = false;
  // Labels are classes below this, or the one that counts for nothing; 0: they are not, or unknown.
  int64_t classes = 0;
  int64_t ignored = -1;
};
inline constexpr std::string_view kScoresOutput = "scores";

struct FormedGraph {
  Graph graph;
  TrainingForm form;
  PassReport report = {};  // what passes made of it
};

// Forward pass, losses, gradients and optimizer in one graph: its outputs are the form's losses,
// then the scores; its updates those of all variables.
//
// A model states its losses (Graph::losses); a loss SCOPE.loss is for the trainable variables
// below that scope, any other one for all. A model that states none is trained by `loss` of its
// first output, scores [N,classes] unless the loss says otherwise. What `finetune` freezes has no
// gradients, slots and updates, and nothing is computed for them; `late` was frozen before.
//
// Errors: no input for examples, another form of output, options that do not apply, a variable
// of two losses, nothing to train, an op without a gradient; those of Freeze.
// The graph is optimized by `passes`, of which explain is ignored.
absl::StatusOr<FormedGraph> MakeTrainingGraph(const Graph& neutral, const LossOptions& loss,
                                              const OptimizerOptions& optimizer,
                                              PassOptions passes = {},
                                              const FineTuneOptions& finetune = {},
                                              const LateParameters& late = {});

// The losses and scores in inference mode, with variables and without updates. Where the loss is
// cross-entropy with one class an example only the scores, which need no labels; other losses are
// without label smoothing. Errors as above.
absl::StatusOr<FormedGraph> MakeEvaluationGraph(const Graph& neutral, const LossOptions& loss = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_TRAINING_GRAPH_H_
