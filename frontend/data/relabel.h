#ifndef WEFT_FRONTEND_DATA_RELABEL_H_
#define WEFT_FRONTEND_DATA_RELABEL_H_

#include <memory>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"

namespace weft {

// The same examples with the labels that a model's `class_names` give to the classes of their
// names: a folder of fewer classes, or of others between them, numbers its own differently. The
// data set itself where no name has another number there, or its labels are targets. Errors: a name
// that is not among them while another has another number.
absl::StatusOr<std::shared_ptr<const Dataset>> WithClassesOf(
    const std::vector<std::string>& class_names, std::shared_ptr<const Dataset> dataset);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_RELABEL_H_
