// The reader of comma-separated values.
#include "frontend/data/csv.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)weft::ParseCsv(weft::AsText(data, size), "fuzz");
  return 0;
}
