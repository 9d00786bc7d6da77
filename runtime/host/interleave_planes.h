#ifndef WEFT_RUNTIME_HOST_INTERLEAVE_PLANES_H_
#define WEFT_RUNTIME_HOST_INTERLEAVE_PLANES_H_

#include <memory>

#include "runtime/kernel.h"

namespace weft {

// The reorder of row-major f32 images of two to four channels into channels-last ones: what an
// image becomes before the first convolution. Null for other layouts.
std::unique_ptr<Kernel> MakeInterleavePlanes(const Layout& from, const Layout& to);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_INTERLEAVE_PLANES_H_
