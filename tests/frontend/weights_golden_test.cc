// Files as PyTorch writes them; tests/golden/pth/make_pth.py says how they were made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/weights/weights.h"

namespace weft {
namespace {

using ::testing::ElementsAre;

const std::string kFolder = WEFT_SOURCE_DIR "/tests/golden/pth/";

// In the order of their numbers in make_pth.py.
const std::vector<std::pair<std::string, Dims>> kNetwork = {{"conv.weight", {2, 1, 3, 3}},
                                                            {"conv.bias", {2}},
                                                            {"bn.weight", {2}},
                                                            {"bn.bias", {2}},
                                                            {"bn.running_mean", {2}},
                                                            {"bn.running_var", {2}},
                                                            {"fc.weight", {3, 2}},
                                                            {"fc.bias", {3}}};

void ExpectNetwork(const std::string& file, DType dtype) {
  const auto weights = OpenWeights(kFolder + file);
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(weights->tensors.size(), kNetwork.size() + 1);
  EXPECT_THAT(weights->tensors.at("bn.num_batches_tracked").values<int64_t>(), ElementsAre(7));
  for (size_t k = 0; k < kNetwork.size(); ++k) {
    const auto& [name, dims] = kNetwork[k];
    ASSERT_TRUE(weights->tensors.contains(name)) << name;
    const Tensor& tensor = weights->tensors.at(name);
    ASSERT_EQ(tensor.type(), (TensorType{dtype, ToShape(dims)})) << name;
    for (int64_t i = 0; i < tensor.size(); ++i) {
      EXPECT_EQ(tensor.At(i), static_cast<double>(k) + static_cast<double>(i) / 8) << name;
    }
  }
}

TEST(WeightsGolden, ReadsAStateDict) { ExpectNetwork("net.pth", DType::kF32); }

TEST(WeightsGolden, ReadsACheckpointOfParametersInF16) {
  ExpectNetwork("checkpoint.pth", DType::kF16);
}

TEST(WeightsGolden, ReadsTheOlderFormat) { ExpectNetwork("legacy.pth", DType::kF32); }

TEST(WeightsGolden, ReadsEveryElementType) {
  const auto weights = OpenWeights(kFolder + "dtypes.pth");
  ASSERT_TRUE(weights.ok()) << weights.status();
  const TensorMap& t = weights->tensors;
  EXPECT_THAT(t.at("FloatStorage").values<float>(), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(t.at("DoubleStorage").values<double>(), ElementsAre(1.5, -2.0));
  EXPECT_THAT(t.at("LongStorage").values<int64_t>(), ElementsAre(int64_t{1} << 40, -2));
  EXPECT_THAT(t.at("IntStorage").values<int32_t>(), ElementsAre(1, -2));
  EXPECT_THAT(t.at("ByteStorage").values<uint8_t>(), ElementsAre(1, 254));
  EXPECT_THAT(t.at("BoolStorage").values<bool>(), ElementsAre(true, false));
  for (const char* half : {"HalfStorage", "BFloat16Storage"}) {
    EXPECT_THAT(t.at(half).Converted(DType::kF32)->values<float>(), ElementsAre(1.5f, -2.0f));
  }
  EXPECT_THAT(t.at("CharStorage").values<int8_t>(), ElementsAre(1, -2));
  EXPECT_THAT(t.at("ShortStorage").values<int16_t>(), ElementsAre(1, -2));
  EXPECT_TRUE(weights->unsupported.empty());
}

TEST(WeightsGolden, ModulesAndScriptsHoldWhatTheirStateDictHolds) {
  const auto state_dict = OpenWeights(kFolder + "namespace.pth");
  ASSERT_TRUE(state_dict.ok()) << state_dict.status();
  EXPECT_EQ(state_dict->tensors.size(), 10u);
  EXPECT_EQ(state_dict->tensors.at("conv1.weight").dims(), (Dims{4, 3, 3, 3}));
  for (const char* file : {"module.pth", "script.pt"}) {
    const auto weights = OpenWeights(kFolder + file);
    ASSERT_TRUE(weights.ok()) << weights.status();
    EXPECT_EQ(weights->tensors, state_dict->tensors) << file;
  }
}

TEST(WeightsGolden, TensorsOfArchivesAreViewsOfTheMappedFile) {
  const auto weights = OpenWeights(kFolder + "net.pth");
  ASSERT_TRUE(weights.ok()) << weights.status();
  // Storages lie 64-aligned in the file, and a page's start is aligned too.
  const auto address = reinterpret_cast<uintptr_t>(weights->tensors.at("fc.bias").data());
  EXPECT_EQ(address % 64, 2 * sizeof(float));
}

}  // namespace
}  // namespace weft
