#ifndef WEFT_FRONTEND_DATA_CONTACT_SHEET_H_
#define WEFT_FRONTEND_DATA_CONTACT_SHEET_H_

#include <cstdint>
#include <string_view>

#include "frontend/data/dataset.h"

namespace weft {

// Writes `text` into a picture, its top left corner at (x, y), in capital letters of 3x5 squares of
// `scale` pixels, each 4 squares after the one before; what lies outside is left out.
void DrawText(Picture& picture, int64_t x, int64_t y, std::string_view text, int64_t scale,
              uint8_t level);

struct ContactSheetOptions {
  int64_t count = 48;  // examples at most, evenly spread over the data set
  int64_t columns = 8;
  int64_t tile = 112;  // pixels of a picture's longer side
  ExampleDraw draw = {};
};

// Examples of a data set of images side by side, as a model sees them but for normalisation, each
// above the name of its class. Errors: examples that are no images, one that cannot be read,
// options below 1.
absl::StatusOr<Picture> ContactSheet(const Dataset& dataset,
                                     const ContactSheetOptions& options = {});

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_CONTACT_SHEET_H_
