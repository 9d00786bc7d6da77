#ifndef WEFT_RUNTIME_ONEDNN_CACHES_H_
#define WEFT_RUNTIME_ONEDNN_CACHES_H_

#include <cstdint>

// oneDNN 3.7 ends the process with an integer division by zero where the CPU does not say what
// caches it has (CPUID's leaves 4 and 0x8000001D are empty), as on some virtual machines. It
// happens while the library looks for a kernel for a 1x1 convolution between certain numbers of
// channels, in the estimate of its batch-reduce kernels, which divides by a number of blocks that
// is 0 without caches. Those kernels take channels-last images and blocks of channels only.

namespace weft {

enum class Caches {
  kKnown,
  kUnknown,  // and the library is one that needs to know them
};

// Says on stderr, once, if they are unknown.
Caches CachesOfThisMachine();

// Whether the library divides by zero then, for a 1x1 convolution or a gradient of it between so
// many channels of a group.
bool DividesByZero(int64_t in_channels, int64_t out_channels);

}  // namespace weft

#endif  // WEFT_RUNTIME_ONEDNN_CACHES_H_
