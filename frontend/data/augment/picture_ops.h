#ifndef WEFT_FRONTEND_DATA_AUGMENT_PICTURE_OPS_H_
#define WEFT_FRONTEND_DATA_AUGMENT_PICTURE_OPS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "frontend/data/dataset.h"
#include "frontend/io/picture.h"
#include "frontend/io/resample.h"

namespace weft {

// Changes of pictures without chance, which transforms and policies draw the numbers of. Masks
// follow geometry: nearest pixels, 0 where there is nothing.

// What is outside a picture: one gray level, its border, or its mirror image with the border once
// (reflect) or twice (symmetric).
enum class Outside { kConstant, kEdge, kReflect, kSymmetric };

// A region that may reach outside.
Picture CutOrPad(const Picture& picture, const PictureRegion& region, Outside outside,
                 uint8_t fill);
Picture FlippedColumns(const Picture& picture);
Picture FlippedRows(const Picture& picture);

// From a place in the result to one in the original, in pixels; the middle of the first pixel is
// (0.5, 0.5): x' = (a x + b y + c) / (g x + h y + 1), y' = (d x + e y + f) / (g x + h y + 1).
struct PlaneMap {
  double a = 1, b = 0, c = 0;
  double d = 0, e = 1, f = 0;
  double g = 0, h = 0;
};

// torchvision's affine: around the middle, degrees clockwise, scale, shear in degrees along x and
// y, then a translation in pixels.
struct AffineChange {
  double degrees = 0, scale = 1, shear_x = 0, shear_y = 0, right = 0, down = 0;
};
PlaneMap InverseAffine(const AffineChange& change, int64_t height, int64_t width);
// Takes the places `to` of the result to `from` of the original; x and y of four corners.
PlaneMap MapCorners(const std::array<double, 8>& to, const std::array<double, 8>& from);

enum class WarpFilter { kNearest, kBilinear };
// The picture, of the same size, and its mask.
void WarpBy(const PlaneMap& map, WarpFilter filter, uint8_t fill, PictureExample& example);
// Each pixel comes from (x + right[i], y + down[i]).
void WarpBy(const std::vector<float>& right, const std::vector<float>& down, WarpFilter filter,
            uint8_t fill, PictureExample& example);

// factor * x + (1 - factor) * y, cut to bytes toward 0: y is black, the mean gray level, the gray
// picture or the smoothed one (torchvision.transforms.functional.adjust_*).
void AdjustBrightness(Picture& picture, double factor);
void AdjustContrast(Picture& picture, double factor);
void AdjustSaturation(Picture& picture, double factor);
void AdjustSharpness(Picture& picture, double factor);
// Turns the hue by a part of the circle, in [-0.5, 0.5].
void AdjustHue(Picture& picture, double turn);
void MakeGray(Picture& picture);
void Posterize(Picture& picture, int bits);
// Inverts the bytes from the threshold on; 0 inverts all.
void Solarize(Picture& picture, int threshold);
// PIL's ImageOps: each channel stretched to [0,255], or its histogram made even.
void AutoContrast(Picture& picture);
void Equalize(Picture& picture);

// Gaussian, of this standard deviation in pixels, over a field [height,width,channels]; mirrored at
// the border.
void GaussianBlur(std::vector<float>& field, int64_t height, int64_t width, int64_t channels,
                  double sigma);

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_AUGMENT_PICTURE_OPS_H_
