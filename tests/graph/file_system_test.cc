#include "graph/file/file_system.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "graph/file/serialize.h"
#include "graph/file/write_all.h"
#include "tests/graph/testing_ops.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A folder of the test's own, gone after it.
class FileSystemTest : public ::testing::Test {
 protected:
  FileSystemTest() {
    std::string name = (fs::temp_directory_path() / "weft-test-XXXXXX").string();
    folder = ::mkdtemp(name.data());
    path = (folder / "model.weft").string();
  }
  ~FileSystemTest() override { fs::remove_all(folder); }

  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void Write(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  fs::path folder;
  std::string path;
};

// The real file system, of which call number `fail_at` fails; or one that has no links; or one that
// does nothing from that call on, as after a kill.
class FailingFileSystem : public FileSystem {
 public:
  explicit FailingFileSystem(int fail_at, bool has_links = true, bool is_killed = false)
      : fail_at_(fail_at), has_links_(has_links), is_killed_(is_killed) {}

  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    WEFT_RETURN_IF_ERROR(Step("create"));
    WEFT_ASSIGN_OR_RETURN(auto file, PosixFileSystem().Create(path));
    return std::make_unique<File>(this, std::move(file));
  }
  absl::Status Rename(const std::string& from, const std::string& to) override {
    WEFT_RETURN_IF_ERROR(Step("rename"));
    renamed = true;
    return PosixFileSystem().Rename(from, to);
  }
  absl::Status Link(const std::string& from, const std::string& to) override {
    WEFT_RETURN_IF_ERROR(Step("link"));
    if (!has_links_) return absl::PermissionDeniedError("no links");
    return PosixFileSystem().Link(from, to);
  }
  absl::Status SyncFolder(const std::string& folder) override {
    WEFT_RETURN_IF_ERROR(Step("sync folder"));
    return PosixFileSystem().SyncFolder(folder);
  }
  absl::Status Remove(const std::string& path) override {
    if (IsDead()) return absl::DataLossError("killed");
    return PosixFileSystem().Remove(path);
  }
  void RemoveAbandoned(const std::string& path) override {
    if (!IsDead()) PosixFileSystem().RemoveAbandoned(path);
  }

  absl::Status Step(const std::string& name) {
    steps.push_back(name);
    if (static_cast<int>(steps.size()) - 1 != fail_at_ && !IsDead()) return absl::OkStatus();
    return absl::DataLossError("injected into " + name);
  }

  std::vector<std::string> steps;
  bool renamed = false;

 private:
  class File : public WritableFile {
   public:
    File(FailingFileSystem* owner, std::unique_ptr<WritableFile> file)
        : owner_(owner), file_(std::move(file)) {}
    // A write that fails has written a part.
    absl::Status Append(std::span<const std::byte> bytes) override {
      const absl::Status status = owner_->Step("write");
      WEFT_RETURN_IF_ERROR(file_->Append(status.ok() ? bytes : bytes.first(bytes.size() / 2)));
      return status;
    }
    absl::Status Sync() override {
      WEFT_RETURN_IF_ERROR(owner_->Step("sync"));
      return file_->Sync();
    }
    absl::Status Close() override {
      WEFT_RETURN_IF_ERROR(owner_->Step("close"));
      return file_->Close();
    }

   private:
    FailingFileSystem* owner_;
    std::unique_ptr<WritableFile> file_;
  };

  bool IsDead() const { return is_killed_ && static_cast<int>(steps.size()) > fail_at_; }

  int fail_at_;
  bool has_links_;
  bool is_killed_;
};

TEST_F(FileSystemTest, AfterAnyFailingStepTheOldOrTheNewFileIsThereWhole) {
  Model old_model = SampleModel();
  old_model.metadata["name"] = "old";
  const Model new_model = SampleModel();
  const std::string old_bytes = SerializeModel(old_model);
  const std::string new_bytes = SerializeModel(new_model);
  ASSERT_NE(old_bytes, new_bytes);
  FailingFileSystem none(-1);
  ASSERT_TRUE(SaveModel(new_model, path, none).ok());
  EXPECT_GE(std::count(none.steps.begin(), none.steps.end(), "write"), 3);
  EXPECT_THAT(none.steps,
              testing::IsSupersetOf({"create", "sync", "close", "rename", "sync folder"}));

  for (int i = 0; i < static_cast<int>(none.steps.size()); ++i) {
    SCOPED_TRACE(none.steps[static_cast<size_t>(i)]);
    Write(path, old_bytes);
    FailingFileSystem failing(i);
    const absl::Status status = SaveModel(new_model, path, failing);
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    EXPECT_THAT(std::string(status.message()), HasSubstr("injected"));
    EXPECT_EQ(Read(path) == (failing.renamed ? new_bytes : old_bytes), true);
    EXPECT_THAT(Files(), testing::ElementsAre("model.weft"));
  }
}

// Two files that belong together, in file systems with links and without.
class FileSystemPairTest : public FileSystemTest {
 protected:
  absl::Status WritePair(FileSystem& file_system, const std::string& text) const {
    const auto fill = [&](WritableFile& file) {
      return file.Append(std::as_bytes(std::span(text)));
    };
    const FileToWrite files[] = {{data, fill}, {path, fill}};
    return WriteAllAtomically(file_system, files);
  }

  // A folder with the old files alone, or none; then the steps of writing the new ones.
  void Restore(bool had_old) const {
    for (const std::string& file : Files()) fs::remove(folder / file);
    if (!had_old) return;
    Write(data, "old");
    Write(path, "old");
  }
  std::vector<std::string> StepsOf(bool had_old, bool has_links) const {
    Restore(had_old);
    FailingFileSystem none(-1, has_links);
    EXPECT_TRUE(WritePair(none, "new").ok());
    EXPECT_THAT(Files(), testing::ElementsAre("model.data", "model.weft"));
    return none.steps;
  }

  std::string data = (folder / "model.data").string();
};

constexpr std::pair<bool, bool> kOldAndLinks[] = {
    {true, true}, {true, false}, {false, true}, {false, false}};

TEST_F(FileSystemPairTest, FilesAreReplacedTogetherOrNotAtAll) {
  for (const auto& [had_old, has_links] : kOldAndLinks) {
    const std::vector<std::string> steps = StepsOf(had_old, has_links);
    EXPECT_EQ(std::count(steps.begin(), steps.end(), "create"), had_old && !has_links ? 3 : 2);
    for (size_t i = 0; i < steps.size(); ++i) {
      SCOPED_TRACE(absl::StrCat(steps[i], " ", i, " ", had_old, has_links));
      Restore(had_old);
      FailingFileSystem failing(static_cast<int>(i), has_links);
      const absl::Status status = WritePair(failing, "new");
      ASSERT_FALSE(status.ok());
      EXPECT_THAT(std::string(status.message()), HasSubstr("injected"));
      const bool is_last_sync = i + 1 == steps.size();
      const std::string expected = is_last_sync ? "new" : had_old ? "old" : "";
      EXPECT_EQ(Read(data), expected);
      EXPECT_EQ(Read(path), expected);
      if (had_old || is_last_sync) {
        EXPECT_THAT(Files(), testing::ElementsAre("model.data", "model.weft"));
      } else {
        EXPECT_THAT(Files(), testing::IsEmpty());
      }
    }
  }
}

// Of the file that was replaced there is another one then, which later writes leave alone.
TEST_F(FileSystemPairTest, AfterAKillEveryFileIsThereAndNothingOldIsLost) {
  for (const bool has_links : {true, false}) {
    const std::vector<std::string> steps = StepsOf(/*had_old=*/true, has_links);
    for (size_t i = 0; i < steps.size(); ++i) {
      SCOPED_TRACE(absl::StrCat(steps[i], " ", i, " ", has_links));
      Restore(/*had_old=*/true);
      FailingFileSystem killed(static_cast<int>(i), has_links, /*is_killed=*/true);
      ASSERT_FALSE(WritePair(killed, "new").ok());
      EXPECT_THAT(Read(data), testing::AnyOf("old", "new"));
      EXPECT_THAT(Read(path), testing::AnyOf("old", "new"));
      EXPECT_TRUE(Read(path) == "old" || Read(data) == "new");
      if (Read(data) == Read(path)) continue;
      const std::vector<std::string> files = Files();
      EXPECT_TRUE(std::any_of(files.begin(), files.end(), [&](const std::string& file) {
        return file.ends_with(".old") && Read((folder / file).string()) == "old";
      }));
    }
  }
}

TEST_F(FileSystemPairTest, WhatAKilledProcessLeftIsSteppedOver) {
  for (const bool has_links : {true, false}) {
    const size_t second_rename = StepsOf(/*had_old=*/true, has_links).size() - 2;
    Restore(/*had_old=*/true);
    FailingFileSystem killed(static_cast<int>(second_rename), has_links, /*is_killed=*/true);
    ASSERT_FALSE(WritePair(killed, "new").ok());
    // The old file that it left, also under the names that the next writes would use.
    int kept = 0;
    for (const std::string& file : Files()) {
      if (!file.ends_with(".old")) continue;
      const size_t number = file.rfind('-') + 1, end = file.find('.', number);
      const int first = std::stoi(file.substr(number, end - number));
      for (int i = first; i < first + 20; ++i) {
        Write((folder / absl::StrCat(file.substr(0, number), i, file.substr(end))).string(), "old");
        ++kept;
      }
    }
    EXPECT_EQ(kept, 20);
    FailingFileSystem file_system(-1, has_links);
    ASSERT_TRUE(WritePair(file_system, "newer").ok());
    EXPECT_EQ(Files().size(), 22u);  // but for the new file that it left
    for (const std::string& file : Files()) {
      if (file.ends_with(".old")) {
        EXPECT_EQ(Read((folder / file).string()), "old");
      }
    }
    EXPECT_EQ(Read(data), "newer");
  }
}

TEST_F(FileSystemPairTest, AFolderInTheWayIsRefusedBeforeAnythingIsWritten) {
  Write(path, "old");
  fs::create_directory(data);
  Write(data + "/inside", "kept");
  FailingFileSystem none(-1);
  EXPECT_EQ(WritePair(none, "new").message(), data + ": is a folder");
  EXPECT_THAT(none.steps, testing::IsEmpty());
  EXPECT_EQ(Read(path), "old");
  EXPECT_EQ(Read(data + "/inside"), "kept");
}

TEST_F(FileSystemPairTest, SymbolicLinksAreReplacedAndComeBack) {
  const std::string target = (folder / "target").string();
  const size_t second_rename = StepsOf(/*had_old=*/true, /*has_links=*/true).size() - 2;
  Restore(/*had_old=*/false);
  Write(target, "old");
  fs::create_symlink("target", data);
  FailingFileSystem failing(static_cast<int>(second_rename));
  ASSERT_FALSE(WritePair(failing, "new").ok());
  EXPECT_EQ(failing.steps.back(), "rename");
  EXPECT_TRUE(fs::is_symlink(data));
  ASSERT_TRUE(WritePair(PosixFileSystem(), "new").ok());
  EXPECT_FALSE(fs::is_symlink(data));
  EXPECT_EQ(Read(target), "old");
}

TEST_F(FileSystemTest, AFailedFirstSaveLeavesNothing) {
  FailingFileSystem failing(2);
  EXPECT_FALSE(SaveModel(SampleModel(), path, failing).ok());
  EXPECT_TRUE(Files().empty());
}

TEST_F(FileSystemTest, AFailingWriterLeavesTheOldFile) {
  Write(path, "old");
  const absl::Status status = WriteAtomically(PosixFileSystem(), path, [](WritableFile& file) {
    WEFT_RETURN_IF_ERROR(file.Append(std::as_bytes(std::span("half"))));
    return absl::CancelledError("changed my mind");
  });
  EXPECT_EQ(status.message(), path + ": changed my mind");
  EXPECT_EQ(Read(path), "old");
  EXPECT_THAT(Files(), testing::ElementsAre("model.weft"));
}

// The kernel takes a part of the bytes (a short write) and then refuses the rest.
TEST_F(FileSystemTest, AFullDiskIsAnErrorAndLeavesTheOldFile) {
  Write(path, "old");
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{10000, limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::vector<std::byte> bytes(100000);
  const absl::Status status = WriteAtomically(
      PosixFileSystem(), path, [&](WritableFile& file) { return file.Append(bytes); });
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write: File too large"));
  EXPECT_EQ(Read(path), "old");
  EXPECT_THAT(Files(), testing::ElementsAre("model.weft"));
}

absl::Status WriteNewText(const std::string& path) {
  return WriteAtomically(PosixFileSystem(), path, [](WritableFile& file) {
    return file.Append(std::as_bytes(std::span("new", 3)));
  });
}

TEST_F(FileSystemTest, TemporaryFilesLeftByKilledWritersAreRemoved) {
  Write((folder / ".weft-1-0.tmp").string(), "left");
  for (int i = 0; i < 20; ++i) {  // names that the next saves would use
    Write((folder / absl::StrCat(".weft-", ::getpid(), "-", i, ".tmp")).string(), "left");
  }
  // Files of others, an old one that a writer of two kept, and what only looks like a file.
  Write((folder / "mine.tmp").string(), "kept");
  Write((folder / ".weft-1-0.old").string(), "kept");
  fs::create_symlink("mine.tmp", folder / ".weft-2-0.tmp");
  fs::create_directory(folder / ".weft-3-0.tmp");
  ASSERT_EQ(::mkfifo((folder / ".weft-4-0.tmp").c_str(), 0600), 0);
  ASSERT_TRUE(WriteNewText(path).ok());
  EXPECT_EQ(Read(path), "new");
  EXPECT_THAT(Files(), testing::ElementsAre(".weft-1-0.old", ".weft-2-0.tmp", ".weft-3-0.tmp",
                                            ".weft-4-0.tmp", "mine.tmp", "model.weft"));
  EXPECT_EQ(Read((folder / "mine.tmp").string()), "kept");
}

// However many there are, and whatever was done to them so far.
TEST_F(FileSystemTest, TemporaryFilesOfLiveWritersStayAndAreSteppedOver) {
  std::vector<std::unique_ptr<WritableFile>> live;
  for (int i = 0; i < 200; ++i) {
    live.push_back(*PosixFileSystem().Create(
        (folder / absl::StrCat(".weft-", ::getpid(), "-", i, ".tmp")).string()));
    if (i % 2 == 1) {
      ASSERT_TRUE(live.back()->Close().ok());
    }
  }
  ASSERT_TRUE(WriteNewText(path).ok());
  EXPECT_EQ(Read(path), "new");
  EXPECT_EQ(Files().size(), 201u);
  live.resize(100);
  ASSERT_TRUE(WriteNewText(path).ok());
  EXPECT_EQ(Files().size(), 101u);
}

// A write within a write: of the outer one there is a whole file on its way.
TEST_F(FileSystemTest, AWriterInTheSameFolderLeavesAnotherOneAlone) {
  const std::string other = (folder / "other").string();
  const absl::Status status = WriteAtomically(PosixFileSystem(), path, [&](WritableFile& file) {
    WEFT_RETURN_IF_ERROR(WriteNewText(other));
    return file.Append(std::as_bytes(std::span("outer", 5)));
  });
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Read(path), "outer");
  EXPECT_EQ(Read(other), "new");
}

TEST_F(FileSystemTest, CreateNeverOpensAnExistingFile) {
  Write(path, "old");
  EXPECT_TRUE(absl::IsAlreadyExists(PosixFileSystem().Create(path).status()));
  EXPECT_EQ(Read(path), "old");
}

TEST_F(FileSystemTest, BadPathsAreErrorsThatNameThem) {
  const auto save = [](const std::string& to) {
    return std::string(SaveModel(SampleModel(), to).message());
  };
  EXPECT_THAT(save(""), HasSubstr("''"));
  EXPECT_THAT(save(folder.string() + "/"), HasSubstr(folder.string()));
  EXPECT_EQ(save(folder.string()), folder.string() + ": is a folder");
  EXPECT_THAT(save(folder.string() + "/none/a.weft"), HasSubstr("No such file or directory"));
  EXPECT_TRUE(Files().empty());
}

}  // namespace
}  // namespace weft
