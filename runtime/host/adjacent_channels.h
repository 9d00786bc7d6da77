#ifndef WEFT_RUNTIME_HOST_ADJACENT_CHANNELS_H_
#define WEFT_RUNTIME_HOST_ADJACENT_CHANNELS_H_

#include <cstdint>
#include <optional>

#include "runtime/layout.h"

namespace weft {

// k for a value [N,C,…] whose memory is [N, C/k, …, k]: how many channels lie side by side. 1 where
// it is row-major, C where channels come last, 16 in aBcd16b, where C/k is rounded up and the last
// block padded; nothing for any other format.
std::optional<int64_t> AdjacentChannels(const Layout& layout);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_ADJACENT_CHANNELS_H_
