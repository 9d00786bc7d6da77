#ifndef WEFT_FRONTEND_DATA_FIT_H_
#define WEFT_FRONTEND_DATA_FIT_H_

#include <memory>

#include "frontend/data/dataset.h"

namespace weft {

// The images of a data set as `p` says: resized, gray as three equal channels or colors as gray
// (0.299 R + 0.587 G + 0.114 B), with its mean and std. The data set itself where that is what it
// has. Pictures are resized from their own sizes; masks follow. Errors: examples that are no
// images, labels of positions without pictures, a preprocessing that cannot be carried out.
absl::StatusOr<std::shared_ptr<const Dataset>> FitDataset(std::shared_ptr<const Dataset> dataset,
                                                          const Preprocessing& p);

// Signals or rows of a table, normalised by the mean and std of `p` instead of their own; the data
// set itself where it has others than one of each a channel, and for tokens.
std::shared_ptr<const Dataset> NormalizedAs(std::shared_ptr<const Dataset> dataset,
                                            const Preprocessing& p);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_FIT_H_
