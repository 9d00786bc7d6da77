#ifndef WEFT_RUNTIME_HOST_SHUFFLED_CONCAT_H_
#define WEFT_RUNTIME_HOST_SHUFFLED_CONCAT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/kernel.h"

namespace weft {

// Split(ChannelShuffle(Concat(inputs), group)) along the channels of channels-last images, each of
// which may be a region of a wider one: every channel is moved once. Where there is no Split, there
// is one output. Null where the groups are not those that the inputs have: each channel of an
// output comes from the next input in turn.
std::shared_ptr<const Kernel> MakeShuffledConcat(std::vector<Layout> inputs,
                                                 std::vector<Layout> outputs, int64_t group);

}  // namespace weft

#endif  // WEFT_RUNTIME_HOST_SHUFFLED_CONCAT_H_
