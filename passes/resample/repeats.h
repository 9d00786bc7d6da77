#ifndef WEFT_PASSES_RESAMPLE_REPEATS_H_
#define WEFT_PASSES_RESAMPLE_REPEATS_H_

#include <optional>
#include <string_view>

#include "passes/rule.h"

namespace weft {

// n where `to` is n times `from`, for all values of their symbols.
std::optional<int64_t> RatioOf(const Dim& from, const Dim& to);

// Along each axis of its image [N,C,...]: how often a Resize makes it as long, where N and C stay.
std::optional<Dims> RatiosOf(const Node& resize);
// Along each spatial axis: how often a Resize repeats every element, where that is all it does.
// (Beyond an extent of 2^22, ONNX's f32 coordinates no longer tell elements apart; where the extent
// is a symbol, that is left out of account. Corners are rounded far sooner: a symbol declines.)
std::optional<Dims> RepeatsOf(const Node& resize);
Condition RepeatsElements(const Match& match, std::string_view resize);

// A value that broadcasts to an image [N,C,...] of that rank has one number for all channels.
bool HasOneChannel(const TensorType& type, int image_rank);
// The value repeated. It takes the name of a constant, which it takes the place of.
Value Tiled(Rewriter& r, Value v, Dims repeats);
// `channels`, a value that broadcasts to an image [N,C,H,W], has the same numbers for all of its
// pixels and one number or C along its channels, for the image whose channels are `count` times
// those of this one, one after another.
Value RepeatedChannels(Rewriter& r, Value channels, int64_t count);

}  // namespace weft

#endif  // WEFT_PASSES_RESAMPLE_REPEATS_H_
