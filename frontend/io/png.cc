#include "frontend/io/png.h"

#include <png.h>
#include <zlib.h>

#include <cstring>
#include <string_view>

#include "graph/file/file_system.h"

namespace weft {
namespace {

constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";
constexpr size_t kBitDepthAt = 24;  // in the header chunk, which comes first

uint32_t PngNumber(std::span<const std::byte> bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint32_t>(bytes[i]);
  return value;
}

// Walks the chunks (length, type, data, CRC32 of type and data) to the end chunk. libpng's
// simplified reader stops after the last row, so it would take files that are cut after it.
absl::Status CheckChunks(std::span<const std::byte> bytes) {
  for (size_t at = kPngSignature.size();;) {
    const std::span<const std::byte> rest = bytes.subspan(at);
    if (rest.size() < 12 || PngNumber(rest) > rest.size() - 12) {
      return absl::DataLossError(absl::StrCat("the PNG data end early: byte ", bytes.size(),
                                              " is inside the chunk at byte ", at));
    }
    const size_t length = PngNumber(rest);
    const uint32_t expected = PngNumber(rest.subspan(8 + length));
    const uLong actual = crc32_z(0, reinterpret_cast<const Bytef*>(rest.data()) + 4, length + 4);
    if (actual != expected) {
      return absl::DataLossError(absl::StrCat("the PNG chunk at byte ", at,
                                              " is damaged: expected checksum ", expected,
                                              ", the data have ", actual));
    }
    if (std::memcmp(rest.data() + 4, "IEND", 4) == 0) return absl::OkStatus();
    at += 12 + length;
  }
}

// libpng's simplified reader: its longjmps end inside it, its message stays in the struct.
class PngReader {
 public:
  PngReader() { png_.version = PNG_IMAGE_VERSION; }
  ~PngReader() { png_image_free(&png_); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;

  absl::Status ReadHeader(std::span<const std::byte> bytes, int64_t max_pixels) {
    WEFT_RETURN_IF_ERROR(CheckChunks(bytes));
    if (png_image_begin_read_from_memory(&png_, bytes.data(), bytes.size()) == 0) return Failure();
    png_.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // 16-bit samples are no linear light
    return CheckPixelCount(png_.height, png_.width, max_pixels);
  }
  bool has(unsigned flag) const { return (png_.format & flag) != 0; }

  absl::StatusOr<Picture> Read(unsigned format, uint8_t background, void* colors) {
    png_.format = format;
    Picture picture = {.height = png_.height,
                       .width = png_.width,
                       .channels = PNG_IMAGE_PIXEL_CHANNELS(format),
                       .pixels = {}};
    picture.pixels.resize(PNG_IMAGE_SIZE(png_));
    const png_color level = {background, background, background};
    if (png_image_finish_read(&png_, &level, picture.pixels.data(), 0, colors) == 0) {
      return Failure();
    }
    return picture;
  }

 private:
  absl::Status Failure() const {
    return absl::DataLossError(absl::StrCat("libpng: ", png_.message));
  }

  png_image png_ = {};
};

}  // namespace

bool IsPng(std::span<const std::byte> bytes) {
  return bytes.size() >= kPngSignature.size() &&
         std::memcmp(bytes.data(), kPngSignature.data(), kPngSignature.size()) == 0;
}

absl::StatusOr<Picture> DecodePng(std::span<const std::byte> bytes, const DecodeOptions& options) {
  PngReader reader;
  WEFT_RETURN_IF_ERROR(reader.ReadHeader(bytes, options.max_pixels));
  const bool color = reader.has(PNG_FORMAT_FLAG_COLOR);
  return reader.Read(color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY, options.background, nullptr);
}

absl::StatusOr<Picture> DecodePngMask(std::span<const std::byte> bytes,
                                      const DecodeOptions& options) {
  PngReader reader;
  WEFT_RETURN_IF_ERROR(reader.ReadHeader(bytes, options.max_pixels));
  if (reader.has(PNG_FORMAT_FLAG_COLORMAP)) {
    uint8_t colors[256 * 3];  // libpng keeps a palette's indices when it is asked for a palette
    return reader.Read(PNG_FORMAT_RGB_COLORMAP, options.background, colors);
  }
  const auto bits = static_cast<unsigned>(bytes[kBitDepthAt]);
  if (reader.has(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA) || bits > 8) {
    return absl::InvalidArgumentError(
        "expected a mask, gray of at most 8 bits or with a palette; the image has colors, "
        "transparency or 16 bits");
  }
  WEFT_ASSIGN_OR_RETURN(Picture mask, reader.Read(PNG_FORMAT_GRAY, options.background, nullptr));
  const unsigned scale = 255 / ((1u << bits) - 1);  // libpng spreads fewer bits over all levels
  for (uint8_t& value : mask.pixels) value = static_cast<uint8_t>(value / scale);
  return mask;
}

absl::StatusOr<std::vector<std::byte>> EncodePng(const Picture& picture) {
  const auto expected = static_cast<size_t>(picture.height * picture.width * picture.channels);
  if ((picture.channels != 1 && picture.channels != 3) || picture.pixels.size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat(
        "png: expected 1 or 3 channels and all their pixels, got ", picture.height, "x",
        picture.width, "x", picture.channels, " and ", picture.pixels.size(), " bytes"));
  }
  png_image png = {};
  png.version = PNG_IMAGE_VERSION;
  png.height = static_cast<png_uint_32>(picture.height);
  png.width = static_cast<png_uint_32>(picture.width);
  png.format = picture.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png);
  std::vector<std::byte> bytes(size);
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, picture.pixels.data(), 0, nullptr) ==
      0) {
    return absl::InvalidArgumentError(absl::StrCat("libpng: ", png.message));
  }
  bytes.resize(size);
  return bytes;
}

absl::Status WritePng(const std::string& path, const Picture& picture) {
  const auto bytes = EncodePng(picture);
  if (!bytes.ok()) return Annotate(bytes.status(), path);
  return WriteAtomically(PosixFileSystem(), path,
                         [&](WritableFile& file) { return file.Append(*bytes); });
}

}  // namespace weft
