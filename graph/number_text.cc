#include "graph/number_text.h"

#include <cmath>

#include "absl/strings/str_format.h"

namespace weft {

std::string WithCommas(int64_t value) {
  std::string text = std::to_string(value);
  const size_t begin = value < 0 ? 1 : 0;
  for (size_t i = text.size(); i > begin + 3; i -= 3) text.insert(i - 3, 1, ',');
  return text;
}

std::string BytesText(double bytes) {
  constexpr double kKiB = 1024, kMiB = 1024 * kKiB;
  const double size = std::abs(bytes);
  if (size < kKiB) return absl::StrFormat("%.0f B", bytes);
  return size < kMiB ? absl::StrFormat("%.1f KiB", bytes / kKiB)
                     : absl::StrFormat("%.1f MiB", bytes / kMiB);
}

}  // namespace weft
