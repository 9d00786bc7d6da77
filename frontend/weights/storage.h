#ifndef WEFT_FRONTEND_WEIGHTS_STORAGE_H_
#define WEFT_FRONTEND_WEIGHTS_STORAGE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "frontend/weights/pickle.h"
#include "graph/dtype.h"

namespace weft {

// An element type of PyTorch's.
struct TorchType {
  std::string_view storage;  // "torch.FloatStorage"; empty where it has no class of its own
  std::string_view dtype;    // "torch.float32"; empty for a storage of plain bytes
  std::string_view name;     // "f32"
  size_t size;
  std::optional<DType> ours;  // none: Weft has no such type
};
// Null where there is none.
const TorchType* FindTorchType(std::string_view dtype);

// The persistent id of a storage: ("storage", class, key, device, elements), and in files of the
// older format a part of it: (key of the part, first element, elements), or None.
struct StorageId {
  const TorchType* type = nullptr;
  std::string_view key;
  int64_t elements = 0;
  int64_t part_begin = 0;  // the whole storage where it names no part
  int64_t part_elements = 0;
};
// Errors: a persistent object that is no such tuple, an unknown class, a key of absurd length, a
// part beyond the storage.
absl::StatusOr<StorageId> ReadStorageId(const PickleObject& persistent);
// Whether the persistent object is a storage; the older format keeps modules' classes so, too.
bool IsStorage(const PickleObject& persistent);

// The error of a tensor that is none.
absl::Status MalformedTensor(std::string_view what);
// A natural number; `what` names it in the error.
absl::StatusOr<int64_t> ReadNatural(const PickleObject& object, std::string_view what);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_STORAGE_H_
