#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/weights/zip.h"
#include "testing_files.h"
#include "testing_pth.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<ZipArchive> Open(const std::string& archive) {
  const auto kept = std::make_shared<const std::string>(archive);
  return ZipArchive::Open({AsBytes(*kept), kept});
}

std::string OpenError(const std::vector<ZipFile>& files) {
  return MessageOf(Open(Zip(files)).status());
}

std::string Contents(const ZipArchive& zip, const std::string& name) {
  const ZipEntry* entry = zip.Find(name);
  if (entry == nullptr) return "no such file";
  const auto data = zip.Read(*entry);
  if (!data.ok()) return MessageOf(data.status());
  return std::string(reinterpret_cast<const char*>(data->bytes.data()), data->bytes.size());
}

TEST(WeightsZip, ReadsStoredAndDeflatedFiles) {
  const std::string zeros(5000, '\0');
  for (bool zip64 : {false, true}) {
    for (uint16_t flags : {0, 8, 0x808}) {
      const std::string archive = Zip({{"a", "stored", false, {}, {}, {}, {}, {}, flags},
                                       {"b/c", zeros, true, {}, {}, {}, {}, {}, flags},
                                       {"empty", ""},
                                       {"deflated_empty", "", true}},
                                      zip64);
      const auto zip = Open(archive);
      ASSERT_TRUE(zip.ok()) << zip.status();
      EXPECT_EQ(zip->entries().size(), 4u);
      EXPECT_EQ(Contents(*zip, "a"), "stored");
      EXPECT_EQ(Contents(*zip, "b/c"), zeros);
      EXPECT_EQ(Contents(*zip, "empty"), "");
      EXPECT_EQ(Contents(*zip, "deflated_empty"), "");
      EXPECT_EQ(Contents(*zip, "b"), "no such file");
    }
  }
}

TEST(WeightsZip, ReadsSizesAndOffsetsOfZip64) {
  const std::string zeros(5000, '\0');
  const std::string archive = Zip({{.name = "a", .data = "stored", .wide = true},
                                   {.name = "b", .data = zeros, .deflate = true, .wide = true}},
                                  /*zip64=*/true);
  const auto zip = Open(archive);
  ASSERT_TRUE(zip.ok()) << zip.status();
  EXPECT_EQ(Contents(*zip, "a"), "stored");
  EXPECT_EQ(Contents(*zip, "b"), zeros);
  for (size_t n = 0; n < archive.size(); ++n) EXPECT_FALSE(Open(archive.substr(0, n)).ok()) << n;
  EXPECT_THAT(OpenError({{.name = "a", .data = "stored", .offset = 0xffffffff}}),
              HasSubstr("a zip64 field is missing"));
  // One that holds fewer values than the entry needs.
  std::string shorter = archive;
  const size_t field = shorter.rfind(Raw(uint16_t{1}) + Raw(uint16_t{24}));
  ASSERT_NE(field, std::string::npos);
  shorter[field + 2] = 16;
  EXPECT_THAT(MessageOf(Open(shorter).status()), HasSubstr("a zip64 field is too short"));
}

TEST(WeightsZip, ReadsArchivesWithCommentsAndWithoutFiles) {
  std::string archive = Zip({{"a", "stored"}});
  archive.replace(archive.size() - 2, 2, Raw(uint16_t{7}));
  archive += "comment";
  const auto zip = Open(archive);
  ASSERT_TRUE(zip.ok()) << zip.status();
  EXPECT_EQ(Contents(*zip, "a"), "stored");
  EXPECT_TRUE(Open(Zip({}))->entries().empty());
}

TEST(WeightsZip, StoredFilesAreViewsOfTheArchive) {
  const auto archive = std::make_shared<const std::string>(Zip({{"a", "stored"}}));
  const auto zip = ZipArchive::Open({AsBytes(*archive), archive});
  ASSERT_TRUE(zip.ok()) << zip.status();
  const auto data = zip->Read(zip->entries()[0]);
  EXPECT_EQ(reinterpret_cast<const char*>(data->bytes.data()) - archive->data(), 64);
  EXPECT_EQ(data->owner, archive);
}

TEST(WeightsZip, ChecksTheChecksums) {
  const auto stored = Open(Zip({{.name = "a", .data = "stored", .crc = 1}}));
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_EQ(Contents(*stored, "a"), "a: checksum of its bytes is 5643f90b, expected 00000001");
  const auto deflated =
      Open(Zip({{.name = "a", .data = "stored", .deflate = true, .crc = 0x12345678}}));
  EXPECT_THAT(Contents(*deflated, "a"), HasSubstr("expected 12345678"));
}

TEST(WeightsZip, RefusesClaimsOfOtherSizes) {
  EXPECT_THAT(OpenError({{.name = "a", .data = "stored", .size = 7}}),
              HasSubstr("a is stored with two sizes"));
  EXPECT_THAT(OpenError({{.name = "a", .data = "stored", .size = 9999, .compressed = 9999}}),
              HasSubstr("a needs 9999 bytes, there are 6"));
  for (uint32_t size : {0u, 5u, 7u, 1000u}) {
    const auto zip = Open(Zip({{.name = "a", .data = "stored", .deflate = true, .size = size}}));
    ASSERT_TRUE(zip.ok()) << zip.status();
    EXPECT_THAT(Contents(*zip, "a"), HasSubstr("do not give the bytes that the directory says"));
  }
}

TEST(WeightsZip, RefusesBombs) {
  // A size that no deflated data reach, and one that they do.
  EXPECT_THAT(OpenError({{.name = "a", .data = "x", .deflate = true, .size = 0x7fffffff}}),
              HasSubstr("a claims to inflate from 3 to 2147483647 bytes"));
  const std::string zeros(100 << 20, '\0');
  const std::string error = OpenError({{"a", zeros, true}});
  EXPECT_THAT(error, HasSubstr("a zip bomb?"));
  EXPECT_THAT(error, HasSubstr("would inflate to 104857600"));
  // The same in many pieces.
  std::vector<ZipFile> pieces;
  const std::string megabyte(1 << 20, '\0');
  for (int i = 0; i < 100; ++i) pieces.push_back({"piece" + std::to_string(i), megabyte, true});
  EXPECT_THAT(OpenError(pieces), HasSubstr("a zip bomb?"));
}

TEST(WeightsZip, RefusesOverlappingEntries) {
  EXPECT_THAT(OpenError({{"a", "stored"}, {.name = "a", .data = "stored", .offset = 0}}),
              HasSubstr("two entries overlap at byte 0"));
  // A local header within another file's data: it agrees with the directory, and yet.
  const std::string inner = Zip({{"b", "inner"}}).substr(0, 64 + 5);
  const std::string archive = Zip({{"a", inner}, {"b", "inner"}});
  const auto zip = Open(archive);
  ASSERT_TRUE(zip.ok()) << zip.status();
  EXPECT_THAT(OpenError({{"a", inner}, {.name = "b", .data = "inner", .offset = 64}}),
              HasSubstr("two entries overlap at byte 64"));
}

TEST(WeightsZip, RefusesWhatItDoesNotRead) {
  for (uint16_t flags : {1, 0x40, 0x2000}) {
    EXPECT_THAT(OpenError({{.name = "a", .data = "x", .flags = flags}}),
                HasSubstr("a in the zip archive is encrypted"));
  }
  EXPECT_THAT(OpenError({{.name = "a", .data = "x", .method = 12}}),
              HasSubstr("a in the zip archive is compressed by method 12"));
  std::string archive = Zip({{"a", "x"}});
  archive[archive.size() - 18] = 1;  // this disk's number
  EXPECT_THAT(MessageOf(Open(archive).status()), HasSubstr("several disks"));
}

TEST(WeightsZip, RefusesHeadersThatDisagree) {
  EXPECT_THAT(OpenError({{.name = "a", .data = "x", .local_name = "b"}}),
              HasSubstr("the local header of a contradicts the directory"));
  EXPECT_THAT(OpenError({{.name = "a", .data = "x", .offset = 3}}),
              HasSubstr("the local header of a contradicts the directory"));
  EXPECT_THAT(OpenError({{.name = "a", .data = "x", .offset = 0x7fffffff}}),
              HasSubstr("the local header of a contradicts the directory"));
  EXPECT_THAT(OpenError({{"a", "x"}, {"a", "y"}}), HasSubstr("the name a comes twice"));
}

TEST(WeightsZip, SaysWhereAnArchiveIsNone) {
  EXPECT_THAT(MessageOf(Open("").status()), HasSubstr("no directory at its end"));
  EXPECT_THAT(MessageOf(Open("PK\3\4 and so on, for long enough").status()),
              HasSubstr("no directory at its end"));
  const std::string archive = Zip({{"a", "x"}}) + "surplus";
  EXPECT_THAT(MessageOf(Open(archive).status()), HasSubstr("no directory at its end"));
}

// Every byte of both headers, the directory and the ends matters, or does not: either an error, or
// the same contents.
TEST(WeightsZip, EveryFlippedByteIsSeenOrHarmless) {
  for (bool zip64 : {false, true}) {
    const std::string archive =
        Zip({{"a", "stored"}, {"b", "deflated", true, {}, {}, {}, {}, {}, 8}}, zip64);
    int refused = 0;
    for (size_t i = 0; i < archive.size(); ++i) {
      for (int mask : {1, 0x80, 0xff}) {
        std::string damaged = archive;
        damaged[i] = static_cast<char>(damaged[i] ^ mask);
        const auto zip = Open(damaged);
        if (!zip.ok()) {
          ++refused;
          continue;
        }
        for (const auto& [name, contents] :
             std::map<std::string, std::string>{{"a", "stored"}, {"b", "deflated"}}) {
          const ZipEntry* entry = zip->Find(name);
          ASSERT_NE(entry, nullptr) << i;
          if (zip->Read(*entry).ok()) {
            EXPECT_EQ(Contents(*zip, name), contents) << i;
          }
        }
      }
    }
    EXPECT_GT(refused, 200);
  }
}

TEST(WeightsZip, EveryTruncationIsRefused) {
  for (bool zip64 : {false, true}) {
    const std::string archive = Zip({{"a", "stored"}, {"b", "deflated", true}}, zip64);
    for (size_t n = 0; n < archive.size(); ++n) {
      EXPECT_FALSE(Open(archive.substr(0, n)).ok()) << n;
    }
  }
}

}  // namespace
}  // namespace weft
