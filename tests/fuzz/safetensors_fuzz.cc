// The reader of .safetensors files.
#include "frontend/weights/safetensors.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)weft::ParseSafetensors(weft::AsBytes(data, size), "fuzz");
  return 0;
}
