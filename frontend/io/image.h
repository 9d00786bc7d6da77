#ifndef WEFT_FRONTEND_IO_IMAGE_H_
#define WEFT_FRONTEND_IO_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/model.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

struct ImageOptions {
  // An image of another size than the model's is an error, unless this asks to resize it.
  bool resize = false;
  // Transparent pixels show this gray level: white, as on paper; 0 is black.
  uint8_t background = 255;
  // Images with more pixels are refused before they are decoded.
  int64_t max_pixels = int64_t{1} << 26;
};

// OK where `p` can be carried out: extents above 0, "gray" with 1 channel or "rgb" or "bgr" with 3,
// one finite mean and one std above 0 a channel.
absl::Status CheckPreprocessing(const Preprocessing& p);

// (x - mean[c]) / std[c] in place; `image` is [C,H,W] with C, H and W of `p`, which must be valid.
void Normalize(const Preprocessing& p, std::span<float> image);

// An image [C,H,W] that has the form of `from` in the form of `to`, not normalised: gray as equal
// channels, colors as gray as below, resized as below. Both must be valid.
std::vector<float> ConvertImage(std::span<const float> image, const Preprocessing& from,
                                const Preprocessing& to);

// Whether a file's name ends as an image's that ReadImage takes: .png, .jpg or .jpeg, in any case.
bool IsImageName(std::string_view path);

// Decodes a PNG file (any color type, bit depth and interlacing) or a JPEG file (baseline or
// progressive; turned as its Exif orientation says) into the input that `p` describes: f32[C,H,W],
// normalised. Which of both it is, its bytes say. Color becomes gray as 0.299 R + 0.587 G + 0.114
// B, rounded to 8 bits, as in PIL; 16-bit samples are reduced to 8; transparency is composited on
// `options.background`. Resizing is bilinear with the filter widened when shrinking (antialiased,
// as in PIL). Errors name the file: unreadable, neither PNG nor JPEG, damaged or cut off anywhere
// (every checksum of PNG's chunks is verified, up to the end chunk), CMYK, too many pixels,
// `expected 28x28, image is 32x40` (height x width).
absl::StatusOr<Tensor> ReadImage(const std::string& path, const Preprocessing& p,
                                 const ImageOptions& options = {});
// The same for bytes in memory; `name` stands for the file in errors.
absl::StatusOr<Tensor> DecodeImage(std::span<const std::byte> bytes, const std::string& name,
                                   const Preprocessing& p, const ImageOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_IMAGE_H_
