#include "frontend/report/data_url.h"

#include <cstddef>
#include <vector>

#include "absl/strings/escaping.h"
#include "frontend/io/png.h"

namespace weft {

absl::StatusOr<std::string> PngDataUrl(const Picture& picture) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> png, EncodePng(picture));
  const auto* bytes = reinterpret_cast<const char*>(png.data());
  return absl::StrCat("data:image/png;base64,",
                      absl::Base64Escape(absl::string_view(bytes, png.size())));
}

}  // namespace weft
