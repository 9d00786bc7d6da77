// Random numbers. ONNX's seeds are replaced by streams of the run's seed: see "Randomness" in the
// design.

#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

std::vector<Value> Random(ImportContext& c) {
  return ImportOp(c, {.op = c.op_type(),
                      .inputs = c.ins(),
                      .attributes = {{"stream", c.Stream()}},
                      .ignored = {"seed"}});
}

}  // namespace

std::vector<OnnxOp> RandomImports() {
  return {{"Bernoulli", Random},
          {"RandomNormal", Random},
          {"RandomNormalLike", Random},
          {"RandomUniform", Random},
          {"RandomUniformLike", Random}};
}

}  // namespace weft
