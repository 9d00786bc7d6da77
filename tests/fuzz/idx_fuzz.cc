// The reader of IDX files, raw and gzipped.
#include "frontend/data/idx.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)weft::ParseIdx(weft::AsBytes(data, size), "fuzz");
  return 0;
}
