// The reader of models as text: what it checks behind the syntax is what a .weft file's reader
// does.
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "tests/fuzz/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  (void)weft::ModelFromProtoText(weft::AsText(data, size), weft::StandardOps());
  return 0;
}
