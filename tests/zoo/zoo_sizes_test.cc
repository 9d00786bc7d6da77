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

struct PaperSize {
  std::string name;
  double parameters;  // as the source says it
  double rounding;    // of its last digit, half
  std::string source;
};

class Papers : public ::testing::TestWithParam<PaperSize> {};

TEST_P(Papers, ParametersAreThePapersWithinItsRounding) {
  const PaperSize& expected = GetParam();
  EXPECT_NEAR(static_cast<double>(SizeOfNetwork(expected.name).parameters), expected.parameters,
              expected.rounding)
      << expected.source;
}

constexpr double kM = 1e6;

INSTANTIATE_TEST_SUITE_P(
    Parameters, Papers,
    ::testing::Values(
        PaperSize{"lenet", 61706, 0, "the lecture"},
        PaperSize{"alexnet_original", 60 * kM, kM, "Krizhevsky et al. 2012, abstract"},
        PaperSize{"vgg11", 133 * kM, 0.5 * kM, "Simonyan and Zisserman 2014, table 2"},
        PaperSize{"vgg11_lrn", 133 * kM, 0.5 * kM, "the same"},
        PaperSize{"vgg13", 133 * kM, 0.5 * kM, "the same"},
        PaperSize{"vgg16", 138 * kM, 0.5 * kM, "the same"},
        PaperSize{"vgg19", 144 * kM, 0.5 * kM, "the same"},
        PaperSize{"googlenet_original", 6998552, 0, "Caffe's bvlc_googlenet without its heads"},
        PaperSize{"inception_v4", 42679816, 0, "the authors' release, as timm counts it"},
        PaperSize{"inception_resnet_v2", 55843464, 0, "the authors' release, as timm counts it"},
        PaperSize{"resnet18_cifar", 11173962, 0, "kuangliu's pytorch-cifar"},
        PaperSize{"resnet20_cifar", 0.27 * kM, 0.005 * kM, "He et al. 2015, table 6"},
        PaperSize{"resnet32_cifar", 0.46 * kM, 0.005 * kM, "the same"},
        PaperSize{"resnet44_cifar", 0.66 * kM, 0.005 * kM, "the same"},
        PaperSize{"resnet56_cifar", 0.85 * kM, 0.005 * kM, "the same"},
        PaperSize{"resnet110_cifar", 1.7 * kM, 0.05 * kM, "the same"},
        PaperSize{"resnet1202_cifar", 19.4 * kM, 0.05 * kM, "the same"},
        PaperSize{"wide_resnet28_10_cifar", 36.5 * kM, 0.05 * kM,
                  "Zagoruyko and Komodakis 2016, table 4"},
        PaperSize{"wide_resnet40_4_cifar", 8.9 * kM, 0.05 * kM, "the same"},
        PaperSize{"wide_resnet16_8_cifar", 11.0 * kM, 0.05 * kM, "the same"},
        PaperSize{"se_resnet50", 28.1 * kM, 0.05 * kM, "Hu et al. 2018, section 6.1: 10 % more"},
        PaperSize{"senet154", 115088984, 0, "the authors' release, as pretrainedmodels counts it"},
        PaperSize{"squeezenet1_0", 1248424, 0, "Iandola et al. 2016, table 1"},
        PaperSize{"xception", 22855952, 0, "Chollet 2017, table 3"},
        PaperSize{"mobilenet_v1", 4.2 * kM, 0.05 * kM, "Howard et al. 2017, table 4"},
        PaperSize{"hrnet_w18", 21.3 * kM, 0.05 * kM, "Sun et al. 2019, classification, table 1"},
        PaperSize{"r2plus1d_18", 31505325, 0, "torchvision's r2plus1d_18"},
        PaperSize{"ecg_resnet", 6421910, 0, "the layers of the authors' model.py"},
        PaperSize{"eegnet", 2388, 0, "the layers of the authors' Keras model"},
        PaperSize{"c3d", 79.99 * kM, 0.01 * kM, "the authors' Sports-1M model"},
        PaperSize{"vae", 652824, 0, "784-400-20-400-784"},
        PaperSize{"capsnet", 6.8 * kM, 0.05 * kM,
                  "Sabour et al. 2017, section 5: without the decoder"},
        PaperSize{"unet", 31.0 * kM, 0.05 * kM, "the figure that is quoted for figure 1"}),
    [](const auto& info) { return info.param.name; });

TEST(Papers, MultiplyAccumulatesAreThePapers) {
  // Howard et al. 2017, table 4: 569 million.
  EXPECT_NEAR(SizeOfNetwork("mobilenet_v1").macs, 569 * kM, 0.5 * kM);
  // Redmon and Farhadi 2017: 5.58 billion operations.
  EXPECT_NEAR(2.0 * static_cast<double>(SizeOfNetwork("darknet19").macs), 5580 * kM, 5 * kM);
  // Hu et al. 2018, table 2, in billions.
  EXPECT_NEAR(SizeOfNetwork("inception_v2").macs, 2030 * kM, 5 * kM);
  EXPECT_NEAR(SizeOfNetwork("se_inception").macs, 2040 * kM, 10 * kM);
  EXPECT_NEAR(SizeOfNetwork("se_resnet50").macs, 3870 * kM, 10 * kM);
  // Zhang et al. 2018, table 2, without the linear layer.
  const std::pair<int64_t, double> kShuffle[] = {{1, 143}, {2, 140}, {3, 137}, {4, 133}, {8, 137}};
  for (const auto& [groups, millions] : kShuffle) {
    const std::string name = absl::StrCat("shufflenet_v1_g", groups);
    const auto model = BuildNetwork(**FindNetwork(name), {.draw = false});
    const auto fc = model->graph.Find("fc.weight")->type().dim(1).coefficient() * 1000;
    EXPECT_NEAR(static_cast<double>(SizeOfNetwork(name).macs - fc), millions * kM, 0.51 * kM)
        << name;
  }
  // Szegedy et al. 2014, table 1: the sum of the column "ops", 1502 million (and 5 x 5 as it is).
  EXPECT_NEAR(SizeOfNetwork("googlenet_original").macs, 1502 * kM, 0.06 * 1502 * kM);
}

TEST(Papers, AuxiliaryHeadsCountInTrainingOnly) {
  const auto trainable = [](const std::string& name) {
    const auto model = BuildNetwork(**FindNetwork(name), {.draw = false});
    int64_t elements = 0;
    for (const Node* variable : model->graph.variables()) {
      if (IsTrainable(*variable)) elements += LeafValue(*variable).size();
    }
    return elements;
  };
  EXPECT_EQ(trainable("googlenet_aux"), 13004888);     // torchvision's googlenet
  EXPECT_EQ(trainable("inception_v3_aux"), 27161264);  // torchvision's inception_v3
  EXPECT_NEAR(trainable("capsnet"), 8.2 * kM, 0.05 * kM);
}

// The types of the named values, in order.
std::vector<std::string> Shapes(const Model& model, const std::vector<std::string>& nodes) {
  std::vector<std::string> shapes;
  for (const std::string& name : nodes) {
    const Node* node = model.graph.Find(name);
    shapes.push_back(node == nullptr ? name + " is missing" : ToString(node->type().shape));
  }
  return shapes;
}

using ::testing::ElementsAre;

TEST(Lectures, AlexNetsShapes) {
  const Model model = BuildNetwork(**FindNetwork("alexnet_original"), {.draw = false}).value();
  EXPECT_THAT(Shapes(model, {"conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool3",
                             "fc6", "fc7", "fc8"}),
              ElementsAre("[N,96,55,55]", "[N,96,27,27]", "[N,256,27,27]", "[N,256,13,13]",
                          "[N,384,13,13]", "[N,384,13,13]", "[N,256,13,13]", "[N,256,6,6]",
                          "[N,4096]", "[N,4096]", "[N,1000]"));
}

TEST(Lectures, NetworkInNetworksShapes) {
  const Model model = BuildNetwork(**FindNetwork("nin"), {.classes = 10, .draw = false}).value();
  EXPECT_THAT(Shapes(model, {"block1.cccp2", "pool1", "block2.cccp2", "pool2", "block3.cccp2",
                             "pool3", "block4.cccp2"}),
              ElementsAre("[N,96,54,54]", "[N,96,26,26]", "[N,256,26,26]", "[N,256,12,12]",
                          "[N,384,12,12]", "[N,384,5,5]", "[N,10,5,5]"));
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[N,10]");
}

// CS231n's slide: what each layer of VGG-16 leaves in memory, in numbers an image.
TEST(Lectures, Vgg16sMemory) {
  const Model model = BuildNetwork(**FindNetwork("vgg16"), {.draw = false}).value();
  std::vector<double> thousands = {224 * 224 * 3 / 1e3};
  for (const Node& node : model.graph.nodes()) {
    if (node.op_name() != "Conv" && node.op_name() != "MaxPool" && node.op_name() != "Gemm")
      continue;
    double elements = 1;
    for (int axis = 1; axis < node.type().rank(); ++axis) {
      elements *= static_cast<double>(node.type().dim(axis).coefficient());
    }
    thousands.push_back(elements / 1e3);
  }
  const std::vector<double> slide = {150, 3200, 3200, 800, 1600, 1600, 400, 800, 800, 800, 200,
                                     400, 400,  400,  100, 100,  100,  100, 25,  4.1, 4.1, 1};
  ASSERT_EQ(thousands.size(), slide.size());
  double sum = 0;
  for (size_t i = 0; i < slide.size(); ++i) {
    EXPECT_NEAR(thousands[i], slide[i], 0.02 * slide[i]) << i;
    sum += thousands[i];
  }
  EXPECT_NEAR(sum, 15200, 50);  // 15.2 million numbers, 61 MB
}

// Table 1 of Szegedy et al. 2014: the extent and channels of what each stage gives, and its
// parameters in units of 1024. Those of the paper are up to 8 % from what its own columns make, and
// its 2.7K for the first convolution of 7x7x3x64 is a slip.
TEST(Lectures, GoogLeNetsStages) {
  const Model model = BuildNetwork(**FindNetwork("googlenet_original"), {.draw = false}).value();
  struct Stage {
    std::string prefix, output, shape;
    double kilo;
  };
  const Stage kStages[] = {{"conv1.", "conv1.conv", "[N,64,112,112]", 9.2},
                           {"conv3.", "conv3.conv", "[N,192,56,56]", 108},
                           {"inception3a.", "inception3a.concat1", "[N,256,28,28]", 159},
                           {"inception3b.", "inception3b.concat1", "[N,480,28,28]", 380},
                           {"inception4a.", "inception4a.concat1", "[N,512,14,14]", 364},
                           {"inception4b.", "inception4b.concat1", "[N,512,14,14]", 437},
                           {"inception4c.", "inception4c.concat1", "[N,512,14,14]", 463},
                           {"inception4d.", "inception4d.concat1", "[N,528,14,14]", 580},
                           {"inception4e.", "inception4e.concat1", "[N,832,14,14]", 840},
                           {"inception5a.", "inception5a.concat1", "[N,832,7,7]", 1072},
                           {"inception5b.", "inception5b.concat1", "[N,1024,7,7]", 1388},
                           {"fc.", "fc", "[N,1000]", 1000}};
  for (const Stage& stage : kStages) {
    EXPECT_THAT(Shapes(model, {stage.output}), ElementsAre(stage.shape)) << stage.prefix;
    int64_t weights = 0;
    for (const Node* variable : model.graph.variables()) {
      if (variable->name().starts_with(stage.prefix) && variable->type().rank() > 1) {
        weights += LeafValue(*variable).size();
      }
    }
    EXPECT_NEAR(static_cast<double>(weights) / 1024, stage.kilo, 0.08 * stage.kilo) << stage.prefix;
  }
}

}  // namespace
}  // namespace weft
