#include "frontend/inspect/graph/run_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>

#include "frontend/bench/timing.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

TEST(RunProgram, GivesWhatItWrites) {
  std::string input;
  for (int i = 0; i < 200000; ++i) input += "line " + std::to_string(i) + "\n";
  const auto output = RunProgram({"cat"}, input);
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(*output, input);
  EXPECT_EQ(*RunProgram({"cat"}, ""), "");
}

TEST(RunProgram, ArgumentsAreNoShellsWords) {
  EXPECT_EQ(*RunProgram({"printf", "%s", "$HOME; echo 'x' | cat"}, ""), "$HOME; echo 'x' | cat");
}

TEST(RunProgram, MayLeaveItsInputUnread) {
  EXPECT_EQ(*RunProgram({"true"}, std::string(1 << 24, 'x')), "");
}

TEST(RunProgram, SaysWhatFailed) {
  EXPECT_THAT(
      RunProgram({"sh", "-c", "echo first >&2; echo second >&2; exit 3"}, "").status().message(),
      HasSubstr("sh failed (exit code 3): first"));
  EXPECT_THAT(RunProgram({"sh", "-c", "kill -SEGV $$"}, "").status().message(),
              HasSubstr("sh failed (signal 11)"));
  const absl::Status missing = RunProgram({"no-such-program-of-weft"}, "").status();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_THAT(missing.message(), HasSubstr("no-such-program-of-weft is not installed"));
  EXPECT_FALSE(RunProgram({}, "").ok());
}

TEST(RunProgram, IsKilledBeyondItsLimits) {
  const Stopwatch watch;
  const absl::Status late = RunProgram({"sleep", "60"}, "", {.seconds = 0.2}).status();
  EXPECT_TRUE(absl::IsDeadlineExceeded(late)) << late;
  // It has closed its outputs, and goes on.
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      RunProgram({"sh", "-c", "exec >&- 2>&-; exec sleep 60"}, "", {.seconds = 0.2}).status()));
  const absl::Status large = RunProgram({"yes"}, "", {.output_bytes = 1 << 20}).status();
  EXPECT_TRUE(absl::IsResourceExhausted(large)) << large;
  EXPECT_LT(watch.seconds(), 20);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);  // no child is left
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace weft
