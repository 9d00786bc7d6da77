#ifndef WEFT_FRONTEND_TRAIN_FINETUNE_PREFIX_H_
#define WEFT_FRONTEND_TRAIN_FINETUNE_PREFIX_H_

#include <string>

#include "frontend/train/finetune.h"
#include "frontend/train/optimizer.h"
#include "graph/model.h"

namespace weft {

// A model in two, where its frozen beginning ends:
//
//   x -> [frozen, as in inference] -> at -> [the rest] -> scores
//
// Where no augmentation stands before them, the features at the border are computed once
// (ComputeFeatures) and the rest is trained on them as a data set (FeatureDataset).
struct FrozenSplit {
  std::string at;  // the node at the border
  // In both, what is frozen is so in the graph.
  Model beginning;  // its output is the features
  Model rest;       // its examples are the features
};

// The border is the last value that everything after it goes through and that nothing trainable or
// random, and no batch's statistics, stands before, but something frozen. Errors: those of Freeze;
// no such value.
absl::StatusOr<FrozenSplit> SplitFrozen(const Model& model, const FineTuneOptions& options);

// Options for the rest of `whole` alone: without patterns that fit only what is not in it.
OptimizerOptions WithoutPatternsFor(const Graph& whole, const Graph& rest,
                                    OptimizerOptions options);

// Gives the whole model the weights of its trained rest; its training state, which is not theirs,
// goes. Errors: a variable that the model lacks, or of another type.
absl::Status JoinFrozen(Model& model, const Model& rest);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_FINETUNE_PREFIX_H_
