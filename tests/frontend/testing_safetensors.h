#ifndef WEFT_TESTS_FRONTEND_TESTING_SAFETENSORS_H_
#define WEFT_TESTS_FRONTEND_TESTING_SAFETENSORS_H_

#include <map>
#include <string>

#include "graph/evaluator.h"

namespace weft {

// The tensors of a .safetensors file (8 bytes of length, a JSON header, the elements) of F32, F64
// and I64, and the header's __metadata__.
struct Safetensors {
  TensorMap tensors;
  std::map<std::string, std::string> metadata;
};
absl::StatusOr<Safetensors> ReadSafetensors(const std::string& path);

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_SAFETENSORS_H_
