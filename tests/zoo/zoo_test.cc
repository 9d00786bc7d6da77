#include "frontend/zoo/zoo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "frontend/analysis/summary.h"
#include "graph/number_text.h"

namespace weft {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Model Network(std::string_view name) { return *BuildNetwork(**FindNetwork(name)); }

const SummaryRow& Row(const Summary& summary, std::string_view name) {
  for (const SummaryRow& row : summary.rows) {
    if (row.name == name) return row;
  }
  static const SummaryRow missing;
  return missing;
}

TEST(Zoo, LeNetHas61706Parameters) {
  const Summary summary = *Summarize(Network("lenet").graph);
  EXPECT_EQ(summary.parameters, 61706);
  EXPECT_EQ(summary.trainable, 61706);
}

TEST(Zoo, LeNetsLayersHaveTheirSizesAndCosts) {
  const Summary summary = *Summarize(Network("lenet").graph, 2);
  EXPECT_EQ(summary.batch, 2);
  const SummaryRow& conv1 = Row(summary, "conv1");
  EXPECT_EQ(conv1.op, "Conv");
  EXPECT_EQ(conv1.output, "[N,6,28,28]");
  EXPECT_EQ(conv1.parameters, 6 * 25 + 6);
  EXPECT_EQ(conv1.macs, 2 * 28 * 28 * 6 * 25);
  EXPECT_EQ(Row(summary, "conv2").macs, 2 * 10 * 10 * 16 * 6 * 25);
  EXPECT_EQ(Row(summary, "flatten1").output, "[N,400]");
  EXPECT_EQ(Row(summary, "fc1").parameters, 400 * 120 + 120);
  EXPECT_EQ(Row(summary, "fc3").macs, 2 * 84 * 10);
  EXPECT_EQ(summary.macs, 2 * (117600 + 240000 + 48000 + 10080 + 840));
}

TEST(Zoo, SummaryTableShowsTotals) {
  const std::string table = Summarize(Network("lenet").graph)->ToString();
  EXPECT_THAT(table, HasSubstr("conv1"));
  EXPECT_THAT(table, HasSubstr("[N,6,28,28]"));
  EXPECT_THAT(table, HasSubstr("48,120"));
  EXPECT_THAT(table, HasSubstr("61,706 of 61,706 parameters are trainable"));
}

TEST(Zoo, SummaryCountsStatisticsButNotAsTrainable) {
  const Summary summary = *Summarize(Network("lenet-bn").graph);
  EXPECT_EQ(summary.parameters - summary.trainable, 2 * (16 + 32));  // running mean and variance
}

TEST(Zoo, BuildsForOtherSizesAndTypes) {
  const auto model = BuildNetwork(**FindNetwork("lenet"),
                                  {.input = {3, 32, 40}, .classes = 7, .dtype = DType::kF64});
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_EQ(ToString(model->graph.outputs()[0].value.type()), "f64[N,7]");
}

TEST(Zoo, WidthScalesTheLayersWithin) {
  const Model model = *BuildNetwork(**FindNetwork("lenet-bn"), {.width = 0.5});
  EXPECT_EQ(ToString(model.graph.Find("block1.conv.weight")->type()), "f32[8,1,3,3]");
  EXPECT_EQ(ToString(model.graph.outputs()[0].value.type()), "f32[N,10]");
  // Multiples of 8, not more than a tenth below the product.
  EXPECT_EQ(ZooOptions{.width = 0.35}.Wide(24), 8);
  EXPECT_EQ(ZooOptions{.width = 0.35}.Wide(96), 32);
  EXPECT_EQ(ZooOptions{.width = 0.75}.Wide(24), 24);
  EXPECT_EQ(ZooOptions{}.Wide(13), 13);
}

std::string ErrorOf(std::string_view network, const ZooOptions& options) {
  const auto model = BuildNetwork(**FindNetwork(network), options);
  return model.ok() ? "" : std::string(model.status().message());
}

TEST(Zoo, ImagesThatAreTooSmallAreAnErrorThatSaysWhatFits) {
  const std::string error = ErrorOf("lenet", {.input = {1, 8, 8}});
  EXPECT_THAT(error, HasSubstr("lenet: zoo/lenet.cc:"));
  EXPECT_THAT(error, HasSubstr("conv2 (Conv)"));
  EXPECT_THAT(error, HasSubstr("; the least input that fits is 1x12x12"));
  EXPECT_EQ(ErrorOf("lenet", {.input = {1, 12, 12}}), "");
  // One that is too large is not helped by it.
  const std::string large = ErrorOf("lenet", {.input = {1, 1000000000, 1000000000}});
  EXPECT_THAT(large, HasSubstr("elements"));
  EXPECT_THAT(large, Not(HasSubstr("least input")));
}

TEST(Zoo, OtherOptionsOutOfRangeAreErrors) {
  EXPECT_EQ(ErrorOf("lenet", {.input = {28, 28}}),
            "lenet: expected an input such as 1x28x28, got 28x28");
  EXPECT_EQ(ErrorOf("lenet", {.input = {1, 0, 28}}),
            "lenet: expected an input such as 1x28x28, got 1x0x28");
  EXPECT_EQ(ErrorOf("lenet", {.classes = -1}), "lenet: expected 1 to 1,000,000 classes, got -1");
  EXPECT_EQ(ErrorOf("lenet", {.width = 0}), "lenet: expected a width in (0,64], got 0");
}

TEST(Zoo, UnknownNamesGetAProposal) {
  EXPECT_THAT(std::string(FindNetwork("lenetbn").status().message()),
              HasSubstr("unknown model lenetbn, did you mean lenet-bn? (`weft zoo` lists all "));
  EXPECT_THAT(std::string(FindNetwork("transformer").status().message()),
              HasSubstr("unknown model transformer (`weft zoo` lists all "));
}

TEST(Zoo, NumbersHaveCommas) {
  EXPECT_EQ(WithCommas(0), "0");
  EXPECT_EQ(WithCommas(999), "999");
  EXPECT_EQ(WithCommas(1000), "1,000");
  EXPECT_EQ(WithCommas(-1234567), "-1,234,567");
}

}  // namespace
}  // namespace weft
