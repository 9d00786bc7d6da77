#ifndef WEFT_FRONTEND_CLI_TRAIN_FEATURES_H_
#define WEFT_FRONTEND_CLI_TRAIN_FEATURES_H_

#include "frontend/cli/train_setup.h"

namespace weft {

// Where something is frozen: computes the features of the model's frozen beginning once, puts them
// in the place of setup's examples, sets TrainOptions::from_features and prints what it has done;
// or prints why they have to be computed anew in each epoch. Errors: a malformed feature_cache;
// whatever the data say.
absl::Status KeepFrozenFeatures(const Model& model, TrainSetup& setup);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_TRAIN_FEATURES_H_
