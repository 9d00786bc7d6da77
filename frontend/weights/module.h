#ifndef WEFT_FRONTEND_WEIGHTS_MODULE_H_
#define WEFT_FRONTEND_WEIGHTS_MODULE_H_

#include <vector>

#include "frontend/weights/checkpoint.h"

namespace weft {

// Whether an object is a pickled torch.nn.Module, or one of TorchScript's.
bool IsModule(const PickleObject& object);

// What the module's state_dict() would hold: its own parameters and buffers, but for those that are
// not persistent, then its submodules' with their names in front. All tensors of a TorchScript
// module, which does not tell them apart. Errors: modules nested more than 100 deep (into
// themselves, say), names too long, too many in all.
absl::StatusOr<std::vector<NamedPickle>> TensorsOfModule(const PickleObject& module);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_MODULE_H_
