#include "tests/ops/testing_arguments.h"

// Tile, Expand, DepthToSpace, SpaceToDepth, ReverseSequence.

namespace weft {
namespace {

using testing::HasSubstr;

TEST(TileTest, RepeatsEveryAxis) {
  EXPECT_EQ(RunWith("Tile", {F32({2, 2}, {0, 1, 2, 3}), List({2, 2})}),
            F32({4, 4}, {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(InferredWith("Tile", F32Type({"N", "3"}), {List({4, 2})}), "f32[4*N,6]");
  EXPECT_EQ(InferredWith("Tile", F32Type({"N", "3"}), {List({0, 2})}), "f32[0,6]");
}

TEST(ExpandTest, BroadcastsBothWays) {
  EXPECT_EQ(RunWith("Expand", {F32({3, 1}, {1, 2, 3}), List({2, 1, 2})}),
            F32({2, 3, 2}, {1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(InferredWith("Expand", F32Type({"N", "1"}), {List({5, 1, 4})}), "f32[5,N,4]");
  EXPECT_EQ(InferredWith("Expand", F32Type({"N", "1"}), {List({4, 4})}), "f32[4,4]");
  EXPECT_THAT(InferredWith("Expand", F32Type({"3", "1"}), {List({4, 4})}),
              HasSubstr("expected equal dims or 1 on axis -2, got 3 and 4"));
}

// ONNX's example: two blocks of 2 x 2 channels; channel k holds 9*k, 9*k + 1,
// ….
TEST(DepthToSpaceTest, IsOnnxs) {
  Tensor x = Tensor::Zeros(DType::kF32, {1, 8, 2, 3}).value();
  for (int i = 0; i < 48; ++i) {
    x.mutable_values<float>()[static_cast<size_t>(i)] = static_cast<float>(i / 6 * 9 + i % 6);
  }
  const Tensor columns =
      F32({1, 2, 4, 6}, {0,  18, 1,  19, 2,  20, 36, 54, 37, 55, 38, 56, 3,  21, 4,  22,
                         5,  23, 39, 57, 40, 58, 41, 59, 9,  27, 10, 28, 11, 29, 45, 63,
                         46, 64, 47, 65, 12, 30, 13, 31, 14, 32, 48, 66, 49, 67, 50, 68});
  const Tensor rows =
      F32({1, 2, 4, 6}, {0,  9,  1,  10, 2,  11, 18, 27, 19, 28, 20, 29, 3,  12, 4,  13,
                         5,  14, 21, 30, 22, 31, 23, 32, 36, 45, 37, 46, 38, 47, 54, 63,
                         55, 64, 56, 65, 39, 48, 40, 49, 41, 50, 57, 66, 58, 67, 59, 68});
  EXPECT_EQ(RunOp("DepthToSpace", {x}, {{"blocksize", 2}}), columns);
  EXPECT_EQ(RunOp("DepthToSpace", {x}, {{"blocksize", 2}, {"mode", "CRD"}}), rows);
  EXPECT_EQ(RunOp("SpaceToDepth", {columns}, {{"blocksize", 2}}), x);
  EXPECT_EQ(RunOp("SpaceToDepth", {rows}, {{"blocksize", 2}, {"mode", "CRD"}}), x);
}

TEST(DepthToSpaceTest, FollowsSymbols) {
  const AttributeMap two = {{"blocksize", 2}};
  EXPECT_EQ(Inferred("DepthToSpace", {F32Type({"N", "8", "H", "W"})}, two), "f32[N,2,2*H,2*W]");
  EXPECT_EQ(Inferred("SpaceToDepth", {F32Type({"N", "C", "H", "4*W"})}, two),
            "f32[N,4*C,(H/2),2*W]");
}

TEST(ReverseSequenceTest, IsOnnxs) {
  const Tensor x = F32({4, 4}, {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15});
  EXPECT_EQ(RunOp("ReverseSequence", {x, List({4, 3, 2, 1})}),
            F32({4, 4}, {3, 6, 9, 12, 2, 5, 8, 13, 1, 4, 10, 14, 0, 7, 11, 15}));
  const Tensor y = F32({4, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  EXPECT_EQ(
      RunOp("ReverseSequence", {y, List({1, 2, 3, 4})}, {{"batch_axis", 0}, {"time_axis", 1}}),
      F32({4, 4}, {0, 1, 2, 3, 5, 4, 6, 7, 10, 9, 8, 11, 15, 14, 13, 12}));
}

}  // namespace
}  // namespace weft
