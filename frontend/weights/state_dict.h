#ifndef WEFT_FRONTEND_WEIGHTS_STATE_DICT_H_
#define WEFT_FRONTEND_WEIGHTS_STATE_DICT_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "frontend/weights/named_tensors.h"
#include "frontend/weights/pickle.h"

namespace weft {

// Finds the bytes of a storage by its key.
using FindStorage = std::function<absl::StatusOr<SharedBytes>(std::string_view key)>;

// The tensors of a pickled checkpoint's state dict; FindTensors (checkpoint.h) says which one and
// what `key` is. They are views of their storages; those whose strides are not row-major are
// copied, at most `copy_limit` bytes in all. Quantized, sparse, complex and other tensors that Weft
// has none for are among the unsupported. Errors: FindTensors's; and, with the tensor's name, a
// storage that is missing or of another size, dims, strides or an offset beyond it, a name twice.
absl::StatusOr<NamedTensors> ReadStateDict(const PickleObject& root, const FindStorage& find,
                                           uint64_t copy_limit, std::string_view key = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_STATE_DICT_H_
