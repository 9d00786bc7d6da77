#include "frontend/io/decode.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "frontend/io/bmp.h"
#include "frontend/io/jpeg.h"
#include "frontend/io/png.h"
#include "frontend/io/pnm.h"
#include "frontend/io/read_file.h"

namespace weft {
namespace {

constexpr std::string_view kImageEndings[] = {".png", ".jpg", ".jpeg", ".bmp",
                                              ".ppm", ".pgm", ".pnm"};

absl::StatusOr<Picture> DecodeByMagic(std::span<const std::byte> bytes,
                                      const DecodeOptions& options) {
  if (IsPng(bytes)) return DecodePng(bytes, options);
  if (IsJpeg(bytes)) return DecodeJpeg(bytes, options);
  if (IsBmp(bytes)) return DecodeBmp(bytes, options);
  if (IsPnm(bytes)) return DecodePnm(bytes, options);
  return absl::InvalidArgumentError(
      "expected a PNG, JPEG, BMP, PPM or PGM image, the file has another signature");
}

absl::StatusOr<Picture> DecodeMaskByMagic(std::span<const std::byte> bytes,
                                          const DecodeOptions& options) {
  if (IsPng(bytes)) return DecodePngMask(bytes, options);
  if (IsBmp(bytes)) return DecodeBmpMask(bytes, options);
  if (IsPnm(bytes)) return DecodePnmMask(bytes, options);
  if (IsJpeg(bytes)) {
    return absl::InvalidArgumentError(
        "expected a mask, a JPEG's values are not exact; save it as PNG");
  }
  return absl::InvalidArgumentError(
      "expected a mask, a PNG, BMP or PGM image; the file has another signature");
}

}  // namespace

bool IsImageName(std::string_view path) {
  const std::string name = absl::AsciiStrToLower(Absl(path));
  for (std::string_view ending : kImageEndings) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

absl::StatusOr<Picture> DecodePicture(std::span<const std::byte> bytes, const std::string& name,
                                      const DecodeOptions& options) {
  absl::StatusOr<Picture> picture = DecodeByMagic(bytes, options);
  if (!picture.ok()) return Annotate(picture.status(), name);
  return picture;
}

absl::StatusOr<Picture> LoadPicture(const std::string& path, const DecodeOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  return DecodePicture(bytes, path, options);
}

absl::StatusOr<Picture> DecodeMask(std::span<const std::byte> bytes, const std::string& name,
                                   const DecodeOptions& options) {
  absl::StatusOr<Picture> mask = DecodeMaskByMagic(bytes, options);
  if (!mask.ok()) return Annotate(mask.status(), name);
  return mask;
}

absl::StatusOr<Picture> LoadMask(const std::string& path, const DecodeOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path));
  return DecodeMask(bytes, path, options);
}

}  // namespace weft
