#ifndef WEFT_FRONTEND_INSPECT_LAYERS_PICTURE_FILTER_H_
#define WEFT_FRONTEND_INSPECT_LAYERS_PICTURE_FILTER_H_

#include <span>
#include <string>

#include "frontend/io/picture.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

struct PictureFilterOptions {
  // What is beyond the border: reflect, replicate, symmetric or circular copies of the picture, or
  // zeros (Conv2dOptions::padding_mode).
  std::string padding = "reflect";
  int threads = 0;  // 0: all that this process may use
};

// The picture, 1 in its brightest, under each of the kernels, channel by channel, by a Conv node
// run as any graph is: f32[K,C,H,W] of the picture's H and W. Kernels [h,w] are floating-point, of
// any odd extents, finite, their middle on the pixel. Errors: no kernel, another type of kernel,
// padding that does not fit the picture, results of over 2^30 bytes.
absl::StatusOr<Tensor> FilterPicture(const Picture& picture, std::span<const Tensor> kernels,
                                     const PictureFilterOptions& options = {});

// How results are shown.
enum class FilteredLook {
  kPlain,      // 0 black, 1 white, what is beyond is cut off: blurs
  kSigned,     // 0 is mid gray, the largest magnitude black or white: edges
  kMagnitude,  // 0 is black, the largest magnitude white
};

// The look of what a kernel makes: kSigned where its elements' sum is nearer to 0 than to 1.
FilteredLook LookFor(const Tensor& kernel);

// Results f32[C,H,W], C 1 or 3, as a picture. Errors: another type.
absl::StatusOr<Picture> FilteredPicture(const Tensor& result, FilteredLook look);

// Results [K,C,H,W] as one [C,H,W]: the root of the sum of squares over kernels, of sobel_x and
// sobel_y the gradient's magnitude. Errors: another type.
absl::StatusOr<Tensor> RootOfSquares(const Tensor& results);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_LAYERS_PICTURE_FILTER_H_
