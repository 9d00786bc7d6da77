#ifndef WEFT_TESTS_FUZZ_ONNX_H_
#define WEFT_TESTS_FUZZ_ONNX_H_

#include "frontend/onnx/export/to_onnx.h"
#include "frontend/onnx/import/import.h"
#include "tests/fuzz/bytes.h"

namespace weft {

// Imports a model and, where that works, exports it again.
inline void ImportAndExport(std::span<const std::byte> bytes) {
  const absl::StatusOr<Model> model = ImportOnnxBytes(bytes, "fuzz");
  if (model.ok()) (void)ToOnnx(*model, {}, nullptr);
}

}  // namespace weft

#endif  // WEFT_TESTS_FUZZ_ONNX_H_
