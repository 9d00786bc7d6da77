#ifndef WEFT_FRONTEND_WEIGHTS_PICKLE_H_
#define WEFT_FRONTEND_WEIGHTS_PICKLE_H_

#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

#include "frontend/weights/byte_reader.h"
#include "graph/status.h"

namespace weft {

enum class PickleKind {
  kNone,
  kBool,
  kInt,
  kBigInt,  // beyond 64 bits
  kFloat,
  kText,  // a string or bytes
  kTuple,
  kList,
  kDict,        // plain or ordered
  kGlobal,      // a class or a function, by its name
  kCall,        // what calling a global would give; nothing is called
  kPersistent,  // what the program that wrote the pickle kept elsewhere
};

struct PickleObject {
  PickleKind kind = PickleKind::kNone;
  int64_t integer{};  // of a kInt; 0 or 1 of a kBool
  std::string_view
      text{};  // of a kText, in the pickle; of a kGlobal; a kBigInt's little-endian bytes
  // Of a tuple or list; of a dict key, value, key, value, …; of a call the global and the tuple of
  // its arguments; of a kPersistent its id. Lists and dicts may contain themselves.
  std::vector<const PickleObject*> items{};
};

// A pickle's objects; the views in it are as long-lived as the bytes it was read from.
struct Pickle {
  std::deque<PickleObject> objects;
  const PickleObject* root = nullptr;
  std::vector<const PickleObject*> persistent;  // in the order of the pickle
};

// The global that an OrderedDict's class is.
inline constexpr std::string_view kOrderedDict = "collections.OrderedDict";

// The limits on a pickle's objects, its stack and its memo's indices, and on the items of all its
// containers together.
inline constexpr size_t kMaxPickleObjects = size_t{1} << 21;
inline constexpr size_t kMaxPickleItems = 2 * kMaxPickleObjects;

// Reads one pickle of protocol 2 to 5 (Python's pickletools documents the opcodes) and leaves the
// reader behind it. Only plain data are read: nothing is imported, called or executed, and any
// global ("module.name") but kOrderedDict and the `allowed` ones is refused by its name where it
// appears. Does not recurse. Errors: that, an opcode not among those of plain data, by its number,
// a truncated pickle, a stack or memo misused, too many objects.
absl::StatusOr<Pickle> ParsePickle(ByteReader& reader, std::span<const std::string_view> allowed);

// "a list", "an int", for errors.
std::string_view Describe(PickleKind kind);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_PICKLE_H_
