// Parameters and multiply-accumulates: torchvision's exactly, the papers' within their rounding.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "frontend/weft.h"

namespace weft {
namespace {

ModelSize SizeOfNetwork(const std::string& name, const ZooOptions& options = {}) {
  ZooOptions counted = options;
  counted.draw = false;
  const auto entry = FindNetwork(name);
  EXPECT_TRUE(entry.ok()) << entry.status();
  if (!entry.ok()) return {};
  const auto model = BuildNetwork(**entry, counted);
  EXPECT_TRUE(model.ok()) << model.status();
  return model.ok() ? SizeOf(model->graph).value() : ModelSize{};
}

struct ExactSize {
  std::string name;
  int64_t input;  // height and width
  int64_t parameters;
  int64_t macs;
};

class Exact : public ::testing::TestWithParam<ExactSize> {};

TEST_P(Exact, ParametersAndMacsAreTorchvisions) {
  const ExactSize& expected = GetParam();
  const ZooEntry& entry = **FindNetwork(expected.name);
  EXPECT_EQ(entry.input, (Dims{3, expected.input, expected.input}));
  EXPECT_EQ(entry.classes, 1000);
  const ModelSize size = SizeOfNetwork(expected.name);
  EXPECT_EQ(size.parameters, expected.parameters);
  EXPECT_EQ(size.macs, expected.macs);
}

INSTANTIATE_TEST_SUITE_P(
    Torchvision, Exact,
    ::testing::Values(ExactSize{"alexnet", 224, 61100840, 714188480},
                      ExactSize{"vgg11", 224, 132863336, 7609090048},
                      ExactSize{"vgg13", 224, 133047848, 11308466176},
                      ExactSize{"vgg16", 224, 138357544, 15470264320},
                      ExactSize{"vgg19", 224, 143667240, 19632062464},
                      ExactSize{"vgg16_bn", 224, 138365992, 15470264320},
                      ExactSize{"googlenet", 224, 6624904, 1498376192},
                      ExactSize{"inception_v3", 299, 23834568, 5713216096},
                      ExactSize{"resnet18", 224, 11689512, 1814073344},
                      ExactSize{"resnet34", 224, 21797672, 3663761408},
                      ExactSize{"resnet50", 224, 25557032, 4089184256},
                      ExactSize{"resnet101", 224, 44549160, 7801405440},
                      ExactSize{"resnet152", 224, 60192808, 11513626624},
                      ExactSize{"wide_resnet50_2", 224, 68883240, 11398021120},
                      ExactSize{"resnext50_32x4d", 224, 25028904, 4230479872},
                      ExactSize{"resnext101_32x8d", 224, 88791336, 16414015488},
                      ExactSize{"densenet121", 224, 7978856, 2834161664},
                      ExactSize{"densenet161", 224, 28681000, 7727907072},
                      ExactSize{"densenet169", 224, 14149480, 3359843328},
                      ExactSize{"densenet201", 224, 20013928, 4291365888},
                      ExactSize{"squeezenet1_0", 224, 1248424, 818924576},
                      ExactSize{"squeezenet1_1", 224, 1235496, 349151936},
                      ExactSize{"shufflenet_v2_x0_5", 224, 1366792, 40476448},
                      ExactSize{"shufflenet_v2_x1_0", 224, 2278604, 144907992},
                      ExactSize{"mobilenet_v2", 224, 3504872, 300774272},
                      ExactSize{"mobilenet_v3_small", 224, 2542856, 56510400},
                      ExactSize{"mobilenet_v3_large", 224, 5483032, 216589760},
                      ExactSize{"mnasnet1_0", 224, 4383312, 314415872},
                      ExactSize{"efficientnet_b0", 224, 5288548, 385814752},
                      ExactSize{"efficientnet_b1", 240, 7794184, 686802832},
                      ExactSize{"efficientnet_b2", 288, 9109994, 1087529456},
                      ExactSize{"efficientnet_b3", 300, 12233232, 1827141392},
                      ExactSize{"efficientnet_b4", 380, 19341616, 4393771024},
                      ExactSize{"efficientnet_b5", 456, 30389784, 10266384752},
                      ExactSize{"efficientnet_b6", 528, 43040704, 19067593536},
                      ExactSize{"efficientnet_b7", 600, 66347960, 37745884192},
                      ExactSize{"efficientnet_v2_s", 384, 21458488, 8365617152},
                      ExactSize{"regnet_y_400mf", 224, 4344144, 401842848},
                      ExactSize{"convnext_tiny", 224, 28589128, 4455531264}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weft
