// `weft optimize` and `weft diff` as a user meets them.
#include <nlohmann/json.hpp>

#include "frontend/io/npy.h"
#include "graph/tensor.h"
#include "testing_cli.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(Cli, ExplainsBeginningWithASummary) {
  Output("zoo resnet20_cifar -o a.weft");
  const std::string text = Output("optimize a.weft -o b.weft --explain --measure");
  EXPECT_THAT(text, ::testing::StartsWith("nodes "));
  EXPECT_THAT(text, HasSubstr("  fold_conv_bn x "));
  EXPECT_THAT(text, HasSubstr(", computing "));
  EXPECT_THAT(text, HasSubstr("one example takes "));
  // About one line a layer: the network has 21 convolutions with their normalization, 19 relus, 9
  // sums and three other layers.
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 120);
}

TEST_F(Cli, WritesTheExplanationAsJson) {
  Train("a.weft");
  const std::string text = Output("optimize a.weft -o b.weft --json --measure --verify");
  const auto json = nlohmann::json::parse(text);
  EXPECT_LT(json["after"]["nodes"], json["before"]["nodes"]);
  EXPECT_GT(json["seconds"]["before"], 0);
  EXPECT_LT(json["error"], 1e-4);
  ASSERT_FALSE(json["rewrites"].empty());
  for (const auto& rewrite : json["rewrites"]) EXPECT_LT(rewrite["error"], 1e-4) << rewrite;
  EXPECT_EQ(json["rules"][0]["rule"], json["rewrites"][0]["rule"]);
}

TEST_F(Cli, ChoosesPassesByName) {
  Train("a.weft");
  Output("optimize a.weft -o b.weft --disable fuse_scale_shift,fold_conv_bn");
  EXPECT_THAT(Output("show b.weft --text"), HasSubstr("= BatchNormalization("));
  Output("optimize a.weft -o b.weft --passes fold_conv_bn");
  EXPECT_THAT(Output("show b.weft --text"), Not(HasSubstr("= FusedConv(")));
  EXPECT_THAT(Output("optimize a.weft -o b.weft --max-rewrites 3"), HasSubstr("3 rewrites, "));
  EXPECT_THAT(Output("optimize a.weft -o b.weft --max-rewrites 0"), HasSubstr("0 rewrites, "));
}

TEST_F(Cli, VerifiesAndBisects) {
  Train("a.weft");
  EXPECT_THAT(Output("optimize a.weft -o b.weft --verify=2"),
              HasSubstr("verified on 2 samples: error "));
  // Nothing is that exact in f32.
  EXPECT_THAT(Output("optimize a.weft -o b.weft --verify --tolerance 1e-12 --explain"),
              HasSubstr(" is beyond 1e-12"));
  Tensor x = Tensor::Zeros(DType::kF32, {1, 1, 28, 28}).value();
  for (int i = 0; float& value : x.mutable_values<float>()) value = static_cast<float>(i++ % 7);
  ASSERT_TRUE(WriteNpy(Path("x.npy"), x).ok());
  EXPECT_EQ(Output("optimize a.weft --bisect x.npy"),
            "no rewrite takes the outputs beyond 0.0001\n");
  EXPECT_THAT(Output("optimize a.weft --bisect x=x.npy --tolerance 1e-12"),
              HasSubstr(", beyond 1e-12:\n"));
  const auto json =
      nlohmann::json::parse(Output("optimize a.weft --bisect x.npy --tolerance 1e-12 --json"));
  EXPECT_EQ(json["found"], true);
  EXPECT_GT(json["error_after"], 1e-12);
}

TEST_F(Cli, AbsorbsPreprocessing) {
  Train("a.weft");
  Output("optimize a.weft -o b.weft --absorb-preprocessing");
  EXPECT_THAT(Output("show b.weft --text"), Not(HasSubstr("= Div(")));
  WritePng(Path("x.png"), 28, 28);
  Output("run a.weft --input x.png --output a.npy");
  Output("run b.weft --input x.png --output b.npy");
  const Tensor a = ReadNpy(Path("a.npy")).value(), b = ReadNpy(Path("b.npy")).value();
  ASSERT_EQ(a.dims(), b.dims());
  for (int64_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a.At(i), b.At(i), 1e-4);
  // Evaluation normalises no second time.
  const auto evaluated = [&](const std::string& file) {
    const std::string text = Output("eval " + file + " --data digits:100");
    return text.substr(0, text.find(", ", text.find("loss")));
  };
  EXPECT_EQ(evaluated("a.weft"), evaluated("b.weft"));
  Output("export b.weft -o b.onnx");
  Output("import b.onnx -o c.weft");
  Output("run c.weft --input x.png --output c.npy");
  const Tensor c = ReadNpy(Path("c.npy")).value();
  for (int64_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a.At(i), c.At(i), 1e-4);
  Output("zoo eegnet -o e.weft");
  EXPECT_THAT(Error("optimize e.weft -o f.weft --absorb-preprocessing"),
              HasSubstr("e.weft: expected a model that says how images become its input"));
}

TEST_F(Cli, OptimizesATrainingGraph) {
  Train("a.weft");
  EXPECT_THAT(Output("optimize a.weft -o t.weft --for training --verify --measure"),
              HasSubstr(" 0 rewrites taken back"));
  const std::string text = Output("show t.weft --text");
  EXPECT_THAT(text, HasSubstr("update "));
  EXPECT_THAT(text, HasSubstr("output loss"));
}

TEST_F(Cli, RefusesWhatOptimizeDoesNotKnow) {
  Output("zoo lenet -o a.weft");
  const auto error = [&](const std::string& arguments) {
    return Error("optimize a.weft -o b.weft " + arguments);
  };
  EXPECT_THAT(error("--passes fold_conv_bm"), HasSubstr("unknown pass 'fold_conv_bm'; expected"));
  EXPECT_THAT(error("--disable nothing"), HasSubstr("unknown pass 'nothing'; expected"));
  EXPECT_THAT(error("--lossy fold_conv_bn"), HasSubstr("--lossy: expected RULE=ERROR"));
  EXPECT_THAT(error("--lossy a=x"), HasSubstr("got 'a=x'"));
  EXPECT_THAT(error("--lossy fold_conv_bn=0.1"), HasSubstr("'fold_conv_bn' is no pass that"));
  EXPECT_THAT(error("--lossy a=1 --lossy a=2"), HasSubstr("a is given twice"));
  EXPECT_THAT(error("--max-rewrites=-1"),
              HasSubstr("--max-rewrites: expected a number from 0 on, got -1"));
  EXPECT_THAT(error("--verify=-2"), HasSubstr("--verify: expected at least one sample"));
  EXPECT_THAT(error("--verify=many"), HasSubstr("many"));
  EXPECT_THAT(error("--tolerance 0"), HasSubstr("--tolerance: expected a number above 0, got 0"));
  EXPECT_THAT(error("--for fun"), HasSubstr("--for: expected inference or training, got fun"));
  EXPECT_THAT(error("--verify=0"), HasSubstr("--verify: expected at least one sample"));
  EXPECT_THAT(error("--tolerance inf"), HasSubstr("expected a number above 0, got inf"));
  EXPECT_THAT(error("--passes split_low_rank"), HasSubstr("expected the error that it may make"));
  EXPECT_THAT(error("--bisect missing.npy"),
              HasSubstr("--bisect finds a rewrite and writes nothing"));
  EXPECT_THAT(Error("optimize a.weft --bisect missing.npy"), HasSubstr("missing.npy"));
  EXPECT_THAT(Error("optimize a.weft --bisect z=missing.npy"), HasSubstr("missing.npy"));
  EXPECT_THAT(Error("optimize a.weft -o a.weft"), HasSubstr("a.weft"));
  EXPECT_THAT(Error("optimize a.weft"), HasSubstr("expected -o FILE, or --bisect, got neither"));
  EXPECT_FALSE(std::filesystem::exists(Path("b.weft")));
}

TEST_F(Cli, ShowsWhatBecameOfEachNode) {
  Train("a.weft");
  Output("optimize a.weft -o b.weft");
  const std::string text = Output("diff a.weft b.weft");
  EXPECT_THAT(text, HasSubstr("block1.conv (FusedConv) <- block1.conv (Conv) + block1.bn "
                              "(BatchNormalization) + block1.relu (Relu) by fuse_conv_activation\n"
                              "  post_ops: none -> [Relu]\n"));
  EXPECT_THAT(text, HasSubstr(" of 144 elements differ, by at most "));
  EXPECT_THAT(text, HasSubstr("  op: Variable -> Constant\n"));
  const auto json = nlohmann::json::parse(Output("diff a.weft b.weft --json"));
  EXPECT_EQ(json["changed"][0]["from"][0], "block1.conv.weight (Variable)");
  EXPECT_THAT(Output("diff a.weft a.weft"),
              HasSubstr("equal, 0 changed, 0 only in the first, 0 only in the second\n"));
  EXPECT_THAT(Error("diff a.weft missing.weft"), HasSubstr("missing.weft"));
}

}  // namespace
}  // namespace weft
