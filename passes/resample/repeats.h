#ifndef WEFT_PASSES_RESAMPLE_REPEATS_H_
#define WEFT_PASSES_RESAMPLE_REPEATS_H_

#include <optional>
#include <string_view>

#include "passes/rule.h"

namespace weft {

// n where `to` is n times `from`, for all values of their symbols.
std::optional<int64_t> RatioOf(const Dim& from, const Dim& to);

// Along each spatial axis of its image [N,C,...]: how often a Resize repeats every element, where
// that is all it does. (Beyond an extent of 2^22, ONNX's f32 coordinates no longer tell elements
// apart; where the extent is a symbol, that is left out of account.)
std::optional<Dims> RepeatsOf(const Node& resize);
Condition RepeatsElements(const Match& match, std::string_view resize);

// `channels`, a value that broadcasts to an image [N,C,H,W] and has the same numbers for all of its
// pixels, for the image whose channels are `count` times those of this one, one after another.
Value RepeatedChannels(Rewriter& r, Value channels, int64_t count);
// Whether a value has the same numbers for all pixels of an image that it broadcasts to.
bool IsSpread(const TensorType& type, int image_rank);

}  // namespace weft

#endif  // WEFT_PASSES_RESAMPLE_REPEATS_H_
