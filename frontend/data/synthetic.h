#ifndef WEFT_FRONTEND_DATA_SYNTHETIC_H_
#define WEFT_FRONTEND_DATA_SYNTHETIC_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "frontend/data/dataset.h"
#include "graph/model.h"

namespace weft {

// Random examples of any size from which something can be learned:
//   images, signals, films [C,spatial...]: waves that belong to the class, at any phase, in noise;
//   the same with a label for each position, 0 but in a random box, where the waves of its class
//   are; texts [T]: each token but every tenth follows from the one before it; labels are the next
//   ones.
struct SyntheticOptions {
  int64_t size = 1024;  // examples
  Dims dims = {};       // of one example; required
  int64_t classes = 10;
  enum class Labels { kClass, kPositions, kNextToken } labels = Labels::kClass;
  // Of a model with several inputs: the name of the one above, and the others, whose numbers are
  // drawn from [0,1) and say nothing.
  std::string name = {};
  std::vector<ExamplePart> others = {};
};

// Example `index` follows from (split, index) and the options alone. Errors: a size, dims or
// classes out of range.
absl::StatusOr<std::shared_ptr<const Dataset>> MakeSynthetic(Split split,
                                                             const SyntheticOptions& options);

// The options that fit a model: its inputs and its labels or, without labels, its output say
// what examples and classes there are. Errors: a model that this cannot be said of.
absl::StatusOr<SyntheticOptions> SyntheticFor(const Model& model);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_SYNTHETIC_H_
