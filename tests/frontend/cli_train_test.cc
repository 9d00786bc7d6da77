// `weft train` and `weft lr-find` as a user meets them: options, files of options, interruptions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#include "testing_cli.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Seconds = std::chrono::duration<double>;

class CliTrain : public Cli {
 protected:
  Seconds TimeOf(const std::string& arguments) const {
    const auto begin = std::chrono::steady_clock::now();
    Output(arguments);
    return std::chrono::steady_clock::now() - begin;
  }
};

TEST_F(CliTrain, AFileOfOptionsIsAsGoodAsFlags) {
  const std::string flags =
      "--model lenet-bn --data digits:200 --epochs 2 --batch 50 --lr 0.03 --schedule step "
      "--lr-step 1 --no-decay-vectors --nesterov --threads 1 ";
  Output("train " + flags + "-o flags.weft");
  const std::string printed = Output("train " + flags + "-o flags.weft --print-config");
  EXPECT_THAT(printed, AllOf(HasSubstr("\nlearning_rate: 0.03\n"), HasSubstr("\nnesterov: true\n"),
                             HasSubstr("\nschedule: \"step\"\n"), HasSubstr("\nmomentum: 0.9\n"),
                             HasSubstr("# Passes over the data, in all\nepochs: 2\n")));
  WriteText(Path("train.txt"), printed);
  Output("train --config train.txt -o file.weft");
  EXPECT_EQ(ReadText(Path("file.weft")), ReadText(Path("flags.weft")));
  // Flags prevail, and what is printed of that is the same file again.
  EXPECT_THAT(Output("train --config train.txt --epochs 5 --print-config"),
              AllOf(HasSubstr("epochs: 5\n"), HasSubstr("batch: 50\n")));
  EXPECT_EQ(Output("train --config train.txt --print-config"), printed);
  // A saved model says what it was made with.
  EXPECT_THAT(Output("show file.weft"),
              AllOf(HasSubstr("trained for 2 epochs (step 8), seed 0, 1 thread"),
                    HasSubstr("  batch 50\n"), HasSubstr("  data digits:200\n")));
  EXPECT_THAT(Output("train --model file.weft --print-config"), HasSubstr("\nlr_step: 1\n"));
}

TEST_F(CliTrain, RefusesOptionsWithTheirPlace) {
  WriteText(Path("a.txt"), "model: \"lenet\"\nepoch: 3\n");
  EXPECT_THAT(Error("train --config a.txt -o a.weft"),
              HasSubstr("a.txt:2:6: there is no option epoch, did you mean epochs?"));
  WriteText(Path("a.txt"), "model: \"lenet\" batch: \"x\"");
  EXPECT_THAT(Error("train --config a.txt -o a.weft"), HasSubstr("a.txt:1:23: Expected integer"));
  EXPECT_THAT(Error("train --config none.txt -o a.weft"), HasSubstr("none.txt"));
  EXPECT_THAT(Error("train -o a.weft"), HasSubstr("--model is required"));
  EXPECT_THAT(Error("train --model lenet --resume b.weft"), HasSubstr("got both"));
  Output("zoo lenet -o new.weft");
  EXPECT_THAT(Error("train --resume new.weft"), HasSubstr("new.weft: has no training to go on"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --patience -1 -o a.weft"),
              HasSubstr("patience: expected at least 0, got -1"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --lr-gamma 0 -o a.weft"),
              HasSubstr("lr_gamma"));
  EXPECT_THAT(Error("train --model dcgan --data synthetic:8 --monitor accuracy -o a.weft"),
              HasSubstr("monitor: the model has no accuracy"));
  EXPECT_FALSE(std::filesystem::exists(Path("a.weft")));
}

TEST_F(CliTrain, SaysWhatItDoesAndWhyItStops) {
  const std::string out = Output(
      "train --model lenet-bn --data digits:200 --epochs 9 --threads 1 --patience 1 --min-delta "
      "100 "
      "-o a.weft");
  EXPECT_THAT(out, HasSubstr("options: "));
  EXPECT_THAT(out, HasSubstr("patience 1, min_delta 100"));
  EXPECT_THAT(out, HasSubstr("stopped early: no better loss in 1 epoch\n"));
  EXPECT_THAT(out, HasSubstr("restored the best epoch, 1 (loss "));
  EXPECT_THAT(out, Not(HasSubstr("epoch 3/9")));
  EXPECT_EQ(ReadText(Path("a.weft")), ReadText(Path("a-best.weft")));
}

// Signals, kills and a full disk, at random moments.
TEST_F(CliTrain, TwentyInterruptionsChangeNoBit) {
  const std::string arguments =
      "train --model lenet-bn --data digits:640 --epochs 12 --batch 32 --seed 3 --threads 1 "
      "--schedule plateau --warmup-epochs 1 --plateau-patience 0 --plateau-threshold 0.3 "
      "--save-every-steps 7 ";
  const Seconds startup = TimeOf("train --model lenet-bn --data digits:640 --print-config");
  const Seconds whole = TimeOf(arguments + "-o whole.weft");
  std::mt19937 random(11);
  std::uniform_real_distribution<double> part(0, 1);
  int interruptions = 0, signalled = 0;
  bool finished = false;
  for (int i = 0; i < 20 && !finished; ++i) {
    const bool begun = std::filesystem::exists(Path("part.weft"));
    const std::string command = begun ? "train --resume part.weft" : arguments + "-o part.weft";
    const std::string before = ReadText(Path("part.weft"));
    if (i % 4 == 3) {  // the disk is full: files of at most 16 KiB can be written
      const Outcome full = Finish(Start(command, "stdout", "ulimit -f 32 && "));
      ++interruptions;
      ASSERT_EQ(full.code, 1) << full.err;
      EXPECT_THAT(full.err, AllOf(HasSubstr("part.weft"), HasSubstr("File too large")));
      EXPECT_EQ(ReadText(Path("part.weft")), before);
      continue;
    }
    const int signal = i % 4 == 0 ? SIGINT : i % 4 == 1 ? SIGKILL : SIGTERM;
    const pid_t pid = Start(command);
    std::this_thread::sleep_for(startup * part(random) + whole * part(random) / 10);
    kill(pid, signal);
    const Outcome stopped = Finish(pid);
    finished = stopped.code == 0 || stopped.err.find("epochs already") != std::string::npos;
    if (finished) break;
    ++interruptions;
    // Before it listens, a signal ends it as usual.
    ASSERT_THAT(stopped.code, AnyOf(128 + signal, -signal)) << stopped.err;
    if (stopped.code < 0) continue;
    ++signalled;
    EXPECT_THAT(stopped.err, HasSubstr("go on with: weft train --resume part.weft"));
  }
  EXPECT_GE(interruptions, 12);
  EXPECT_GE(signalled, 2);
  if (!finished) Output("train --resume part.weft");
  EXPECT_EQ(ReadText(Path("part.weft")), ReadText(Path("whole.weft")));
}

TEST_F(CliTrain, FindsALearningRate) {
  const std::string out = Output(
      "lr-find lenet-bn --data digits:300 --threads 1 --steps 40 --from 1e-5 -o lr.csv --plot "
      "lr.svg");
  EXPECT_THAT(out,
              AllOf(HasSubstr("smoothed loss"), HasSubstr("steepest: "), HasSubstr("try --lr ")));
  const std::string csv = ReadText(Path("lr.csv"));
  EXPECT_THAT(csv, ::testing::StartsWith("learning_rate,loss,smoothed_loss\n1e-05,"));
  EXPECT_THAT(ReadText(Path("lr.svg")),
              AllOf(HasSubstr("<svg "), HasSubstr("<polyline "), ::testing::EndsWith("</svg>\n")));
  EXPECT_THAT(Error("lr-find lenet-bn --data digits:300 --from 0"), HasSubstr("above 0, got 0"));
  EXPECT_THAT(Error("lr-find --data digits"), HasSubstr("--model is required"));
}

}  // namespace
}  // namespace weft
