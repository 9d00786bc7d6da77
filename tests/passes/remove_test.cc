// remove_dead and remove_identity.

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;

//   x -> conv1 -> relu1 -> y, and conv1 -> tanh1 -> neg1   =>   x -> conv1 -> relu1 -> y
TEST(RemoveDeadTest, WhatNothingReadsGoesAndIsNamed) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(2, 4), 2);
  net.Add("Neg", "neg1", {net.Add("Tanh", "tanh1", {conv})});
  net.Output("y", net.Relu("relu1", conv));
  net.Random("unread", {3});
  net.Image(1, 1, "unused_input");
  const PassReport report =
      ExpectGoldenRewrite("remove_dead", net.graph, TestOptions({"remove_dead"}));
  EXPECT_THAT(Rewrites(report), ElementsAre("remove_dead: tanh1 + neg1 -> "));
  EXPECT_EQ(net.graph.Find("unread"), nullptr);
  EXPECT_NE(net.graph.Find("unused_input"), nullptr);
}

TEST(RemoveDeadTest, UpdatesKeepWhatTheyRead) {
  Net net;
  const Value v = net.graph.AddVariable("v", net.RandomTensor({3})).value();
  const Value next = net.Add("Neg", "next", {v});
  ASSERT_EQ(net.graph.AddUpdate(v.node, next), absl::OkStatus());
  net.Output("y", net.Relu("relu1", net.Image(2, 4)));
  ExpectDeclined(net.graph, {"remove_dead"}, {});
}

//   x -> id1 -> drop1 -> relu1 -> y   =>   x -> relu1 -> y
TEST(RemoveIdentityTest, WhatReturnsItsInputGoes) {
  Net net;
  Value x = net.Add("Identity", "id1", {net.Image(2, 4)});
  x = net.Add("Dropout", "drop1", {x}, {{"mode", "inference"}});
  x = net.Add("Transpose", "transpose1", {x}, {{"perm", std::vector<int64_t>{0, 1, 2, 3}}});
  x = net.Add("Cast", "cast1", {x}, {{"to", DType::kF64}});
  net.Output("y", net.Relu("relu1", x));
  ExpectGoldenRewrite("remove_identity", net.graph, TestOptions({"remove_identity"}));
  EXPECT_EQ(net.graph.Find("relu1")->input(0).ToString(), "x");
}

TEST(RemoveIdentityTest, ReshapesToTheSameShapeGoAlsoForAnUnknownBatch) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 6}}).value();
  const Value shape =
      net.graph.AddConstant("shape", Tensor::FromInts(std::vector<int64_t>{-1, 6})).value();
  const Value reshaped = net.Add("Reshape", "reshape1", {x, shape});
  net.Output("y", net.Relu("relu1", net.Add("Flatten", "flatten1", {reshaped})));
  ExpectSameResults(net.graph, TestOptions({"remove_identity"}));
  EXPECT_EQ(net.graph.Find("relu1")->input(0).ToString(), "x");
  EXPECT_EQ(net.graph.Find("shape"), nullptr);
}

TEST(RemoveIdentityTest, WhatChangesSomethingStaysWithoutARemark) {
  Net net;
  const Value x = net.Image(2, 4);
  net.Output("a", net.Add("Flatten", "flatten1", {x}));
  // The type stays [N,2,4,4], the elements move.
  net.Output("b",
             net.Add("Transpose", "transpose1", {x}, {{"perm", std::vector<int64_t>{0, 1, 3, 2}}}));
  net.Output("c", net.Add("Cast", "cast1", {x}, {{"to", DType::kF32}}));
  ExpectDeclined(net.graph, {"remove_identity"}, {});
}

TEST(RemoveIdentityTest, DropoutStaysInTrainingAndWhereItsMaskIsRead) {
  Net net;
  const Value x = net.Image(2, 4);
  net.Output("a", net.Add("Dropout", "drop1", {x}, {{"mode", "training"}}));
  net.Output("b", net.Add("Dropout", "drop2", {x}, {{"mode", "auto"}}));
  const Value drop3 = net.Add("Dropout", "drop3", {x}, {{"mode", "inference"}}, 2);
  net.Output("c", drop3);
  net.Output("mask", drop3.node->output(1));
  ExpectDeclined(net.graph, {"remove_identity"},
                 {"remove_identity at drop1: drop1 is in mode training, not inference",
                  "remove_identity at drop2: drop2 is in mode auto, not inference",
                  "remove_identity at drop3: the mask of drop3 is read"});
}

TEST(RemoveIdentityTest, AMaskThatNobodyReadsDoesNotMatter) {
  Net net;
  net.Output("y", net.Add("Dropout", "drop1", {net.Relu("relu1", net.Image(2, 4))},
                          {{"mode", "inference"}}, 2));
  ExpectSameResults(net.graph, TestOptions({"remove_identity"}));
  EXPECT_EQ(CountOps(net.graph, "Dropout"), 0);
}

//   x, 1 expanded to [N,2,1,1] -> mul1 -> relu1 -> y   =>   x -> relu1 -> y
TEST(RemoveOnesTest, ProductsWithOnesGo) {
  Net net;
  const Value x = net.Image(2, 4);
  const Value one = net.graph.AddConstant("one", Tensor::Scalar(1, DType::kF64)).value();
  const Value first =
      net.graph.AddConstant("first", Tensor::FromInts(std::vector<int64_t>{0})).value();
  Value channels = net.Add("Gather", "rows", {x, first}, {{"axis", int64_t{2}}});
  channels = net.Add("Gather", "channels", {channels, first}, {{"axis", int64_t{3}}});
  const Value ones = net.Add("ExpandLike", "ones", {one, channels});
  const Value product = net.Add("Mul", "mul1", {x, ones});
  net.Output("y", net.Relu("relu1", net.Add("Mul", "mul2", {one, product})));
  const PassReport report =
      ExpectGoldenRewrite("remove_ones", net.graph, TestOptions({"remove_ones"}));
  EXPECT_THAT(Rewrites(report),
              ElementsAre("remove_ones: ones + mul1 -> x", "remove_ones: one + mul2 -> x"));
  EXPECT_EQ(net.graph.Find("relu1")->input(0).ToString(), "x");
}

TEST(RemoveOnesTest, OtherFactorsStayAndOnesThatGiveTheShape) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 1}}).value();
  const Value ones =
      net.graph
          .AddConstant("ones", Tensor::FromValues<double>({3}, std::vector<double>(3, 1)).value())
          .value();
  const Value almost =
      net.graph
          .AddConstant("almost",
                       Tensor::FromValues<double>({1}, std::vector<double>{1 + 1e-15}).value())
          .value();
  net.Output("y", net.Add("Mul", "mul1", {x, ones}));
  net.Output("z", net.Add("Mul", "mul2", {x, almost}));
  net.Output("v", net.Add("Mul", "mul3",
                          {x, net.graph.AddVariable("w", Tensor::Scalar(1, DType::kF64)).value()}));
  ExpectDeclined(net.graph, {"remove_ones"},
                 {"remove_ones at mul1: x is f64[N,1], mul1 is f64[N,3]"});
}

}  // namespace
}  // namespace weft
