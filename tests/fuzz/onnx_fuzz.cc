// The readers of ONNX's files: models and tensors.
#include "tests/fuzz/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weft::ImportAndExport(weft::AsBytes(data, size));
  (void)weft::ParseOnnxTensor(weft::AsBytes(data, size), "fuzz");
  return 0;
}
