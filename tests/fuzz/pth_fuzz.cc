// The reader of PyTorch's files. Checksums stop most changes of a zip; see pickle_fuzz.cc.
#include "frontend/weights/pth.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)weft::ParsePth(weft::AsBytes(data, size), "fuzz");
  return 0;
}
