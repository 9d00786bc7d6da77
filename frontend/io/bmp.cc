#include "frontend/io/bmp.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/io/bmp_runs.h"

namespace weft {
namespace {

constexpr uint32_t kFileHeader = 14;  // bytes
constexpr uint32_t kCoreHeader = 12;  // of OS/2, with 16-bit sizes and palettes of three bytes
constexpr uint32_t kInfoHeader = 40;
constexpr uint32_t kRgb = 0, kRuns8 = 1, kRuns4 = 2, kBitFields = 3, kAlphaBitFields = 6;

uint32_t BmpNumber(std::span<const std::byte> bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<uint32_t>(bytes[at + i]);
  return value;
}

// What the headers say; `masks` are red's, green's, blue's and alpha's bits of a pixel.
struct BmpForm {
  uint32_t header = 0;
  int64_t width = 0, height = 0;
  bool top_down = false;
  bool runs = false;  // run-length coded
  uint32_t bits = 0, compression = kRgb;
  uint32_t masks[4] = {};
  size_t palette_at = 0, palette_entry = 4, palette_size = 0;
  size_t data_at = 0, stride = 0;
};

absl::Status BmpEndsEarly(size_t size) {
  return absl::DataLossError(absl::StrCat("the BMP data end early, after ", size, " bytes"));
}

// " (BI_RLE8)"; "" of one that nobody has named.
std::string BmpCompressionName(uint32_t compression) {
  constexpr std::string_view kNames[] = {"BI_RGB",  "BI_RLE8", "BI_RLE4",          "BI_BITFIELDS",
                                         "BI_JPEG", "BI_PNG",  "BI_ALPHABITFIELDS"};
  if (compression >= std::size(kNames)) return "";
  return absl::StrCat(" (", Absl(kNames[compression]), ")");
}

// Those that we read of so many bits.
std::string KnownBmpCompressions(uint32_t bits) {
  std::vector<uint32_t> known = {kRgb};
  if (bits == 8) known.push_back(kRuns8);
  if (bits == 4) known.push_back(kRuns4);
  if (bits == 16 || bits == 32) known.insert(known.end(), {kBitFields, kAlphaBitFields});
  return absl::StrJoin(known, " or ", [](std::string* out, uint32_t compression) {
    absl::StrAppend(out, compression, BmpCompressionName(compression));
  });
}

absl::Status CheckBmpForm(const BmpForm& f) {
  const uint32_t b = f.bits;
  const bool packed = b == 16 || b == 32;
  if (b != 1 && b != 4 && b != 8 && b != 24 && !packed) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a BMP of 1, 4, 8, 16, 24 or 32 bits, it has ", b));
  }
  const bool masked = f.compression == kBitFields || f.compression == kAlphaBitFields;
  if (f.compression != kRgb && !(masked && packed) && !f.runs) {
    return absl::UnimplementedError(absl::StrCat("expected a BMP of ", b, " bits with compression ",
                                                 KnownBmpCompressions(b), ", it has ",
                                                 f.compression, BmpCompressionName(f.compression)));
  }
  if (f.runs && f.top_down) {
    return absl::InvalidArgumentError("expected rows from the bottom up in a BMP of runs");
  }
  if (f.width < 1 || f.height < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a size above 0, the BMP is ", f.height, "x", f.width));
  }
  return absl::OkStatus();
}

// The channels' bits: as given, or those that there are without being given.
void ReadBmpMasks(std::span<const std::byte> bytes, BmpForm& f) {
  if (f.compression == kRgb) {
    const bool small = f.bits == 16;
    f.masks[0] = small ? 0x7c00 : 0xff0000;
    f.masks[1] = small ? 0x03e0 : 0x00ff00;
    f.masks[2] = small ? 0x001f : 0x0000ff;
    return;
  }
  const bool alpha = f.header >= 56 || f.compression == kAlphaBitFields;
  for (size_t i = 0; i < (alpha ? 4u : 3u); ++i) {
    f.masks[i] = BmpNumber(bytes, kFileHeader + kInfoHeader + 4 * i, 4);
  }
}

absl::StatusOr<BmpForm> ReadBmpForm(std::span<const std::byte> bytes, int64_t max_pixels) {
  if (bytes.size() < kFileHeader + kCoreHeader) return BmpEndsEarly(bytes.size());
  BmpForm f;
  f.data_at = BmpNumber(bytes, 10, 4);
  f.header = BmpNumber(bytes, 14, 4);
  const bool core = f.header == kCoreHeader;
  if (!core && (f.header < kInfoHeader || f.header > 1024)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a BMP header of 12 or at least 40 bytes, got ", f.header));
  }
  // The masks of a short header come after it.
  const size_t most = kFileHeader + (core ? kCoreHeader : std::max<size_t>(f.header, 56));
  if (bytes.size() < (core ? most : kFileHeader + f.header)) return BmpEndsEarly(bytes.size());
  if (core) {
    f.width = BmpNumber(bytes, 18, 2);
    f.height = BmpNumber(bytes, 20, 2);
    f.bits = BmpNumber(bytes, 24, 2);
    f.palette_entry = 3;
  } else {
    f.width = static_cast<int32_t>(BmpNumber(bytes, 18, 4));
    f.height = static_cast<int32_t>(BmpNumber(bytes, 22, 4));
    f.top_down = f.height < 0;
    f.height = std::abs(f.height);
    f.bits = BmpNumber(bytes, 28, 2);
    f.compression = BmpNumber(bytes, 30, 4);
    f.runs = (f.compression == kRuns8 && f.bits == 8) || (f.compression == kRuns4 && f.bits == 4);
  }
  WEFT_RETURN_IF_ERROR(CheckBmpForm(f));
  WEFT_RETURN_IF_ERROR(CheckPixelCount(f.height, f.width, max_pixels));
  const bool masked = f.compression != kRgb && !f.runs;
  if (masked && bytes.size() < most) return BmpEndsEarly(bytes.size());
  if (!f.runs) ReadBmpMasks(bytes, f);
  if (f.bits <= 8) {
    f.palette_at = kFileHeader + f.header;
    f.palette_size = core ? 0 : BmpNumber(bytes, 46, 4);
    if (f.palette_size == 0 || f.palette_size > size_t{1} << f.bits) {
      f.palette_size = size_t{1} << f.bits;
    }
    if (bytes.size() < f.palette_at + f.palette_size * f.palette_entry) {
      return BmpEndsEarly(bytes.size());
    }
  }
  f.stride = (static_cast<size_t>(f.width) * f.bits + 31) / 32 * 4;
  if (f.runs && bytes.size() >= f.data_at) return f;
  if (bytes.size() < f.data_at ||
      (bytes.size() - f.data_at) / f.stride < static_cast<size_t>(f.height)) {
    return BmpEndsEarly(bytes.size());
  }
  return f;
}

// Row `y` from the top.
std::span<const std::byte> BmpRow(std::span<const std::byte> bytes, const BmpForm& f, int64_t y) {
  const int64_t row = f.top_down ? y : f.height - 1 - y;
  return bytes.subspan(f.data_at + static_cast<size_t>(row) * f.stride, f.stride);
}

absl::Status BmpIndexError(uint32_t index, const BmpForm& f) {
  return absl::DataLossError(
      absl::StrCat("expected an index below ", f.palette_size, ", the BMP has ", index));
}

absl::StatusOr<Picture> BmpIndices(std::span<const std::byte> bytes, const BmpForm& f) {
  if (f.runs) {
    WEFT_ASSIGN_OR_RETURN(Picture indices,
                          DecodeBmpRuns(bytes.subspan(f.data_at), f.bits, f.height, f.width));
    const uint8_t most = *std::ranges::max_element(indices.pixels);
    if (most >= f.palette_size) return BmpIndexError(most, f);
    return indices;
  }
  Picture indices = {.height = f.height, .width = f.width, .channels = 1};
  indices.pixels.reserve(static_cast<size_t>(f.height * f.width));
  for (int64_t y = 0; y < f.height; ++y) {
    const auto row = BmpRow(bytes, f, y);
    for (size_t x = 0; x < static_cast<size_t>(f.width); ++x) {
      const size_t bit = x * f.bits;
      const unsigned shift = 8 - f.bits - bit % 8;  // the leftmost pixel is in the highest bits
      const unsigned index = static_cast<unsigned>(row[bit / 8]) >> shift & ((1u << f.bits) - 1);
      if (index >= f.palette_size) return BmpIndexError(index, f);
      indices.pixels.push_back(static_cast<uint8_t>(index));
    }
  }
  return indices;
}

// Indices as their colors; as gray levels where all colors are gray.
Picture BmpColored(std::span<const std::byte> bytes, const BmpForm& f, const Picture& indices) {
  const auto entry = [&](size_t index) { return f.palette_at + index * f.palette_entry; };
  bool gray = true;
  for (size_t i = 0; i < f.palette_size; ++i) {
    const auto color = bytes.subspan(entry(i), 3);
    gray &= color[0] == color[1] && color[1] == color[2];
  }
  Picture picture = {.height = f.height, .width = f.width, .channels = gray ? 1 : 3};
  picture.pixels.reserve(indices.pixels.size() * static_cast<size_t>(picture.channels));
  for (const uint8_t index : indices.pixels) {
    for (int64_t c = 0; c < picture.channels; ++c) {  // stored as blue, green, red
      picture.pixels.push_back(
          static_cast<uint8_t>(bytes[entry(index) + 2 - static_cast<size_t>(c)]));
    }
  }
  return picture;
}

// The bits of a mask, scaled to 8.
uint32_t BmpChannel(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const int shift = std::countr_zero(mask);
  const uint64_t most = mask >> shift;
  return static_cast<uint32_t>(((pixel & mask) >> shift) * uint64_t{255} / most);
}

Picture BmpPacked(std::span<const std::byte> bytes, const BmpForm& f, uint8_t background) {
  Picture picture = {.height = f.height, .width = f.width, .channels = 3};
  picture.pixels.reserve(static_cast<size_t>(3 * f.height * f.width));
  const size_t pixel_bytes = f.bits / 8;
  for (int64_t y = 0; y < f.height; ++y) {
    const auto row = BmpRow(bytes, f, y);
    for (size_t x = 0; x < static_cast<size_t>(f.width); ++x) {
      const uint32_t pixel = BmpNumber(row, x * pixel_bytes, pixel_bytes);
      const uint32_t alpha = f.masks[3] == 0 ? 255 : BmpChannel(pixel, f.masks[3]);
      for (size_t c = 0; c < 3; ++c) {
        const uint32_t level = BmpChannel(pixel, f.masks[c]);
        picture.pixels.push_back(
            static_cast<uint8_t>((level * alpha + background * (255 - alpha) + 127) / 255));
      }
    }
  }
  return picture;
}

}  // namespace

bool IsBmp(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{'B'} && bytes[1] == std::byte{'M'};
}

absl::StatusOr<Picture> DecodeBmp(std::span<const std::byte> bytes, const DecodeOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const BmpForm form, ReadBmpForm(bytes, options.max_pixels));
  if (form.bits > 8) return BmpPacked(bytes, form, options.background);
  WEFT_ASSIGN_OR_RETURN(const Picture indices, BmpIndices(bytes, form));
  return BmpColored(bytes, form, indices);
}

absl::StatusOr<Picture> DecodeBmpMask(std::span<const std::byte> bytes,
                                      const DecodeOptions& options) {
  WEFT_ASSIGN_OR_RETURN(const BmpForm form, ReadBmpForm(bytes, options.max_pixels));
  if (form.bits <= 8) return BmpIndices(bytes, form);
  return absl::InvalidArgumentError("expected a mask with a palette, the BMP has colors");
}

}  // namespace weft
