#include "ops/broadcast.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/elementwise.h"
#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Shape ShapeOf(std::initializer_list<const char*> dims) { return F32Type(dims).shape; }

std::string Broadcast(std::initializer_list<const char*> a, std::initializer_list<const char*> b) {
  auto shape = BroadcastShapes(ShapeOf(a), ShapeOf(b));
  return shape.ok() ? ToString(*shape) : std::string(shape.status().message());
}

TEST(BroadcastTest, AlignsShapesAtTheLastAxis) {
  EXPECT_EQ(Broadcast({"2", "3", "4"}, {"4"}), "[2,3,4]");
  EXPECT_EQ(Broadcast({"4"}, {"2", "3", "1"}), "[2,3,4]");
  EXPECT_EQ(Broadcast({"8", "1", "6", "1"}, {"7", "1", "5"}), "[8,7,6,5]");
  EXPECT_EQ(Broadcast({}, {"5"}), "[5]");
  EXPECT_EQ(Broadcast({}, {}), "[]");
}

TEST(BroadcastTest, ASymbolAgreesWithItselfAndWithOne) {
  EXPECT_EQ(Broadcast({"N", "3"}, {"1", "3"}), "[N,3]");
  EXPECT_EQ(Broadcast({"1"}, {"N"}), "[N]");
  EXPECT_EQ(Broadcast({"64*N", "C", "1"}, {"C", "H"}), "[64*N,C,H]");
}

// Whether they are equal shows when symbols are bound. The order of the operands does not matter.
TEST(BroadcastTest, OtherSymbolsMayTurnOutToBeEqual) {
  EXPECT_EQ(Broadcast({"N", "3"}, {"4", "3"}), "[4,3]");
  EXPECT_EQ(Broadcast({"N"}, {"M"}), "[M]");
  EXPECT_EQ(Broadcast({"M"}, {"N"}), "[M]");
  EXPECT_EQ(Broadcast({"2*(floor(W/2))"}, {"W"}), "[W]");
  EXPECT_FALSE(BroadcastsTo(ShapeOf({"N"}), ShapeOf({"M"})));
  EXPECT_TRUE(MayBroadcastTo(ShapeOf({"N"}), ShapeOf({"M"})));
  EXPECT_FALSE(MayBroadcastTo(ShapeOf({"N", "3"}), ShapeOf({"M", "4"})));
}

TEST(BroadcastTest, AnEmptyAxisStaysEmpty) {
  EXPECT_EQ(Broadcast({"0", "3"}, {"1", "3"}), "[0,3]");
}

TEST(BroadcastTest, SaysWhichDimsDisagree) {
  EXPECT_EQ(Broadcast({"2", "3", "4"}, {"5", "1"}),
            "shapes [2,3,4] and [5,1] do not broadcast: expected equal dims or 1 on axis -2, got 3 "
            "and 5");
  EXPECT_THAT(Broadcast({"0"}, {"2"}), HasSubstr("got 0 and 2"));
}

TEST(BroadcastTest, DimsBroadcastLikeShapes) {
  EXPECT_EQ(BroadcastDims(Dims{3, 1}, Dims{2}).value(), (Dims{3, 2}));
  EXPECT_FALSE(BroadcastDims(Dims{3}, Dims{2}).ok());
}

TEST(BroadcastTest, BroadcastsToIsOneSided) {
  EXPECT_TRUE(BroadcastsTo(ShapeOf({"1", "3"}), ShapeOf({"N", "3"})));
  EXPECT_TRUE(BroadcastsTo(ShapeOf({}), ShapeOf({"2"})));
  EXPECT_FALSE(BroadcastsTo(ShapeOf({"N", "3"}), ShapeOf({"1", "3"})));
  EXPECT_FALSE(BroadcastsTo(ShapeOf({"2", "3"}), ShapeOf({"3"})));
}

TEST(BroadcastTest, StridesAreZeroAlongBroadcastAxes) {
  EXPECT_THAT(RowMajorStrides(Dims{2, 3, 4}), ElementsAre(12, 4, 1));
  EXPECT_THAT(BroadcastStrides(Dims{3, 1}, Dims{2, 3, 4}), ElementsAre(0, 1, 0));
  EXPECT_THAT(BroadcastStrides(Dims{2, 1, 4}, Dims{2, 3, 4}), ElementsAre(4, 0, 1));
  EXPECT_THAT(BroadcastStrides(Dims{}, Dims{2}), ElementsAre(0));
}

TEST(BroadcastTest, ForEachOffsetWalksInRowMajorOrder) {
  std::vector<int64_t> order, first, second;
  ForEachOffset<2>(Dims{2, 3}, {std::vector<int64_t>{1, 2}, std::vector<int64_t>{0, 1}},
                   [&](int64_t i, const std::array<int64_t, 2>& at) {
                     order.push_back(i);
                     first.push_back(at[0]);
                     second.push_back(at[1]);
                   });
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(first, ElementsAre(0, 2, 4, 1, 3, 5));
  EXPECT_THAT(second, ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST(BroadcastTest, ForEachOffsetVisitsAScalarOnceAndAnEmptyShapeNever) {
  int scalar = 0, empty = 0;
  ForEachOffset<1>(Dims{}, {std::vector<int64_t>{}}, [&](int64_t, const auto&) { ++scalar; });
  ForEachOffset<1>(Dims{2, 0}, {std::vector<int64_t>{0, 0}},
                   [&](int64_t, const auto&) { ++empty; });
  EXPECT_EQ(scalar, 1);
  EXPECT_EQ(empty, 0);
}

TEST(BroadcastTest, NeighbouringAxesBecomeOneWhereTheirElementsFollowEachOther) {
  const auto merged = [](const Dims& a, const Dims& b, const Dims& to) {
    const Loops loops = MergeAxes(to, {BroadcastStrides(a, to), BroadcastStrides(b, to)});
    return std::vector<std::vector<int64_t>>{loops.dims, loops.strides[0], loops.strides[1]};
  };
  using Rows = std::vector<std::vector<int64_t>>;
  // Weights scaled by their output channel, by their input channel, and by each tap.
  EXPECT_EQ(merged({8, 4, 3, 3}, {8, 1, 1, 1}, {8, 4, 3, 3}), (Rows{{8, 36}, {36, 1}, {1, 0}}));
  EXPECT_EQ(merged({8, 4, 3, 3}, {4, 1, 1}, {8, 4, 3, 3}),
            (Rows{{8, 4, 9}, {36, 9, 1}, {0, 1, 0}}));
  EXPECT_EQ(merged({8, 4, 3, 3}, {8, 4, 3, 3}, {8, 4, 3, 3}), (Rows{{288}, {1}, {1}}));
  EXPECT_EQ(merged({8, 4, 1, 1}, {8, 1, 1, 1}, {8, 4, 1, 1}), (Rows{{8, 4}, {4, 1}, {1, 0}}));
  EXPECT_EQ(merged({2, 1}, {1, 3}, {2, 3}), (Rows{{2, 3}, {1, 0}, {0, 1}}));
  EXPECT_EQ(merged({}, {}, {}), (Rows{{1}, {0}, {0}}));
  EXPECT_EQ(merged({1, 1}, {1}, {1, 1}), (Rows{{1}, {0}, {0}}));
}

}  // namespace
}  // namespace weft
