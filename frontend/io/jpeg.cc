#include "frontend/io/jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

// After <cstdio>, whose size_t and FILE it wants.
#include <jpeglib.h>
// After <jpeglib.h>.
#include <jerror.h>

namespace weft {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr int kMostScans = 100;  // libjpeg's own script for progressive files has 10

// libjpeg reports an error by calling a function that must not return: it jumps back to where the
// step began that libjpeg was asked for. What such a step runs through has nothing to destroy.
struct JpegErrors {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is one to this
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void JumpBack(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}

// The warnings that say that the data are damaged and that libjpeg goes on with a guess. The others
// are of encoders that leave bytes between the segments, or write a header of their own.
bool IsDamage(int code) {
  return code == JWRN_BOGUS_PROGRESSION || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE ||
         code == JWRN_ARITH_BAD_CODE || code == JWRN_JPEG_EOF || code == JWRN_MUST_RESYNC;
}

void OnWarning(j_common_ptr info, int level) {
  if (level < 0 && IsDamage(info->err->msg_code)) JumpBack(info);
}

void StopEndlessScans(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans) return;
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  std::snprintf(errors->message, sizeof errors->message, "more than %d scans", kMostScans);
  std::longjmp(errors->back, 1);
}

class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = JumpBack;
    errors_.base.emit_message = OnWarning;
    progress_.progress_monitor = StopEndlessScans;
  }
  ~JpegReader() { jpeg_destroy_decompress(&info_); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  absl::Status ReadHeader(std::span<const std::byte> bytes) {
    bytes_ = bytes;
    return Run([](JpegReader& r) {
      jpeg_create_decompress(&r.info_);
      r.info_.progress = &r.progress_;
      jpeg_mem_src(&r.info_, reinterpret_cast<const unsigned char*>(r.bytes_.data()),
                   r.bytes_.size());
      jpeg_save_markers(&r.info_, kExifMarker, 0xffff);
      jpeg_read_header(&r.info_, TRUE);
    });
  }

  // Says what Decode makes: these colors, at `eighths` of the size. The output's size is known
  // then.
  absl::Status Prepare(J_COLOR_SPACE colors, unsigned eighths) {
    info_.out_color_space = colors;
    info_.scale_num = eighths;
    info_.scale_denom = 8;
    return Run([](JpegReader& r) { jpeg_calc_output_dimensions(&r.info_); });
  }

  // Fills output_height * output_width * output_components bytes.
  absl::Status Decode(uint8_t* pixels) {
    pixels_ = pixels;
    return Run([](JpegReader& r) {
      jpeg_start_decompress(&r.info_);
      const size_t stride =
          size_t{r.info_.output_width} * static_cast<size_t>(r.info_.output_components);
      while (r.info_.output_scanline < r.info_.output_height) {
        JSAMPROW row = r.pixels_ + stride * r.info_.output_scanline;
        jpeg_read_scanlines(&r.info_, &row, 1);
      }
      jpeg_finish_decompress(&r.info_);
    });
  }

  const jpeg_decompress_struct& info() const { return info_; }

 private:
  absl::Status Run(void (*step)(JpegReader&)) {
    if (setjmp(errors_.back) == 0) {
      step(*this);
      return absl::OkStatus();
    }
    return absl::DataLossError(absl::StrCat("libjpeg: ", errors_.message));
  }

  jpeg_decompress_struct info_ = {};
  JpegErrors errors_ = {};
  jpeg_progress_mgr progress_ = {};
  std::span<const std::byte> bytes_;
  uint8_t* pixels_ = nullptr;
};

// What libjpeg can make of the file's colors without losing any.
absl::StatusOr<J_COLOR_SPACE> OutputColors(J_COLOR_SPACE space) {
  if (space == JCS_GRAYSCALE) return JCS_GRAYSCALE;
  if (space == JCS_YCbCr || space == JCS_RGB) return JCS_RGB;
  if (space == JCS_CMYK || space == JCS_YCCK) return JCS_CMYK;
  return absl::UnimplementedError(
      "expected a gray, RGB or CMYK image, got a JPEG of unknown colors; save it as RGB");
}

// Inks as colors, (255 - ink) * (255 - black) / 255, rounded as in PIL. Adobe stores inks inverted:
// what is left of the paper's white.
Picture CmykToRgb(const Picture& inks, bool inverted) {
  Picture colors = {.height = inks.height, .width = inks.width, .channels = 3};
  colors.pixels.reserve(inks.pixels.size() / 4 * 3);
  for (size_t i = 0; i < inks.pixels.size(); i += 4) {
    const auto ink = [&](size_t c) {
      const unsigned level = inks.pixels[i + c];
      return inverted ? 255 - level : level;
    };
    const unsigned white = 255 - ink(3);
    for (size_t c = 0; c < 3; ++c) {
      const unsigned product = ink(c) * white + 128;
      colors.pixels.push_back(static_cast<uint8_t>(white - ((product >> 8) + product) / 256));
    }
  }
  return colors;
}

// The smallest of an eighth, a quarter, a half and the whole that is as large as is asked for.
// libjpeg has vector code for these.
unsigned EighthsFor(const jpeg_decompress_struct& info, bool lies, const DecodeOptions& options) {
  if (options.min_height <= 0 || options.min_width <= 0) return 8;
  const int64_t height = lies ? options.min_width : options.min_height;
  const int64_t width = lies ? options.min_height : options.min_width;
  unsigned eighths = 1;
  while (eighths < 8 && (int64_t{info.image_height} * eighths < height * 8 ||
                         int64_t{info.image_width} * eighths < width * 8)) {
    eighths *= 2;
  }
  return eighths;
}

// TIFF's tag of the orientation, as Exif has it: 1, upright, where there is none.
int ExifOrientation(std::span<const uint8_t> exif) {
  constexpr std::string_view kExif("Exif\0\0", 6);
  constexpr size_t kEntry = 12;
  constexpr unsigned kOrientation = 0x0112, kShort = 3;
  if (exif.size() < kExif.size() + 8 || std::memcmp(exif.data(), kExif.data(), kExif.size()) != 0) {
    return 1;
  }
  const std::span<const uint8_t> tiff = exif.subspan(kExif.size());
  const bool big = tiff[0] == 'M';
  const auto number = [&](size_t at, size_t bytes) {
    size_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | tiff[at + (big ? i : bytes - 1 - i)];
    return value;
  };
  const size_t directory = number(4, 4);
  if (directory > tiff.size() - 2) return 1;
  const size_t count = number(directory, 2);
  for (size_t i = 0, at = directory + 2; i < count && at + kEntry <= tiff.size(); ++i) {
    const size_t value = number(at + 8, 2);
    if (number(at, 2) == kOrientation && number(at + 2, 2) == kShort) {
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    at += kEntry;
  }
  return 1;
}

int OrientationOf(const jpeg_decompress_struct& info) {
  for (const jpeg_marker_struct* m = info.marker_list; m != nullptr; m = m->next) {
    if (m->marker != kExifMarker) continue;
    const int orientation = ExifOrientation({m->data, m->data_length});
    if (orientation != 1) return orientation;
  }
  return 1;
}

// From 5 on the image lies on its side; of either kind there are four, by which axes are mirrored.
Picture Turned(const Picture& image, int orientation) {
  const bool lies = orientation >= 5;
  const bool rows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool columns = orientation == 2 || orientation == 3 || orientation >= 7;
  Picture result = {.height = lies ? image.width : image.height,
                    .width = lies ? image.height : image.width,
                    .channels = image.channels,
                    .pixels = std::vector<uint8_t>(image.pixels.size())};
  const auto pixel = static_cast<size_t>(image.channels);
  uint8_t* to = result.pixels.data();
  for (int64_t y = 0; y < result.height; ++y) {
    for (int64_t x = 0; x < result.width; ++x, to += pixel) {
      const int64_t row = lies ? x : y, column = lies ? y : x;
      const int64_t from = (rows ? image.height - 1 - row : row) * image.width +
                           (columns ? image.width - 1 - column : column);
      std::memcpy(to, &image.pixels[pixel * static_cast<size_t>(from)], pixel);
    }
  }
  return result;
}

}  // namespace

bool IsJpeg(std::span<const std::byte> bytes) {
  constexpr std::string_view kStart = "\xff\xd8\xff";
  return bytes.size() >= kStart.size() &&
         std::memcmp(bytes.data(), kStart.data(), kStart.size()) == 0;
}

absl::StatusOr<Picture> DecodeJpeg(std::span<const std::byte> bytes, const DecodeOptions& options) {
  JpegReader reader;
  WEFT_RETURN_IF_ERROR(reader.ReadHeader(bytes));
  const jpeg_decompress_struct& info = reader.info();
  WEFT_RETURN_IF_ERROR(CheckPixelCount(info.image_height, info.image_width, options.max_pixels));
  WEFT_ASSIGN_OR_RETURN(const J_COLOR_SPACE colors, OutputColors(info.jpeg_color_space));
  const int orientation = OrientationOf(info);  // before the markers are freed
  const bool inverted = info.saw_Adobe_marker;
  WEFT_RETURN_IF_ERROR(reader.Prepare(colors, EighthsFor(info, orientation >= 5, options)));
  Picture image = {
      .height = info.output_height, .width = info.output_width, .channels = info.output_components};
  image.pixels.resize(static_cast<size_t>(image.height * image.width * image.channels));
  WEFT_RETURN_IF_ERROR(reader.Decode(image.pixels.data()));
  if (colors == JCS_CMYK) image = CmykToRgb(image, inverted);
  return orientation == 1 ? std::move(image) : Turned(image, orientation);
}

}  // namespace weft
