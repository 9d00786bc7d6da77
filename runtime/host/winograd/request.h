#ifndef WEFT_RUNTIME_HOST_WINOGRAD_REQUEST_H_
#define WEFT_RUNTIME_HOST_WINOGRAD_REQUEST_H_

#include <optional>

#include "ops/window.h"
#include "runtime/host/winograd/problem.h"
#include "runtime/kernel.h"

namespace weft {

// The convolution of a node's images of dims `x` with weights of dims `w`, where it is one that
// Winograd takes: f32, two axes, 3x3 taps, steps of 1, one group, something to compute.
absl::StatusOr<std::optional<ConvWindow>> WinogradWindow(const KernelRequest& request,
                                                         const Dims& x, const Dims& w);

// Images of dims [N,C,H,W], of which `width` channels lie side by side; 0: all.
WinogradImages WinogradImagesOf(const Dims& dims, int64_t width);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_WINOGRAD_REQUEST_H_
