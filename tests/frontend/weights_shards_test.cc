#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/weights/safetensors.h"
#include "frontend/weights/weights.h"
#include "testing_files.h"
#include "testing_pth.h"

namespace weft {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;

class WeightsShards : public ::testing::Test {
 protected:
  WeightsShards() : folder_(TestFolder()) {
    Write("1.safetensors", "a", 1);
    Write("2.safetensors", "b", 2);
  }

  void Write(const std::string& file, const std::string& name, float value) const {
    const TensorMap tensors = {{name, Tensor::Scalar(value, DType::kF32)}};
    ASSERT_TRUE(WriteSafetensors(folder_ + "/" + file, tensors, {}).ok());
  }

  absl::StatusOr<NamedTensors> Open(const std::string& index, std::string_view key = {}) const {
    WriteText(folder_ + "/model.index.json", index);
    return OpenWeights(folder_ + "/model.index.json", key);
  }
  std::string ErrorOf(const std::string& index, std::string_view key = {}) const {
    return MessageOf(Open(index, key).status());
  }

  std::string folder_;
};

TEST_F(WeightsShards, ReadsTheFilesBesideTheIndex) {
  const auto weights = Open(
      R"({"metadata": {"total_size": 8, "more": {"x": [1]}},
          "weight_map": {"a": "1.safetensors", "b": "2.safetensors"}})");
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_THAT(weights->tensors, ElementsAre(Key("a"), Key("b")));
  EXPECT_EQ(weights->tensors.at("b").At(0), 2);
  EXPECT_EQ(weights->source, folder_ + "/model.index.json");
}

TEST_F(WeightsShards, FilesMayBePyTorchs) {
  const auto tensor = [](const std::string& type) {
    return pickle::Tensor(pickle::Storage(type, "0", 1), 0, {1}, {1});
  };
  WriteText(folder_ + "/3.bin",
            Pth(pickle::Dict({{"c", tensor("IntStorage")}, {"d", tensor("QInt32Storage")}}),
                {{"0", Raw(int32_t{3})}}));
  const auto weights =
      Open(R"({"weight_map": {"a": "1.safetensors", "c": "3.bin", "d": "3.bin"}})");
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->tensors.at("c").At(0), 3);
  EXPECT_THAT(weights->unsupported, ElementsAre(Key("d")));
}

TEST_F(WeightsShards, AShardsHeaderMayBeginAsAPickle) {
  std::string header = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})";
  header.resize(384, ' ');
  WriteText(folder_ + "/1.safetensors", Raw(uint64_t{384}) + header + "\7");
  const auto weights = Open(R"({"weight_map": {"a": "1.safetensors"}})");
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->tensors.at("a").At(0), 7);
}

TEST_F(WeightsShards, SaysWhatIsMissing) {
  EXPECT_THAT(ErrorOf(R"({"weight_map": {"a": "3.safetensors"}})"),
              HasSubstr("model.index.json: " + folder_ + "/3.safetensors: cannot open"));
  EXPECT_THAT(ErrorOf(R"({"weight_map": {"b": "1.safetensors"}})"),
              HasSubstr("1.safetensors has no tensor b, the index says it has"));
}

TEST_F(WeightsShards, StaysInItsFolder) {
  for (const char* file : {"../x", "/etc/passwd", "..", ".", "", "a/b"}) {
    EXPECT_THAT(ErrorOf(std::string(R"({"weight_map": {"a": ")") + file + "\"}}"),
                HasSubstr("expected the name of a file beside the index"));
  }
  // An index is no shard: it could name itself.
  EXPECT_THAT(ErrorOf(R"({"weight_map": {"a": "model.index.json"}})"),
              HasSubstr("the file has another format"));
}

TEST_F(WeightsShards, RefusesOtherJson) {
  for (const char* text : {"{", "{}", R"({"weight_map": 1})", R"({"weight_map": []})", "{} x",
                           R"({"x": {"weight_map": {}}})"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("expected the index of a sharded model")) << text;
  }
  EXPECT_THAT(ErrorOf(R"({"weight_map": {"a": 1}})"), HasSubstr("a: expected the name of a file"));
  EXPECT_THAT(ErrorOf("{\"a\":" + std::string(1000000, '[')), HasSubstr("sharded model"));
  EXPECT_THAT(ErrorOf("{" + std::string(17 << 20, ' ')), HasSubstr("the limit is 16777216"));
  EXPECT_THAT(ErrorOf(R"({"weight_map": {"a": "1.safetensors"}})", "ema"),
              HasSubstr("there is no key ema"));
}

}  // namespace
}  // namespace weft
