#include <nlohmann/json.hpp>

#include "graph/number_text.h"
#include "tests/frontend/testing_cli.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using BenchCommand = Cli;
using ProfileCommand = Cli;

TEST_F(BenchCommand, PrintsWhatAModelDoes) {
  const std::string text = Output("bench lenet --batch 2 --threads 1 --seconds 0.01");
  EXPECT_THAT(
      text, AllOf(HasSubstr("lenet: batch 2, 1 thread, "), HasSubstr("images/s"),
                  HasSubstr("GFLOP/s"), HasSubstr("lower bound"), HasSubstr("first result after")));
}

TEST_F(BenchCommand, ItsJsonAgreesWithItself) {
  Output("zoo lenet -o a.weft");
  const auto json =
      nlohmann::json::parse(Output("bench a.weft --batch 3 --threads 1 --seconds 0.01 --json"));
  EXPECT_EQ(json["model"], "a.weft");
  EXPECT_EQ(json["batch"], 3);
  EXPECT_EQ(json["threads"], 1);
  EXPECT_GE(json["runs"], 5);
  const double seconds = json["seconds"]["median"];
  EXPECT_LE(json["seconds"]["p5"], seconds);
  EXPECT_GE(json["seconds"]["p95"], seconds);
  EXPECT_NEAR(json["examples_per_second"].get<double>() * seconds, 3, 1e-9);
  const double flops = json["flops"], rate = json["flops_per_second"];
  EXPECT_GT(flops, 3 * 2 * 416520);  // multiply-accumulates an image
  EXPECT_NEAR(rate * seconds, flops, 1e-6 * flops);
  EXPECT_NEAR(json["share_of_peak"].get<double>() * json["peak_flops_per_second"].get<double>(),
              rate, 1e-6 * rate);
  EXPECT_GT(json["bound_seconds"], 0);
  EXPECT_GT(json["load_seconds"], 0);
  EXPECT_GT(json["first_result_seconds"], json["load_seconds"]);
  EXPECT_GT(json["process_peak_bytes"], json["peak_bytes"]);
  // The program and its libraries, without the model that it loads later.
  EXPECT_GT(json["process_start_bytes"], 1 << 20);
  EXPECT_LE(json["process_start_bytes"].get<double>() + json["peak_bytes"].get<double>() / 2,
            json["process_peak_bytes"].get<double>());
  const std::string plan = Output("plan a.weft --batch 3 --threads 1");
  EXPECT_THAT(plan, HasSubstr("peak: " + BytesText(json["peak_bytes"].get<double>()) + " ("));
}

TEST_F(BenchCommand, ComparesTwoModels) {
  Output("zoo lenet -o a.weft");
  Output("export a.weft -o a.onnx");
  const std::string arguments = "bench a.weft --compare a.onnx --threads 1 --seconds 0.01";
  EXPECT_THAT(Output(arguments), AllOf(HasSubstr("a.weft: batch 1"), HasSubstr("a.onnx: batch 1"),
                                       HasSubstr("a.onnx takes ")));
  const auto json = nlohmann::json::parse(Output(arguments + " --json"));
  EXPECT_EQ(json["a"]["model"], "a.weft");
  EXPECT_EQ(json["b"]["model"], "a.onnx");
  EXPECT_EQ(json["a"]["flops"], json["b"]["flops"]);
  EXPECT_LE(json["ratio"]["p5"], json["ratio"]["p95"]);
  EXPECT_GE(json["ratio"]["turns"], 5);
}

TEST_F(BenchCommand, MeasuresTrainingAndGraphsAsTheyAre) {
  const auto flops = [&](const std::string& more) -> double {
    return nlohmann::json::parse(
        Output("bench lenet-bn --batch 4 --threads 1 --seconds 0.01 "
               "--json " +
               more))["flops"];
  };
  const double inference = flops("");
  EXPECT_GT(flops("--training"), 2.5 * inference);
  EXPECT_GT(flops("--no-optimize"), inference);  // normalization is not folded
  EXPECT_THAT(Error("bench lenet --training --no-optimize"), HasSubstr("--training"));
}

TEST_F(BenchCommand, SaysWhatIsWrong) {
  for (const std::string command : {"bench", "profile"}) {
    EXPECT_THAT(Error(command + " nowhere.weft"), HasSubstr("nowhere.weft"));
    EXPECT_THAT(Error(command + " lenett"), HasSubstr("did you mean lenet?"));
    EXPECT_THAT(Error(command + " lenet --batch 0"),
                HasSubstr("--batch: expected at least 1, got 0"));
    EXPECT_THAT(Error(command + " lenet --seconds -1"),
                HasSubstr("--seconds: expected a number above 0, got -1"));
    EXPECT_THAT(Error(command + " lenet --seconds nan"), HasSubstr("--seconds"));
    EXPECT_THAT(Error(command + " lenet --threads -1"), HasSubstr("threads, got -1"));
    EXPECT_THAT(Error(command + " lenet --tuning fast"),
                HasSubstr("expected \"off\", \"cached\" or \"measured\", got \"fast\""));
    EXPECT_THAT(Error(command + " lenet --size H"), HasSubstr("--size: expected NAME=SIZE"));
    EXPECT_THAT(Error(command + " lenet --size H=4"), HasSubstr("no input has a size H"));
    EXPECT_THAT(Error(command + " lenet --size N=4 --size N=4"), HasSubstr("N is given twice"));
  }
  EXPECT_THAT(Error("bench lenet --compare nowhere.weft"), HasSubstr("nowhere.weft"));
  EXPECT_THAT(Error("profile lenet --top -1"), HasSubstr("--top: expected at least 0, got -1"));
  EXPECT_THAT(Error("profile lenet --trace nowhere/t.json"),
              HasSubstr("--trace: nowhere/t.json: there is no folder nowhere"));
  Output("zoo lenet -o a.weft");
  EXPECT_THAT(Error("profile a.weft --trace a.weft"),
              HasSubstr("--trace: a.weft: expected another file than the input"));
  Output("show a.weft");  // it is still there
}

TEST_F(BenchCommand, TakesFilesThatWereTrainedWithinABudget) {
  Output(
      "train --model lenet --data synthetic:16 --input 1x28x28 --classes 10 --batch 8 "
      "--epochs 1 --memory-budget 100% --threads 1 -o m.weft");
  const std::string bench = "bench m.weft --training --batch 8 --threads 1 --seconds 0.01";
  EXPECT_THAT(Output(bench), HasSubstr("training steps"));  // --tuning cached
  EXPECT_THAT(Error(bench + " --tuning measured"), HasSubstr("leave one of both out"));
}

TEST_F(BenchCommand, KeepsWhatItMeasuresOfATraining) {
  for (const std::string network : {"lenet", "lenet-bn"}) {
    const std::string bench = "bench " + network + " --training --batch 4 --threads 1 " +
                              "--seconds 0.01 --tuning measured";
    EXPECT_THAT(Output(bench), HasSubstr("training steps"));
  }
  EXPECT_THAT(Leftovers(), ::testing::ElementsAre("cache"));
}

TEST_F(BenchCommand, OpenSizesAreGivenByName) {
  Output("zoo lenet -o a.weft");
  Output("export a.weft -o a.onnx");
  Output("import a.onnx -o fixed.weft --shape 2x1x28x28");
  EXPECT_THAT(Output("bench fixed.weft --threads 1 --seconds 0.01"), HasSubstr("batch 2"));
  EXPECT_THAT(Error("bench fixed.weft --batch 3"),
              HasSubstr("fixed.weft: batch: the model's inputs fix it as 2, got 3"));
  EXPECT_THAT(Output("bench a.weft --size N=5 --threads 1 --seconds 0.01"), HasSubstr("batch 5"));
}

TEST_F(ProfileCommand, ShowsEachStepOfAStepOfTraining) {
  const std::string text =
      Output("profile lenet-bn --batch 2 --threads 1 --seconds 0.01 --training --top 0");
  EXPECT_THAT(text, AllOf(HasSubstr("implementation"), HasSubstr("block1.conv"),
                          HasSubstr(" steps "), HasSubstr(" % of a run")));
}

TEST_F(ProfileCommand, ItsJsonAddsUp) {
  Output("zoo lenet-bn -o a.weft");
  const std::string arguments =
      "profile a.weft --batch 2 --threads 1 --seconds 0.01 --json --trace t.json";
  const auto json = nlohmann::json::parse(Output(arguments));
  constexpr std::string_view kFused = "fuse_conv_activation(block1.conv, block1.bn, ";
  double seconds = 0, bound = 0;
  bool fused = false;
  for (const auto& step : json["steps"]) {
    seconds += step["seconds"].get<double>();
    bound += step["bound_seconds"].get<double>();
    fused = fused || step["from"].get<std::string>().starts_with(kFused);
    EXPECT_EQ(step["calls"], 1);
    EXPECT_FALSE(step["implementation"].get<std::string>().empty()) << step;
  }
  EXPECT_TRUE(fused) << json;
  EXPECT_NEAR(json["step_seconds"].get<double>(), seconds, 1e-9);
  EXPECT_LE(json["step_share"], 1);
  EXPECT_NEAR(json["bound_seconds"].get<double>(), bound, 1e-9);
  const auto trace = nlohmann::json::parse(ReadText(Path("t.json")));
  const size_t steps = json["steps"].size();
  EXPECT_EQ(trace["traceEvents"].size() % (steps + 1), 2u);  // two names; runs with their steps
  EXPECT_THAT(Leftovers(), ::testing::UnorderedElementsAre("a.weft", "t.json"));
}

}  // namespace
}  // namespace weft
