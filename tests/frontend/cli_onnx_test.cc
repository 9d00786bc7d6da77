// weft import, export, conform, and weft run on what they make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "frontend/io/npy.h"
#include "testing_cli.h"
#include "testing_onnx.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kCases = WEFT_ONNX_TEST_DATA "/node/";

class CliOnnx : public Cli {
 protected:
  // y = reshape(x + z, shape), with the shape as an input.
  void WriteModel() const {
    OnnxMaker m(13);
    m.Input("x", {2, 3})
        .Input("z", {2, 3})
        .Input("shape", {2}, onnx::TensorProto::INT64)
        .Node("Add", {"x", "z"}, {"s"})
        .Node("Reshape", {"s", "shape"}, {"y"})
        .Output("y");
    WriteText(Path("m.onnx"), m.proto.SerializeAsString());
    WriteText(Path("x.pb"),
              TensorToProto(Floats({2, 3}, {1, 2, 3, 4, 5, 6}), "x").SerializeAsString());
    ASSERT_TRUE(WriteNpy(Path("z.npy"), Floats({2, 3}, {10, 10, 10, 20, 20, 20})).ok());
    WriteText(Path("shape.pb"),
              TensorToProto(Tensor::FromInts(std::vector<int64_t>{3, 2}), "s").SerializeAsString());
  }

  void ExpectResult(const std::string& file) const {
    const Tensor y = ReadNpy(Path(file)).value();
    EXPECT_THAT(y.dims(), ElementsAre(3, 2));
    EXPECT_THAT(y.values<float>(), ElementsAre(11, 12, 13, 24, 25, 26));
  }
};

TEST_F(CliOnnx, ImportedModelsRunOnArraysOfBothKinds) {
  WriteModel();
  EXPECT_THAT(Output("import m.onnx -o m.weft --bind shape=shape.pb"), HasSubstr("2 inputs"));
  Output("run m.weft --input x=x.pb --input z=z.npy --output y.npy");
  ExpectResult("y.npy");
}

TEST_F(CliOnnx, CommandsTakeTheFileItself) {
  WriteModel();
  Output("run m.onnx --bind shape=shape.pb --input x=x.pb --input z=z.npy --output y.npy");
  ExpectResult("y.npy");
  EXPECT_THAT(Output("show m.onnx --text"), HasSubstr("Reshape"));
  EXPECT_THAT(Error("run missing.onnx --input x=x.pb"), HasSubstr("missing.onnx"));
  EXPECT_THAT(Error("weights load m.onnx w.safetensors"),
              HasSubstr("m.onnx: expected a .weft file to write, give it with -o"));
}

TEST_F(CliOnnx, ModelsOfHalvesTakeAndGiveTheirTypeWhereAsked) {
  OnnxMaker m(13);
  m.Input("x", {2}, onnx::TensorProto::FLOAT16).Node("Relu", {"x"}, {"y"});
  m.Output("y", onnx::TensorProto::FLOAT16);
  WriteText(Path("m.onnx"), m.proto.SerializeAsString());
  ASSERT_TRUE(WriteNpy(Path("x.npy"), *Floats({2}, {-1, 2}).Converted(DType::kF16)).ok());
  EXPECT_THAT(Output("import m.onnx -o wide.weft"),
              StartsWith("f16 and bf16 are read and computed"));
  EXPECT_THAT(Output("import m.onnx -o own.weft --keep-types"), HasSubstr("keep their types"));
  for (const auto& [file, dtype] :
       {std::pair("wide.weft", DType::kF32), std::pair("own.weft", DType::kF16)}) {
    Output(std::string("run ") + file + " --input x.npy --output y.npy");
    const Tensor y = ReadNpy(Path("y.npy")).value();
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(y.At(0), 0);
    EXPECT_EQ(y.At(1), 2);
  }
}

TEST_F(CliOnnx, InputsAreBoundWhenTheModelRuns) {
  WriteModel();
  Output("import m.onnx -o open.weft");
  Output("run open.weft --bind shape=shape.pb --input x=x.pb --input z=z.npy --output y.npy");
  ExpectResult("y.npy");
}

TEST_F(CliOnnx, WrongInputsAreNamed) {
  WriteModel();
  Output("import m.onnx -o m.weft");
  EXPECT_THAT(Error("run m.weft --input x.pb --output y.npy"), HasSubstr("3: x, z, shape"));
  EXPECT_THAT(Error("run m.weft --input w=x.pb --output y.npy"), HasSubstr("no input called 'w'"));
  EXPECT_THAT(Error("run m.weft --input x=x.pb --input x=x.pb --output y.npy"),
              HasSubstr("x is given twice"));
  EXPECT_THAT(Error("run m.weft --input x=x.txt --output y.npy"),
              HasSubstr("in .npy, .pb (an ONNX TensorProto), .png or .jpg"));
  EXPECT_THAT(Error("run m.weft --bind shape --output y.npy"), HasSubstr("expected NAME=FILE"));
  EXPECT_THAT(Error("import m.onnx -o m.weft --bind q=shape.pb"), HasSubstr("called 'q'"));
  EXPECT_THAT(Error("import missing.onnx -o m.weft"), HasSubstr("missing.onnx"));
  EXPECT_THAT(Error("import x.pb -o m.weft"), HasSubstr("x.pb: "));
}

TEST_F(CliOnnx, ShapesAreFixedAtImport) {
  OnnxMaker m(13);
  m.Input("x", {-1, 3}).Input("z", {-1, 3}).Node("Add", {"x", "z"}, {"y"}).Output("y");
  WriteText(Path("n.onnx"), m.proto.SerializeAsString());
  Output("import n.onnx -o n.weft --shape x=4x3");
  EXPECT_THAT(Output("show n.weft --text"), HasSubstr("z: f32[4,3]"));
  Output("import n.onnx -o n.weft --shape x=Bx3 --shape z=Bx3");
  EXPECT_THAT(Output("show n.weft --text"), HasSubstr("z: f32[B,3]"));
  EXPECT_THAT(Error("import n.onnx -o n.weft --shape 4x3"), HasSubstr("one of 2: x, z"));
  EXPECT_THAT(Error("import n.onnx -o n.weft --shape q=4x3"), HasSubstr("'q', which is none"));
  EXPECT_THAT(Error("import n.onnx -o n.weft --shape x=4x3x1"), HasSubstr("of rank 2, but"));
  EXPECT_THAT(Error("import n.onnx -o n.weft --shape x=4x5"), HasSubstr("with 3 on axis 1"));
  EXPECT_THAT(Error("import n.onnx -o n.weft --shape x=4x"), HasSubstr("such as x=1x3x224x224"));
  EXPECT_THAT(Error("import n.onnx -o n.weft --shape x=4x3 --shape x=5x3"),
              HasSubstr("x is given twice"));
}

TEST_F(CliOnnx, ReadmeListsTheOpsThatImport) {
  const std::string table = Output("ops --onnx");
  EXPECT_THAT(table, HasSubstr("Conv, "));
  EXPECT_THAT(ReadText(WEFT_SOURCE_DIR "/README.md"), HasSubstr(table))
      << "README's table is that of weft ops --onnx";
}

TEST_F(CliOnnx, ExportedModelsComeBack) {
  Train("a.weft");
  EXPECT_THAT(Output("export a.weft -o a.onnx"), HasSubstr("a.onnx"));
  Output("import a.onnx -o b.weft");
  Output("export b.weft -o b.onnx");
  EXPECT_EQ(ReadText(Path("a.onnx")), ReadText(Path("b.onnx")));
  const auto scores = [this](const std::string& file) {
    const std::string text = Output("eval " + file + " --data digits:300");
    return text.substr(0, text.find(", ", text.find("loss")));  // the speed may differ
  };
  EXPECT_EQ(scores("a.weft"), scores("b.weft"));
}

TEST_F(CliOnnx, NoFormatIsWrittenOverTheInput) {
  Train("a.weft");
  WriteModel();
  std::filesystem::create_symlink("a.weft", Path("link.onnx"));
  const std::string model = ReadText(Path("a.weft")), onnx = ReadText(Path("m.onnx"));
  for (const char* command :
       {"export a.weft -o a.weft", "export a.weft -o ./a.weft", "export a.weft -o link.onnx",
        "import m.onnx -o m.onnx", "weights save a.weft a.weft"}) {
    EXPECT_THAT(Error(command), HasSubstr("expected another file than the input"));
  }
  EXPECT_EQ(ReadText(Path("a.weft")), model);
  EXPECT_EQ(ReadText(Path("m.onnx")), onnx);
}

// Counts of words, which no image has.
const std::string kWords = "test_tfidfvectorizer_tf_batch_onlybigrams_skip0";

TEST_F(CliOnnx, ConformPrintsALineACaseAndCounts) {
  const std::string out = Output("conform " + kCases + "test_abs " + kCases + kWords);
  EXPECT_THAT(out, StartsWith("pass test_abs\nunsupported " + kWords + ": "));
  EXPECT_THAT(out, HasSubstr("\n2 cases: 1 pass, 0 random, 1 unsupported, 0 FAIL\n"));
}

TEST_F(CliOnnx, ConformCountsRandomCasesApart) {
  const std::string out = Output("conform " + kCases + "test_bernoulli");
  EXPECT_THAT(out, StartsWith("random test_bernoulli: "));
  EXPECT_THAT(out, HasSubstr("\n1 case: 0 pass, 1 random, 0 unsupported, 0 FAIL\n"));
}

TEST_F(CliOnnx, ConformWritesJson) {
  const auto json =
      nlohmann::json::parse(Output("conform --json " + kCases + "test_abs " + kCases + kWords));
  EXPECT_EQ(json["cases"][0]["name"], "test_abs");
  EXPECT_EQ(json["cases"][0]["outcome"], "pass");
  EXPECT_EQ(json["counts"]["unsupported"], 1);
  EXPECT_EQ(json["counts"]["FAIL"], 0);
}

TEST_F(CliOnnx, ConformFailsOnAWrongValue) {
  std::filesystem::create_directories(Path("case"));
  std::filesystem::copy(kCases + "test_abs", Path("case"),
                        std::filesystem::copy_options::recursive);
  const Tensor y = ReadOnnxTensor(Path("case/test_data_set_0/output_0.pb")).value();
  Tensor wrong = y;
  wrong.mutable_values<float>()[7] += 1;
  WriteText(Path("case/test_data_set_0/output_0.pb"),
            TensorToProto(wrong, "y").SerializeAsString());
  const Outcome o = Run("conform case");
  EXPECT_EQ(o.code, 1);
  EXPECT_THAT(o.out,
              HasSubstr("FAIL case: test_data_set_0, unoptimized: output y: 1 of 60 elements "
                        "differ, most by 1 at element 7"));
  EXPECT_THAT(o.err, HasSubstr("1 case fails"));
  EXPECT_THAT(Error("conform nowhere"), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace weft
