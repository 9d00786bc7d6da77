#ifndef WEFT_PASSES_STRUCTURE_STRUCTURE_H_
#define WEFT_PASSES_STRUCTURE_STRUCTURE_H_

#include "passes/passes.h"

namespace weft {

// Idioms of several nodes that are one op of ours.
// One file each.
Pass RecognizeChannelShuffle();
Pass RecognizeDepthToSpace();
Pass FuseSqueezeExcitation();

}  // namespace weft

#endif  // WEFT_PASSES_STRUCTURE_STRUCTURE_H_
