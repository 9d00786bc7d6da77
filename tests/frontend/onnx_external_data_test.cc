// Weights of imported models that lie in files beside them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/onnx/import/import.h"
#include "testing_files.h"
#include "testing_onnx.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// External data lies beside the model, and nowhere else.
class OnnxExternalData : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = TestFolder();
    std::filesystem::create_directories(folder_ + "/model/sub");
    const std::vector<float> values = {0, 0, 5, 6};
    const std::string bytes(reinterpret_cast<const char*>(values.data()), 16);
    WriteText(folder_ + "/outside.bin", bytes);
    WriteText(folder_ + "/model/weights.bin", bytes);
    WriteText(folder_ + "/model/sub/weights.bin", bytes);
    std::filesystem::create_symlink("../outside.bin", folder_ + "/model/link.bin");
    std::filesystem::create_directory_symlink("..", folder_ + "/model/up");
  }

  absl::StatusOr<Model> Import(const std::string& location, const std::string& offset = "8",
                               const std::string& length = "8") const {
    OnnxMaker m(13);
    m.Input("x", {2}).Node("Mul", {"x", "w"}, {"y"}).Output("y");
    onnx::TensorProto* w = m.proto.mutable_graph()->add_initializer();
    w->set_name("w");
    w->set_data_type(onnx::TensorProto::FLOAT);
    w->add_dims(2);
    w->set_data_location(onnx::TensorProto::EXTERNAL);
    const auto add = [&](const char* key, const std::string& value) {
      auto* entry = w->add_external_data();
      entry->set_key(key);
      entry->set_value(value);
    };
    add("location", location);
    add("offset", offset);
    if (!length.empty()) add("length", length);
    const std::string path = folder_ + "/model/m.onnx";
    WriteText(path, m.proto.SerializeAsString());
    return ImportOnnx(path);
  }

  std::string folder_;
};

TEST_F(OnnxExternalData, IsReadFromTheModelsFolder) {
  for (const char* location : {"weights.bin", "./weights.bin", "sub/weights.bin"}) {
    const auto model = Import(location);
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_THAT(LeafValue(*model->graph.Find("w")).values<float>(), ElementsAre(5, 6));
  }
  ASSERT_TRUE(Import("weights.bin", "8", "").ok());
}

TEST_F(OnnxExternalData, NeverFromOutside) {
  EXPECT_THAT(MessageOf(Import("../outside.bin").status()), HasSubstr("leads out of the folder"));
  EXPECT_THAT(MessageOf(Import("sub/../../outside.bin").status()), HasSubstr("leads out"));
  EXPECT_THAT(MessageOf(Import(folder_ + "/outside.bin").status()), HasSubstr("relative path"));
  EXPECT_THAT(MessageOf(Import("link.bin").status()), HasSubstr("symbolic link"));
  EXPECT_THAT(MessageOf(Import("up/outside.bin").status()), HasSubstr("symbolic link"));
  EXPECT_THAT(MessageOf(Import("").status()), HasSubstr("expected a path"));
  EXPECT_THAT(MessageOf(Import("sub").status()), HasSubstr("is a folder"));
  EXPECT_THAT(MessageOf(Import(std::string("weights.bin\0x", 13)).status()),
              HasSubstr("zero byte"));
}

TEST_F(OnnxExternalData, RangesBeyondTheFileAreErrors) {
  EXPECT_THAT(MessageOf(Import("weights.bin", "12").status()), HasSubstr("the file has 16"));
  EXPECT_THAT(MessageOf(Import("weights.bin", "18446744073709551615").status()),
              HasSubstr("the file has 16"));
  EXPECT_THAT(MessageOf(Import("weights.bin", "-1").status()), HasSubstr("number of bytes"));
  EXPECT_THAT(MessageOf(Import("weights.bin", "8", "4").status()), HasSubstr("expected 8 bytes"));
  EXPECT_THAT(MessageOf(Import("missing.bin").status()), HasSubstr("missing.bin"));
}

}  // namespace
}  // namespace weft
