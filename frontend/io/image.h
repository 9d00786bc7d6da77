#ifndef WEFT_FRONTEND_IO_IMAGE_H_
#define WEFT_FRONTEND_IO_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "frontend/io/decode.h"
#include "graph/model.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

struct ImageOptions {
  // An image of another size than the model's is an error, unless this asks to resize it.
  bool resize = false;
  // Those of DecodeOptions.
  uint8_t background = 255;
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

// A picture as planes [C,H,W] in [0,1] in the form of `p`, which must be valid; not normalised. It
// is resized as PIL does, bilinear and antialiased (see Resample). Color becomes gray as 0.299 R +
// 0.587 G + 0.114 B, rounded to 8 bits, as in PIL.
void PictureToPlanes(const Picture& picture, const Preprocessing& p, std::span<float> planes);
// An image in [0,1] that has the form of `p`, rounded to bytes.
Picture PlanesToPicture(std::span<const float> planes, const Preprocessing& p);

// Decodes an image file (see DecodePicture for what may be in it) into the input that `p`
// describes: f32[C,H,W], normalised. Errors name the file: those of DecodePicture, `expected 28x28,
// image is 32x40` (height x width).
absl::StatusOr<Tensor> ReadImage(const std::string& path, const Preprocessing& p,
                                 const ImageOptions& options = {});
// The same for bytes in memory; `name` stands for the file in errors.
absl::StatusOr<Tensor> DecodeImage(std::span<const std::byte> bytes, const std::string& name,
                                   const Preprocessing& p, const ImageOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_IMAGE_H_
