// Images of the formats that are told apart by their first bytes; PNG and JPEG have files of their
// own.
#include "frontend/io/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/io/png.h"
#include "tests/frontend/testing_files.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string LittleEndian(uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i);
  return text;
}

// A bitmap; rows are as they lie in the file, without their padding.
struct Bmp {
  int width = 0;
  int height = 0;  // below 0: top-down
  int bits = 24;
  std::vector<std::string> rows = {};
  std::string palette = {};  // blue, green, red, 0 each
  int compression = 0;
  std::string masks = {};
};

std::string ToBytes(const Bmp& b) {
  const std::string info = LittleEndian(40, 4) + LittleEndian(static_cast<uint32_t>(b.width), 4) +
                           LittleEndian(static_cast<uint32_t>(b.height), 4) + LittleEndian(1, 2) +
                           LittleEndian(static_cast<uint32_t>(b.bits), 2) +
                           LittleEndian(static_cast<uint32_t>(b.compression), 4) +
                           std::string(12, '\0') +
                           LittleEndian(static_cast<uint32_t>(b.palette.size() / 4), 4) +
                           LittleEndian(0, 4) + b.masks + b.palette;
  std::string data;
  for (const std::string& row : b.rows) data += row + std::string((4 - row.size() % 4) % 4, '\0');
  const auto at = static_cast<uint32_t>(14 + info.size());
  return "BM" + LittleEndian(at + static_cast<uint32_t>(data.size()), 4) + LittleEndian(0, 4) +
         LittleEndian(at, 4) + info + data;
}

Picture Decoded(const std::string& bytes, const DecodeOptions& options = {}) {
  const auto picture = DecodePicture(AsBytes(bytes), "x", options);
  EXPECT_TRUE(picture.ok()) << picture.status();
  return picture.ok() ? *picture : Picture();
}

std::string ErrorOf(const std::string& bytes, const DecodeOptions& options = {}) {
  const auto picture = DecodePicture(AsBytes(bytes), "x", options);
  EXPECT_FALSE(picture.ok());
  return MessageOf(picture.status());
}

TEST(Decode, ReadsPgmAndPpmAsTextAndRaw) {
  const Picture gray = {.height = 2, .width = 2, .channels = 1, .pixels = {0, 10, 200, 255}};
  EXPECT_EQ(Decoded("P2\n# a comment\n2 2 255\n0 10\n200 255\n"), gray);
  EXPECT_EQ(Decoded(std::string("P5 2 2 255\n\0\x0a\xc8\xff", 15)), gray);
  const Picture color = {.height = 1, .width = 2, .channels = 3, .pixels = {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(Decoded("P3#c\n2\n1\n255 1 2 3 4 5 6"), color);
  EXPECT_EQ(Decoded("P6 2 1 255\n\x01\x02\x03\x04\x05\x06"), color);
}

TEST(Decode, ScalesPnmLevelsToEightBits) {
  EXPECT_THAT(Decoded("P2 3 1 15 0 7 15").pixels, ElementsAre(0, 119, 255));
  EXPECT_THAT(Decoded("P2 3 1 1 0 1 0").pixels, ElementsAre(0, 255, 0));
  EXPECT_THAT(Decoded(std::string("P5 3 1 65535\n\0\0\x80\x80\xff\xff", 19)).pixels,
              ElementsAre(0, 128, 255));
}

TEST(Decode, RefusesPnmFilesThatAreWrong) {
  const struct {
    std::string bytes;
    const char* error;
  } cases[] = {{"P5 2 2 255\nabc", "expected 4 samples, 3 bytes are left"},
               {"P5 2 2 65535\nabcdefg", "the PNM data end early"},
               {"P2 2 1 255\n1 ", "expected the PNM sample, a number of at most 65535; the data"},
               {"P2 2 1 255\n1  ", "expected the PNM sample"},
               {"P2 2 1 100\n1 101", "expected samples of at most 100, got 101"},
               {"P2 0 1 255\n", "expected a size and a largest level above 0, got 1x0"},
               {"P2 2 1 0\n1 1", "expected a size and a largest level above 0"},
               {"P2 2 1 65536\n1 1", "expected the PNM largest level"},
               {"P2 x 1 255\n1 1", "expected the PNM width"},
               {"P2 99999999999999999999 1 255\n1 1", "expected the PNM width"},
               {"P5 20000 20000 255\n", "image is 20000x20000, the limit is 67108864 pixels"},
               {"P4 1 1\n\1", "expected a PNG, JPEG, BMP, PPM or PGM image"}};
  for (const auto& c : cases) EXPECT_THAT(ErrorOf(c.bytes), HasSubstr(c.error)) << c.bytes;
}

TEST(Decode, ReadsBitmapsBottomUpAndTopDown) {
  const Picture expected = {
      .height = 2, .width = 1, .channels = 3, .pixels = {0x66, 0x65, 0x64, 3, 2, 1}};
  Bmp b = {.width = 1, .height = 2, .rows = {"\x01\x02\x03", "\x64\x65\x66"}};
  EXPECT_EQ(Decoded(ToBytes(b)), expected);
  b.height = -2;
  std::swap(b.rows[0], b.rows[1]);
  EXPECT_EQ(Decoded(ToBytes(b)), expected);
  b.bits = 32;  // the fourth byte is no transparency
  b.rows = {std::string("\x64\x65\x66\0", 4), std::string("\x01\x02\x03\0", 4)};
  EXPECT_EQ(Decoded(ToBytes(b)), expected);
}

TEST(Decode, ReadsBitmapsWithPalettes) {
  const std::string colors("\x01\x02\x03\0\x0a\x0b\x0c\0", 8);
  EXPECT_THAT(
      Decoded(ToBytes({.width = 3, .height = 1, .bits = 1, .rows = {"\x40"}, .palette = colors}))
          .pixels,
      ElementsAre(3, 2, 1, 12, 11, 10, 3, 2, 1));
  EXPECT_THAT(Decoded(ToBytes({.width = 3,
                               .height = 1,
                               .bits = 4,
                               .rows = {std::string("\x10\x00", 2)},
                               .palette = colors}))
                  .pixels,
              ElementsAre(12, 11, 10, 3, 2, 1, 3, 2, 1));
  const Picture gray =
      Decoded(ToBytes({.width = 2,
                       .height = 1,
                       .bits = 8,
                       .rows = {std::string("\1\0", 2)},
                       .palette = std::string("\x07\x07\x07\0\xc8\xc8\xc8\0", 8)}));
  EXPECT_EQ(gray, (Picture{.height = 1, .width = 2, .channels = 1, .pixels = {200, 7}}));
}

TEST(Decode, ReadsBitmapsOfSixteenBitsAndWithMasks) {
  EXPECT_THAT(Decoded(ToBytes({.width = 2,
                               .height = 1,
                               .bits = 16,
                               .rows = {LittleEndian(0x7c00, 2) + LittleEndian(0x001f, 2)}}))
                  .pixels,
              ElementsAre(255, 0, 0, 0, 0, 255));
  const std::string five_six_five = LittleEndian(0xf800, 4) + LittleEndian(0x07e0, 4) +
                                    LittleEndian(0x001f, 4) + LittleEndian(0, 4);
  EXPECT_THAT(Decoded(ToBytes({.width = 1,
                               .height = 1,
                               .bits = 16,
                               .rows = {LittleEndian(0x07e0, 2)},
                               .compression = 3,
                               .masks = five_six_five}))
                  .pixels,
              ElementsAre(0, 255, 0));
  const std::string with_alpha = LittleEndian(0xff, 4) + LittleEndian(0xff00, 4) +
                                 LittleEndian(0xff0000, 4) + LittleEndian(0xff000000, 4);
  const std::string transparent = ToBytes({.width = 1,
                                           .height = 1,
                                           .bits = 32,
                                           .rows = {LittleEndian(0x00030201, 4)},
                                           .compression = 6,
                                           .masks = with_alpha});
  EXPECT_THAT(Decoded(transparent, {.background = 9}).pixels, ElementsAre(9, 9, 9));
}

TEST(Decode, RefusesBitmapsThatAreWrong) {
  const Bmp good = {.width = 3, .height = 2, .rows = {"abcdefghi", "abcdefghi"}};
  const auto with = [&](auto change) {
    Bmp b = good;
    change(b);
    return ErrorOf(ToBytes(b));
  };
  EXPECT_THAT(with([](Bmp& b) { b.rows.pop_back(); }), HasSubstr("the BMP data end early"));
  EXPECT_THAT(with([](Bmp& b) { b.width = 0; }), HasSubstr("expected a size above 0"));
  EXPECT_THAT(with([](Bmp& b) { b.bits = 7; }), HasSubstr("it has 7"));
  EXPECT_THAT(
      with([](Bmp& b) { b.compression = 1; }),
      HasSubstr("expected a BMP of 24 bits with compression 0 (BI_RGB), it has 1 (BI_RLE8)"));
  EXPECT_THAT(with([](Bmp& b) {
                b.bits = 32;
                b.compression = 4;
              }),
              HasSubstr("expected a BMP of 32 bits with compression 0 (BI_RGB) or 3 (BI_BITFIELDS) "
                        "or 6 (BI_ALPHABITFIELDS), it has 4 (BI_JPEG)"));
  EXPECT_THAT(with([](Bmp& b) {
                b.bits = 8;
                b.compression = 77;
              }),
              HasSubstr("compression 0 (BI_RGB) or 1 (BI_RLE8), it has 77"));
  EXPECT_THAT(with([](Bmp& b) { b.width = 30000, b.height = 30000; }),
              HasSubstr("image is 30000x30000, the limit is"));
  EXPECT_THAT(with([](Bmp& b) { b.bits = 8, b.palette = "abcd"; }),
              HasSubstr("expected an index below 1, the BMP has"));
  const std::string whole = ToBytes(good);
  for (size_t i = 0; i < whole.size(); ++i) ErrorOf(whole.substr(0, i));
}

// A palette whose color i is the gray level i.
std::string GrayPalette(uint32_t size) {
  std::string palette;
  for (uint32_t i = 0; i < size; ++i) palette += LittleEndian(0x010101 * i, 4);
  return palette;
}

// A bitmap of 5x3 in runs, each given as numbers.
std::string RunBitmap(int bits, const std::vector<int>& runs, int height = 3) {
  const std::string head = ToBytes({.width = 5,
                                    .height = height,
                                    .bits = bits,
                                    .palette = GrayPalette(16),
                                    .compression = bits == 8 ? 1 : 2});
  std::string data;
  for (const int run : runs) data += static_cast<char>(run);
  return head + data;
}

// In both codes: a run, a move over pixels that stay 0, indices as they are, which fill pairs of
// bytes, ends of lines, the end, which may be left out where nothing is missing.
TEST(Decode, ReadsBitmapsOfRuns) {
  const auto pixels = ElementsAre(9, 9, 9, 9, 9, 1, 2, 3, 4, 5, 7, 0, 0, 6, 6);
  for (const std::vector<int>& end : {std::vector<int>{0, 0, 0, 1}, {0, 1}, {}}) {
    std::vector<int> eight = {1, 7, 0, 2, 2, 0, 2, 6, 0, 0, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0, 5, 9};
    std::vector<int> four = {1, 0x70, 0,    2,    2,    0, 2, 0x66, 0, 0,
                             0, 5,    0x12, 0x34, 0x50, 0, 0, 0,    5, 0x99};
    eight.insert(eight.end(), end.begin(), end.end());
    four.insert(four.end(), end.begin(), end.end());
    EXPECT_THAT(Decoded(RunBitmap(8, eight)).pixels, pixels);
    EXPECT_THAT(Decoded(RunBitmap(4, four)).pixels, pixels);
  }
  // Runs of 4 bits take turns between two indices; rows that are not there are of index 0.
  EXPECT_THAT(Decoded(RunBitmap(4, {5, 0x12, 0, 1})).pixels,
              ElementsAre(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 1, 2, 1));
}

TEST(Decode, RefusesRunsThatAreWrong) {
  EXPECT_THAT(ErrorOf(RunBitmap(8, {6, 1, 0, 1})),
              HasSubstr("the BMP has 6 pixels at row 0, column 0, outside of 3x5"));
  EXPECT_THAT(ErrorOf(RunBitmap(8, {0, 2, 0, 3, 1, 1, 0, 1})), HasSubstr("1 pixels at row 3"));
  EXPECT_THAT(ErrorOf(RunBitmap(8, {0, 2, 9, 0, 1, 1, 0, 1})), HasSubstr("column 9"));
  EXPECT_THAT(ErrorOf(RunBitmap(8, {5, 16, 0, 1})), HasSubstr("an index below 16, the BMP has 16"));
  EXPECT_THAT(ErrorOf(RunBitmap(8, {0, 1}, -3)), HasSubstr("from the bottom up"));
  for (const std::vector<int>& cut :
       {std::vector<int>{}, {5}, {5, 1}, {0, 2}, {0, 2, 1}, {0, 4, 1, 2}}) {
    EXPECT_THAT(ErrorOf(RunBitmap(8, cut)), HasSubstr("the BMP data end early"));
  }
}

TEST(Decode, ReadsMasksAsTheyAreStored) {
  const std::string folder = TestFolder();
  WriteText(folder + "/a.pgm", "P2 3 1 255 0 1 7");
  WriteText(folder + "/few.pgm", "P2 3 1 7 0 1 7");  // levels up to 7 are not spread either
  WriteText(folder + "/many.pgm", "P2 1 1 256 7");
  WriteText(folder + "/colors.ppm", "P3 1 1 255 7 7 7");
  WriteText(folder + "/b.bmp", ToBytes({.width = 3,
                                        .height = 1,
                                        .bits = 4,
                                        .rows = {std::string("\x01\x20", 2)},
                                        .palette = std::string(64, '\x11')}));
  ASSERT_TRUE(
      WritePng(folder + "/c.png", {.height = 1, .width = 3, .channels = 1, .pixels = {0, 1, 7}})
          .ok());
  ASSERT_TRUE(WritePng(folder + "/d.png", {.height = 1, .width = 1, .pixels = {0, 1, 7}}).ok());
  EXPECT_THAT(LoadMask(folder + "/a.pgm")->pixels, ElementsAre(0, 1, 7));
  EXPECT_THAT(LoadMask(folder + "/few.pgm")->pixels, ElementsAre(0, 1, 7));
  for (const char* name : {"/many.pgm", "/colors.ppm"}) {
    EXPECT_THAT(MessageOf(LoadMask(folder + name).status()),
                HasSubstr("expected a mask, one channel of levels up to 255"));
  }
  EXPECT_THAT(LoadMask(folder + "/b.bmp")->pixels, ElementsAre(0, 1, 2));
  EXPECT_THAT(LoadMask(folder + "/c.png")->pixels, ElementsAre(0, 1, 7));
  EXPECT_THAT(MessageOf(LoadMask(folder + "/d.png").status()), HasSubstr("expected a mask"));
  WriteText(folder + "/e.jpg", "\xff\xd8\xff\xe0");
  EXPECT_THAT(MessageOf(LoadMask(folder + "/e.jpg").status()), HasSubstr("save it as PNG"));
}

TEST(Decode, WritesPngThatItReadsBack) {
  const Picture gray = {.height = 2, .width = 2, .channels = 1, .pixels = {0, 1, 2, 255}};
  const Picture color = {.height = 1, .width = 2, .pixels = {1, 2, 3, 4, 5, 255}};
  const std::string path = TestFolder() + "/x.png";
  for (const Picture& picture : {gray, color}) {
    ASSERT_TRUE(WritePng(path, picture).ok());
    EXPECT_EQ(*LoadPicture(path), picture);
  }
  EXPECT_THAT(MessageOf(WritePng(path, {.height = 1, .width = 1, .channels = 2})),
              HasSubstr("expected 1 or 3 channels"));
}

TEST(Decode, KnowsTheEndingsOfImages) {
  for (const char* name : {"a.png", "IMG_1.JPG", "x.jpeg", "x.bmp", "x.ppm", "x.PGM", "x.pnm"}) {
    EXPECT_TRUE(IsImageName(name)) << name;
  }
  for (const char* name : {"png", "x.jpg.npy", "x.gif", ""})
    EXPECT_FALSE(IsImageName(name)) << name;
}

}  // namespace
}  // namespace weft
