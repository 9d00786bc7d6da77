// `weft train` killed at random moments leaves the old or the new file, whole.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "graph/file/serialize.h"
#include "ops/ops.h"

extern char** environ;

namespace weft {
namespace {

namespace fs = std::filesystem;

pid_t Start(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  EXPECT_EQ(posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

TEST(Kill, LeavesTheOldOrTheNewFileWhole) {
  const fs::path folder =
      fs::path(::testing::TempDir()) / ("weft_kill_" + std::to_string(getpid()));
  fs::create_directories(folder);
  const std::string file = (folder / "out.weft").string();
  std::mt19937 random(7);
  std::chrono::duration<double> first_save{};
  int64_t last_step = 0;
  int newer = 0;
  int same = 0;
  for (int kill_number = 0; kill_number < 200; ++kill_number) {
    const pid_t pid =
        Start({WEFT_BINARY_DIR "/weft", "train", "--model", "lenet", "--data", "digits:64",
               "--epochs", "100000", "--batch", "32", "--threads", "1", "-o", file});
    ASSERT_GT(pid, 0);
    // The first one runs until there is a file, which every later kill must leave loadable.
    const auto begin = std::chrono::steady_clock::now();
    while (kill_number == 0 && !fs::exists(file)) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ASSERT_EQ(waitpid(pid, nullptr, WNOHANG), 0) << "weft train stopped by itself";
      first_save = std::chrono::steady_clock::now() - begin;
    }
    // Around the first save, however slow this machine is.
    std::this_thread::sleep_for(first_save * std::uniform_real_distribution(0.0, 3.0)(random));
    kill(pid, SIGKILL);
    int status = 0;
    waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "weft train stopped by itself";
    absl::StatusOr<Model> model = LoadModel(file, StandardOps());
    ASSERT_TRUE(model.ok()) << "after kill " << kill_number << ": " << model.status();
    ASSERT_TRUE(model->training.has_value());
    if (kill_number > 0) ++(model->training->step != last_step ? newer : same);
    last_step = model->training->step;
  }
  // Some kills came after a save and some before the first: both outcomes were seen.
  EXPECT_GT(newer, 0);
  EXPECT_GT(same, 0);
  // Each writer has removed what the one before it left behind: of the last one there may be a
  // file.
  EXPECT_LE(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace weft
