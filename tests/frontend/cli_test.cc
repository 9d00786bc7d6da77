// The command as a user meets it: each test runs it as a process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "frontend/build/builder.h"
#include "frontend/io/npy.h"
#include "frontend/onnx/import/import.h"
#include "graph/file/serialize.h"
#include "testing_cli.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST_F(Cli, EveryCommandHasHelpWithAnExample) {
  for (const char* command :
       {"", "train", "eval", "run", "show", "optimize", "diff", "plan", "zoo", "weights",
        "weights load", "weights save", "weights list", "ops", "demo", "data", "features",
        "lr-find", "plot", "bench", "profile"}) {
    const std::string help = Output(std::string(command) + " --help");
    EXPECT_THAT(help, HasSubstr("Example")) << command;
    EXPECT_THAT(help, HasSubstr("weft")) << command;
  }
  EXPECT_THAT(Output("train --help"), HasSubstr("weft zoo"));
}

TEST_F(Cli, DescribesOps) {
  const std::string all = Output("ops");
  EXPECT_THAT(all, HasSubstr("\nConv "));
  EXPECT_THAT(all, HasSubstr("\nSize "));
  const std::string conv = Output("ops Conv");
  EXPECT_THAT(conv, HasSubstr("input B: f32|f64, may be absent"));
  EXPECT_THAT(conv, HasSubstr("attribute group: int, 1"));
  EXPECT_THAT(conv, HasSubstr("gradient: yes"));
  EXPECT_THAT(Output("ops Size"), HasSubstr("gradient: none: integer output"));
  EXPECT_THAT(Error("ops Convv"), HasSubstr("unknown op Convv, did you mean Conv?"));
}

TEST_F(Cli, SaysItsVersion) { EXPECT_THAT(Output("--version"), StartsWith("weft 0.")); }

TEST_F(Cli, ProposesWhatWasMeant) {
  EXPECT_EQ(Error("trian --data digits"),
            "weft: unknown command trian, did you mean train? (see weft --help)\n");
  EXPECT_THAT(Error("train --model lenett -o a.weft"),
              HasSubstr("unknown model lenett, did you mean lenet?"));
  EXPECT_THAT(Error("train --model resnet15 -o a.weft"),
              HasSubstr("unknown model resnet15, did you mean resnet152?"));
  EXPECT_THAT(Error("zoo nothing_like_it"), HasSubstr("unknown model nothing_like_it ("));
}

TEST_F(Cli, ListsTheNetworksThatBeginSo) {
  const std::string listed = Output("zoo resnet1");
  for (const char* name : {"resnet18 ", "resnet101 ", "resnet152 "}) {
    EXPECT_THAT(listed, HasSubstr(name));
  }
  EXPECT_THAT(listed, testing::Not(HasSubstr("resnet50")));
  const std::string twice = Output("zoo resnet18 resnet1");
  EXPECT_EQ(twice.find("resnet18 "), twice.rfind("resnet18 "));
}

TEST_F(Cli, ChecksTheNetworksOfAFolderThatBeginSo) {
  std::filesystem::create_directory(Path("logits"));
  WriteText(Path("logits/lenet-bn.txt"), "no network");
  EXPECT_THAT(Error("zoo lenet- --check logits"), HasSubstr("lenet-bn"));
  EXPECT_THAT(Error("zoo resnet1 --check logits"),
              HasSubstr("logits: has no network called resnet1"));
}

TEST_F(Cli, RefusesArgumentsWithOneLine) {
  EXPECT_THAT(Error("train --model lenet"), HasSubstr("--output is required"));
  EXPECT_THAT(Error("train --model lenet --epochs many -o a.weft"), HasSubstr("--epochs"));
  EXPECT_THAT(Error("train --model lenet --frobnicate -o a.weft"), HasSubstr("--frobnicate"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --epochs 0 -o a.weft"),
              HasSubstr("1 to 1000000000 epochs, got 0"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --batch 0 -o a.weft"),
              HasSubstr("batch"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --lr -1 -o a.weft"),
              HasSubstr("learning rate"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --momentum 2 -o a.weft"),
              HasSubstr("momentum"));
  EXPECT_THAT(Error("train --model lenet --schedule stairs -o a.weft"), HasSubstr("schedule"));
  EXPECT_THAT(Error("train --model lenet -o nowhere/a.weft"), HasSubstr("no folder nowhere"));
  EXPECT_THAT(Error("train --model lenet -o ''"), HasSubstr("expected a file's name"));
  EXPECT_THAT(Error("train --model lenet --seed -1 -o a.weft"), HasSubstr("--seed"));
  EXPECT_THAT(Error("train --model lenet --data digits:10 --threads 100000 -o a.weft"),
              HasSubstr("threads, got 100000"));
  EXPECT_THAT(Error("plan lenet --threads -1"), HasSubstr("threads, got -1"));
  EXPECT_THAT(Error("plan lenet --batch 0"), HasSubstr("--batch: expected at least 1, got 0"));
  EXPECT_THAT(Error("plan lenet --recompute"), HasSubstr("--train"));
  EXPECT_THAT(Error("plan lenet --stage fuse"), HasSubstr("expected a stage of choose, "));
  const std::string demo = Error("demo -o nowhere/a.weft");
  EXPECT_THAT(demo, HasSubstr("no folder nowhere"));
  EXPECT_THAT(ReadText(Path("stdout")), ::testing::IsEmpty());  // before it trains
  EXPECT_THAT(Leftovers(), ::testing::IsEmpty());
}

TEST_F(Cli, NamesTheFileThatIsMissingOrDamaged) {
  for (const char* command :
       {"eval a.weft", "show a.weft", "plan a.weft", "run a.weft --input x.npy",
        "optimize a.weft -o b.weft", "train --model a.weft -o b.weft"}) {
    EXPECT_THAT(Error(command), HasSubstr("a.weft")) << command;
  }
  Train("good.weft");
  const std::string bytes = ReadText(Path("good.weft"));
  WriteText(Path("a.weft"), bytes.substr(0, bytes.size() / 2));
  for (const char* command : {"eval a.weft", "show a.weft", "optimize a.weft -o b.weft",
                              "train --model a.weft -o b.weft"}) {
    EXPECT_THAT(Error(command), HasSubstr("a.weft")) << command;
  }
  EXPECT_FALSE(std::filesystem::exists(Path("b.weft")));
}

TEST_F(Cli, NamesTheDataThatAreMissingOrShort) {
  EXPECT_THAT(Error("train --model lenet --data mnist:nowhere -o a.weft"), HasSubstr("nowhere"));
  EXPECT_THAT(Error("train --model lenet --data letters -o a.weft"),
              HasSubstr("wav:DIR; got \"letters\""));
  std::filesystem::create_directory(Path("mnist"));
  EXPECT_THAT(Error("train --model lenet --data mnist:mnist -o a.weft"),
              HasSubstr("train-images-idx3-ubyte"));
  // Three images of 28x28 announced, two there.
  const std::string header = BigEndian(0x803) + BigEndian(3) + BigEndian(28) + BigEndian(28);
  WriteText(Path("mnist/train-images-idx3-ubyte"), header + std::string(2 * 28 * 28, '\7'));
  WriteText(Path("mnist/train-labels-idx1-ubyte"), BigEndian(0x801) + BigEndian(3) + "\1\2\3");
  EXPECT_THAT(Error("train --model lenet --data mnist:mnist -o a.weft"),
              HasSubstr("mnist/train-images-idx3-ubyte"));
  EXPECT_FALSE(std::filesystem::exists(Path("a.weft")));
}

TEST_F(Cli, RunsArraysAndImages) {
  Train("a.weft");
  WritePng(Path("x.png"), 28, 28);
  const std::string top = Output("run a.weft --input x.png --top 2 --output y.npy");
  EXPECT_EQ(std::count(top.begin(), top.end(), '\n'), 2);
  EXPECT_THAT(top, HasSubstr(" %"));
  const auto scores = ReadNpy(Path("y.npy"));
  ASSERT_TRUE(scores.ok()) << scores.status();
  EXPECT_EQ(scores->dims(), (Dims{1, 10}));

  ASSERT_TRUE(WriteNpy(Path("x.npy"), *Tensor::Zeros(DType::kF32, {3, 1, 28, 28})).ok());
  EXPECT_EQ(Output("run a.weft --input x.npy --output z.npy"), "");
  EXPECT_EQ(ReadNpy(Path("z.npy"))->dims(), (Dims{3, 10}));
}

TEST_F(Cli, WritesEachOutputWhereAndAsItsFileSays) {
  Builder b;
  const Value x = b.Input("x", {"N", 2});
  b.Output("y", b.Relu(x));
  b.Output("z", b.Neg(x));
  ASSERT_TRUE(SaveModel(*b.Build(), Path("a.weft")).ok());
  const Tensor half =
      *Tensor::FromValues<float>({1, 2}, std::array{-1.5f, 2.0f})->Converted(DType::kF16);
  ASSERT_TRUE(WriteNpy(Path("x.npy"), half).ok());  // converted to the input's f32
  EXPECT_EQ(Output("run a.weft --input x.npy --output z=z.npy --output y.pb"), "");
  const auto y = ReadOnnxTensor(Path("y.pb"));
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_EQ(*y, *Tensor::FromValues<float>({1, 2}, std::array{0.0f, 2.0f}));
  EXPECT_EQ(*ReadNpy(Path("z.npy")), *Tensor::FromValues<float>({1, 2}, std::array{1.5f, -2.0f}));

  EXPECT_THAT(Error("run a.weft --input x.npy --output w=w.npy"),
              HasSubstr("a.weft: has no output called 'w'; it has y, z"));
  EXPECT_THAT(Error("run a.weft --input x.npy --output y.txt"),
              HasSubstr("--output: y.txt: expected a file that ends in .npy or .pb"));
  EXPECT_THAT(Error("run a.weft --input x.npy --output a.npy --output y=b.npy"),
              HasSubstr("output y is given twice"));
  EXPECT_THAT(Error("run a.weft --input x.npy --output y=a.npy --output z=a.npy"),
              HasSubstr("file a.npy is given twice"));
  EXPECT_FALSE(std::filesystem::exists(Path("a.npy")));
}

TEST_F(Cli, OutputsAreFoundOutBeforeAnythingRuns) {
  Builder b;
  const Value x = b.Input("x", {"N", 2});
  b.Output("y", b.Relu(x));
  b.Output("z", b.Neg(x));
  b.Output("half", b.Cast(x, DType::kBF16));
  ASSERT_TRUE(SaveModel(*b.Build(), Path("a.weft")).ok());
  ASSERT_TRUE(WriteNpy(Path("x.npy"), *Tensor::Zeros(DType::kF32, {1, 2})).ok());
  std::filesystem::create_directories(Path("runs/lr=0.1"));
  EXPECT_EQ(Output("run a.weft --input x.npy --output runs/lr=0.1/y.npy"), "");
  EXPECT_TRUE(ReadNpy(Path("runs/lr=0.1/y.npy")).ok());
  EXPECT_EQ(Output("run a.weft --input x.npy --output z=runs/lr=0.1/z.npy"), "");
  EXPECT_TRUE(ReadNpy(Path("runs/lr=0.1/z.npy")).ok());

  const std::string run = "run a.weft --input nowhere.npy ";
  EXPECT_THAT(Error(run + "--output =y.npy"),
              HasSubstr("expected NAME=FILE or FILE, got '=y.npy'"));
  EXPECT_THAT(Error(run + "--output nothing/like=y.npy"),
              HasSubstr("has no output called 'nothing/like'"));
  EXPECT_THAT(Error(run + "--output y=a.npy --output z=./runs/../a.npy"),
              HasSubstr("file ./runs/../a.npy is given twice"));
  EXPECT_THAT(Error(run + "--output half=half.npy"),
              HasSubstr("--output: half.npy: .npy has no element type bf16"));
}

TEST_F(Cli, SavesModelsUnderNamesThatItOpensAgain) {
  for (const char* command : {"train --model lenet", "zoo lenet", "demo", "optimize a.weft",
                              "import a.onnx", "weights load a.weft w.pth"}) {
    EXPECT_THAT(Error(std::string(command) + " -o o.onnx"), HasSubstr("o.onnx: ")) << command;
  }
  EXPECT_EQ(Error("zoo lenet -o o.onnx"),
            "weft zoo: o.onnx: a model is saved as .weft; `weft export` writes ONNX\n");
  EXPECT_THAT(Leftovers(), ::testing::IsEmpty());
}

TEST_F(Cli, RefusesInputsOfAnotherForm) {
  Train("a.weft");
  WritePng(Path("wide.png"), 28, 40);
  EXPECT_THAT(Error("run a.weft --input wide.png --output y.npy"),
              HasSubstr("wide.png: expected 28x28, image is 28x40"));
  EXPECT_THAT(Output("run a.weft --input wide.png --resize --top 1"), HasSubstr(" %"));
  ASSERT_TRUE(WriteNpy(Path("x.npy"), *Tensor::Zeros(DType::kF32, {3, 3, 28, 28})).ok());
  const std::string error = Error("run a.weft --input x.npy --output y.npy");
  EXPECT_THAT(error, HasSubstr("x.npy"));
  EXPECT_THAT(error, HasSubstr("input x, axis 1: expected 1, got 3"));
  WriteText(Path("t.png"), "not an image");
  EXPECT_THAT(Error("run a.weft --input t.png"), HasSubstr("t.png"));
  EXPECT_THAT(Error("run a.weft --input x.txt"),
              HasSubstr("ends in .npy, .pb (an ONNX TensorProto), .png or .jpg"));
  EXPECT_FALSE(std::filesystem::exists(Path("y.npy")));
}

TEST_F(Cli, RefusesToRankWhatAreNoScoresAndWritesNothing) {
  Builder b;
  b.Output("y", b.Relu(b.Input("x", {"N", 2, 3})));
  ASSERT_TRUE(SaveModel(*b.Build(), Path("a.weft")).ok());
  ASSERT_TRUE(WriteNpy(Path("x.npy"), *Tensor::Zeros(DType::kF32, {1, 2, 3})).ok());
  EXPECT_THAT(Error("run a.weft --input x.npy --output y.npy --top 1"), HasSubstr("no scores"));
  EXPECT_FALSE(std::filesystem::exists(Path("y.npy")));
  EXPECT_EQ(Output("run a.weft --input x.npy --output y.npy"), "");
  EXPECT_TRUE(std::filesystem::exists(Path("y.npy")));
}

// Labels and losses are training's.
TEST_F(Cli, RunsAModelThatStatesItsLoss) {
  Builder b;
  const Value x = b.Input("x", {"N", 4});
  const Value labels = b.Input("labels", {"N"}, {.dtype = DType::kI64});
  const Value scores = b.Linear(x, {.features = 3, .name = "head"});
  b.Loss("loss", b.CrossEntropy(scores, labels));
  b.Output("scores", scores);
  ASSERT_TRUE(SaveModel(*b.Build(), Path("a.weft")).ok());
  ASSERT_TRUE(WriteNpy(Path("x.npy"), *Tensor::Zeros(DType::kF32, {2, 4})).ok());
  const std::string top = Output("run a.weft --input x.npy --top 3 --output y.npy");
  EXPECT_EQ(std::count(top.begin(), top.end(), '\n'), 8);  // two headings, three classes each
  EXPECT_EQ(ReadNpy(Path("y.npy"))->dims(), (Dims{2, 3}));
  EXPECT_THAT(Error("run a.weft --input labels=x.npy"), HasSubstr("has no input called 'labels'"));
}

TEST_F(Cli, FailsWhenStdoutCannotBeWritten) {
  for (const char* arguments : {"show lenet", "plan lenet --train"}) {
    const Outcome o = Finish(Start(arguments, "/dev/full"));
    EXPECT_EQ(o.code, 1) << arguments;
    EXPECT_THAT(o.err, HasSubstr("cannot write to standard output")) << arguments;
  }
}

TEST_F(Cli, ShowsModels) {
  EXPECT_THAT(Output("show lenet"), HasSubstr("61,706"));
  EXPECT_THAT(Output("show lenet --text"), HasSubstr("conv1: f32[N,6,28,28] = Conv("));
  EXPECT_THAT(Output("show lenet --dot"), StartsWith("digraph"));
  Train("a.weft");
  EXPECT_THAT(Output("show a.weft --summary"), HasSubstr("block1.conv"));
  EXPECT_THAT(Output("plan a.weft --batch 3"), HasSubstr("block1.conv"));
  EXPECT_THAT(Output("plan a.weft --batch 3 --train"),
              AllOf(HasSubstr("passes: "), HasSubstr("optimizer")));
  EXPECT_THAT(Output("plan lenet-bn --train --recompute"), HasSubstr("recompute_normalization x "));
  EXPECT_THAT(Output("plan a.weft --train --stage choose"), HasSubstr("view of input 0"));
  EXPECT_THAT(Output("plan a.weft --stage emit"), HasSubstr("@arena#"));
  EXPECT_THAT(Error("plan a.weft --train --memory-budget 90% --stage choose"),
              HasSubstr("--stage: a step within --memory-budget"));
}

TEST_F(Cli, OptimizedModelsGiveTheSameAccuracy) {
  Train("a.weft");
  const std::string explained = Output("optimize a.weft -o b.weft --explain");
  EXPECT_THAT(explained, HasSubstr("fold_conv_bn"));
  EXPECT_THAT(explained, HasSubstr("FusedConv"));
  const std::string text = Output("show b.weft --text");
  EXPECT_THAT(text, HasSubstr("FusedConv("));
  EXPECT_THAT(text, Not(HasSubstr("= BatchNormalization(")));
  const auto accuracy = [&](const std::string& file) {
    const std::string out = Output("eval " + file + " --data digits:1000");
    return out.substr(0, out.find(", loss"));
  };
  EXPECT_THAT(accuracy("a.weft"), HasSubstr("accuracy"));
  EXPECT_EQ(accuracy("a.weft"), accuracy("b.weft"));
  EXPECT_THAT(Error("optimize a.weft -o c.weft --passes fold_conv_bm"), HasSubstr("fold_conv_bm"));
  EXPECT_THAT(Error("train --model b.weft -o c.weft"), HasSubstr("no trainable variables"));
  EXPECT_FALSE(std::filesystem::exists(Path("c.weft")));
}

TEST_F(Cli, TrainingTwiceGivesIdenticalFiles) {
  const std::string arguments =
      "train --model lenet-bn --data digits:400 --epochs 2 --seed 9 --threads 2 -o ";
  const std::string out = Output(arguments + "a.weft");
  EXPECT_THAT(out, HasSubstr("epoch 2/2"));
  EXPECT_THAT(out, HasSubstr("test accuracy"));
  Output(arguments + "b.weft");
  EXPECT_EQ(ReadText(Path("a.weft")), ReadText(Path("b.weft")));
}

TEST_F(Cli, InterruptedTrainingSavesAndResumesToTheSameBits) {
  const std::string arguments =
      "train --model lenet-bn --data digits:2000 --epochs 4 --batch 32 --seed 3 --threads 1 ";
  Output(arguments + "-o whole.weft");
  const pid_t pid = Start(arguments + "-o part.weft");
  while (!std::filesystem::exists(Path("part.weft")) && waitpid(pid, nullptr, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  kill(pid, SIGINT);
  const Outcome stopped = Finish(pid);
  ASSERT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("go on with: weft train --resume part.weft"));
  EXPECT_THAT(Output("train --model part.weft -o part.weft"), HasSubstr("resuming after"));
  EXPECT_EQ(ReadText(Path("part.weft")), ReadText(Path("whole.weft")));
  EXPECT_THAT(Error("train --model part.weft -o part.weft"), HasSubstr("4 of 4 epochs already"));
}

TEST_F(Cli, DemoRunsToItsEnd) {
  const std::string out = Output("demo --epochs 1 --examples 1000 --threads 1 -o d.weft");
  for (const char* part : {"206,970", "epoch 1/1", "held-out", "FusedConv", "this is a",
                           "batch   1", "us before", "times as fast on one image"}) {
    EXPECT_THAT(out, HasSubstr(part));
  }
  EXPECT_THAT(Output("show d.weft"), HasSubstr("206,970"));
}

}  // namespace
}  // namespace weft
