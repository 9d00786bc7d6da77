// The reader of .npy files.
#include "frontend/io/npy.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)weft::ParseNpy(weft::AsBytes(data, size), "fuzz");
  return 0;
}
