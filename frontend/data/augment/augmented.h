#ifndef WEFT_FRONTEND_DATA_AUGMENT_AUGMENTED_H_
#define WEFT_FRONTEND_DATA_AUGMENT_AUGMENTED_H_

#include <cstdint>
#include <memory>

#include "frontend/data/augment/pipeline.h"
#include "frontend/data/dataset.h"

namespace weft {

// The examples of `source` after the pipeline, as images of `target`'s channels and size; what has
// another size then is resized (bilinear, antialiased). Pictures are taken at their own sizes, as
// bytes. Images without picture steps keep their float values; for those their values are rounded
// to bytes and must be in [0,1]. Masks, and labels of each pixel, follow. Signals keep `source`'s
// preprocessing and take the steps of numbers; only window changes their size. Of examples in parts
// the image takes picture steps, and nothing else changes. mixup and cutmix make the labels
// targets, shares of the classes; of several such steps each example takes one. After standardize
// or min_max there is nothing left to normalise: the preprocessing has mean 0 and std 1. Without
// any steps the result has the pictures still.
//
// The draws of an example follow from (ExampleDraw, its index), also where it is mixed into
// another, which is the one before it in the epoch's shuffled order (MixPartners). Errors: steps
// that these examples cannot take; whatever `source` and FitDataset say.
absl::StatusOr<std::shared_ptr<const Dataset>> AugmentedDataset(
    std::shared_ptr<const Dataset> source, const Pipeline& pipeline, const Preprocessing& target);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_AUGMENT_AUGMENTED_H_
