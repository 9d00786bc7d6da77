#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "graph/file/file_system.h"
#include "graph/file/mapped_pages.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

// A folder of the test's own, gone after it.
class MappedFileTest : public ::testing::Test {
 protected:
  MappedFileTest() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-test-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = (folder / "model.weft").string();
  }
  ~MappedFileTest() override { std::filesystem::remove_all(folder); }

  static void Write(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }

  std::filesystem::path folder;
  std::string path;
};

TEST_F(MappedFileTest, MapFileGivesTheBytesAndKeepsThemAfterTheFileIsReplaced) {
  Write(path, "some bytes");
  MappedFile file = MapFile(path).value();
  ASSERT_TRUE(WriteAtomically(PosixFileSystem(), path, [](WritableFile& f) {
                return f.Append(std::as_bytes(std::span("other", 5)));
              }).ok());
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size()),
            "some bytes");
  EXPECT_EQ(MapFile(path)->bytes.size(), 5u);
}

TEST_F(MappedFileTest, MapFileRefusesWhatIsNotAFile) {
  const auto message = [](const std::string& p) {
    return std::string(MapFile(p).status().message());
  };
  EXPECT_THAT(message(path), HasSubstr("model.weft: cannot open: No such file"));
  EXPECT_THAT(message(folder.string()), HasSubstr("is a folder"));
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(message(path), HasSubstr("not a regular file"));
  const std::string empty = (folder / "empty").string();
  Write(empty, "");
  EXPECT_EQ(MapFile(empty)->bytes.size(), 0u);
}

TEST(MapFileInside, OpensWhatLiesInsideAndFollowsNoLink) {
  const std::string folder = ::testing::TempDir() + "/weft_map_file_inside";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder + "/in/sub");
  std::ofstream(folder + "/out.bin") << "secret";
  std::ofstream(folder + "/in/sub/a.bin") << "bytes";
  std::filesystem::create_symlink("../out.bin", folder + "/in/link.bin");
  std::filesystem::create_directory_symlink("..", folder + "/in/up");
  const auto message = [&](const std::string& path) {
    return std::string(MapFileInside(folder + "/in", path).status().message());
  };
  EXPECT_EQ(MapFileInside(folder + "/in", "./sub//a.bin").value().bytes.size(), 5u);
  EXPECT_THAT(message("../out.bin"), HasSubstr("../out.bin: leads out of the folder"));
  EXPECT_THAT(message("sub/../../out.bin"), HasSubstr("leads out"));
  EXPECT_THAT(message(folder + "/out.bin"), HasSubstr("expected a relative path"));
  EXPECT_THAT(message("link.bin"), HasSubstr("symbolic link"));
  EXPECT_THAT(message("up/out.bin"), HasSubstr("symbolic link"));
  EXPECT_THAT(message("sub"), HasSubstr("sub: is a folder"));
  EXPECT_THAT(message("sub/a.bin/b"), HasSubstr("a file as a folder"));
  EXPECT_THAT(message("none"), HasSubstr("none: cannot open"));
  EXPECT_THAT(message(""), HasSubstr("expected a path"));
}

// KiB of mapped files that lie in this process's memory.
long ResidentFileKib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssFile:")) return std::atol(line.c_str() + 8);
  }
  return 0;
}

TEST_F(MappedFileTest, PagesThatAreReleasedKeepTheirBytes) {
  constexpr long kKib = 16 << 10;
  std::string text(size_t{kKib} << 10, 'x');
  for (size_t i = 0; i < text.size(); i += 4096) text[i] = static_cast<char>('a' + i / 4096 % 26);
  Write(path, text);
  const MappedFile file = MapFile(path).value();
  const auto contents = [&] {
    return std::string_view(reinterpret_cast<const char*>(file.bytes.data()), file.bytes.size());
  };
  const long before = ResidentFileKib();
  EXPECT_TRUE(contents() == text);
  EXPECT_GT(ResidentFileKib(), before + kKib * 9 / 10);
  ReleasePages(file.bytes);
  EXPECT_LT(ResidentFileKib(), before + kKib / 10);
  EXPECT_TRUE(contents() == text);
  ReleasePages(file.bytes.subspan(100, 20000));  // whole pages of these
  EXPECT_TRUE(contents() == text);
}

TEST_F(MappedFileTest, OtherBytesAreNotReleased) {
  std::vector<std::byte> own(1 << 20, std::byte{7});
  EXPECT_FALSE(IsMapped(own));
  ReleasePages(own);
  EXPECT_EQ(own, std::vector<std::byte>(1 << 20, std::byte{7}));
  ReleasePages({});

  Write(path, "some bytes");
  MappedFile file = MapFile(path).value();
  const std::span<const std::byte> bytes = file.bytes;
  EXPECT_TRUE(IsMapped(bytes));
  EXPECT_TRUE(IsMapped(bytes.last(1)));
  EXPECT_FALSE(IsMapped({bytes.data(), bytes.size() + 1}));
  file.owner.reset();
  EXPECT_FALSE(IsMapped(bytes));
}

}  // namespace
}  // namespace weft
