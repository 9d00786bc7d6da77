#include "frontend/io/bmp_runs.h"

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

// What a pair of bytes means whose first is 0; from 3 on so many indices follow as they are.
constexpr uint32_t kEndOfLine = 0, kEndOfBitmap = 1, kMove = 2;

class BmpRunDecoder {
 public:
  BmpRunDecoder(std::span<const std::byte> data, uint32_t bits, Picture& indices)
      : data_(data), bits_(bits), indices_(indices) {}

  absl::Status Decode() {
    for (;;) {
      if (at_ == data_.size() && IsComplete()) return absl::OkStatus();
      WEFT_ASSIGN_OR_RETURN(const auto pair, Take(2));
      const auto count = static_cast<uint32_t>(pair[0]), value = static_cast<uint32_t>(pair[1]);
      if (count > 0) {
        WEFT_RETURN_IF_ERROR(Put(count, pair.subspan(1), /*repeat=*/true));
      } else if (value == kEndOfLine) {
        x_ = 0;
        ++y_;
      } else if (value == kEndOfBitmap) {
        return absl::OkStatus();
      } else if (value == kMove) {
        WEFT_ASSIGN_OR_RETURN(const auto move, Take(2));
        x_ += static_cast<int64_t>(move[0]);
        y_ += static_cast<int64_t>(move[1]);
      } else {
        const size_t bytes = (value * bits_ + 7) / 8;
        WEFT_ASSIGN_OR_RETURN(const auto values, Take(bytes + bytes % 2));
        WEFT_RETURN_IF_ERROR(Put(value, values, /*repeat=*/false));
      }
    }
  }

 private:
  // Some files leave out the end where nothing is missing before it.
  bool IsComplete() const {
    return y_ >= indices_.height || (y_ == indices_.height - 1 && x_ == indices_.width);
  }

  absl::StatusOr<std::span<const std::byte>> Take(size_t count) {
    if (data_.size() - at_ < count) {
      return absl::DataLossError(
          absl::StrCat("the BMP data end early, after ", data_.size(), " bytes of runs"));
    }
    at_ += count;
    return data_.subspan(at_ - count, count);
  }

  // The next `count` pixels of a row: of one byte again and again, or of as many as they fill.
  absl::Status Put(uint32_t count, std::span<const std::byte> values, bool repeat) {
    if (y_ >= indices_.height || x_ + static_cast<int64_t>(count) > indices_.width) {
      return absl::DataLossError(absl::StrCat("the BMP has ", count, " pixels at row ", y_,
                                              ", column ", x_, ", outside of ", indices_.height,
                                              "x", indices_.width));
    }
    uint8_t* row =
        &indices_.pixels[static_cast<size_t>((indices_.height - 1 - y_) * indices_.width + x_)];
    for (uint32_t i = 0; i < count; ++i) {
      const auto byte = static_cast<uint32_t>(values[repeat ? 0 : i * bits_ / 8]);
      const bool upper = bits_ == 4 && i % 2 == 0;
      row[i] = static_cast<uint8_t>(bits_ == 8 ? byte : upper ? byte >> 4 : byte & 15);
    }
    x_ += count;
    return absl::OkStatus();
  }

  const std::span<const std::byte> data_;
  const uint32_t bits_;
  Picture& indices_;
  size_t at_ = 0;
  int64_t x_ = 0, y_ = 0;  // the next pixel, from the bottom
};

}  // namespace

absl::StatusOr<Picture> DecodeBmpRuns(std::span<const std::byte> data, uint32_t bits,
                                      int64_t height, int64_t width) {
  Picture indices = {.height = height, .width = width, .channels = 1};
  indices.pixels.resize(static_cast<size_t>(height * width));
  WEFT_RETURN_IF_ERROR(BmpRunDecoder(data, bits, indices).Decode());
  return indices;
}

}  // namespace weft
