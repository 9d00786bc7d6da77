#include <filesystem>
#include <map>

#include "frontend/onnx/export/export.h"
#include "frontend/onnx/import/import.h"
#include "frontend/session/session.h"
#include "frontend/zoo/zoo.h"
#include "gmock/gmock.h"
#include "tests/frontend/testing_files.h"
#include "tests/frontend/testing_onnx_export.h"

// The message and the file around an exported graph.

namespace weft {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(OnnxExportFile, MetadataKeepsNameClassesAndPreprocessing) {
  Model model(WithNode("Relu", {}, {DType::kF32, {2}}));
  EXPECT_EQ(Export(model).graph().name(), "weft");
  model.metadata = {{"name", "net"}, {"description", "a net"}};
  model.class_names = {"cat", "d\"og"};
  model.preprocessing = Preprocessing{.channels = 3,
                                      .height = 28,
                                      .width = 30,
                                      .channel_order = "rgb",
                                      .mean = {0.5, 0.25, 0.125},
                                      .std = {1, 2, 4}};
  const onnx::ModelProto proto = Export(model);
  EXPECT_EQ(proto.graph().name(), "net");
  std::map<std::string, std::string> metadata;
  for (const auto& entry : proto.metadata_props()) metadata[entry.key()] = entry.value();
  EXPECT_EQ(metadata["description"], "a net");
  EXPECT_EQ(metadata["weft.classes"], R"(["cat","d\"og"])");
  EXPECT_EQ(metadata["weft.preprocessing"],
            R"({"channels":3,"height":28,"width":30,"channel_order":"rgb",)"
            R"("mean":[0.5,0.25,0.125],"std":[1.0,2.0,4.0]})");
  EXPECT_THAT(metadata, SizeIs(3));
}

TEST(OnnxExportFile, WritesAFileThatHoldsTheSameMessage) {
  const std::string path = TestFolder() + "/lenet.onnx";
  const Model model = *BuildNetwork(**FindNetwork("lenet-bn"));
  const auto report = ExportOnnx(model, path);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->opset, 13);
  EXPECT_EQ(ReadText(path), Export(model).SerializeAsString());
  EXPECT_FALSE(std::filesystem::exists(path + ".data"));
}

TEST(OnnxExportFile, TensorsBeyondTheLimitGoToAFileBeside) {
  const std::string folder = TestFolder(), path = folder + "/net.onnx";
  const Model model = *BuildNetwork(**FindNetwork("lenet"));
  ASSERT_TRUE(WriteOnnx(Export(model), path, /*limit=*/10000).ok());
  onnx::ModelProto proto;
  ASSERT_TRUE(ParseOnnxMessage(AsBytes(ReadText(path)), path, proto).ok());
  ExternalData external(folder);
  int outside = 0;
  for (const onnx::TensorProto& tensor : proto.graph().initializer()) {
    outside += tensor.data_location() == onnx::TensorProto::EXTERNAL;
    const auto value = TensorFromProto(tensor, {.owner = nullptr, .external = &external});
    ASSERT_TRUE(value.ok()) << value.status();
    EXPECT_EQ(*value, LeafValue(*model.graph.Find(tensor.name()))) << tensor.name();
  }
  EXPECT_EQ(outside, 4);  // the weights of 1 KiB and more
  EXPECT_EQ(proto.graph().initializer(2).external_data(0).value(), "net.onnx.data");
}

TEST(OnnxExportFile, OldDataStayWhereTheModelCannotBeReplaced) {
  const std::string folder = TestFolder(), path = folder + "/net.onnx";
  std::filesystem::create_directories(path + "/a folder that is in the way");
  WriteText(path + ".data", "old");
  const Model model = *BuildNetwork(**FindNetwork("lenet"));
  EXPECT_THAT(MessageOf(WriteOnnx(Export(model), path, /*limit=*/10000)), HasSubstr("net.onnx: "));
  EXPECT_EQ(ReadText(path + ".data"), "old");
  const std::filesystem::directory_iterator entries(folder);
  EXPECT_EQ(std::distance(begin(entries), end(entries)), 2);  // nothing of ours is left
}

TEST(OnnxExportFile, FrozenWeightsGoThereToo) {
  const std::string folder = TestFolder(), path = folder + "/net.onnx";
  Model model = *BuildNetwork(**FindNetwork("lenet"));
  model.graph = *OptimizedForInference(model.graph);
  const onnx::ModelProto whole = Export(model);
  ASSERT_EQ(whole.graph().initializer_size(), 0);
  ASSERT_TRUE(WriteOnnx(whole, path, /*limit=*/10000).ok());
  EXPECT_LT(std::filesystem::file_size(path), 10000u);
  const auto back = ImportOnnx(path);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Export(*back).DebugString(), whole.DebugString());
}

TEST(OnnxExportFile, AFailureLeavesTheFileThatWasThere) {
  const std::string path = TestFolder() + "/old.onnx";
  WriteText(path, "old");
  const Model model(WithNode("RandomPlacement",
                             {{"mode", "training"}, {"pads", std::vector<int64_t>{2, 2}}},
                             {DType::kF32, {1, 1, 2, 2}}));
  EXPECT_FALSE(ExportOnnx(model, path).ok());
  EXPECT_EQ(ReadText(path), "old");
  const Model good(WithNode("Relu", {}, {DType::kF32, {2}}));
  EXPECT_THAT(MessageOf(ExportOnnx(good, TestFolder() + "/none/x.onnx").status()),
              HasSubstr("none/x.onnx"));
}

TEST(OnnxExportFile, TheCheckersExceptionBecomesAStatus) {
  onnx::ModelProto proto = Export(Model(WithNode("Relu", {}, {DType::kF32, {2}})));
  proto.mutable_graph()->mutable_node(0)->set_op_type("Rellu");
  const absl::Status status = CheckOnnx(proto);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("Rellu"));
}

}  // namespace
}  // namespace weft
