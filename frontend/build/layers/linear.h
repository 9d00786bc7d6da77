#ifndef WEFT_FRONTEND_BUILD_LAYERS_LINEAR_H_
#define WEFT_FRONTEND_BUILD_LAYERS_LINEAR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "frontend/build/init.h"
#include "frontend/build/layers/family.h"

namespace weft {

struct LinearOptions {
  int64_t features = 0;  // of the output; required
  bool bias = true;
  std::optional<Initializer> init = {};
  std::string name = {};
};

struct GemmOptions {
  double alpha = 1;
  double beta = 1;
  bool transpose_a = false;
  bool transpose_b = false;
  std::string name = {};
};

// Matrix products and what is made of them.
class LinearLayers : public LayerFamily<LinearLayers> {
 public:
  // x is [N,...,C], the result [N,...,features]. Parameters: weight [features,C], bias.
  Value Linear(Value x, const LinearOptions& o, Where where = Where::current());
  // y_k = x1^T A_k x2 + b_k, PyTorch's nn.Bilinear: x1 [N,...,C1] and x2 [N,...,C2] of equal axes
  // but the last. Parameters: weight [features,C1,C2], bias.
  Value Bilinear(Value x1, Value x2, const LinearOptions& o, Where where = Where::current());
  // alpha * a b + beta * c; c may be null.
  Value Gemm(Value a, Value b, Value c, const GemmOptions& o = {}, Where where = Where::current());
  // The product of the last two axes; those before them are a batch and broadcast.
  Value MatMul(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  // Einstein's sum: Einsum("bij,bjk->bik", {a, b}).
  Value Einsum(std::string equation, std::vector<Value> operands, const NameOption& o = {},
               Where where = Where::current());
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_LAYERS_LINEAR_H_
