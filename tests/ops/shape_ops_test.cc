#include <limits>

#include "graph/bind.h"
#include "tests/ops/testing_arguments.h"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The type of data reshaped to a constant shape, or the error.
std::string Reshaped(std::initializer_list<const char*> data, Ints shape, int allowzero = 0) {
  Graph graph(StandardOps());
  const Value x = graph.AddInput("x", F32Type(data)).value();
  const Value to = graph.AddConstant("shape", Tensor::FromInts(shape)).value();
  auto node = graph.AddNode({.op = "Reshape",
                             .name = "node",
                             .inputs = {x, to},
                             .attributes = {{"allowzero", allowzero}}});
  return node.ok() ? ToString((*node)->type()) : std::string(node.status().message());
}

TEST(FlattenTest, KeepsTheBatchSymbolExact) {
  EXPECT_EQ(Inferred("Flatten", {F32Type({"N", "16", "5", "5"})}), "f32[N,400]");
  EXPECT_EQ(Inferred("Flatten", {F32Type({"N", "C", "5"})}, {{"axis", 2}}), "f32[C*N,5]");
}

TEST(FlattenTest, AxisMayBeAnyFromMinusRankToRank) {
  const TensorType x = F32Type({"2", "3", "4"});
  EXPECT_EQ(Inferred("Flatten", {x}, {{"axis", 0}}), "f32[1,24]");
  EXPECT_EQ(Inferred("Flatten", {x}, {{"axis", 3}}), "f32[24,1]");
  EXPECT_EQ(Inferred("Flatten", {x}, {{"axis", -1}}), "f32[6,4]");
  EXPECT_EQ(Inferred("Flatten", {x}, {{"axis", 4}}),
            "node (Flatten): expected an axis in [-3,3], got 4");
  EXPECT_THAT(Inferred("Flatten", {x}, {{"axis", -4}}), HasSubstr("got -4"));
}

TEST(FlattenTest, KeepsTheElements) {
  const Tensor y = RunOp("Flatten", {F32({1, 2, 2}, {1, 2, 3, 4})});
  EXPECT_EQ(y, F32({1, 4}, {1, 2, 3, 4}));
}

TEST(ReshapeTest, ZeroKeepsADimAndMinusOneTakesTheRest) {
  EXPECT_EQ(Reshaped({"2", "3", "4"}, {0, -1}), "f32[2,12]");
  EXPECT_EQ(Reshaped({"N", "16", "5", "5"}, {0, -1}), "f32[N,400]");
  EXPECT_EQ(Reshaped({"N", "16", "5", "5"}, {-1, 400}), "f32[N,400]");
  EXPECT_EQ(Reshaped({"N", "6"}, {-1, 3}), "f32[2*N,3]");
  EXPECT_EQ(Reshaped({"N", "T", "6"}, {-1, 2, 3}), "f32[N*T,2,3]");
  EXPECT_EQ(Reshaped({"1", "1"}, {}), "f32[]");
}

TEST(ReshapeTest, ADimThatIsNoMonomialGetsItsFormulaAsASymbol) {
  EXPECT_EQ(Reshaped({"N", "3"}, {-1, 2}), "f32[(3xN/2),2]");
}

TEST(ReshapeTest, BindingTheSymbolGivesThatDimItsValue) {
  Graph graph(StandardOps());
  const Value x = graph.AddInput("x", F32Type({"N", "3"})).value();
  const Value to = graph.AddConstant("shape", Tensor::FromInts(Ints{-1, 2})).value();
  const Node* node = graph.AddNode({.op = "Reshape", .name = "node", .inputs = {x, to}}).value();
  NodeMap map;
  const Graph bound = Bind(graph, {{"N", 4}}, {}, &map).value();
  EXPECT_EQ(ToString(map.at(node)->type()), "f32[6,2]");
  EXPECT_THAT(std::string(Bind(graph, {{"N", 3}}).status().message()),
              HasSubstr("node (Reshape): cannot reshape [3,3] to [-1,2]: "
                        "expected a multiple of 2 "
                        "elements, got 9"));
}

TEST(ReshapeTest, RefusesADifferentNumberOfElements) {
  EXPECT_EQ(Reshaped({"2", "3"}, {4, 2}),
            "node (Reshape): cannot reshape [2,3] to [4,2]: expected 8 "
            "elements, got 6");
  EXPECT_EQ(Reshaped({"N", "3"}, {0, 4}),
            "node (Reshape): cannot reshape [N,3] to [0,4]: expected 4*N "
            "elements, got 3*N");
  EXPECT_EQ(Reshaped({"5", "2"}, {3, -1}),
            "node (Reshape): cannot reshape [5,2] to [3,-1]: expected a "
            "multiple of 3 elements, got "
            "10");
}

TEST(ReshapeTest, RefusesShapesThatMakeNoSense) {
  EXPECT_THAT(Reshaped({"6"}, {-1, -1}), HasSubstr("at most one -1"));
  EXPECT_THAT(Reshaped({"6"}, {-2, 3}), HasSubstr("got [-2,3]"));
  EXPECT_THAT(Reshaped({"6"}, {6, 0}), HasSubstr("0 only for axes of the data, which has 1"));
  EXPECT_THAT(Reshaped({"0", "3"}, {0, -1}, 1),
              HasSubstr("expected other dims above 0, got [0,-1]"));
  EXPECT_THAT(Reshaped({"6"}, {int64_t{1} << 40, int64_t{1} << 40}), HasSubstr("node (Reshape): "));
}

TEST(ReshapeTest, AnAxisThatIsKeptMayBeEmpty) {
  EXPECT_EQ(Reshaped({"0", "16", "5"}, {0, -1}), "f32[0,80]");
  EXPECT_EQ(Reshaped({"0", "6", "5"}, {0, 2, 3, -1}), "f32[0,2,3,5]");
  EXPECT_EQ(Reshaped({"N", "6", "H"}, {0, 2, -1}), "f32[N,2,3*H]");
  EXPECT_EQ(Reshaped({"2", "5", "2"}, {0, 3, -1}),
            "node (Reshape): cannot reshape [2,5,2] to [0,3,-1]: expected a multiple of 3 elements "
            "on the axes not kept, got 10");
}

TEST(ReshapeTest, AllowzeroMakesZeroLiteral) {
  EXPECT_EQ(Reshaped({"0", "3"}, {3, 0}, 1), "f32[3,0]");
  EXPECT_THAT(Reshaped({"2", "3"}, {0, 3}, 1), HasSubstr("expected 0 elements, got 6"));
}

TEST(ReshapeTest, OnlyTheRankIsKnownOfAShapeThatIsNoConstant) {
  EXPECT_EQ(Inferred("Reshape", {F32Type({"6"}), Type(DType::kI64, {"2"})}),
            "f32[node.d0,node.d1]");
  EXPECT_EQ(Inferred("Reshape", {F32Type({"6"}), Type(DType::kI64, {"K"})}),
            "node (Reshape): expected a shape of type i64[rank], got i64[K]");
  EXPECT_EQ(Inferred("Reshape", {F32Type({"1", "1"}), Type(DType::kI64, {"0"})}), "f32[]");
}

TEST(ReshapeTest, KeepsTheElements) {
  const Tensor y = RunOp("Reshape", {I32({2, 3}, {1, 2, 3, 4, 5, 6}), I64({2}, {3, -1})}, {},
                         {.constants = true});
  EXPECT_EQ(y, I32({3, 2}, {1, 2, 3, 4, 5, 6}));
}

TEST(TransposeTest, ReversesTheAxesWithoutPerm) {
  EXPECT_EQ(RunOp("Transpose", {F32({2, 3}, {1, 2, 3, 4, 5, 6})}), F32({3, 2}, {1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(RunOp("Transpose", {F32({}, {7})}), F32({}, {7}));
}

TEST(TransposeTest, MovesChannelsLast) {
  // Two channels of one 1x3 image.
  EXPECT_EQ(
      RunOp("Transpose", {U8({1, 2, 1, 3}, {1, 2, 3, 4, 5, 6})}, {{"perm", Ints{0, 2, 3, 1}}}),
      U8({1, 1, 3, 2}, {1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(Inferred("Transpose", {F32Type({"N", "C", "H", "W"})}, {{"perm", Ints{0, 2, 3, 1}}}),
            "f32[N,H,W,C]");
}

TEST(TransposeTest, RefusesWhatIsNoPermutation) {
  EXPECT_EQ(Inferred("Transpose", {F32Type({"2", "3"})}, {{"perm", Ints{0, 0}}}),
            "node (Transpose): expected perm to name the axes 0 to 1 once each, got "
            "[0,0]");
  EXPECT_THAT(Inferred("Transpose", {F32Type({"2", "3"})}, {{"perm", Ints{0}}}),
              HasSubstr("got [0]"));
}

TEST(IdentityTest, CopiesEveryDType) {
  EXPECT_EQ(RunOp("Identity", {Bool({2}, {true, false})}), Bool({2}, {true, false}));
  EXPECT_EQ(RunOp("Identity", {I64({0, 3}, {})}), I64({0, 3}, {}));
}

TEST(SizeTest, CountsElements) {
  EXPECT_EQ(RunOp("Size", {F32({2, 3}, {0, 0, 0, 0, 0, 0})}), I64({}, {6}));
  EXPECT_EQ(RunOp("Size", {F32({}, {1})}), I64({}, {1}));
  EXPECT_EQ(RunOp("Size", {F32({0, 3}, {})}), I64({}, {0}));
}

TEST(ReshapeLikeTest, HasTheOtherShape) {
  EXPECT_EQ(RunOp("ReshapeLike", {F32({4}, {1, 2, 3, 4}), I32({2, 2}, {0, 0, 0, 0})}),
            F32({2, 2}, {1, 2, 3, 4}));
  EXPECT_EQ(Inferred("ReshapeLike", {F32Type({"H*N*W"}), F32Type({"N", "H", "W"})}), "f32[N,H,W]");
  EXPECT_EQ(Inferred("ReshapeLike", {F32Type({"N", "4"}), F32Type({"N", "2"})}),
            "node (ReshapeLike): expected as many elements as `like` [N,2] "
            "has, got [N,4]");
}

TEST(SqueezeTest, TakesAwayAxesOfOneElement) {
  EXPECT_EQ(RunOp("Squeeze", {F32({1, 2, 1}, {1, 2})}), F32({2}, {1, 2}));
  EXPECT_EQ(InferredWith("Squeeze", F32Type({"N", "1", "3"}), {List({-2})}), "f32[N,3]");
  EXPECT_EQ(InferredWith("Squeeze", F32Type({"N", "M"}), {List({1})}), "f32[N]");
  EXPECT_EQ(InferredWith("Squeeze", F32Type({"N", "1"}), {}),
            "node (Squeeze): expected axes, without which every dim must be "
            "known, got [N,1]");
  EXPECT_EQ(Inferred("Squeeze", {F32Type({"2", "3", "1"}), Type(DType::kI64, {"1"})}),
            "f32[node.d0,node.d1]");
  EXPECT_EQ(Inferred("Squeeze", {F32Type({"1", "1"}), Type(DType::kI64, {"2"})}), "f32[]");
}

TEST(UnsqueezeTest, PutsInAxesOfOneElement) {
  EXPECT_EQ(InferredWith("Unsqueeze", F32Type({"N", "3"}), {List({4, 0, 1})}), "f32[1,1,N,3,1]");
  EXPECT_EQ(RunWith("Unsqueeze", {F32({2}, {1, 2}), List({-1})}), F32({2, 1}, {1, 2}));
}

TEST(ShapeTest, ListsDims) {
  const Tensor x = U8({2, 3, 0}, {});
  EXPECT_EQ(RunOp("Shape", {x}), I64({3}, {2, 3, 0}));
  EXPECT_EQ(RunOp("Shape", {x}, {{"start", 1}}), I64({2}, {3, 0}));
  EXPECT_EQ(RunOp("Shape", {x}, {{"start", -3}, {"end", -1}}), I64({2}, {2, 3}));
  EXPECT_EQ(RunOp("Shape", {F32({}, {7})}), I64({0}, {}));
}

TEST(CastTest, CutsTowardsZero) {
  EXPECT_EQ(RunOp("Cast", {F32({4}, {1.9f, -1.9f, 0.5f, -0.5f})}, {{"to", DType::kI32}}),
            I32({4}, {1, -1, 0, 0}));
}

TEST(CastTest, SaturatesAndMakesZeroOfNan) {
  const float inf = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = F32({7}, {3e9f, -3e9f, inf, -inf, nan, 300, -1});
  constexpr int32_t kMin = std::numeric_limits<int32_t>::min();
  constexpr int32_t kMax = std::numeric_limits<int32_t>::max();
  EXPECT_EQ(RunOp("Cast", {x}, {{"to", DType::kI32}}),
            I32({7}, {kMax, kMin, kMax, kMin, 0, 300, -1}));
  EXPECT_EQ(RunOp("Cast", {x}, {{"to", DType::kU8}}), U8({7}, {255, 0, 255, 0, 0, 255, 0}));
  const Tensor far = RunOp("Cast", {F64({3}, {1e19, -1e19, 9.2e18})}, {{"to", DType::kI64}});
  EXPECT_EQ(far, I64({3}, {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min(),
                           9200000000000000000}));
}

TEST(CastTest, BoolIsWhetherItIsNotZero) {
  EXPECT_EQ(RunOp("Cast", {F32({3}, {0, 0.1f, -2})}, {{"to", DType::kBool}}),
            Bool({3}, {false, true, true}));
  EXPECT_EQ(RunOp("Cast", {I64({2}, {256, 0})}, {{"to", DType::kBool}}), Bool({2}, {true, false}));
  EXPECT_EQ(RunOp("Cast", {Bool({2}, {true, false})}, {{"to", DType::kF32}}), F32({2}, {1, 0}));
}

TEST(CastTest, IntegersWrapAround) {
  EXPECT_EQ(RunOp("Cast", {I32({2}, {257, -1})}, {{"to", DType::kU8}}), U8({2}, {1, 255}));
}

TEST(CastTest, TakesAndMakesStorageTypes) {
  const Tensor half = RunOp("Cast", {F32({4}, {1.5f, 2049, -1e6f, 1e-8f})}, {{"to", DType::kF16}});
  EXPECT_EQ(ToString(half.type()), "f16[4]");
  EXPECT_THAT(half, NumbersAre(std::vector<double>{1.5, 2048, -INFINITY, 0}, 0));
  EXPECT_EQ(RunOp("Cast", {half}, {{"to", DType::kI32}}), I32({4}, {1, 2048, INT32_MIN, 0}));
  EXPECT_EQ(Inferred("Cast", {F32Type({"N"})}, {{"to", DType::kBF16}}), "bf16[N]");
  EXPECT_EQ(RunOp("Cast", {I64({2}, {-1, 70000})}, {{"to", DType::kU16}}),
            Make<uint16_t>({2}, {65535, 4464}));
}

}  // namespace
}  // namespace weft
