// GridSample, RoiAlign, Det, NonMaxSuppression, NonZero and Unique: worked examples.

#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kTolerance = 1e-12;

AttributeMap Sampling(const char* mode, const char* padding, int corners) {
  return {{"mode", mode}, {"padding_mode", padding}, {"align_corners", corners}};
}

TEST(GridSampleTest, InterpolatesBetweenCorners) {
  const Tensor x = Counting({1, 1, 2, 2});
  const Tensor grid = F64({1, 1, 4, 2}, {-1, -1, 1, -1, 0, 0, 1, 1});
  EXPECT_THAT(RunOp("GridSample", {x, grid}, Sampling("linear", "zeros", 1)),
              NumbersAre(std::vector<double>{0, 1, 1.5, 3}, kTolerance));
  // The outer edges: a quarter of the corner, the rest is outside.
  EXPECT_THAT(RunOp("GridSample", {x, grid}, Sampling("linear", "zeros", 0)),
              NumbersAre(std::vector<double>{0, 0.25, 1.5, 0.75}, kTolerance));
}

TEST(GridSampleTest, PadsWhatIsOutside) {
  const Tensor x = Counting({1, 1, 1, 4});
  // In elements: -1.5, 3.75, 5.
  const Tensor grid = F64({1, 1, 3, 2}, {-1.5, 0, 1.125, 0, 1.75, 0});
  EXPECT_THAT(RunOp("GridSample", {x, grid}, Sampling("linear", "zeros", 0)),
              NumbersAre(std::vector<double>{0, 0.75, 0}, kTolerance));
  EXPECT_THAT(RunOp("GridSample", {x, grid}, Sampling("linear", "border", 0)),
              NumbersAre(std::vector<double>{0, 3, 3}, kTolerance));
  EXPECT_THAT(RunOp("GridSample", {x, grid}, Sampling("linear", "reflection", 0)),
              NumbersAre(std::vector<double>{0.5, 3, 2}, kTolerance));
  EXPECT_THAT(RunOp("GridSample", {x, grid}, Sampling("nearest", "zeros", 0)),
              NumbersAre(std::vector<double>{0, 0, 0}, kTolerance));
}

TEST(GridSampleTest, CubicMeetsTheElementsAndStraightLines) {
  const Tensor x = Counting({1, 1, 1, 6});
  // In elements: 2, 2.5.
  const Tensor grid = F64({1, 1, 2, 2}, {-1.0 / 6, 0, 0, 0});
  EXPECT_THAT(RunOp("GridSample", {x, grid}, Sampling("cubic", "border", 0)),
              NumbersAre(std::vector<double>{2, 2.5}, kTolerance));
}

TEST(GridSampleTest, PlacesThatAreNoneAreOutside) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor grid = F64({1, 1, 2, 2}, {nan, 0, 1e300, 0});
  for (const char* padding : {"zeros", "border", "reflection"}) {
    const Tensor y =
        RunOp("GridSample", {Counting({1, 1, 2, 2}), grid}, Sampling("linear", padding, 0));
    EXPECT_EQ(y.At(0), 0) << padding;
  }
}

TEST(GridSampleTest, InfersSymbols) {
  EXPECT_EQ(Inferred("GridSample", {F32Type({"N", "3", "H", "W"}), F32Type({"N", "P", "5", "2"})}),
            "f32[N,3,P,5]");
}

TEST(RoiAlignTest, AveragesPointsOfBins) {
  const Tensor x = Counting({1, 1, 4, 4}), image = I64({1}, {0});
  const Tensor all = F64({1, 4}, {0, 0, 4, 4});
  EXPECT_THAT(RunOp("RoiAlign", {x, all, image}), NumbersAre(std::vector<double>{7.5}, kTolerance));
  const AttributeMap whole = {{"coordinate_transformation_mode", "output_half_pixel"},
                              {"output_height", 2},
                              {"output_width", 2},
                              {"sampling_ratio", 1}};
  EXPECT_THAT(RunOp("RoiAlign", {x, all, image}, whole),
              NumbersAre(std::vector<double>{5, 7, 13, 15}, kTolerance));
}

TEST(RoiAlignTest, ReadsTheRegionsImageAndZerosFarOutside) {
  const Tensor x = Counting({2, 1, 2, 2});
  const Tensor regions = F64({2, 4}, {0, 0, 2, 2, 20, 20, 30, 30});
  EXPECT_THAT(RunOp("RoiAlign", {x, regions, I64({2}, {1, 0})}),
              NumbersAre(std::vector<double>{5.5, 0}, kTolerance));
}

TEST(DetTest, IsTheProductOfPivots) {
  EXPECT_THAT(RunOp("Det", {F64({3, 2, 2}, {1, 2, 3, 4, 0, 1, 1, 0, 1, 2, 2, 4})}),
              NumbersAre(std::vector<double>{-2, -1, 0}, kTolerance));
  EXPECT_THAT(RunOp("Det", {F64({3, 3}, {2, 0, 1, 0, 3, 0, 1, 0, 4})}),
              NumbersAre(std::vector<double>{21}, kTolerance));
  EXPECT_EQ(Inferred("Det", {F32Type({"N", "M", "M"})}), "f32[N]");
}

// The example of ONNX's documentation: two pairs overlap.
std::vector<Tensor> SuppressionExample(int64_t most, float score) {
  return {F32({1, 6, 4}, {0, 0,  1, 1,  0, 0.1f,  1, 1.1f,  0, -0.1f, 1, 0.9f,
                          0, 10, 1, 11, 0, 10.1f, 1, 11.1f, 0, 100,   1, 101}),
          F32({1, 1, 6}, {0.9f, 0.75f, 0.6f, 0.95f, 0.5f, 0.3f}), I64({1}, {most}),
          F32({1}, {0.5f}), F32({1}, {score})};
}

TEST(NonMaxSuppressionTest, KeepsTheBestOfThoseThatOverlap) {
  const auto kept =
      Evaluate("NonMaxSuppression", SuppressionExample(4, 0), {}, {.constants = true});
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ((*kept)[0], I64({4, 3}, {0, 0, 3, 0, 0, 0, 0, 0, 5, -1, -1, -1}));
  EXPECT_EQ((*kept)[1], I64({1}, {3}));
  const auto scored =
      Evaluate("NonMaxSuppression", SuppressionExample(4, 0.4f), {}, {.constants = true});
  ASSERT_TRUE(scored.ok()) << scored.status();
  EXPECT_EQ((*scored)[1], I64({1}, {2}));
}

TEST(NonMaxSuppressionTest, HasAsManyRowsAsThereCanBe) {
  const TensorType boxes = F32Type({"N", "8", "4"}), scores = F32Type({"N", "2", "8"});
  EXPECT_EQ(Inferred("NonMaxSuppression", {boxes, scores}), "i64[0,3]");
  EXPECT_EQ(Inferred("NonMaxSuppression", {boxes, scores, Type(DType::kI64, {})}),
            "i64[2*N*node.boxes,3]");
  // What only the run knows is known of constants.
  const auto kept = Evaluate("NonMaxSuppression", SuppressionExample(2, 0));
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ((*kept)[0], I64({2, 3}, {0, 0, 3, 0, 0, 0}));
}

TEST(NonZeroTest, GivesCoordinates) {
  const auto found = Evaluate("NonZero", {I64({2, 2}, {1, 0, -1, 7})});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)[0], I64({2, 4}, {0, 1, 1, -1, 0, 0, 1, -1}));
  EXPECT_EQ((*found)[1], I64({1}, {3}));
  EXPECT_EQ(Inferred("NonZero", {F32Type({"N", "3"})}), "i64[2,3*N]");
}

TEST(UniqueTest, ElementsInOrderOrAsTheyCome) {  // ONNX
  const Tensor x = F32({6}, {2, 1, 1, 3, 4, 3});
  const auto sorted = Evaluate("Unique", {x});
  ASSERT_TRUE(sorted.ok()) << sorted.status();
  EXPECT_THAT(*sorted, ElementsAre(F32({6}, {1, 2, 3, 4, 0, 0}), I64({6}, {1, 0, 3, 4, -1, -1}),
                                   I64({6}, {1, 0, 0, 2, 3, 2}), I64({6}, {2, 1, 2, 1, 0, 0}),
                                   I64({1}, {4})));
  const auto coming = Evaluate("Unique", {x}, {{"sorted", 0}});
  ASSERT_TRUE(coming.ok()) << coming.status();
  EXPECT_THAT(*coming, ElementsAre(F32({6}, {2, 1, 3, 4, 0, 0}), I64({6}, {0, 1, 3, 4, -1, -1}),
                                   I64({6}, {0, 1, 1, 2, 3, 2}), I64({6}, {1, 2, 2, 1, 0, 0}),
                                   I64({1}, {4})));
}

TEST(UniqueTest, SlicesAreToldApartByTheirFirstDifference) {
  const auto rows = Evaluate("Unique", {I64({4, 2}, {1, 0, 1, -2, 0, 9, 1, 0})}, {{"axis", 0}});
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ((*rows)[0], I64({4, 2}, {0, 9, 1, -2, 1, 0, 0, 0}));
  EXPECT_EQ((*rows)[1], I64({4}, {2, 1, 0, -1}));
  const auto columns = Evaluate("Unique", {I64({2, 3}, {3, 1, 3, 0, 5, 0})}, {{"axis", -1}});
  ASSERT_TRUE(columns.ok()) << columns.status();
  EXPECT_EQ((*columns)[0], I64({2, 3}, {1, 3, 0, 5, 0, 0}));
  EXPECT_EQ((*columns)[3], I64({3}, {1, 2, 0}));
}

TEST(UniqueTest, NaNIsLastAndEqualToItselfAndZeroHasNoSign) {
  const auto found = Evaluate("Unique", {F32({5}, {NAN, 0, 1, NAN, -0.0f})});
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ((*found)[1], I64({5}, {1, 2, 0, -1, -1}));
  EXPECT_EQ((*found)[3], I64({5}, {2, 1, 2, 0, 0}));
}

}  // namespace
}  // namespace weft
