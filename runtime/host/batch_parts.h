#ifndef WEFT_RUNTIME_HOST_BATCH_PARTS_H_
#define WEFT_RUNTIME_HOST_BATCH_PARTS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/kernel.h"

namespace weft {

// The layout of `parts` times as many images, [N,C,H,W], as `part` is of, which lie one after the
// other. Null for a layout that is none of channel_blocks.h.
std::optional<Layout> OfAllParts(const Layout& part, int64_t parts);

// A kernel for `parts` times as many images as `part` is for, which it runs once for each of them:
// what it does to a result after it was computed finds it in the cache. `images`: of the inputs,
// which are images; the others are the same for all parts. Null where an image's layout is none of
// channel_blocks.h, and for a kernel that has more results or memory that other kernels know.
std::unique_ptr<Kernel> InParts(std::unique_ptr<Kernel> part, int64_t parts,
                                std::vector<bool> images);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_BATCH_PARTS_H_
