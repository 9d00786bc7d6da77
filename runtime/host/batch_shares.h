#ifndef WEFT_RUNTIME_HOST_BATCH_SHARES_H_
#define WEFT_RUNTIME_HOST_BATCH_SHARES_H_

#include <memory>
#include <vector>

#include "runtime/kernel.h"

namespace weft {

// A kernel for `shares` times as many images as `share` is for, whose f32 results are sums over the
// images: it runs `share`, a kernel for one thread, for all of them at once and adds what comes of
// each in the order of the images. `images`: of the inputs, which are images; the others are the
// same for all. Null where an image's layout is none of channel_blocks.h, and for a kernel with
// memory that other kernels know.
//
// The library's own way, threads that wait inside a kernel until the others have their sums, needs
// a CPU for each thread: with fewer, they look out for one another for whole time slices.
std::unique_ptr<Kernel> InShares(std::unique_ptr<Kernel> share, int shares,
                                 const std::vector<bool>& images);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_BATCH_SHARES_H_
