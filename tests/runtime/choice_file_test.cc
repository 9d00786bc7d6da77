#include "runtime/tuning/choice_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/fresh_folder.h"

namespace weft {
namespace {

TEST(ChoiceFolder, KeepsChoices) {
  const ChoiceFolder folder(FreshFolder("choices_kept"));
  EXPECT_EQ(folder.Find("k").value(), std::nullopt);
  const PlacedChoices choices = {{3, "jit:a (x, y) -> (z)"}, {70, "b"}};
  ASSERT_TRUE(folder.Keep("k", choices).ok());
  EXPECT_EQ(folder.Find("k").value(), choices);
  ASSERT_TRUE(folder.Keep("k", {}).ok());
  EXPECT_EQ(folder.Find("k").value(), PlacedChoices());
  EXPECT_EQ(folder.Find("other").value(), std::nullopt);
}

std::string Contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ChoiceFolder, RefusesWhatIsTornOrChanged) {
  const auto path = FreshFolder("choices_torn");
  const ChoiceFolder folder(path);
  ASSERT_TRUE(folder.Keep("k", {{3, "jit:a (x) -> (z)"}}).ok());
  const auto file = path / "k.choices";
  const std::string whole = Contents(file);
  for (size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    EXPECT_FALSE(folder.Find("k").ok()) << size;
  }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] ^= 1;
    std::ofstream(file, std::ios::binary | std::ios::trunc) << changed;
    EXPECT_FALSE(folder.Find("k").ok()) << at;
  }
}

TEST(ChoiceFolder, RefusesWhatIsNoFileOfItsOwn) {
  const auto path = FreshFolder("choices_hostile");
  std::filesystem::create_directories(path);
  const ChoiceFolder folder(path);
  ASSERT_EQ(mkfifo((path / "pipe.choices").c_str(), 0600), 0);
  EXPECT_FALSE(folder.Find("pipe").ok());  // and does not wait for a writer
  std::filesystem::create_symlink("/dev/zero", path / "endless.choices");
  EXPECT_FALSE(folder.Find("endless").ok());
  std::filesystem::create_directory(path / "folder.choices");
  EXPECT_FALSE(folder.Find("folder").ok());
  std::ofstream(path / "huge.choices") << "weft kernel choices 1 ";
  std::filesystem::resize_file(path / "huge.choices", uintmax_t{1} << 32);  // sparse
  EXPECT_FALSE(folder.Find("huge").ok());
}

TEST(ChoiceFolder, IsSafeWithOtherWriters) {
  const ChoiceFolder folder(FreshFolder("choices_shared"));
  const PlacedChoices a = {{1, std::string(5000, 'a')}}, b = {{2, std::string(9000, 'b')}};
  ASSERT_TRUE(folder.Keep("k", a).ok());
  std::vector<std::thread> writers;
  for (int t = 0; t < 3; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(folder.Keep("k", t % 2 == 0 ? a : b).ok());
    });
  }
  for (int i = 0; i < 200; ++i) {
    const auto found = folder.Find("k");
    ASSERT_TRUE(found.ok());
    EXPECT_TRUE(found->value() == a || found->value() == b);
  }
  for (std::thread& writer : writers) writer.join();
}

TEST(ChoiceFolder, ForgetsTheOldest) {
  const auto path = FreshFolder("choices_many");
  const ChoiceFolder folder(path);
  std::filesystem::create_directories(path);
  const auto now = std::filesystem::file_time_type::clock::now();
  for (size_t i = 0; i < ChoiceFolder::kMostFiles; ++i) {
    const auto file = path / (std::to_string(i) + ".choices");
    std::ofstream(file) << "x";
    std::filesystem::last_write_time(file, now - std::chrono::hours(i == 7 ? 9 : 1));
  }
  ASSERT_TRUE(folder.Keep("new", {}).ok());
  EXPECT_FALSE(std::filesystem::exists(path / "7.choices"));
  EXPECT_TRUE(std::filesystem::exists(path / "new.choices"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}),
            static_cast<std::ptrdiff_t>(ChoiceFolder::kMostFiles));
}

TEST(ChoiceFolder, LeavesTheFilesOfOthers) {
  const auto path = FreshFolder("choices_beside_others");
  std::filesystem::create_directories(path);
  for (size_t i = 0; i <= ChoiceFolder::kMostFiles; ++i) {
    std::ofstream(path / (std::to_string(i) + ".png")) << "x";
  }
  ASSERT_TRUE(ChoiceFolder(path).Keep("new", {}).ok());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path), {}),
            static_cast<std::ptrdiff_t>(ChoiceFolder::kMostFiles + 2));
}

}  // namespace
}  // namespace weft
