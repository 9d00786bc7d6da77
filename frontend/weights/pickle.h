#ifndef WEFT_FRONTEND_WEIGHTS_PICKLE_H_
#define WEFT_FRONTEND_WEIGHTS_PICKLE_H_

#include <cstdint>
#include <deque>
#include <set>
#include <string>
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
  kList,        // or a set
  kDict,        // plain or ordered
  kGlobal,      // a class or a function, by its name
  kCall,        // what calling a global would give, an object of a class too; nothing is called
  kPersistent,  // what the program that wrote the pickle kept elsewhere
};

struct PickleObject {
  PickleKind kind = PickleKind::kNone;
  int64_t integer{};  // of a kInt; 0 or 1 of a kBool
  // Of a kText, in the pickle; a kBigInt's little-endian bytes; the name of a kGlobal, or of the
  // global that a kCall calls.
  std::string_view text{};
  // Of a tuple or list; of a dict key, value, key, value, ...; of a kCall the same, where it was
  // filled as a dict is; of a kPersistent its id. Lists and dicts may contain themselves.
  std::vector<const PickleObject*> items{};
  const PickleObject* arguments = nullptr;  // of a kCall: a tuple
  const PickleObject* state = nullptr;      // of a kCall: its attributes, where it was given some
};

// A pickle's objects; the views in it are as long-lived as the bytes it was read from.
struct Pickle {
  std::deque<PickleObject> objects;
  std::set<std::string, std::less<>> names;  // of the globals
  const PickleObject* root = nullptr;
  std::vector<const PickleObject*> persistent;  // in the order of the pickle
};

// The limits on a pickle's objects, its stack and its memo's indices, on the items of all its
// containers together, and on the bytes of one global's name and of all of them.
inline constexpr size_t kMaxPickleObjects = size_t{1} << 21;
inline constexpr size_t kMaxPickleItems = 2 * kMaxPickleObjects;
inline constexpr size_t kMaxGlobalName = 1024;
inline constexpr size_t kMaxGlobalNames = size_t{1} << 24;

// Reads one pickle of protocol 2 to 5 (Python's pickletools documents the opcodes) and leaves the
// reader behind it. Nothing is imported, called or executed: an OrderedDict is a dict, and whatever
// else a global would make is a kCall that keeps what it was given, but for the items of lists.
// Does not recurse; takes time in proportion to the bytes. Errors: an opcode not among those of
// protocols 2 to 5, or one that needs more than the pickle (an extension's code, a buffer out of
// band), by its number; a truncated pickle; a stack or memo misused; too many objects.
absl::StatusOr<Pickle> ParsePickle(ByteReader& reader);

// "a list", "an int", "an object of argparse.Namespace", for errors.
std::string Describe(const PickleObject& object);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_PICKLE_H_
