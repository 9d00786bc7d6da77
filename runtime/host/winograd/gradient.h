#ifndef WEFT_RUNTIME_HOST_WINOGRAD_GRADIENT_H_
#define WEFT_RUNTIME_HOST_WINOGRAD_GRADIENT_H_

#include "runtime/host/winograd/problem.h"

// The gradient of the convolution's weights, in the forward convolution's terms: y is dY. The
// windows of x and the tiles of dY are transformed; the products of each element are summed over
// tiles, and transformed back at the end. Bands of tiles, one after the other:
//
//   x --[inputs]--> v [chunk][element][tile][channel]
//   dY --[outputs' gradients]--> m [chunk][element][tile][filter]
//   v, m --[products, added]--> u [element][block][channel][filter]   --[at the end]--> dW
//
// Each step's parts are independent, and the bits do not depend on who does them.

namespace weft {

// Transforms tiles [begin, end) of a band: those from `tile` on, `tiles` of them.
void TransformGradientTiles(const WinogradProblem& p, const float* x, const float* dy, int64_t tile,
                            int64_t tiles, int64_t begin, int64_t end, float* v, float* m);
// u of one element and block = (or += if `add`) the products of a band's tiles.
void MultiplyGradient(const WinogradProblem& p, int64_t tiles, int64_t element, int64_t block,
                      bool add, const float* v, const float* m, float* u);
// dW of a block's filters.
void StoreFilterGradient(const WinogradProblem& p, int64_t block, const float* u, float* dw);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_WINOGRAD_GRADIENT_H_
