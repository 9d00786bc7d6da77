#ifndef WEFT_FRONTEND_IO_DRAW_H_
#define WEFT_FRONTEND_IO_DRAW_H_

#include <span>
#include <string>

#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

enum class DrawStyle {
  kHalfBlocks,  // UTF-8: a character shows 1x2 pixels as ink or no ink
  kAscii,       // a character shows the mean of 1x2 pixels in ten shades
};

// Draws gray images side by side, `gap` columns apart, for a terminal whose characters are twice as
// high as wide: lines of text, each ended by '\n', without trailing blanks. Each image is f32[H,W]
// or f32[1,H,W], all of one height; 0 is the terminal's background, 1 full ink, values outside are
// clamped. Errors: no image, another type or rank, heights that differ.
absl::StatusOr<std::string> DrawImages(std::span<const Tensor> images, DrawStyle style,
                                       int gap = 2);

// DrawImages of one image.
absl::StatusOr<std::string> DrawImage(const Tensor& image, DrawStyle style);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_DRAW_H_
