#ifndef WEFT_FRONTEND_IO_JPEG_ENCODE_H_
#define WEFT_FRONTEND_IO_JPEG_ENCODE_H_

#include <cstddef>
#include <vector>

#include "frontend/io/picture.h"

namespace weft {

// A picture as a baseline JPEG file, gray or of colors with halved chroma. `quality` is libjpeg's,
// 1 to 100. Errors: a picture that JPEG cannot hold (extents from 1 to 65500), another number of
// channels, pixels that are not height * width * channels, no memory.
absl::StatusOr<std::vector<std::byte>> EncodeJpeg(const Picture& picture, int quality);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_JPEG_ENCODE_H_
