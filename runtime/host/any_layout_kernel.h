#ifndef WEFT_RUNTIME_HOST_ANY_LAYOUT_KERNEL_H_
#define WEFT_RUNTIME_HOST_ANY_LAYOUT_KERNEL_H_

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "runtime/kernel.h"

namespace weft {

// Computes the n elements of `output` from those at the same places of the inputs (null where one
// is absent). The output may be one of the inputs.
using PlaceFunction =
    std::function<void(int64_t n, std::span<const float* const> inputs, float* output)>;

// A kernel of our own on f32 elements in memory order, whatever that is: the node's inputs of the
// output's dims and its one output lie in `layout`, padding included, which holds zeros and must
// stay so; other inputs (bounds, …) are row-major.
std::unique_ptr<Kernel> MakeAnyLayoutKernel(const KernelRequest& request, const Layout& layout,
                                            std::string implementation, PlaceFunction function);

// Whether `layout` has places that hold no element.
bool IsPadded(const Layout& layout);

// The layout of an input of a gradient's node (dY, X) to compute in: the forward's, unless that is
// row-major, since what follows in the backward pass is the gradient of what came before.
const Layout& LayoutOfPair(const KernelRequest& request);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_ANY_LAYOUT_KERNEL_H_
