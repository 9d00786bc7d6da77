#include "frontend/io/jpeg_encode.h"

#include <algorithm>
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// After <cstdio>, whose size_t and FILE it wants.
#include <jpeglib.h>

namespace weft {
namespace {

// As in jpeg.cc: an error jumps back to where the step began, past nothing that wants destroying.
struct JpegEncodeErrors {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer to it is one to this
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void JumpBackFromEncoding(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegEncodeErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}

class JpegWriter {
 public:
  JpegWriter(const Picture& picture, int quality) : picture_(picture), quality_(quality) {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = JumpBackFromEncoding;
  }
  ~JpegWriter() {
    jpeg_destroy_compress(&info_);
    std::free(buffer_);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;

  absl::StatusOr<std::vector<std::byte>> Write() {
    if (setjmp(errors_.back) != 0) {
      buffer_ = nullptr;  // libjpeg may have moved it since
      return absl::InvalidArgumentError(absl::StrCat("libjpeg: ", errors_.message));
    }
    Encode();
    const auto* bytes = reinterpret_cast<const std::byte*>(buffer_);
    return std::vector<std::byte>(bytes, bytes + size_);
  }

 private:
  void Encode() {
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &buffer_, &size_);
    info_.image_width = static_cast<JDIMENSION>(picture_.width);
    info_.image_height = static_cast<JDIMENSION>(picture_.height);
    info_.input_components = static_cast<int>(picture_.channels);
    info_.in_color_space = picture_.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&info_);
    jpeg_set_quality(&info_, quality_, TRUE);
    jpeg_start_compress(&info_, TRUE);
    const auto stride = static_cast<size_t>(picture_.width * picture_.channels);
    while (info_.next_scanline < info_.image_height) {
      auto* row = const_cast<JSAMPROW>(picture_.pixels.data() + info_.next_scanline * stride);
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
  }

  const Picture& picture_;
  const int quality_;
  jpeg_compress_struct info_ = {};
  JpegEncodeErrors errors_ = {};
  unsigned char* buffer_ = nullptr;  // libjpeg allocates it
  unsigned long size_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<std::byte>> EncodeJpeg(const Picture& picture, int quality) {
  const auto expected = static_cast<size_t>(picture.height * picture.width * picture.channels);
  if ((picture.channels != 1 && picture.channels != 3) || picture.pixels.size() != expected) {
    return absl::InvalidArgumentError(absl::StrCat(
        "jpeg: expected 1 or 3 channels and all their pixels, got ", picture.height, "x",
        picture.width, "x", picture.channels, " and ", picture.pixels.size(), " bytes"));
  }
  if (std::min(picture.height, picture.width) < 1 ||
      std::max(picture.height, picture.width) > JPEG_MAX_DIMENSION) {
    return absl::InvalidArgumentError(absl::StrCat("expected a picture of 1 to ",
                                                   JPEG_MAX_DIMENSION, " pixels a side, got ",
                                                   picture.height, "x", picture.width));
  }
  return JpegWriter(picture, quality).Write();
}

}  // namespace weft
