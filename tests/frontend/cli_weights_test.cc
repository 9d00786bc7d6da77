// `weft weights` as a user meets it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/build/builder.h"
#include "frontend/weights/weights.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"
#include "testing_cli.h"
#include "testing_pth.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kGolden = WEFT_SOURCE_DIR "/tests/golden/pth/";

class CliWeights : public Cli {
 protected:
  // The network of tests/golden/pth.
  void MakeModel(const std::string& file, int64_t features = 3) const {
    Builder b;
    Value h = b.Conv2d(b.Input("x", {"N", 1, 3, 3}), {.channels = 2, .kernel = 3, .name = "conv"});
    h = b.Flatten(b.BatchNorm2d(h, {.name = "bn"}));
    b.Output("y", b.Linear(h, {.features = features, .name = "fc"}));
    const auto model = b.Build();
    ASSERT_TRUE(model.ok()) << model.status();
    ASSERT_TRUE(SaveModel(*model, Path(file)).ok());
  }

  Tensor Variable(const std::string& file, const std::string& name) const {
    const auto model = LoadModel(Path(file), StandardOps());
    EXPECT_TRUE(model.ok()) << model.status();
    return model.ok() ? LeafValue(*model->graph.Find(name)) : Tensor();
  }
};

TEST_F(CliWeights, LoadsPyTorchsFilesInEveryFormat) {
  for (const char* file : {"net.pth", "legacy.pth", "checkpoint.pth"}) {
    MakeModel("a.weft");
    EXPECT_THAT(Output("weights load a.weft " + kGolden + file),
                HasSubstr("loaded 8 of 8 variables; saved a.weft"));
    const Tensor bias = Variable("a.weft", "fc.bias");
    EXPECT_THAT(bias.values<float>(), ::testing::ElementsAre(7, 7.125f, 7.25f));
    EXPECT_EQ(Variable("a.weft", "fc.weight").At(1), 6.125);
    EXPECT_EQ(Variable("a.weft", "bn.running_var").At(0), 5);
  }
  EXPECT_THAT(Output("weights load a.weft " + kGolden + "checkpoint.pth"),
              HasSubstr("converted f16 to f32: 8 tensors\n"));
}

TEST_F(CliWeights, SavesWhatItLoadsBack) {
  MakeModel("a.weft");
  const std::string before = ReadText(Path("a.weft"));
  EXPECT_EQ(Output("weights save a.weft a.safetensors"),
            "8 tensors, 37 elements, 148 B; saved a.safetensors\n");
  Output("weights load a.weft " + kGolden + "net.pth -o b.weft");
  EXPECT_EQ(ReadText(Path("a.weft")), before);
  EXPECT_NE(ReadText(Path("b.weft")), before);
  Output("weights load b.weft a.safetensors");
  EXPECT_EQ(ReadText(Path("b.weft")), before);
}

TEST_F(CliWeights, ListsFilesAndModels) {
  const std::string list = Output("weights list " + kGolden + "net.pth");
  EXPECT_THAT(list, HasSubstr("bn.num_batches_tracked  i64[]\n"));
  EXPECT_THAT(list, HasSubstr("conv.weight             f32[2,1,3,3]\n"));
  EXPECT_THAT(list, HasSubstr("9 tensors, 38 elements, 156 B\n"));
  EXPECT_THAT(Output("weights list " + kGolden + "dtypes.pth"),
              HasSubstr("ShortStorage     i16[2]\n"));
  MakeModel("a.weft");
  const std::string model = Output("weights list a.weft");
  EXPECT_THAT(model, HasSubstr("bn.running_mean  f32[2]\n"));
  EXPECT_THAT(model, HasSubstr("8 tensors, 37 elements, 148 B\n"));
  Output("weights save a.weft a.safetensors");
  EXPECT_EQ(Output("weights list a.safetensors"), model);
}

TEST_F(CliWeights, ListsAllMismatchesInOneLineAndChangesNothing) {
  MakeModel("a.weft", /*features=*/4);
  const std::string before = ReadText(Path("a.weft"));
  EXPECT_EQ(Error("weights load a.weft " + kGolden + "net.pth --map conv.*=c.*"),
            "weft weights: a.weft: " + kGolden +
                "net.pth: the weights do not fit the model: "
                "shape of fc.weight: expected f32[4,2], the file has f32[3,2]; "
                "shape of fc.bias: expected f32[4], the file has f32[3]; "
                "missing in the file: conv.weight, conv.bias; "
                "unexpected in the file: c.bias, c.weight\n");
  EXPECT_EQ(ReadText(Path("a.weft")), before);
  EXPECT_THAT(Error("weights load a.weft " + kGolden + "net.pth -o b.weft --partial"),
              HasSubstr("shape of fc.bias"));
  EXPECT_FALSE(std::filesystem::exists(Path("b.weft")));
}

TEST_F(CliWeights, MapsNamesAndLoadsParts) {
  MakeModel("a.weft");
  Output("weights load a.weft " + kGolden + "net.pth --map conv.*=c.* --map c.*=conv.* -o b.weft");
  Output("weights load --map bn.*=bn.* a.weft " + kGolden + "net.pth -o b.weft");
  const std::string out =
      Output("weights load a.weft " + kGolden + "net.pth --map conv.*=c.* --partial");
  EXPECT_THAT(out, HasSubstr("not in the file, kept as they were:\n  conv.weight\n  conv.bias\n"));
  EXPECT_THAT(out, HasSubstr("not in the model, passed over:\n  c.bias\n  c.weight\n"));
  EXPECT_THAT(out, HasSubstr("loaded 6 of 8 variables; saved a.weft\n"));
  EXPECT_THAT(Error("weights load a.weft " + kGolden + "net.pth --map module.*=*"),
              HasSubstr("the pattern module.*=* matches no name"));
  EXPECT_THAT(Error("weights load a.weft " + kGolden + "net.pth --map conv"),
              HasSubstr("--map: expected OLD=NEW, got \"conv\""));
}

TEST_F(CliWeights, RunsNothingThatAPickleNames) {
  MakeModel("a.weft");
  const std::string before = ReadText(Path("a.weft"));
  WriteText(Path("evil.pth"),
            Pth(pickle::Call(pickle::Global("os", "system"), {pickle::Text("touch pwned")}), {}));
  for (const char* command : {"weights load a.weft evil.pth", "weights list evil.pth"}) {
    EXPECT_EQ(Error(command),
              "weft weights: evil.pth: expected a state dict (as model.state_dict() gives it), the "
              "file holds an object of "
              "os.system\n");
  }
  EXPECT_EQ(ReadText(Path("a.weft")), before);
  EXPECT_FALSE(std::filesystem::exists(Path("pwned")));
}

TEST_F(CliWeights, NamesWhatIsPassedOver) {
  MakeModel("a.weft");
  const auto pair = [](const std::string& type, const std::string& storage) {
    return pickle::Tensor(pickle::Storage(type, storage, 2), 0, {2}, {1});
  };
  WriteText(Path("complex.pth"),
            Pth(pickle::Dict({{"bn.weight", pair("FloatStorage", "0")},
                              {"phase", pair("ComplexFloatStorage", "1")}}),
                {{"0", RawValues<float>({1, 2})}, {"1", RawValues<float>({1, 2, 3, 4})}}));
  EXPECT_THAT(Output("weights list complex.pth"), HasSubstr("phase      c64[2] (unsupported)\n"));
  const std::string out = Output("weights load a.weft complex.pth --partial");
  EXPECT_THAT(out, HasSubstr("  phase  c64[2] (unsupported)\n"));
  const std::string mapped =
      Output("weights load a.weft complex.pth --partial --map phase=bn.bias");
  EXPECT_THAT(mapped, HasSubstr("of types that Weft has not, kept as they were:\n"
                                "  bn.bias  c64[2] (unsupported)\n"));
}

TEST_F(CliWeights, ListsClassesThatArePassedOver) {
  const std::string list = Output("weights list " + kGolden + "namespace.pth");
  EXPECT_THAT(list, HasSubstr("passed over:\n  "));
  EXPECT_THAT(list, HasSubstr("  argparse.Namespace\n"));
  EXPECT_THAT(list, Not(HasSubstr("  torch.")));
  EXPECT_THAT(Output("weights list " + kGolden + "net.pth"), Not(HasSubstr("passed over")));
}

TEST_F(CliWeights, KeysPickOneOfSeveralStateDicts) {
  const auto state_dict = [](const std::string& storage) {
    return pickle::Dict(
        {{"w", pickle::Tensor(pickle::Storage("FloatStorage", storage, 2), 0, {2}, {1})}});
  };
  WriteText(Path("two.pth"),
            Pth(pickle::Dict({{"params", state_dict("0")}, {"ema", state_dict("1")}}),
                {{"0", RawValues<float>({1, 2})}, {"1", RawValues<float>({3, 4})}}));
  Builder b;
  b.Output("y", b.Add(b.Input("x", {2}), b.Parameter("w", {2})));
  ASSERT_TRUE(SaveModel(*b.Build(), Path("a.weft")).ok());
  EXPECT_THAT(Error("weights load a.weft two.pth"), HasSubstr("Pick one by its key: --key params"));
  Output("weights load a.weft two.pth --key ema");
  EXPECT_EQ(Variable("a.weft", "w").At(1), 4);
  EXPECT_THAT(Output("weights list two.pth --key params"), HasSubstr("w  f32[2]\n"));
  EXPECT_EQ(Error("weights list a.weft --key ema"),
            "weft weights: a.weft: a .weft file holds one set of weights, there is no key ema\n");
}

TEST_F(CliWeights, NamesFilesThatAreMissingOrOthers) {
  MakeModel("a.weft");
  WriteText(Path("text"), "not weights");
  EXPECT_THAT(Error("weights load a.weft nowhere.pth"), HasSubstr("nowhere.pth"));
  EXPECT_THAT(Error("weights load b.weft " + kGolden + "net.pth"), HasSubstr("b.weft"));
  EXPECT_THAT(Error("weights load a.weft text"),
              HasSubstr("text: expected a .safetensors file or a state dict"));
  EXPECT_THAT(Error("weights load text a.weft"), HasSubstr("text: not a weft file"));
  EXPECT_THAT(Error("weights list text"), HasSubstr("text: expected a .safetensors file"));
  EXPECT_THAT(Error("weights list ."), HasSubstr("is a folder"));
  EXPECT_THAT(Error("weights save a.weft nowhere/a.safetensors"), HasSubstr("no folder nowhere"));
  EXPECT_THAT(Error("weights load a.weft " + kGolden + "net.pth -o nowhere/a.weft"),
              HasSubstr("no folder nowhere"));
  EXPECT_THAT(Error("weights"), HasSubstr("subcommand is required"));
  EXPECT_EQ(Error("weights lod a.weft"),
            "weft: unknown command lod, did you mean load? (see weft weights --help)\n");
}

TEST_F(CliWeights, DropsTheTrainingStateOfOtherWeights) {
  Train("a.weft");
  Output("weights save a.weft a.safetensors");
  EXPECT_THAT(Output("weights load a.weft a.safetensors -o b.weft"),
              HasSubstr("dropped the training state, which belonged to the old weights\n"));
  const auto model = LoadModel(Path("b.weft"), StandardOps());
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_FALSE(model->training.has_value());
}

}  // namespace
}  // namespace weft
