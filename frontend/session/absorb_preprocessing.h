#ifndef WEFT_FRONTEND_SESSION_ABSORB_PREPROCESSING_H_
#define WEFT_FRONTEND_SESSION_ABSORB_PREPROCESSING_H_

#include "graph/model.h"
#include "graph/status.h"

namespace weft {

// Makes the normalisation of the model's images part of its graph: (x - mean[c]) / std[c] stands
// behind the image input, x is the image in [0, 1], and the preprocessing says mean 0 and std 1 but
// for that what it said. Optimizing then folds what it can into the first convolution. Does nothing
// where mean and std are that already. Errors, which leave the model as it was: no preprocessing or
// one that cannot be carried out; not exactly one floating-point input [N,C,H,W] or [C,H,W] of its
// channels and size.
absl::Status AbsorbPreprocessing(Model& model);

}  // namespace weft

#endif  // WEFT_FRONTEND_SESSION_ABSORB_PREPROCESSING_H_
