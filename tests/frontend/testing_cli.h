#ifndef WEFT_TESTS_FRONTEND_TESTING_CLI_H_
#define WEFT_TESTS_FRONTEND_TESTING_CLI_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "testing_files.h"

namespace weft {

inline const char* const kCommand = WEFT_BINARY_DIR "/weft";

struct Outcome {
  int code = -1;
  std::string out, err;
};

// A gray image.
inline void WritePng(const std::string& path, uint32_t height, uint32_t width) {
  png_image image = {};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_GRAY;
  std::vector<uint8_t> pixels(static_cast<size_t>(height) * width);
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i % 251);
  ASSERT_NE(png_image_write_to_file(&image, path.c_str(), 0, pixels.data(), 0, nullptr), 0);
}

// In a folder of the test's own, where relative paths lie.
class Cli : public ::testing::Test {
 protected:
  void SetUp() override { folder_ = TestFolder(); }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  // `before` stands before the command in the shell's line. What this machine's user has had
  // measured does not choose the kernels.
  pid_t Start(const std::string& arguments, const std::string& out = "stdout",
              const std::string& before = "") const {
    const pid_t pid = fork();
    if (pid != 0) return pid;
    const std::string line = "cd '" + folder_ + "' && XDG_CACHE_HOME='" + folder_ +
                             "/cache' && export XDG_CACHE_HOME && " + before + "exec '" + kCommand +
                             "' " + arguments + " >" + out + " 2>stderr </dev/null";
    execl("/bin/sh", "sh", "-c", line.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }

  Outcome Finish(pid_t pid) const {
    int status = 0;
    waitpid(pid, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), ReadText(Path("stdout")),
            ReadText(Path("stderr"))};
  }

  Outcome Run(const std::string& arguments) const { return Finish(Start(arguments)); }

  // Runs it and expects it to work; its stdout.
  std::string Output(const std::string& arguments) const {
    const Outcome o = Run(arguments);
    EXPECT_EQ(o.code, 0) << arguments << ": " << o.err;
    return o.out;
  }

  // Runs it and expects it to fail with one line on stderr, which is returned.
  std::string Error(const std::string& arguments) const {
    const Outcome o = Run(arguments);
    EXPECT_GT(o.code, 0) << arguments;
    EXPECT_THAT(o.err, ::testing::EndsWith("\n")) << arguments;
    EXPECT_EQ(std::count(o.err.begin(), o.err.end(), '\n'), 1) << arguments << ":\n" << o.err;
    return o.err;
  }

  // A trained model in the test's folder.
  void Train(const std::string& file, const std::string& more = "") const {
    Output("train --model lenet-bn --data digits:300 --epochs 1 --threads 1 -o " + file + " " +
           more);
  }

  std::vector<std::string> Leftovers() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename();
      if (name != "stdout" && name != "stderr") names.push_back(name);
    }
    return names;
  }

  std::string folder_;
};

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_CLI_H_
