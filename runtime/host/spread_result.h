#ifndef WEFT_RUNTIME_HOST_SPREAD_RESULT_H_
#define WEFT_RUNTIME_HOST_SPREAD_RESULT_H_

#include <cstdint>
#include <memory>

#include "runtime/kernel.h"

namespace weft {

// `kernel`, whose only result is a channels-last image, with that result in a region of an image of
// more channels, `pixel_stride` floats from pixel to pixel: made in scratch memory and moved while
// it is in the cache. For kernels of the library, whose results have no gaps. Null where `kernel`
// has more results, or memory that other kernels know.
std::shared_ptr<const Kernel> SpreadResult(std::shared_ptr<const Kernel> kernel,
                                           int64_t pixel_stride);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SPREAD_RESULT_H_
