// All layers' values of a data set within a bounded memory.
#include "frontend/session/layer_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "frontend/build/builder.h"
#include "frontend/inspect/layers/activations.h"
#include "frontend/session/fixed_batch.h"
#include "frontend/session/layers.h"
#include "frontend/train/finetune_features.h"
#include "frontend/watch/event_file.h"
#include "testing_golden.h"
#include "tests/frontend/testing_cli.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

Model ReluNet(Axis batch) {
  Builder b;
  const Value x = b.Input("x", {std::move(batch), 1, 32, 32});
  b.Output("y", b.Relu(b.Relu(x, {.name = "a"}), {.name = "b"}));
  return b.Build().value();
}

// Two layers of 32x32 f32 are 8 KiB an example.
TEST(LayerBatch, IsWhatTheBytesAllow) {
  const Model layers = *ModelOfLayers(ReluNet("N"));
  const TensorMap one = {{"x", *Tensor::Zeros(DType::kF32, {1, 1, 32, 32})}};
  EXPECT_EQ(*ExamplesWithin(layers.graph, one, 64, 50 << 10), 6);
  EXPECT_EQ(*ExamplesWithin(layers.graph, one, 64, 1 << 30), 64);
  EXPECT_EQ(*ExamplesWithin(layers.graph, one, 64, 1), 1);
  const TensorMap other = {{"x", *Tensor::Zeros(DType::kF32, {1, 3, 32, 32})}};
  EXPECT_FALSE(ExamplesWithin(layers.graph, other, 64).ok());
  EXPECT_EQ(FixedBatch(*layers.graph.inputs()[0]), std::nullopt);
  EXPECT_EQ(FixedBatch(*ReluNet(8).graph.inputs()[0]), 8);
}

TEST(LayerBatch, StatisticsTakeTheBatchThatAModelIsFixedTo) {
  Features zeros{.values = *Tensor::Zeros(DType::kF32, {8, 1, 32, 32}),
                 .labels = Tensor::FromInts(std::vector<int64_t>(8))};
  const auto eight = FeatureDataset(std::move(zeros), **OpenDataset("digits:10", Split::kTest));
  for (const int64_t fixed : {1, 4}) {
    const auto layers = ActivationStatistics(ReluNet(fixed), eight);
    ASSERT_TRUE(layers.ok()) << layers.status();
    EXPECT_EQ((*layers)[0].values.count(), 8 * 32 * 32);
  }
  EXPECT_THAT(ActivationStatistics(ReluNet(3), eight).status().message(),
              HasSubstr("expected batches of 3 and a multiple of examples, as x is "
                        "f32[3,1,32,32], got 8 examples"));
  EXPECT_THAT(ActivationStatistics(ReluNet(4), eight, {.batch_size = 2}).status().message(),
              HasSubstr("in batches of 2"));
}

TEST(LayerBatch, ADistributionOfPartsIsThatOfTheWhole) {
  const Tensor a = *Tensor::FromValues<float>({3}, std::array{-1.f, NAN, 2.f});
  const Tensor b = *Tensor::FromValues<float>({2}, std::array{5.f, 0.f});
  Distribution parts;
  for (const auto add : {&Distribution::Widen, &Distribution::Count}) {
    for (const Tensor* part : {&a, &b}) (parts.*add)(*part);
  }
  EXPECT_EQ(parts.low(), -1);
  EXPECT_EQ(parts.high(), 5);
  EXPECT_EQ(parts.num(), 4);
  EXPECT_EQ(parts.sum(), 6);
  EXPECT_EQ(parts.sum_squares(), 30);
  // Buckets are a fifth wide.
  EXPECT_EQ(parts.count(0), 1);
  EXPECT_EQ(parts.count(5), 1);
  EXPECT_EQ(parts.count(15), 1);
  EXPECT_EQ(parts.count(29), 1);
}

class LayerBatchCli : public Cli {};

// Its noise is drawn for a step and is no part of the examples.
TEST_F(LayerBatchCli, ActivationsOfAModelThatTakesNoiseAreRefusedBeforeItTrains) {
  const std::string error = Error(
      "train --model dcgan --data synthetic:8 --epochs 2 --tensorboard board --log-activations "
      "-o gan.weft");
  EXPECT_THAT(error, HasSubstr("log_activations: "));
  EXPECT_THAT(error, HasSubstr("noise"));
  EXPECT_FALSE(std::filesystem::exists(Path("gan.weft")));
}

// A volume's maps make no picture of less than 2^26 pixels here; the other layers do.
TEST_F(LayerBatchCli, LayersWithoutAPictureAreLeftOutAloud) {
  const std::string out = Output("inspect " + GoldenFolder() +
                                 "/digits.weft activations --data digits:50 --scale 700 -o maps");
  EXPECT_THAT(out, HasSubstr(" is left out: grid: "));
  EXPECT_THAT(out, HasSubstr("saved maps/"));
}

}  // namespace
}  // namespace weft
