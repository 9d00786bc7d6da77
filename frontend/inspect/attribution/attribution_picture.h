#ifndef WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_PICTURE_H_
#define WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_PICTURE_H_

#include <cstdint>
#include <span>
#include <string>

#include "frontend/inspect/attribution/attribution.h"
#include "frontend/io/picture.h"

namespace weft {

// The picture that was explained, its pixels enlarged to squares such that the longer side has
// `least_pixels` or more, and beside it the map over it. Errors: those of OverlayPicture.
absl::StatusOr<Picture> AttributionPicture(const Picture& picture, const Attribution& what,
                                           int64_t least_pixels = 224);

// The map alone, where what was explained is no picture: an element a pixel, a signal's as a stripe
// 32 pixels high. Errors: those of MapPicture.
absl::StatusOr<Picture> AttributionMapPicture(const Attribution& what);

// Several methods' maps over the picture, the picture itself first, each above its title. Errors:
// those of OverlayPicture and PictureSheet.
struct TitledAttribution {
  std::string title;
  Attribution what;
};
absl::StatusOr<Picture> AttributionSheet(const Picture& picture,
                                         std::span<const TitledAttribution> all,
                                         int64_t least_pixels = 224, int64_t columns = 5);

// Of a signal f32[1,C,L] (or without the first axis): each channel as a curve, on colors that say
// what each sample has to do with the score: orange for the class, blue against it, of methods that
// are not signed orange for much. An SVG file's text. Above 900 samples several are drawn at one
// place: the curve's least and largest, the color of the largest magnitude. Errors: no signal.
absl::StatusOr<std::string> SignalAttributionSvg(const Tensor& x, const Attribution& what,
                                                 const std::string& title);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_ATTRIBUTION_ATTRIBUTION_PICTURE_H_
