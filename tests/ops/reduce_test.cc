#include <limits>

#include "tests/ops/testing_run.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Tensor& Cube() {  // [2,2,3]: 1 to 12
  static const Tensor& cube = *new Tensor(F32({2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  return cube;
}

TEST(ReduceTest, SumsOverChosenAxes) {
  EXPECT_EQ(RunOp("ReduceSum", {Cube()}, {{"axes", Ints{0}}}),
            F32({1, 2, 3}, {8, 10, 12, 14, 16, 18}));
  EXPECT_EQ(RunOp("ReduceSum", {Cube()}, {{"axes", Ints{-1, 0}}, {"keepdims", 0}}),
            F32({2}, {30, 48}));
  EXPECT_EQ(RunOp("ReduceSum", {Cube()}, {{"axes", Ints{1}}, {"keepdims", 0}}),
            F32({2, 3}, {5, 7, 9, 17, 19, 21}));
}

TEST(ReduceTest, SumsOverAllAxesWithoutTheAttribute) {
  EXPECT_EQ(RunOp("ReduceSum", {Cube()}), F32({1, 1, 1}, {78}));
  EXPECT_EQ(RunOp("ReduceSum", {Cube()}, {{"keepdims", 0}}), F32({}, {78}));
}

TEST(ReduceTest, MeansDivideByTheElementsSummed) {
  EXPECT_EQ(RunOp("ReduceMean", {Cube()}, {{"axes", Ints{0, 2}}, {"keepdims", 0}}),
            F32({2}, {5, 8}));
  EXPECT_EQ(RunOp("ReduceMean", {I64({4}, {1, 2, 3, 5})}), I64({1}, {2}));
  EXPECT_EQ(RunOp("ReduceMean", {I32({2}, {-4, -3})}), I32({1}, {-3}));
}

TEST(ReduceTest, SumsOfF32AreKeptInDouble) {
  // Added in float, each 1 would be lost beside 2^24.
  const Tensor x = F32({5}, {16777216, 1, 1, 1, 1});
  EXPECT_EQ(RunOp("ReduceSum", {x}), F32({1}, {16777220}));
  EXPECT_EQ(RunOp("ReduceToLike", {x, F32({}, {0})}), F32({}, {16777220}));
}

TEST(ReduceTest, IntegerSumsWrapAround) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(RunOp("ReduceSum", {I64({2}, {kMax, 1})}),
            I64({1}, {std::numeric_limits<int64_t>::min()}));
}

TEST(ReduceTest, TheSumOfNothingIsZeroAndItsMeanNan) {
  EXPECT_EQ(RunOp("ReduceSum", {F32({0, 2}, {})}, {{"axes", Ints{0}}}), F32({1, 2}, {0, 0}));
  EXPECT_TRUE(std::isnan(RunOp("ReduceMean", {F32({0}, {})}).At(0)));
  EXPECT_EQ(RunError("ReduceMean", {I32({0}, {})}),
            "node (ReduceMean): the mean of no integers: expected some, data has dims [0]");
}

TEST(ReduceTest, InfersSymbolicTypes) {
  const TensorType x = F32Type({"N", "C", "H", "W"});
  EXPECT_EQ(Inferred("ReduceMean", {x}, {{"axes", Ints{2, 3}}}), "f32[N,C,1,1]");
  EXPECT_EQ(Inferred("ReduceSum", {x}, {{"axes", Ints{0, -1}}, {"keepdims", 0}}), "f32[C,H]");
}

TEST(ReduceTest, RefusesWrongAxes) {
  EXPECT_THAT(Inferred("ReduceSum", {F32Type({"2", "3"})}, {{"axes", Ints{2}}}), HasSubstr("2"));
  EXPECT_EQ(Inferred("ReduceSum", {F32Type({"2", "3"})}, {{"axes", Ints{1, -1}}}),
            "node (ReduceSum): expected every axis once, got axis 1 twice in [1,-1]");
}

TEST(ReduceToLikeTest, SumsWhereLikeWasBroadcast) {
  EXPECT_EQ(RunOp("ReduceToLike", {Cube(), F32({3}, {0, 0, 0})}), F32({3}, {22, 26, 30}));
  EXPECT_EQ(RunOp("ReduceToLike", {Cube(), F32({2, 1, 1}, {0, 0})}), F32({2, 1, 1}, {21, 57}));
  EXPECT_EQ(RunOp("ReduceToLike", {Cube(), I64({2, 1}, {0, 0})}), F32({2, 1}, {30, 48}));
  EXPECT_EQ(RunOp("ReduceToLike", {Cube(), Cube()}), Cube());
}

TEST(ReduceToLikeTest, InfersTheTypeOfLike) {
  EXPECT_EQ(Inferred("ReduceToLike", {F32Type({"N", "10"}), F32Type({"10"})}), "f32[10]");
  EXPECT_EQ(Inferred("ReduceToLike", {F32Type({"N", "10"}), F32Type({"9"})}),
            "node (ReduceToLike): expected `like` to broadcast to X, got like [9] and X [N,10]");
  EXPECT_THAT(Inferred("ReduceToLike", {F32Type({"1", "10"}), F32Type({"2", "10"})}),
              HasSubstr("got like [2,10] and X [1,10]"));
  // What symbols are is checked when they are bound.
  EXPECT_EQ(Inferred("ReduceToLike", {F32Type({"N", "10"}), F32Type({"M", "10"})}), "f32[M,10]");
}

TEST(MulReduceToLikeTest, SumsProductsWhereLikeWasBroadcast) {
  const Tensor a = F32({2, 3}, {1, 2, 3, 4, 5, 6}), b = F32({2, 3}, {1, 0, 2, 1, 10, 2});
  EXPECT_EQ(RunOp("MulReduceToLike", {a, b, F32({3}, {0, 0, 0})}), F32({3}, {5, 50, 18}));
  EXPECT_EQ(RunOp("MulReduceToLike", {a, b, F32({2, 1}, {0, 0})}), F32({2, 1}, {7, 66}));
}

TEST(ExpandLikeTest, BroadcastsToTheShapeOfLike) {
  const Tensor like = I32({2, 3}, {0, 0, 0, 0, 0, 0});
  EXPECT_EQ(RunOp("ExpandLike", {F32({3}, {1, 2, 3}), like}), F32({2, 3}, {1, 2, 3, 1, 2, 3}));
  EXPECT_EQ(RunOp("ExpandLike", {F32({2, 1}, {1, 2}), like}), F32({2, 3}, {1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(RunOp("ExpandLike", {Bool({}, {true}), F32({2}, {0, 0})}), Bool({2}, {true, true}));
}

TEST(ExpandLikeTest, InsertsTheAxesThatXLacks) {
  const Tensor like = F32({2, 3}, {0, 0, 0, 0, 0, 0});
  EXPECT_EQ(RunOp("ExpandLike", {F32({2}, {1, 2}), like}, {{"axes", Ints{1}}}),
            F32({2, 3}, {1, 1, 1, 2, 2, 2}));
  EXPECT_EQ(RunOp("ExpandLike", {F32({}, {5}), like}, {{"axes", Ints{0, 1}}}),
            F32({2, 3}, {5, 5, 5, 5, 5, 5}));
  EXPECT_EQ(RunOp("ExpandLike", {F32({2}, {1, 2}), Cube()}, {{"axes", Ints{0, -1}}}),
            F32({2, 2, 3}, {1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2}));
}

TEST(ExpandLikeTest, RefusesWhatDoesNotBroadcast) {
  EXPECT_EQ(
      Inferred("ExpandLike", {F32Type({"4"}), F32Type({"2", "3"})}, {{"axes", Ints{1}}}),
      "node (ExpandLike): expected X to broadcast to [2] (`like` is [2,3], axes [1]), got [4]");
}

TEST(ArgMaxTest, FindsTheLargestAlongAnAxis) {
  const Tensor x = F32({2, 3}, {1, 5, 2, 9, 0, 9});
  EXPECT_EQ(RunOp("ArgMax", {x}), I64({1, 3}, {1, 0, 1}));
  EXPECT_EQ(RunOp("ArgMax", {x}, {{"axis", 1}, {"keepdims", 0}}), I64({2}, {1, 0}));
  EXPECT_EQ(RunOp("ArgMax", {x}, {{"axis", -1}, {"select_last_index", 1}}), I64({2, 1}, {1, 2}));
  EXPECT_EQ(RunOp("ArgMax", {U8({3}, {200, 255, 3})}), I64({1}, {1}));
}

TEST(ArgMaxTest, NanCountsAsTheLargest) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = F32({4}, {1, nan, 7, nan});
  EXPECT_EQ(RunOp("ArgMax", {x}), I64({1}, {1}));
  EXPECT_EQ(RunOp("ArgMax", {x}, {{"select_last_index", 1}}), I64({1}, {3}));
}

TEST(ArgMaxTest, InfersI64AndRefusesAnEmptyAxis) {
  EXPECT_EQ(Inferred("ArgMax", {F32Type({"N", "10"})}, {{"axis", 1}, {"keepdims", 0}}), "i64[N]");
  EXPECT_EQ(Inferred("ArgMax", {F32Type({"N", "0"})}, {{"axis", 1}}),
            "node (ArgMax): expected at least one element along axis 1, got [N,0]");
}

}  // namespace
}  // namespace weft
