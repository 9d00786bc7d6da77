#ifndef WEFT_RUNTIME_HOST_ELTWISE_H_
#define WEFT_RUNTIME_HOST_ELTWISE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "graph/op.h"

// Functions of one element at a time, in vectors of the CPU's width, on the run's threads.

namespace weft {

// A node's attributes as numbers, in the order of its schema.
struct EltwiseNumbers {
  float a = 0, b = 0;
};

// y[i] = f(x[i]); y may be x.
using EltwiseFn = void (*)(const EltwiseNumbers&, int64_t n, const float* x, float* y);
// dx[i] = dy[i] f'(v[i]), with v what the op's gradient reads, x or y; dx may be dy or v.
using EltwiseGradFn = void (*)(const EltwiseNumbers&, int64_t n, const float* dy, const float* v,
                               float* dx);

struct EltwiseFunctions {
  std::string_view op;
  EltwiseFn forward;
  EltwiseGradFn grad;  // null where the op's gradient is a composition
};

// The functions for the op of this name, or null; trigonometric and hyperbolic ones apart.
const EltwiseFunctions* FindEltwise(std::string_view op);
const EltwiseFunctions* FindTrigonometry(std::string_view op);

// An op's functions, with the numbers of a node's attributes.
struct EltwiseCall {
  EltwiseFunctions functions;
  EltwiseNumbers numbers;

  void Forward(int64_t n, const float* x, float* y) const { functions.forward(numbers, n, x, y); }
  // Whether f(0) is 0: the padding of a layout must stay zero.
  bool KeepsZero() const;
};
// The call for `op`, or for the op that `op` is the gradient of; `attributes` have their defaults.
// Nothing where there are no such functions.
std::optional<EltwiseCall> FindEltwiseCall(const OpDef& op, const AttributeMap& attributes);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_ELTWISE_H_
