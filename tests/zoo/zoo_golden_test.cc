// What torchvision computes with weights that follow from the names of the tensors.
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/zoo/generated_weights.h"
#include "frontend/zoo/golden.h"
#include "tests/frontend/testing_files.h"
#include "tests/zoo/testing_zoo.h"

namespace weft {
namespace {

constexpr char kFolder[] = WEFT_SOURCE_DIR "/tests/golden/zoo";

// Of make_zoo_goldens.py, run for these names.
TEST(GeneratedWeights, AreThoseOfTheGenerator) {
  EXPECT_FLOAT_EQ(GeneratedTensor("layer1.0.conv1.weight", {64, 64, 3, 3})->values<float>()[0],
                  6.969679747e-02f);
  EXPECT_FLOAT_EQ(GeneratedTensor("layer1.0.conv1.weight", {64, 64, 3, 3})->values<float>()[36863],
                  -5.329525579e-02f);
  EXPECT_FLOAT_EQ(GeneratedTensor("bn1.weight", {64})->values<float>()[5], 8.164425194e-01f);
  EXPECT_FLOAT_EQ(GeneratedTensor("bn1.bias", {64})->values<float>()[5], -9.621927738e-03f);
  EXPECT_FLOAT_EQ(GeneratedTensor("bn1.running_mean", {64})->values<float>()[1], 2.012373209e-03f);
  EXPECT_FLOAT_EQ(GeneratedTensor("bn1.running_var", {64})->values<float>()[1], 1.286753476e+00f);
  EXPECT_FLOAT_EQ(GeneratedTensor("features.1.0.layer_scale", {96, 1, 1})->values<float>()[7],
                  7.692617476e-01f);
  EXPECT_FLOAT_EQ(GeneratedTensor("input", {2, 3, 8, 8})->values<float>()[9], 8.406170607e-01f);
}

class ZooGolden : public ::testing::TestWithParam<std::string> {};

TEST_P(ZooGolden, LogitsAreTorchvisions) {
  const auto result = CheckGolden(kFolder, GetParam(), kTestThreads);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LE(result->plain, kLogitsTolerance);
  EXPECT_LE(result->optimized, kLogitsTolerance);
  EXPECT_LE(result->plain_difference, kDifferenceTolerance);
  EXPECT_LE(result->optimized_difference, kDifferenceTolerance);
}

INSTANTIATE_TEST_SUITE_P(Torchvision, ZooGolden,
                         ::testing::ValuesIn(GoldenNetworks(kFolder).value()));

TEST(ZooGoldenFolder, MistakesAreNamed) {
  EXPECT_EQ(MessageOf(GoldenNetworks("/nowhere").status()),
            "/nowhere: expected a folder with NET.txt and logits.safetensors: No such file or "
            "directory");
  EXPECT_EQ(MessageOf(CheckGolden(kFolder, "resnet20").status()).substr(0, 30),
            "resnet20: unknown model resnet");
  const std::string folder = TestFolder();
  WriteText(folder + "/lenet.txt", "# lenet input [2, 1, 28, 28]\nconv1.weight [6, 1, x, 5]\n");
  EXPECT_EQ(MessageOf(CheckGolden(folder, "lenet").status()),
            "lenet: " + folder +
                "/lenet.txt: expected positive numbers in brackets, got \"conv1.weight [6, 1, x, "
                "5]\"");
}

}  // namespace
}  // namespace weft
