#include "frontend/io/pnm.h"

#include <algorithm>
#include <string_view>

namespace weft {
namespace {

constexpr int64_t kMostPnmLevel = 65535;
constexpr int64_t kMostPnmSide = int64_t{1} << 30;

bool IsPnmSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class PnmReader {
 public:
  // Levels are scaled to 255, or as they are stored.
  PnmReader(std::string_view text, bool scaled) : rest_(text), scaled_(scaled) {}

  absl::StatusOr<Picture> Read(const DecodeOptions& options) {
    const char kind = rest_[1];
    rest_.remove_prefix(2);
    Picture picture = {.channels = kind == '2' || kind == '5' ? 1 : 3};
    WEFT_ASSIGN_OR_RETURN(picture.width, Number("width", kMostPnmSide));
    WEFT_ASSIGN_OR_RETURN(picture.height, Number("height", kMostPnmSide));
    WEFT_ASSIGN_OR_RETURN(most_, Number("largest level", kMostPnmLevel));
    WEFT_RETURN_IF_ERROR(CheckHeader(picture));
    WEFT_RETURN_IF_ERROR(CheckPixelCount(picture.height, picture.width, options.max_pixels));
    const auto samples = static_cast<size_t>(picture.height * picture.width * picture.channels);
    const bool text = kind < '4';
    const size_t sample_bytes = !text && most_ > 255 ? 2 : 1;
    if (!text && !rest_.empty()) rest_.remove_prefix(1);             // one white space
    if (rest_.size() < (text ? samples : samples * sample_bytes)) {  // before anything is allocated
      return absl::DataLossError(absl::StrCat("the PNM data end early: expected ", samples,
                                              " samples, ", rest_.size(), " bytes are left"));
    }
    picture.pixels.resize(samples);
    WEFT_RETURN_IF_ERROR(ReadSamples(text, sample_bytes, picture));
    return picture;
  }

 private:
  absl::Status CheckHeader(const Picture& picture) const {
    if (picture.width < 1 || picture.height < 1 || most_ < 1) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a size and a largest level above 0, got ", picture.height, "x",
                       picture.width, " and ", most_));
    }
    if (scaled_ || (picture.channels == 1 && most_ <= 255)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("expected a mask, one channel of levels up to 255; the image has ",
                     picture.channels, " of levels up to ", most_));
  }

  absl::Status ReadSamples(bool text, size_t sample_bytes, Picture& picture) {
    for (uint8_t& pixel : picture.pixels) {
      int64_t value = 0;
      if (text) {
        WEFT_ASSIGN_OR_RETURN(value, Number("sample", kMostPnmLevel));
      } else {
        value = RawSample(sample_bytes);
      }
      if (value > most_) {
        return absl::DataLossError(
            absl::StrCat("expected samples of at most ", most_, ", got ", value));
      }
      pixel = static_cast<uint8_t>(scaled_ ? (value * 255 + most_ / 2) / most_ : value);
    }
    return absl::OkStatus();
  }

  int64_t RawSample(size_t bytes) {
    int64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value * 256 + static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(bytes);
    return value;
  }

  // The next number, after white space and comments from # to the line's end.
  absl::StatusOr<int64_t> Number(std::string_view what, int64_t most) {
    while (!rest_.empty() && (IsPnmSpace(rest_[0]) || rest_[0] == '#')) {
      rest_.remove_prefix(rest_[0] == '#' ? std::min(rest_.find('\n'), rest_.size()) : 1);
    }
    int64_t value = -1;
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9' && value <= most) {
      value = std::max<int64_t>(value, 0) * 10 + (rest_[0] - '0');
      rest_.remove_prefix(1);
    }
    if (value >= 0 && value <= most) return value;
    return absl::DataLossError(absl::StrCat("expected the PNM ", Absl(what),
                                            ", a number of at most ", most,
                                            rest_.empty() ? "; the data end early" : ""));
  }

  std::string_view rest_;
  const bool scaled_;
  int64_t most_ = 0;
};

std::string_view PnmText(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

bool IsPnm(std::span<const std::byte> bytes) {
  if (bytes.size() < 3 || static_cast<char>(bytes[0]) != 'P') return false;
  const char kind = static_cast<char>(bytes[1]), next = static_cast<char>(bytes[2]);
  return (kind == '2' || kind == '3' || kind == '5' || kind == '6') &&
         (IsPnmSpace(next) || next == '#');
}

absl::StatusOr<Picture> DecodePnm(std::span<const std::byte> bytes, const DecodeOptions& options) {
  return PnmReader(PnmText(bytes), /*scaled=*/true).Read(options);
}

absl::StatusOr<Picture> DecodePnmMask(std::span<const std::byte> bytes,
                                      const DecodeOptions& options) {
  return PnmReader(PnmText(bytes), /*scaled=*/false).Read(options);
}

}  // namespace weft
