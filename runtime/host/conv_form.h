#ifndef WEFT_RUNTIME_HOST_CONV_FORM_H_
#define WEFT_RUNTIME_HOST_CONV_FORM_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "ops/post_ops.h"
#include "runtime/kernel.h"

// What our kernels for convolutions ask about their nodes.

namespace weft {

bool AllAre(const Dims& values, int64_t value);
// Whether all inputs that there are have this type.
bool AllF32(const KernelRequest& request);

// What results are not below and not above; NaN stays NaN.
struct ResultBounds {
  float least = -std::numeric_limits<float>::infinity();
  float most = std::numeric_limits<float>::infinity();

  bool any() const { return *this != ResultBounds(); }
  friend bool operator==(const ResultBounds&, const ResultBounds&) = default;
};
// Takes the first of the post-ops where all it does is to bound: Relu, Clip.
absl::StatusOr<ResultBounds> TakeBounds(std::vector<PostOp>& posts);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_CONV_FORM_H_
