#ifndef WEFT_FRONTEND_TRAIN_TRAINING_GRAPH_H_
#define WEFT_FRONTEND_TRAIN_TRAINING_GRAPH_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/train/optimizer.h"
#include "graph/graph.h"
#include "passes/passes.h"

namespace weft {

// The names of inputs that training feeds besides the first one, which takes the examples: the
// labels, and standard normal numbers drawn anew for each step.
inline constexpr std::string_view kLabelsInput = "labels";
inline constexpr std::string_view kNoiseInput = "noise";

// The mean over a batch of the cross-entropy of the model's scores, as PyTorch's CrossEntropyLoss.
struct LossOptions {
  double label_smoothing = 0;
  friend bool operator==(const LossOptions&, const LossOptions&) = default;
};

// What a model is for training: what it is fed, what it minimises.
struct TrainingForm {
  std::string examples;               // the input for the examples
  std::string labels = {};            // the input for labels; "" where there is none
  std::string noise = {};             // likewise
  std::vector<std::string> losses{};  // what is minimised, the first outputs of a run
  bool scores = false;  // there is an output kScoresOutput, [N,classes] beside labels [N]
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
// below that scope, any other one for all. A model that states none is a classifier: its first
// output is scores [N,classes], trained by their cross-entropy with labels i64[N].
//
// Errors: inputs beyond those above, another form of output, options that do not apply, a variable
// of two losses, nothing to train, an op without a gradient.
// The graph is optimized by `passes`, of which explain is ignored.
absl::StatusOr<FormedGraph> MakeTrainingGraph(const Graph& neutral, const LossOptions& loss,
                                              const OptimizerOptions& optimizer,
                                              PassOptions passes = {});

// The losses and scores in inference mode, with variables and without updates. Of a classifier that
// states no loss only the scores, which need no labels. Errors as above.
absl::StatusOr<FormedGraph> MakeEvaluationGraph(const Graph& neutral);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_TRAINING_GRAPH_H_
