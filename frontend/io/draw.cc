#include "frontend/io/draw.h"

#include <algorithm>
#include <string_view>

namespace weft {
namespace {

constexpr std::string_view kShades = " .:-=+*#%@";
constexpr float kInkThreshold = 0.4f;  // strokes are blurred: half would break thin ones

absl::Status CheckImage(const Tensor& image) {
  const bool flat = image.rank() == 2 || (image.rank() == 3 && image.dims()[0] == 1);
  if (image.is_empty() || image.dtype() != DType::kF32 || !flat) {
    return absl::InvalidArgumentError(
        absl::StrCat("draw: expected an image f32[H,W] or f32[1,H,W], got ",
                     image.is_empty() ? std::string("an empty tensor") : ToString(image.type())));
  }
  return absl::OkStatus();
}

int64_t Height(const Tensor& image) { return image.dims()[image.dims().size() - 2]; }

// One character for two pixels, one above the other.
std::string_view Cell(float above, float below, DrawStyle style) {
  if (style == DrawStyle::kHalfBlocks) {
    const bool top = above > kInkThreshold;
    const bool bottom = below > kInkThreshold;
    return top ? (bottom ? "█" : "▀") : (bottom ? "▄" : " ");
  }
  const float mean = (std::clamp(above, 0.0f, 1.0f) + std::clamp(below, 0.0f, 1.0f)) / 2;
  // A NaN fails the comparison and is blank.
  const size_t shade = mean > 0 ? static_cast<size_t>(mean * (kShades.size() - 1) + 0.5f) : 0;
  return kShades.substr(shade, 1);
}

// Row pair `row` of the image; beyond an odd height's end there is background.
void AppendCells(const Tensor& image, int64_t row, DrawStyle style, std::string* line) {
  const int64_t height = Height(image);
  const int64_t width = image.dims().back();
  const float* above = image.values<float>().data() + row * width;
  for (int64_t x = 0; x < width; ++x) {
    *line += Cell(above[x], row + 1 < height ? above[width + x] : 0.0f, style);
  }
}

}  // namespace

absl::StatusOr<std::string> DrawImages(std::span<const Tensor> images, DrawStyle style, int gap) {
  if (images.empty()) return absl::InvalidArgumentError("draw: expected images, there are none");
  for (const Tensor& image : images) {
    WEFT_RETURN_IF_ERROR(CheckImage(image));
    if (Height(image) != Height(images[0])) {
      return absl::InvalidArgumentError(absl::StrCat("draw: expected images of one height, got ",
                                                     Height(images[0]), " and ", Height(image)));
    }
  }
  std::string text;
  for (int64_t row = 0; row < Height(images[0]); row += 2) {
    std::string line;
    for (const Tensor& image : images) {
      if (&image != images.data()) line.append(static_cast<size_t>(std::max(gap, 0)), ' ');
      AppendCells(image, row, style, &line);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

absl::StatusOr<std::string> DrawImage(const Tensor& image, DrawStyle style) {
  return DrawImages({&image, 1}, style);
}

}  // namespace weft
