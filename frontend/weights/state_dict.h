#ifndef WEFT_FRONTEND_WEIGHTS_STATE_DICT_H_
#define WEFT_FRONTEND_WEIGHTS_STATE_DICT_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "frontend/weights/named_tensors.h"
#include "frontend/weights/pickle.h"

namespace weft {

// The globals that pickles of PyTorch's state dicts name: torch.FloatStorage and its like,
// torch._utils._rebuild_tensor_v2, ….
std::span<const std::string_view> TensorGlobals();

// The persistent id of a storage: ("storage", class, key, device, elements), and in files of the
// older format a part of it: (key of the part, first element, elements), or None.
struct StorageId {
  std::string_view type;  // "torch.FloatStorage"
  size_t element_bytes = 0;
  std::string_view key;
  int64_t elements = 0;
  int64_t part_begin = 0;  // the whole storage where it names no part
  int64_t part_elements = 0;
};
// Errors: a persistent object that is no such tuple, a part beyond the storage.
absl::StatusOr<StorageId> ReadStorageId(const PickleObject& persistent);

// Finds the bytes of a storage by its key.
using FindStorage = std::function<absl::StatusOr<SharedBytes>(std::string_view key)>;

// The tensors of a pickled state dict. A checkpoint that has the state dict one level down, under
// "state_dict", "model_state_dict", "model", … or under whatever key alone holds tensors, gives
// that one's; what else there is (epochs, hyperparameters, an optimizer's state) is skipped.
// Tensors are views of their storages; those whose strides are not row-major are copied, at most
// `copy_limit` bytes in all. Errors name the tensor: a storage that is missing or of another size,
// dims, strides or an offset beyond it, a name twice; and the keys that there are where no tensor
// is found.
absl::StatusOr<NamedTensors> ReadStateDict(const PickleObject& root, const FindStorage& find,
                                           uint64_t copy_limit);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_STATE_DICT_H_
