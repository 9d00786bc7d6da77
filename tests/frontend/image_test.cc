#include "frontend/io/image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <limits>
#include <vector>

#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

enum ColorType : char { kGray = 0, kRgb = 2, kPalette = 3, kRgba = 6 };

std::string Chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const uLong checksum =
      crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return BigEndian(static_cast<uint32_t>(data.size())) + body +
         BigEndian(static_cast<uint32_t>(checksum));
}

std::string Deflate(const std::string& data) {
  uLongf size = compressBound(data.size());
  std::string out(size, '\0');
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(out.data()), &size,
                     reinterpret_cast<const Bytef*>(data.data()), data.size()),
            Z_OK);
  out.resize(size);
  return out;
}

std::string Ihdr(uint32_t width, uint32_t height, ColorType color, char bits) {
  return Chunk("IHDR", BigEndian(width) + BigEndian(height) +
                           std::string({bits, static_cast<char>(color), 0, 0, 0}));
}

const char kSignature[] = "\x89PNG\r\n\x1a\n";

// A PNG image of rows of raw samples.
std::string Png(uint32_t width, const std::vector<std::string>& rows, ColorType color,
                char bits = 8, const std::string& extra_chunk = "") {
  std::string filtered;
  for (const std::string& row : rows) filtered += '\0' + row;
  return kSignature + Ihdr(width, static_cast<uint32_t>(rows.size()), color, bits) + extra_chunk +
         Chunk("IDAT", Deflate(filtered)) + Chunk("IEND", "");
}

Preprocessing Gray(int64_t height, int64_t width) {
  return {.channels = 1,
          .height = height,
          .width = width,
          .channel_order = "gray",
          .mean = {0.0f},
          .std = {1.0f}};
}

Preprocessing Color(int64_t height, int64_t width, const std::string& order = "rgb") {
  return {.channels = 3,
          .height = height,
          .width = width,
          .channel_order = order,
          .mean = {0.0f, 0.0f, 0.0f},
          .std = {1.0f, 1.0f, 1.0f}};
}

// The pixels times 255.
std::vector<int> Levels(const std::string& png, const Preprocessing& p,
                        const ImageOptions& options = {}) {
  const auto tensor = DecodeImage(AsBytes(png), "x.png", p, options);
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  std::vector<int> levels;
  if (!tensor.ok()) return levels;
  EXPECT_EQ(tensor->dims(), (Dims{p.channels, p.height, p.width}));
  for (float x : tensor->values<float>()) {
    levels.push_back(static_cast<int>(x * 255.0f + 0.5f));
    EXPECT_EQ(x, static_cast<float>(levels.back()) / 255.0f);
  }
  return levels;
}

std::string ErrorOf(const std::string& png, const Preprocessing& p,
                    const ImageOptions& options = {}) {
  const auto tensor = DecodeImage(AsBytes(png), "x.png", p, options);
  EXPECT_FALSE(tensor.ok());
  EXPECT_THAT(MessageOf(tensor.status()), testing::StartsWith("x.png: "));
  return MessageOf(tensor.status());
}

TEST(Image, ReadsGrayPixelsExactly) {
  std::vector<std::string> rows(16, std::string(16, '\0'));
  std::vector<int> expected;
  for (size_t i = 0; i < 256; ++i) {
    rows[i / 16][i % 16] = static_cast<char>(i);
    expected.push_back(static_cast<int>(i));
  }
  EXPECT_EQ(Levels(Png(16, rows, kGray), Gray(16, 16)), expected);
}

TEST(Image, NormalisesEachChannel) {
  Preprocessing p = Color(1, 1);
  p.mean = {0.0f, 0.5f, 1.0f};
  p.std = {0.5f, 0.25f, 2.0f};
  const auto tensor = DecodeImage(AsBytes(Png(1, {"\xff\xff\xff"}, kRgb)), "x.png", p);
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->values<float>(), ElementsAre(2.0f, 2.0f, 0.0f));
}

TEST(Image, OrdersChannelsAsPlanesRgbOrBgr) {
  const std::string png = Png(2, {"\x01\x02\x03\x04\x05\x06"}, kRgb);
  EXPECT_THAT(Levels(png, Color(1, 2)), ElementsAre(1, 4, 2, 5, 3, 6));
  EXPECT_THAT(Levels(png, Color(1, 2, "bgr")), ElementsAre(3, 6, 2, 5, 1, 4));
}

TEST(Image, ConvertsColorToGrayByLumaAndGrayToColorByRepeating) {
  const std::string rgb = Png(4, {std::string("\xff\0\0\0\xff\0\0\0\xff\x64\xc8\x32", 12)}, kRgb);
  EXPECT_THAT(Levels(rgb, Gray(1, 4)), ElementsAre(76, 150, 29, 153));
  EXPECT_THAT(Levels(Png(2, {"\x07\xc8"}, kGray), Color(1, 2)),
              ElementsAre(7, 200, 7, 200, 7, 200));
}

TEST(Image, ReadsOneBitSixteenBitAndPaletteImages) {
  EXPECT_THAT(Levels(Png(4, {"\xa0"}, kGray, 1), Gray(1, 4)), ElementsAre(255, 0, 255, 0));
  EXPECT_THAT(Levels(Png(2, {"\x80\x80\x10\x10"}, kGray, 16), Gray(1, 2)), ElementsAre(128, 16));
  const std::string palette = Chunk("PLTE", "\x0a\x14\x1e\x28\x32\x3c");
  EXPECT_THAT(Levels(Png(2, {std::string("\x01\x00", 2)}, kPalette, 8, palette), Color(1, 2)),
              ElementsAre(40, 10, 50, 20, 60, 30));
}

TEST(Image, CompositesTransparencyOnWhiteOrOnTheGivenLevel) {
  const std::string png = Png(2, {std::string("\x64\x64\x64\0\x64\x64\x64\xff", 8)}, kRgba);
  EXPECT_THAT(Levels(png, Gray(1, 2)), ElementsAre(255, 100));
  EXPECT_THAT(Levels(png, Gray(1, 2), {.background = 0}), ElementsAre(0, 100));
}

TEST(Image, RefusesAnotherSizeUnlessAskedToResize) {
  const std::string png = Png(40, std::vector<std::string>(32, std::string(40, '\x60')), kGray);
  EXPECT_EQ(ErrorOf(png, Gray(28, 28)), "x.png: expected 28x28, image is 32x40");
  const auto resized = DecodeImage(AsBytes(png), "x.png", Gray(28, 28), {.resize = true});
  ASSERT_TRUE(resized.ok()) << resized.status();
  EXPECT_THAT(resized->dims(), ElementsAre(1, 28, 28));
  for (float x : resized->values<float>()) EXPECT_NEAR(x, 96 / 255.0f, 1e-6);
}

TEST(Image, EnlargesBilinearly) {
  const std::string png = Png(2, {std::string("\0\xff", 2)}, kGray);
  const auto tensor = DecodeImage(AsBytes(png), "x.png", Gray(1, 4), {.resize = true});
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->values<float>(), testing::Pointwise(testing::FloatNear(1e-6f),
                                                          {0.0f, 64 / 255.0f, 191 / 255.0f, 1.0f}));
}

TEST(Image, ShrinksByATriangleAsWideAsTheScale) {
  // Scale 2: the output's center 1 weighs the pixels at 0.5, 1.5, 2.5 by 3/4, 3/4, 1/4 over 7/4:
  // 3/7 and 4/7 of 255, in bytes.
  const std::string png =
      Png(1, {std::string(1, '\0'), "\xff", std::string(1, '\0'), "\xff"}, kGray);
  const auto tensor = DecodeImage(AsBytes(png), "x.png", Gray(2, 1), {.resize = true});
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->values<float>(),
              testing::Pointwise(testing::FloatNear(1e-6f), {109 / 255.0f, 146 / 255.0f}));
}

TEST(Image, ResizesEachPlaneOnItsOwn) {
  const std::string png = Png(2, {"\x0a\x14\x1e\x0a\x14\x1e", "\x0a\x14\x1e\x0a\x14\x1e"}, kRgb);
  const auto tensor = DecodeImage(AsBytes(png), "x.png", Color(3, 3), {.resize = true});
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  for (size_t i = 0; i < 27; ++i) {
    EXPECT_NEAR(tensor->values<float>()[i], static_cast<float>(i / 9 + 1) * 10 / 255, 1e-6);
  }
}

TEST(Image, RefusesEveryTruncationAndEveryFlippedByte) {
  const std::string whole = Png(3, {"abc", "def"}, kGray);
  ASSERT_TRUE(DecodeImage(AsBytes(whole), "x.png", Gray(2, 3)).ok());
  for (size_t i = 0; i < whole.size(); ++i) {
    ErrorOf(whole.substr(0, i), Gray(2, 3));
    for (int mask : {0x01, 0x80, 0xff}) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ mask);
      EXPECT_FALSE(DecodeImage(AsBytes(flipped), "x.png", Gray(2, 3)).ok()) << "byte " << i;
    }
  }
}

TEST(Image, RefusesWhatOnlyLooksLikePng) {
  EXPECT_THAT(ErrorOf("GIF89a", Gray(28, 28)),
              HasSubstr("expected a PNG, JPEG, BMP, PPM or PGM image"));
  const std::string end = Chunk("IEND", "");
  EXPECT_THAT(ErrorOf(kSignature + end, Gray(1, 1)), HasSubstr("libpng: "));
  EXPECT_THAT(ErrorOf(kSignature + Ihdr(1, 1, kGray, 8) + end, Gray(1, 1)), HasSubstr("libpng: "));
  const std::string garbage = Chunk("IDAT", "this is not deflated");
  EXPECT_THAT(ErrorOf(kSignature + Ihdr(1, 1, kGray, 8) + garbage + end, Gray(1, 1)),
              HasSubstr("libpng: "));
  const std::string short_data = Chunk("IDAT", Deflate(std::string("\0ab", 3)));
  EXPECT_THAT(ErrorOf(kSignature + Ihdr(2, 2, kGray, 8) + short_data + end, Gray(2, 2)),
              HasSubstr("libpng: "));
  EXPECT_THAT(ErrorOf(kSignature + Ihdr(0, 2, kGray, 8) + short_data + end, Gray(2, 2)),
              HasSubstr("libpng: "));
}

TEST(Image, RefusesTooManyPixelsBeforeDecoding) {
  const std::string rest = Chunk("IDAT", Deflate("abc")) + Chunk("IEND", "");
  EXPECT_EQ(ErrorOf(kSignature + Ihdr(100000, 100000, kGray, 8) + rest, Gray(1, 1)),
            "x.png: image is 100000x100000, the limit is 67108864 pixels");
  EXPECT_THAT(ErrorOf(Png(2, {"ab"}, kGray), Gray(1, 2), {.max_pixels = 1}),
              HasSubstr("image is 1x2, the limit is 1 pixels"));
}

TEST(Image, ReadsAFileAndNamesAMissingOne) {
  const std::string folder = TestFolder();
  WriteText(folder + "/x.png", Png(1, {"a"}, kGray));
  const auto tensor = ReadImage(folder + "/x.png", Gray(1, 1));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_THAT(tensor->values<float>(), ElementsAre('a' / 255.0f));
  EXPECT_THAT(MessageOf(ReadImage(folder + "/y.png", Gray(1, 1)).status()),
              HasSubstr(folder + "/y.png: No such file"));
}

TEST(Preprocessing, IsCheckedForContradictions) {
  EXPECT_TRUE(CheckPreprocessing(Gray(28, 28)).ok());
  EXPECT_TRUE(CheckPreprocessing(Color(1, 1, "bgr")).ok());
  EXPECT_THAT(MessageOf(CheckPreprocessing(Color(1, 1, "rbg"))),
              HasSubstr("expected channel order gray, rgb or bgr, got \"rbg\""));
  EXPECT_THAT(MessageOf(CheckPreprocessing(Color(1, 1, "gray"))),
              HasSubstr("channel order gray has 1 channels, got 3"));
  EXPECT_THAT(MessageOf(CheckPreprocessing(Gray(0, 28))),
              HasSubstr("expected a size above 0, got 0x28"));
  EXPECT_FALSE(CheckPreprocessing(Gray(int64_t{1} << 40, int64_t{1} << 40)).ok());
  Preprocessing p = Gray(1, 1);
  p.mean.clear();
  EXPECT_THAT(MessageOf(CheckPreprocessing(p)),
              HasSubstr("expected 1 means and stds, got 0 and 1"));
  for (float bad : {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN()}) {
    p = Gray(1, 1);
    p.std = {bad};
    EXPECT_THAT(MessageOf(CheckPreprocessing(p)), HasSubstr("a std above 0, channel 0"));
  }
}

}  // namespace
}  // namespace weft
