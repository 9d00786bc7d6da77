#include "tests/ops/testing_arguments.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ConcatTest, JoinsAlongAnyAxis) {
  const Tensor a = F32({2, 2}, {1, 2, 3, 4}), b = F32({2, 2}, {5, 6, 7, 8});
  EXPECT_EQ(RunOp("Concat", {a, b}, {{"axis", 0}}), F32({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(RunOp("Concat", {a, b}, {{"axis", 1}}), F32({2, 4}, {1, 2, 5, 6, 3, 4, 7, 8}));
  EXPECT_EQ(RunOp("Concat", {a, b}, {{"axis", -2}}), RunOp("Concat", {a, b}, {{"axis", 0}}));
  EXPECT_EQ(RunOp("Concat", {Bool({1}, {true}), Bool({2}, {false, true})}, {{"axis", 0}}),
            Bool({3}, {true, false, true}));
}

TEST(ConcatTest, AddsSymbols) {
  const auto inferred = [](std::initializer_list<const char*> a,
                           std::initializer_list<const char*> b) {
    return Inferred("Concat", {F32Type(a), F32Type(b)}, {{"axis", 0}});
  };
  EXPECT_EQ(inferred({"N", "3"}, {"2*N", "3"}), "f32[3*N,3]");
  EXPECT_EQ(inferred({"N", "3"}, {"4", "3"}), "f32[(N+4),3]");
  EXPECT_EQ(inferred({"M", "3"}, {"N", "3"}), inferred({"N", "3"}, {"M", "3"}));
  // A number says more than a symbol.
  EXPECT_EQ(inferred({"N", "C"}, {"N", "3"}), "f32[2*N,3]");
}

TEST(ConcatTest, RefusesOtherDims) {
  EXPECT_EQ(Inferred("Concat", {F32Type({"2", "3"}), F32Type({"4", "5"})}, {{"axis", 0}}),
            "node (Concat): expected inputs that differ on axis 0 only, got [2,3] and, as input 1, "
            "[4,5]; operands x0 and x1");
}

TEST(SplitTest, CutsBySizes) {
  auto pieces = Evaluate("Split", {F32({6}, {1, 2, 3, 4, 5, 6}), List({2, 4})}, {{"axis", 0}},
                         {.constants = true});
  ASSERT_TRUE(pieces.ok()) << pieces.status();
  EXPECT_THAT(*pieces, ElementsAre(F32({2}, {1, 2}), F32({4}, {3, 4, 5, 6})));
}

TEST(SplitTest, CutsIntoEqualPiecesAndOnesWithASmallerLast) {
  // ONNX's examples test_split_equal_parts_1d and test_split_1d_uneven_split.
  auto equal = Evaluate("Split", {F32({6}, {1, 2, 3, 4, 5, 6})}, {}, {.num_outputs = 3});
  ASSERT_TRUE(equal.ok()) << equal.status();
  EXPECT_THAT(*equal, ElementsAre(F32({2}, {1, 2}), F32({2}, {3, 4}), F32({2}, {5, 6})));
  auto uneven = Evaluate("Split", {F32({7}, {1, 2, 3, 4, 5, 6, 7})}, {{"num_outputs", 4}});
  ASSERT_TRUE(uneven.ok()) << uneven.status();
  EXPECT_THAT(*uneven,
              ElementsAre(F32({2}, {1, 2}), F32({2}, {3, 4}), F32({2}, {5, 6}), F32({1}, {7})));
}

TEST(SplitTest, FollowsSymbols) {
  const TensorType x = F32Type({"2*N", "6"});
  EXPECT_EQ(InferredWith("Split", x, {}, {{"num_outputs", 2}}), "f32[N,6] f32[N,6]");
  EXPECT_EQ(InferredWith("Split", x, {List({1, 5})}, {{"axis", 1}}), "f32[2*N,1] f32[2*N,5]");
  EXPECT_EQ(InferredWith("Split", x, {}, {{"axis", 1}}, 3), "f32[2*N,2] f32[2*N,2] f32[2*N,2]");
}

TEST(SplitTest, RefusesAnotherNumberOfOutputs) {
  EXPECT_THAT(InferredWith("Split", F32Type({"6"}), {List({2, 4})}, {}, 3),
              HasSubstr("expected 2 to 2 outputs, got 3"));
}

TEST(SplitLikeTest, CutsByShapes) {
  const Tensor x = F32({1, 3}, {1, 2, 3}), a = F32({1, 2}, {0, 0}), b = F32({1, 1}, {0});
  auto pieces = Evaluate("SplitLike", {x, a, b}, {{"axis", 1}});
  ASSERT_TRUE(pieces.ok()) << pieces.status();
  EXPECT_THAT(*pieces, ElementsAre(F32({1, 2}, {1, 2}), F32({1, 1}, {3})));
}

}  // namespace
}  // namespace weft
