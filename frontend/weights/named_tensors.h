#ifndef WEFT_FRONTEND_WEIGHTS_NAMED_TENSORS_H_
#define WEFT_FRONTEND_WEIGHTS_NAMED_TENSORS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>

#include "graph/evaluator.h"

namespace weft {

// What a file of weights holds.
struct NamedTensors {
  std::string source;  // the file's name, for errors
  TensorMap tensors;   // read-only views of the file's bytes where it is mapped
  // Tensors of element types that Weft has none for: name -> type and dims, "c64[3,4]".
  std::map<std::string, std::string, std::less<>> unsupported;
  // The classes and functions of other programs that a pickle names, "argparse.Namespace": what
  // they would make is passed over but for the tensors in it.
  std::set<std::string, std::less<>> opaque;
  std::map<std::string, std::string, std::less<>> metadata;  // a safetensors file's __metadata__
};

// Bytes, and what keeps them alive; null where the caller does, for as long as it parses.
struct SharedBytes {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
};

// The bytes themselves where they have an owner and are aligned to `alignment`; a copy otherwise.
// Errors: not enough memory.
absl::StatusOr<SharedBytes> Owned(SharedBytes data, size_t alignment);

// A name from a file as an error can show it: no control characters, not endless.
std::string Printable(std::string_view name);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_NAMED_TENSORS_H_
