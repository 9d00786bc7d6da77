// JPEG images, written by libjpeg here and read by ours.
#include "frontend/io/jpeg.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jpeglib.h>  // wants what is above

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "frontend/io/image.h"
#include "frontend/io/jpeg_encode.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kMany = 1 << 20;

struct JpegForm {
  J_COLOR_SPACE space = JCS_RGB;
  int channels = 3;
  bool progressive = false;
  std::string exif = {};  // the payload of an APP1 segment
};

// Blocks of 16x16 pixels of one color each, so that coding leaves them as they are.
std::string Jpeg(int columns, int rows, const std::vector<std::string>& colors,
                 const JpegForm& form = {}) {
  jpeg_compress_struct info = {};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(16 * columns);
  info.image_height = static_cast<JDIMENSION>(16 * rows);
  info.input_components = form.channels;
  info.in_color_space = form.space;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, 100, TRUE);
  if (form.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  if (!form.exif.empty()) {
    jpeg_write_marker(&info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(form.exif.data()),
                      static_cast<unsigned>(form.exif.size()));
  }
  for (int y = 0; y < 16 * rows; ++y) {
    std::string line;
    for (int x = 0; x < 16 * columns; ++x) {
      line += colors[static_cast<size_t>(y / 16 * columns + x / 16)];
    }
    JSAMPROW row = reinterpret_cast<JSAMPROW>(line.data());
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string result(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  return result;
}

// Exif with nothing but an orientation, in either byte order.
std::string Exif(int orientation, bool big) {
  const auto number = [big](unsigned value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) {
      text += static_cast<char>(value >> 8 * (big ? bytes - 1 - i : i));
    }
    return text;
  };
  return std::string("Exif\0\0", 6) + (big ? "MM" : "II") + number(42, 2) + number(8, 4) +
         number(1, 2) + number(0x0112, 2) + number(3, 2) + number(1, 4) +
         number(static_cast<unsigned>(orientation), 2) + number(0, 2) + number(0, 4);
}

// The middle of each block, to the nearest ten, channel after channel.
std::vector<int> Blocks(const std::string& jpeg) {
  const auto image = DecodeJpeg(AsBytes(jpeg), {});
  EXPECT_TRUE(image.ok()) << image.status();
  std::vector<int> levels;
  if (!image.ok()) return levels;
  for (int64_t y = 8; y < image->height; y += 16) {
    for (int64_t x = 8; x < image->width; x += 16) {
      const auto channels = static_cast<size_t>(image->channels);
      const size_t at = channels * static_cast<size_t>(y * image->width + x);
      for (size_t c = 0; c < channels; ++c) levels.push_back((image->pixels[at + c] + 5) / 10 * 10);
    }
  }
  return levels;
}

std::string ErrorOf(const std::string& jpeg, int64_t max_pixels = kMany) {
  const auto image = DecodeJpeg(AsBytes(jpeg), {.max_pixels = max_pixels});
  EXPECT_FALSE(image.ok());
  return MessageOf(image.status());
}

TEST(Jpeg, ReadsColorsBaselineAndProgressive) {
  const std::vector<std::string> colors = {"\xc8\x14\x0a", "\x1e\x96\x46"};
  for (const bool progressive : {false, true}) {
    EXPECT_THAT(Blocks(Jpeg(2, 1, colors, {.progressive = progressive})),
                ElementsAre(200, 20, 10, 30, 150, 70));
  }
}

TEST(Jpeg, ReadsGray) {
  EXPECT_THAT(Blocks(Jpeg(2, 1, {"\x28", "\xf0"}, {.space = JCS_GRAYSCALE, .channels = 1})),
              ElementsAre(40, 240));
}

// Blocks 1 2 3 over 4 5 6, and how each orientation shows them.
TEST(Jpeg, IsTurnedAsExifSays) {
  const std::vector<std::string> grays = {"\x0a", "\x14", "\x1e", "\x28", "\x32", "\x3c"};
  const std::vector<std::vector<int>> expected = {
      {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}, {6, 5, 4, 3, 2, 1}, {4, 5, 6, 1, 2, 3},
      {1, 4, 2, 5, 3, 6}, {4, 1, 5, 2, 6, 3}, {6, 3, 5, 2, 4, 1}, {3, 6, 2, 5, 1, 4}};
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big : {false, true}) {
      const std::string jpeg = Jpeg(
          3, 2, grays, {.space = JCS_GRAYSCALE, .channels = 1, .exif = Exif(orientation, big)});
      std::vector<int> blocks;
      for (const int level : Blocks(jpeg)) blocks.push_back(level / 10);
      EXPECT_EQ(blocks, expected[static_cast<size_t>(orientation - 1)]) << orientation;
      EXPECT_EQ(DecodeJpeg(AsBytes(jpeg), {})->height, orientation < 5 ? 32 : 48);
    }
  }
}

TEST(Jpeg, DamagedExifIsUpright) {
  const std::string whole = Exif(6, true);
  for (size_t length = 1; length < whole.size() - 5; ++length) {
    const std::string jpeg =
        Jpeg(2, 1, {"\x0a", "\x14"},
             {.space = JCS_GRAYSCALE, .channels = 1, .exif = whole.substr(0, length)});
    EXPECT_EQ(DecodeJpeg(AsBytes(jpeg), {})->height, 16) << length;
  }
  std::string far = whole;
  far[10] = '\x7f';  // the directory lies beyond the end
  EXPECT_EQ(DecodeJpeg(AsBytes(Jpeg(2, 1, {"\x0a", "\x14"},
                                    {.space = JCS_GRAYSCALE, .channels = 1, .exif = far})),
                       {})
                ->height,
            16);
}

// libjpeg writes Adobe's marker with CMYK, so that these inks are inverted: 205 is 50 of 255.
TEST(Jpeg, ReadsInksAsColors) {
  const std::string jpeg = Jpeg(2, 1, {"\xff\xff\xff\xff", std::string("\xcd\x66\0\xff", 4)},
                                {.space = JCS_CMYK, .channels = 4});
  EXPECT_THAT(Blocks(jpeg), ElementsAre(260, 260, 260, 210, 100, 0));
  const std::string dark =
      Jpeg(1, 1, {std::string("\xff\xff\x80\x80", 4)}, {.space = JCS_CMYK, .channels = 4});
  EXPECT_THAT(Blocks(dark), ElementsAre(130, 130, 60));
}

// Columns of blocks; a half of the size, in either direction, where a side may lie.
TEST(Jpeg, ComesSmallerWhereThatIsEnough) {
  const std::vector<std::string> grays = {"\x0a", "\x14", "\x1e", "\x28", "\x32", "\x3c"};
  const struct {
    int64_t min_height, min_width, height, width;
  } cases[] = {{0, 0, 32, 48},   {32, 48, 32, 48}, {17, 1, 32, 48}, {16, 24, 16, 24},
               {16, 25, 32, 48}, {5, 5, 8, 12},    {4, 6, 4, 6},    {1, 1, 4, 6}};
  for (const auto& c : cases) {
    for (const int orientation : {1, 6}) {
      const std::string jpeg = Jpeg(
          3, 2, grays, {.space = JCS_GRAYSCALE, .channels = 1, .exif = Exif(orientation, true)});
      const bool lies = orientation == 6;
      const DecodeOptions options = {.min_height = lies ? c.min_width : c.min_height,
                                     .min_width = lies ? c.min_height : c.min_width};
      const auto image = DecodeJpeg(AsBytes(jpeg), options);
      ASSERT_TRUE(image.ok()) << image.status();
      EXPECT_EQ(image->height, lies ? c.width : c.height) << c.min_height << "x" << c.min_width;
      EXPECT_EQ(image->width, lies ? c.height : c.width) << c.min_height << "x" << c.min_width;
    }
  }
}

TEST(Jpeg, RefusesEveryTruncation) {
  for (const bool progressive : {false, true}) {
    const std::string whole =
        Jpeg(2, 1, {"\xc8\x14\x0a", "\x1e\x96\x46"}, {.progressive = progressive});
    for (size_t i = 0; i < whole.size(); ++i) {
      EXPECT_THAT(ErrorOf(whole.substr(0, i)), HasSubstr("libjpeg: ")) << i;
    }
  }
}

TEST(Jpeg, FlippedBytesNeverHarm) {
  const std::string whole = Jpeg(1, 1, {"\xc8\x14\x0a"});
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0xff);
    (void)DecodeJpeg(AsBytes(flipped), {});
  }
}

// Headers that libjpeg warns of, and decodes as they were meant.
TEST(Jpeg, ReadsWhatOtherEncodersSayOfThemselves) {
  const std::string plain = Jpeg(2, 1, {"\xc8\x14\x0a", "\x1e\x96\x46"});
  std::string newer = plain;
  const size_t jfif = newer.find(std::string("JFIF\0\1", 6));
  ASSERT_NE(jfif, std::string::npos);
  newer[jfif + 5] = 3;  // the major version
  std::string loose = plain;
  const size_t scan = loose.find("\xff\xda");
  ASSERT_NE(scan, std::string::npos);
  const size_t last_frequency = scan + 2 + 2 + 1 + 2 * 3 + 1;
  ASSERT_EQ(loose[last_frequency], 63);
  loose[last_frequency] = 0;  // of 63 that a sequential scan has
  for (const std::string& jpeg : {newer, loose}) EXPECT_EQ(Blocks(jpeg), Blocks(plain));
}

TEST(Jpeg, RefusesTooManyPixelsBeforeDecoding) {
  EXPECT_EQ(ErrorOf(Jpeg(2, 1, {"\x0a\x0a\x0a", "\x14\x14\x14"}), 100),
            "image is 16x32, the limit is 100 pixels");
}

TEST(Jpeg, IsReadAsAnImageWhateverItsNameSays) {
  const Preprocessing gray = {.channels = 1,
                              .height = 16,
                              .width = 16,
                              .channel_order = "gray",
                              .mean = {0.0f},
                              .std = {1.0f}};
  const std::string folder = TestFolder();
  WriteText(folder + "/x.png", Jpeg(1, 1, {"\x66"}, {.space = JCS_GRAYSCALE, .channels = 1}));
  const auto tensor = ReadImage(folder + "/x.png", gray);
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  for (float x : tensor->values<float>()) EXPECT_NEAR(x, 0.4, 0.005);
  EXPECT_TRUE(IsImageName("a/IMG_1.JPG"));
  EXPECT_TRUE(IsImageName("x.jpeg"));
  EXPECT_FALSE(IsImageName("jpg"));
  EXPECT_FALSE(IsImageName("x.jpg.npy"));
}

TEST(EncodeJpeg, RefusesWhatIsNoPicture) {
  const Picture two = {.height = 1, .width = 1, .channels = 2, .pixels = {1, 2}};
  const Picture cut = {.height = 2, .width = 1, .channels = 1, .pixels = {1}};
  for (const Picture& picture : {two, cut}) {
    EXPECT_THAT(MessageOf(EncodeJpeg(picture, 90).status()),
                testing::HasSubstr("jpeg: expected 1 or 3 channels and all their pixels"));
  }
}

}  // namespace
}  // namespace weft
