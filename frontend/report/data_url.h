#ifndef WEFT_FRONTEND_REPORT_DATA_URL_H_
#define WEFT_FRONTEND_REPORT_DATA_URL_H_

#include <string>

#include "frontend/io/picture.h"
#include "graph/status.h"

namespace weft {

// A picture as a PNG file in a URL of its own (RFC 2397): "data:image/png;base64,...". Errors:
// those of EncodePng.
absl::StatusOr<std::string> PngDataUrl(const Picture& picture);

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_DATA_URL_H_
