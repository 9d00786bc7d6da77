// `weft train` and `weft lr-find` as a user meets them: options, files of options, interruptions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <optional>
#include <random>
#include <thread>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "frontend/io/npy.h"
#include "testing_cli.h"
#include "testing_data.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CliTrain : public Cli {};

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

TEST_F(CliTrain, AnotherOptimizerHasItsOwnRate) {
  const std::string adam = "train --model lenet-bn --optimizer adam --print-config";
  EXPECT_THAT(Output(adam), HasSubstr("\nlearning_rate: 0.001\n"));
  EXPECT_THAT(Output(adam + " --lr 0.02"), HasSubstr("\nlearning_rate: 0.02\n"));
  const std::string network = Output("train --model lenet-bn --print-config");
  EXPECT_EQ(Output("train --model lenet-bn --optimizer sgd --print-config"), network);
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
  EXPECT_THAT(Error("train --model lenet --data digits:10 --log a.csv --log-gradients 5 -o a.weft"),
              HasSubstr("log_gradients: distributions are written for TensorBoard"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --lr-gamma 0 -o a.weft"),
              HasSubstr("lr_gamma"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --lr-milestones 3,6 -o a.weft"),
              HasSubstr("does not apply to the schedule cosine, but to multi_step"));
  EXPECT_THAT(Error("train --model dcgan --data synthetic:8 --monitor accuracy -o a.weft"),
              HasSubstr("monitor: the model has no accuracy"));
  EXPECT_FALSE(std::filesystem::exists(Path("a.weft")));
}

// What a resumed training has behind it is not asked of it again, and a flag's method leaves behind
// what the file's needed.
TEST_F(CliTrain, AFileOfOptionsServesToGoOn) {
  const std::string flags =
      "--model lenet-bn --data digits:100 --width 0.5 --init he_normal --threads 1 ";
  WriteText(Path("train.txt"), Output("train " + flags + "--print-config"));
  EXPECT_THAT(Error("train --config train.txt"), HasSubstr("--output is required"));
  Output("train --config train.txt --epochs 1 -o a.weft");
  Output("train --config train.txt --epochs 2 --resume a.weft");
  EXPECT_THAT(Output("show a.weft"), HasSubstr("trained for 2 epochs"));
  EXPECT_THAT(Output("train --config train.txt --optimizer adam --print-config"),
              AllOf(HasSubstr("optimizer: \"adam\"\n"), HasSubstr("\nmomentum: 0\n")));
  WriteText(Path("min.txt"), "model: \"lenet\" schedule: \"cosine\" lr_min: 0.01");
  EXPECT_THAT(Output("train --config min.txt --schedule constant --print-config"),
              HasSubstr("\nlr_min: 0\n"));
  Output("train --resume a.weft --epochs 3 --recompute");
  EXPECT_THAT(Output("train --resume a.weft --print-config"), HasSubstr("\nrecompute: true\n"));
  EXPECT_THAT(Error("train --resume a.weft --restart"), HasSubstr("--model FILE --restart"));
  EXPECT_THAT(Error("train --model a.weft --epochs 4 --init he_normal -o b.weft"),
              HasSubstr("a.weft: its training goes on"));
}

TEST_F(CliTrain, ANewTrainingFromAFileLeavesItsLogAlone) {
  Train("a.weft", "--log a.csv --lr 0.01");
  const std::string log = ReadText(Path("a.csv"));
  EXPECT_NE(log, "");
  Output("train --model a.weft --restart -o b.weft");
  EXPECT_EQ(ReadText(Path("a.csv")), log);
  EXPECT_THAT(Output("show b.weft"), HasSubstr("  learning_rate 0.01\n"));
  Output("train --resume a.weft --epochs 2");
  EXPECT_THAT(ReadText(Path("a.csv")), AllOf(::testing::StartsWith(log), Not(log)));
}

TEST_F(CliTrain, ARegressionHasAsManyOutputsAsNumbers) {
  std::filesystem::create_directories(Path("npy"));
  std::vector<uint8_t> bytes(6 * 28 * 28);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i % 251);
  const Tensor x = *Tensor::FromValues<uint8_t>({6, 28, 28}, bytes);
  ASSERT_TRUE(WriteNpy(Path("npy/x.npy"), x).ok());
  for (const Dims& dims : {Dims{6}, Dims{6, 2}}) {
    ASSERT_TRUE(WriteNpy(Path("npy/y.npy"), *Tensor::Zeros(DType::kF32, dims)).ok());
    Output("train --model lenet-bn --data npy:npy --val-split 0.3 --loss mse --epochs 1 -o a.weft");
    EXPECT_THAT(Output("eval a.weft"), HasSubstr("mae"));
  }
}

// The numbers that the training's pipeline makes of test data are those that eval judges by.
TEST_F(CliTrain, EvalTakesTheTrainingsPipeline) {
  const std::string trained = Output(
      "train --model lenet-bn --data digits:200 --epochs 3 --threads 1 --augment standardize -o "
      "a.weft");
  const size_t at = trained.rfind("test accuracy ");
  ASSERT_NE(at, std::string::npos) << trained;
  const std::string accuracy = trained.substr(at + 14, trained.find(')', at) - at - 13);
  EXPECT_THAT(Output("eval a.weft --threads 1"), HasSubstr("accuracy " + accuracy));
  EXPECT_THAT(Output("eval a.weft --threads 1 --tta standardize"),
              HasSubstr("accuracy " + accuracy));
  // So does run, which then takes a darker picture for the same one.
  for (const uint8_t contrast : {1, 3}) {
    Picture picture = Plain(28, 28, {0});
    for (size_t i = 0; i < picture.pixels.size(); ++i) {
      picture.pixels[i] = static_cast<uint8_t>(i % 80 * contrast);
    }
    AddPicture(Path("x.png"), picture);
    Output(absl::StrCat("run a.weft --input x.png --output y", contrast, ".npy"));
  }
  const Tensor dark = ReadNpy(Path("y1.npy")).value(), bright = ReadNpy(Path("y3.npy")).value();
  for (int64_t i = 0; i < 10; ++i) EXPECT_NEAR(dark.At(i), bright.At(i), 1e-4);
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

// A training under way, as its log shows it.
class Interruptions : public CliTrain {
 protected:
  // What the log has of steps and epochs, without the times.
  std::vector<std::string> Rows(const std::string& log) const {
    std::vector<std::string> rows;
    for (const auto line : absl::StrSplit(ReadText(Path(log)), '\n')) {
      const std::vector<std::string> cells = absl::StrSplit(line, ',');
      if (cells.size() < 6) continue;
      rows.push_back(absl::StrJoin(cells.begin(), cells.begin() + 6, ","));
    }
    return rows;
  }

  // Waits until the command of this process has begun its log and has added so many rows.
  void AwaitRows(pid_t pid, ino_t old_log, size_t more) const {
    std::optional<size_t> begin;
    for (;; std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
      siginfo_t ended = {};
      waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT);
      if (ended.si_pid != 0) return;
      if (LogNumber() == old_log) continue;
      const size_t rows = Rows("log.csv").size();
      if (!begin) begin = rows;
      if (rows >= *begin + more) return;
    }
  }
  // Of the file, which a training replaces as it begins.
  ino_t LogNumber() const {
    struct stat info {};
    return stat(Path("log.csv").c_str(), &info) == 0 ? info.st_ino : 0;
  }
};

// Signals, kills and a full disk, at random moments, with all that a training keeps between steps.
// Each comes after a few steps more, so that there are always enough of them left.
TEST_F(Interruptions, TwentyOfThemChangeNoBit) {
  const std::string arguments =
      "train --model lenet-bn --data digits:640 --epochs 12 --batch 32 --seed 3 --threads 1 "
      "--schedule plateau --warmup-epochs 1 --plateau-patience 0 --plateau-threshold 0.3 "
      "--save-every-steps 7 --augment \"rotate(10), noise(0.05)\" --workers 2 --average-decay 0.98 "
      "--grad-accum-steps 3 --log log.csv --log-every 1 ";
  Output(arguments + "-o whole.weft");
  std::filesystem::rename(Path("log.csv"), Path("whole.csv"));
  std::mt19937 random(11);
  const auto draw = [&](int most) { return std::uniform_int_distribution(0, most)(random); };
  for (int i = 0; i < 20; ++i) {
    SCOPED_TRACE(i);
    const bool begun = std::filesystem::exists(Path("part.weft"));
    const ino_t log = LogNumber();
    const pid_t pid = Start(begun ? "train --resume part.weft" : arguments + "-o part.weft");
    // Every fifth one meets it wherever it is, before it begins to train as well.
    if (i % 5 != 4) AwaitRows(pid, log, static_cast<size_t>(draw(10)));
    std::this_thread::sleep_for(std::chrono::microseconds(draw(i % 5 != 4 ? 9000 : 300000)));
    const int signal = std::array{SIGINT, SIGKILL, SIGTERM, 0}[static_cast<size_t>(i % 4)];
    const rlimit full = {16384, 16384};
    ASSERT_EQ(signal != 0 ? kill(pid, signal) : prlimit(pid, RLIMIT_FSIZE, &full, nullptr), 0);
    const Outcome stopped = Finish(pid);
    if (signal == 0) {
      ASSERT_EQ(stopped.code, 1) << stopped.err;
      EXPECT_THAT(stopped.err, HasSubstr("File too large"));
      continue;
    }
    // Before it listens, a signal ends it as usual.
    ASSERT_THAT(stopped.code, AnyOf(128 + signal, -signal)) << stopped.out << stopped.err;
    if (i % 5 != 4 && signal != SIGKILL) {
      EXPECT_THAT(stopped.err, HasSubstr("go on with: weft train --resume part.weft"));
    }
  }
  Output("train --resume part.weft");
  EXPECT_EQ(ReadText(Path("part.weft")), ReadText(Path("whole.weft")));
  EXPECT_EQ(Rows("log.csv"), Rows("whole.csv"));
  EXPECT_THAT(Leftovers(),
              ::testing::UnorderedElementsAre("log.csv", "part.weft", "whole.csv", "whole.weft"));
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

// Of a file whose training would go on there is only the beginning of a new one.
TEST_F(CliTrain, LrFindBeginsAnewFromAFile) {
  Train("a.weft", "");
  const std::string before = ReadText(Path("a.weft"));
  const std::string line = "lr-find a.weft --threads 1 --steps 5 --from 1e-5 --to 1e-4 ";
  EXPECT_THAT(Output(line), HasSubstr("try --lr "));
  EXPECT_THAT(Output(line + "--init he_normal"), HasSubstr("try --lr "));
  EXPECT_EQ(ReadText(Path("a.weft")), before);
}

TEST_F(CliTrain, LrFindHasOnlyTheOptionsThatItUses) {
  const std::string help = Output("lr-find --help");
  for (const char* flag : {"--model", "--optimizer", "--augment", "--batch", "--workers",
                           "--init-from", "--freeze", "--clip-norm", "--steps", "--output"}) {
    EXPECT_THAT(help, HasSubstr(flag));
  }
  for (const char* flag : {"--patience", "--log", "--schedule", "--epochs", "--lr", "--restart",
                           "--save-every-steps", "--unfreeze-at", "--average-decay"}) {
    EXPECT_THAT(Error(std::string("lr-find lenet-bn ") + flag + " 1"),
                AllOf(HasSubstr(std::string("there is no option ") + flag),
                      HasSubstr("(there are --"), HasSubstr("--momentum, ")));
  }
  EXPECT_THAT(Error("lr-find lenet-bn --momentun=0.9"), HasSubstr("did you mean --momentum?"));
}

}  // namespace
}  // namespace weft
