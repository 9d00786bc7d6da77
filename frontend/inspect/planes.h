#ifndef WEFT_FRONTEND_INSPECT_PLANES_H_
#define WEFT_FRONTEND_INSPECT_PLANES_H_

#include <cstdint>

#include "frontend/io/picture.h"
#include "graph/model.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// Pictures as numbers f32[N,C,H,W], as a network takes them.

// How pictures become the model's only input. Errors: a model that does not say, or whose input is
// not [N,C,H,W] of as many channels.
absl::StatusOr<Preprocessing> PictureFormOf(const Model& model);
Preprocessing WithSize(Preprocessing form, int64_t height, int64_t width);

// A picture of any size in that form, normalised: f32[1,C,H,W] of the picture's height and width.
// Errors: a malformed form, a picture without pixels.
absl::StatusOr<Tensor> InputOfPicture(const Picture& picture, const Preprocessing& form);
// Example `i` of x as the picture that it is (PictureOfInput).
absl::StatusOr<Picture> PictureAt(const Tensor& x, int64_t i, const Preprocessing& form);

// Maps or planes f32[...,h,w] at another size, bilinear, antialiased where they shrink:
// f32[...,height,width]. Errors: another type, a rank below 2, extents below 1.
absl::StatusOr<Tensor> ResizedPlanes(const Tensor& x, int64_t height, int64_t width);
// x moved down and to the right; what leaves at one side comes back at the other.
absl::StatusOr<Tensor> RolledPlanes(const Tensor& x, int64_t down, int64_t right);
// x smoothed by a Gaussian of this deviation in pixels, cut off at three of them; its weights add
// to 1 at the borders too.
absl::StatusOr<Tensor> BlurredPlanes(const Tensor& x, double deviation);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_PLANES_H_
