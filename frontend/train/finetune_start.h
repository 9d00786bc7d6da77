#ifndef WEFT_FRONTEND_TRAIN_FINETUNE_START_H_
#define WEFT_FRONTEND_TRAIN_FINETUNE_START_H_

#include <cstdint>
#include <string>

#include "frontend/build/init.h"
#include "frontend/train/finetune_weights.h"
#include "graph/model.h"

namespace weft {

// What is changed in a model, in this order, before a training of it begins. The changes are the
// file's from then on: a training that is resumed has them already.
struct StartOptions {
  std::string init = {};         // how weights are drawn again (ParseInitializer); "": not
  std::string init_from = {};    // a file of weights (InitFrom); "": none
  int64_t replace_head = 0;      // the classes of a new head (ReplaceHead); 0: the old one
  double dropout = -1;           // SetDropout; -1: as it is
  double stochastic_depth = -1;  // SetStochasticDepth; -1: as it is
  friend bool operator==(const StartOptions&, const StartOptions&) = default;
};

template <typename F>
void VisitOptions(StartOptions& o, F& f) {
  f("init", o.init, "Draw all weights anew: he_normal, orthogonal, truncated_normal(0,0.02), ...");
  f("init_from", o.init_from, "Begin with the weights of this file, as far as they fit");
  f("replace_head", o.replace_head, "Give the model a new last layer for so many classes; 0: no");
  f("dropout", o.dropout, "The ratio of all dropout layers; -1: as it is");
  f("stochastic_depth", o.stochastic_depth,
    "How often the last residual block is left out, earlier ones less; -1: as it is");
}

// Errors: those of the functions named above. The report is InitFrom's, or empty.
absl::StatusOr<InitReport> Start(Model& model, const StartOptions& options, uint64_t seed = 0);

// Draws all trainable weights of two axes and more again.
absl::Status Reinitialize(Model& model, const Initializer& init, uint64_t seed);

// Gives every dropout of elements or channels this ratio, in [0,1). Errors: there is none.
absl::Status SetDropout(Model& model, double ratio);

// Leaves out residual blocks in training (Huang et al. 2016): block l of L, of each example alone,
// with probability `rate` l / L, the rate in [0,1). A model without such layers gets one before
// every addition of a branch to what it began with, or to a projection of that:
//
//   x -> f -> Add <- x      becomes      x -> f -> Mul(., Dropout(1)) -> Add <- x
//
// Errors: no residual blocks.
absl::Status SetStochasticDepth(Model& model, double rate);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_FINETUNE_START_H_
