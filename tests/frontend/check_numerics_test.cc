#include "frontend/train/check_numerics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "frontend/build/builder.h"
#include "frontend/session/session.h"
#include "frontend/train/train.h"
#include "graph/file/serialize.h"
#include "ops/ops.h"

namespace weft {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr float kPlantedNan = std::numeric_limits<float>::quiet_NaN();

Model CheckedNet() {
  Builder b({.seed = 1});
  Value h = b.Input("x", {"N", 1, 8, 8});
  h = b.Relu(b.BatchNorm2d(b.Conv2d(h, {.channels = 4, .kernel = 3, .name = "conv1"})));
  h = b.Flatten(b.MaxPool2d(h, {.kernel = 2}));
  b.Output("logits", b.Linear(h, {.features = 3, .name = "fc"}));
  return *b.Build();
}

Tensor CheckedImages(int64_t n = 4) {
  Tensor t = *Tensor::Zeros(DType::kF32, {n, 1, 8, 8});
  float angle = 0;
  for (float& x : t.mutable_values<float>()) x = std::sin(angle += 1);
  return t;
}

const Tensor kCheckedLabels = Tensor::FromInts(std::vector<int64_t>{0, 1, 2, 1});

class CheckNumerics : public ::testing::Test {
 protected:
  std::unique_ptr<Trainer> NewTrainer(Model model, bool denormals = false) {
    TrainOptions options = {.optimizer = {.momentum = 0.9}, .threads = 1};
    options.numerics = {.check = true, .denormals = denormals, .file = file_};
    return *Trainer::Create(std::move(model), options);
  }
  void SetUp() override { std::filesystem::remove(file_); }
  void TearDown() override { std::filesystem::remove(file_); }

  static std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

  // The file's only node gives the numbers again, as its first output.
  void ExpectSavedNodeIsOdd(bool nan) {
    const auto saved = LoadModel(file_, StandardOps());
    ASSERT_TRUE(saved.ok()) << saved.status();
    const auto session = *Session::Create(*saved);
    const auto outputs = session->Run(TensorMap());
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    const Tensor& y = outputs->at(session->outputs()[0].name);
    bool odd = false;
    for (int64_t i = 0; i < y.size(); ++i) odd |= nan ? std::isnan(y.At(i)) : std::isinf(y.At(i));
    EXPECT_TRUE(odd);
  }

  const std::string file_ = std::string(::testing::TempDir()) + "/check_numerics_node.weft";
};

TEST_F(CheckNumerics, GivesTheSameBitsWhereNothingIsOdd) {
  const auto checked = NewTrainer(CheckedNet());
  const auto plain = *Trainer::Create(CheckedNet(), {.optimizer = {.momentum = 0.9}, .threads = 1});
  for (int i = 0; i < 3; ++i) {
    const auto a = checked->Step(CheckedImages(), kCheckedLabels, 0.1),
               b = plain->Step(CheckedImages(), kCheckedLabels, 0.1);
    ASSERT_TRUE(a.ok()) << a.status();
    EXPECT_EQ(a->loss, b->loss);
  }
  EXPECT_EQ(*checked->Get("fc.weight"), *plain->Get("fc.weight"));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(CheckNumerics, NamesTheData) {
  const auto trainer = NewTrainer(CheckedNet());
  const Tensor before = *trainer->Get("conv1.weight");
  Tensor images = CheckedImages();
  images.mutable_values<float>()[2 * 64 + 8 + 5] = kPlantedNan;
  const std::string message = MessageOf(trainer->Step(images, kCheckedLabels, 0.1).status());
  EXPECT_THAT(message, HasSubstr("step 1, learning rate 0.1: input x has 1 NaN of 256 "
                                 "elements, the first at [2,0,1,5]"));
  EXPECT_EQ(*trainer->Get("conv1.weight"), before);
  EXPECT_EQ(trainer->step(), 0);
  EXPECT_TRUE(trainer->Step(CheckedImages(), kCheckedLabels, 0.1).ok());
}

TEST_F(CheckNumerics, NamesTheWeight) {
  Model model = CheckedNet();
  Node* weight = model.graph.Find("fc.weight");
  Tensor value = LeafValue(*weight);
  value.mutable_values<float>()[4] = kPlantedNan;
  ASSERT_TRUE(model.graph.SetLeafValue(weight, value).ok());
  const auto trainer = NewTrainer(std::move(model));
  EXPECT_THAT(MessageOf(trainer->Step(CheckedImages(), kCheckedLabels, 0.1).status()),
              HasSubstr("variable fc.weight has 1 NaN of 108 elements, the first at "));
}

// A rate that is too large: the weights become so large that the next step overflows.
TEST_F(CheckNumerics, NamesTheNodeThatOverflowsAndSavesIt) {
  const auto trainer = NewTrainer(CheckedNet());
  absl::Status status;
  for (int i = 0; i < 4 && status.ok(); ++i) {
    status = trainer->Step(CheckedImages(), kCheckedLabels, 1e30).status();
  }
  const std::string message = MessageOf(status);
  EXPECT_THAT(message, AllOf(HasSubstr("learning rate 1e+30: the "), HasSubstr(": node "),
                             HasSubstr(" gives "), HasSubstr(" up to "),
                             HasSubstr("; the node and its inputs: weft run " + file_)));
  ASSERT_TRUE(std::filesystem::exists(file_));
  ExpectSavedNodeIsOdd(message.find(" NaN") != std::string::npos);
  EXPECT_TRUE(std::isfinite(trainer->Get("fc.weight")->At(0)));
}

TEST_F(CheckNumerics, NamesTheUpdate) {
  const auto trainer = NewTrainer(CheckedNet());
  const Tensor before = *trainer->Get("fc.weight");
  // Momentum gathers, and nothing moves yet.
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(trainer->Step(CheckedImages(), kCheckedLabels, 0).ok());
  const std::string message =
      MessageOf(trainer->Step(CheckedImages(), kCheckedLabels, 3e38).status());
  EXPECT_THAT(message, AllOf(HasSubstr("step 13, "), HasSubstr(": the update of "),
                             HasSubstr(": node optimizer"), HasSubstr(" Inf of ")));
  EXPECT_EQ(*trainer->Get("fc.weight"), before);
  ExpectSavedNodeIsOdd(/*nan=*/false);
}

TEST_F(CheckNumerics, DenormalsCountWhereAskedFor) {
  Tensor images = CheckedImages();
  images.mutable_values<float>()[0] = 1e-40f;
  EXPECT_TRUE(NewTrainer(CheckedNet())->Step(images, kCheckedLabels, 0.1).ok());
  EXPECT_THAT(MessageOf(NewTrainer(CheckedNet(), true)->Step(images, kCheckedLabels, 0.1).status()),
              HasSubstr("input x has 1 denormal of 256 elements, the first at [0,0,0,0]"));
}

TEST(FindOddities, CountsByBitsInEveryFloatingPointType) {
  const NumericsOptions all = {.check = true, .denormals = true};
  const std::vector<float> numbers = {1, 0, -0.0f, INFINITY, -INFINITY, kPlantedNan, -3.5f};
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kBF16}) {
    const Tensor x = *(*Tensor::FromValues<float>({7}, numbers)).Converted(dtype);
    const Oddities found = FindOddities(dtype, x.data(), x.bytes(), all);
    EXPECT_EQ(found.nan, 1);
    EXPECT_EQ(found.inf, 2);
    EXPECT_EQ(found.denormal, 0);
    EXPECT_EQ(found.first, 3);
  }
  const double tiny[] = {1e-310, -1e-310, 1e-300};
  EXPECT_EQ(FindOddities(DType::kF64, tiny, sizeof(tiny), all).denormal, 2);
  EXPECT_FALSE(FindOddities(DType::kF64, tiny, sizeof(tiny), {.check = true}).any({.check = true}));
  const int64_t ints[] = {-1};
  EXPECT_FALSE(FindOddities(DType::kI64, ints, sizeof(ints), all).any(all));
}

}  // namespace
}  // namespace weft
