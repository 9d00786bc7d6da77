#include "frontend/inspect/attribution/excitation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "frontend/build/builder.h"
#include "frontend/inspect/map_picture.h"
#include "frontend/session/session.h"
#include "frontend/zoo/zoo.h"
#include "testing_golden.h"

namespace weft {
namespace {

using ::testing::HasSubstr;

Tensor Ramp(Dims dims) {
  Tensor x = Tensor::Zeros(DType::kF32, std::move(dims)).value();
  const std::span<float> values = x.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::sin(0.37f * static_cast<float>(i % 1013));
  }
  return x;
}

// maps * sigmoid(weights * means), of two channels: by hand. Beside it what is no block: a swish of
// maps of one place, and a gate for places.
TEST(Excitation, GatesByHand) {
  const auto floats = [](Dims dims, std::vector<float> values) {
    return Tensor::FromValues<float>(std::move(dims), values).value();
  };
  Builder b;
  const Value x = b.Input("x", {"N", 2, 1, 2});
  const Value weights = b.Constant(floats({2, 2, 1, 1}, {1, 0, 2, -1}));
  const Value means = b.GlobalAvgPool(x, {.keep_dims = true});
  const Value squeezed = b.Op("Conv", {b.Silu(means), weights}, {});
  Value h = b.Mul(b.Sigmoid(squeezed, {.name = "gate"}), x);
  h = b.Mul(h, b.Sigmoid(b.ReduceMean(h, {.axes = {1}})));
  b.Output("y", b.Flatten(h));
  const Model model = b.Build().value();
  const auto blocks = GatesOfExcitation(model, floats({1, 2, 1, 2}, {1, 3, 0, -2}));
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  ASSERT_EQ(blocks->size(), 1u);
  const ExcitationGates& block = blocks->front();
  EXPECT_EQ(block.name, "gate");
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  const double first = 2 * sigmoid(2), second = -1 * sigmoid(-1);  // swish of the means 2, -1
  ASSERT_EQ(block.gates.size(), 2u);
  EXPECT_NEAR(block.gates[0], sigmoid(first), 1e-6);
  EXPECT_NEAR(block.gates[1], sigmoid(2 * first - second), 1e-6);
  EXPECT_NEAR(block.mean, (block.gates[0] + block.gates[1]) / 2, 1e-7);
  EXPECT_EQ(block.least, block.gates[0]);
  EXPECT_EQ(block.most, block.gates[1]);
}

// As many blocks as the papers' tables have.
TEST(Excitation, FindsTheBlocksOfTheZoo) {
  const std::pair<const char*, size_t> kNetworks[] = {
      {"se_resnet50", 16}, {"efficientnet_b0", 16}, {"mobilenet_v3_small", 9}};
  for (const auto& [name, count] : kNetworks) {
    const Model model =
        BuildNetwork(**FindNetwork(name), {.input = {3, 64, 64}, .width = 0.25}).value();
    const auto blocks = GatesOfExcitation(model, Ramp({1, 3, 64, 64}));
    ASSERT_TRUE(blocks.ok()) << name << ": " << blocks.status();
    EXPECT_EQ(blocks->size(), count) << name;
    for (const ExcitationGates& block : *blocks) {
      EXPECT_GE(block.least, 0) << name;
      EXPECT_LE(block.most, 1) << name;
      EXPECT_GT(block.gates.size(), 1u) << name;
    }
  }
}

TEST(Excitation, TableAndStrips) {
  const std::vector<ExcitationGates> blocks = {
      {.name = "a", .gates = {0, 1}, .mean = 0.5, .least = 0, .most = 1},
      {.name = "b<", .gates = {0.5f}, .mean = 0.5, .least = 0.5, .most = 0.5}};
  const Tensor table = ExcitationTable(blocks).value();
  EXPECT_EQ(table.dims(), (Dims{2, 2}));
  EXPECT_EQ(table.At(1), 1);
  EXPECT_EQ(table.At(2), 0.5);
  EXPECT_TRUE(std::isnan(table.At(3)));
  const std::string svg = ExcitationSvg(blocks, "gates");
  EXPECT_THAT(svg, HasSubstr("b&lt;"));
  EXPECT_THAT(svg, HasSubstr("2: mean 0.50, 0.00 to 1.00"));
  EXPECT_THAT(svg, HasSubstr(HexText(ColorOf(ColorMap::kHeat, 1)) + "\" d=\"M580 34H900"));
}

TEST(Excitation, SaysWhatIsNotThere) {
  const Model plain = BuildNetwork(**FindNetwork("lenet")).value();
  EXPECT_THAT(GatesOfExcitation(plain, Ramp({1, 1, 28, 28})).status().message(),
              HasSubstr("expected squeeze-and-excitation blocks"));
  Model fused = BuildNetwork(**FindNetwork("mobilenet_v3_small"), {.input = {3, 32, 32}}).value();
  fused.graph = OptimizedForInference(fused.graph).value();
  EXPECT_THAT(GatesOfExcitation(fused, Ramp({1, 3, 32, 32})).status().message(),
              HasSubstr("is fused and keeps its gates to itself"));
}

// The kept networks have no such blocks: a network with its initial weights, of one wave.
TEST(Excitation, GoldenGates) {
  const Model model =
      BuildNetwork(**FindNetwork("mobilenet_v3_small"), {.input = {3, 64, 64}, .width = 0.25})
          .value();
  const auto blocks = GatesOfExcitation(model, Ramp({1, 3, 64, 64}));
  ASSERT_TRUE(blocks.ok()) << blocks.status();
  const Tensor table = ExcitationTable(*blocks).value();
  const ValueRange range = RangeOf(table.values<float>(), false);
  ExpectGoldenPicture(*MapPicture(table, ColorMap::kHeat, range, 4), "excitation");
}

}  // namespace
}  // namespace weft
