#ifndef WEFT_FRONTEND_INSPECT_UNITS_MODEL_OF_SIZE_H_
#define WEFT_FRONTEND_INSPECT_UNITS_MODEL_OF_SIZE_H_

#include <cstdint>
#include <span>
#include <string>

#include "graph/model.h"
#include "graph/status.h"

namespace weft {

// The model in inference mode as far as the nodes of these names, whose first outputs are its
// outputs, for pictures of another size: a fully convolutional beginning takes any that leaves its
// layers a place. Nodes keep their names; the preprocessing has the new size. Errors: no picture
// model, no such node, a node that is ill-typed at this size (a linear layer, a reshaping to fixed
// numbers, pooling of what is too small), which is named.
absl::StatusOr<Model> ModelOfSize(const Model& model, std::span<const std::string> at,
                                  int64_t height, int64_t width);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_UNITS_MODEL_OF_SIZE_H_
