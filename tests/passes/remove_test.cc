// remove_dead, remove_identity, remove_zeros, remove_ones and remove_repeated.

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

Value Ints(Net& net, const std::string& name, std::vector<int64_t> values) {
  return net.graph.AddConstant(name, Tensor::FromInts(values)).value();
}

// Each of these moves or sums nothing.
TEST(RemoveIdentityTest, MovesOfEverythingToItsPlaceGo) {
  Net net;
  Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, 1}}).value();
  const Value x0 = x;
  x = net.Add("Slice", "slice1",
              {x, Ints(net, "starts", {0, -9}), Ints(net, "ends", {INT64_MAX, 5}),
               Ints(net, "axes", {0, 1})});
  x = net.Add("Pad", "pad1", {x, Ints(net, "pads", {0, 0, 0, 0, 0, 0})});
  x = net.Add("Concat", "concat1", {x}, {{"axis", int64_t{1}}});
  x = net.Add("Expand", "expand1", {x, Ints(net, "shape", {3, 1})});
  x = net.Add("ExpandLike", "expand2", {x, x0});
  x = net.Add("Tile", "tile1", {x, Ints(net, "repeats", {1, 1, 1})});
  x = net.Add("Split", "split1", {x}, {{"axis", int64_t{1}}}, 1);
  x = net.Add("Gather", "gather1", {x, Ints(net, "all", {0, 1, 2})}, {{"axis", int64_t{1}}});
  x = net.Add("ReduceMean", "mean1", {x}, {{"axes", std::vector<int64_t>{2}}});
  x = net.Add("Sum", "sum1", {x});
  x = net.Add("Clip", "clip1", {x});
  const Value scales =
      net.graph
          .AddConstant("scales", Tensor::FromValues<float>({3}, std::vector<float>(3, 1)).value())
          .value();
  x = net.Add("Resize", "resize1", {x, Value(), scales}, {{"mode", "linear"}});
  net.Output("y", net.Relu("relu1", x));
  const PassReport report = ExpectSameResults(net.graph, TestOptions({"remove_identity"}));
  EXPECT_EQ(report.rewrites.size(), 12u);
  EXPECT_EQ(net.graph.Find("relu1")->input(0).ToString(), "x");
}

TEST(RemoveIdentityTest, MovesThatKeepTheTypeOnlyStay) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {2, 3}}).value();
  const Value axis = Ints(net, "axis", {1});
  net.Output("reversed", net.Add("Slice", "slice1",
                                 {x, Ints(net, "last", {-1}), Ints(net, "before", {INT64_MIN}),
                                  axis, Ints(net, "step", {-1})}));
  net.Output("shifted", net.Add("Pad", "pad1", {x, Ints(net, "pads", {0, 1, 0, -1})}));
  net.Output("mixed", net.Add("Gather", "gather1", {x, Ints(net, "order", {1, 0})}));
  const Value scale =
      net.graph
          .AddConstant("scales",
                       Tensor::FromValues<float>({2}, std::vector<float>{1, 1.25f}).value())
          .value();
  net.Output("stretched", net.Add("Resize", "resize1", {x, Value(), scale}, {{"mode", "linear"}}));
  const Value whole = net.Add("Split", "split1", {x, Ints(net, "sizes", {2, 0})}, {}, 2);
  net.Output("whole", whole);
  net.Output("none", whole.node->output(1));
  ExpectDeclined(net.graph, {"remove_identity"}, {});
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

TEST(RemoveOnesTest, QuotientsAndPowersOfOneGo) {
  Net net;
  const Value one = net.graph.AddConstant("one", Tensor::Scalar(1, DType::kF64)).value();
  const Value exponent = net.graph.AddConstant("p", Tensor::Scalar(1, DType::kI32)).value();
  const Value x = net.Image(2, 3);
  const Value quotient = net.Add("Div", "div1", {x, one});
  net.Output("y", net.Relu("relu1", net.Add("Pow", "pow1", {quotient, exponent})));
  net.Output("reciprocal", net.Add("Div", "div2", {one, x}));
  ExpectSameResults(net.graph, TestOptions({"remove_ones"}));
  EXPECT_EQ(net.graph.Find("relu1")->input(0).ToString(), "x");
  EXPECT_EQ(CountOps(net.graph, "Div"), 1);
}

//   x + zeros -> add1 -> sub1 (- 0) -> relu1   =>   x -> relu1
TEST(RemoveZerosTest, SumsWithZerosGo) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value zeros =
      net.graph.AddConstant("zeros", Tensor::Zeros(DType::kF64, {1, 2, 1, 1}).value()).value();
  const Value zero = net.graph.AddConstant("zero", Tensor::Scalar(-0.0, DType::kF64)).value();
  const Value sum = net.Add("Add", "add1", {zeros, x});
  net.Output("y", net.Relu("relu1", net.Add("Sub", "sub1", {sum, zero})));
  const PassReport report = ExpectSameResults(net.graph, TestOptions({"remove_zeros"}));
  EXPECT_THAT(Rewrites(report),
              ElementsAre("remove_zeros: zeros + add1 -> x", "remove_zeros: zero + sub1 -> x"));
}

TEST(RemoveZerosTest, ProductsNegativesAndZerosThatGiveTheShapeStay) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 1}}).value();
  const Value zeros =
      net.graph.AddConstant("zeros", Tensor::Zeros(DType::kF64, {3}).value()).value();
  net.Output("product", net.Add("Mul", "mul1", {x, zeros}));  // NaN where x is infinite
  net.Output("negative", net.Add("Sub", "sub1", {zeros, x}));
  net.Output("wide", net.Add("Add", "add1", {x, zeros}));
  ExpectDeclined(net.graph, {"remove_zeros"},
                 {"remove_zeros at add1: x is f64[N,1], add1 is f64[N,3]"});
}

TEST(RemoveRepeatedTest, WhatHasNoEffectGoes) {
  Net net;
  const Value x = net.Add("Mul", "mul1", {net.Image(2, 3), net.Random("five", {}, 5, 6)});
  const Value relu = net.Relu("relu2", net.Relu("relu1", x));
  const Value magnitude = net.Add("Abs", "abs1", {net.Add("Sigmoid", "sigmoid1", {relu})});
  const Value rounded = net.Add("Floor", "floor1", {net.Add("Round", "round1", {x})});
  const Value negated = net.Add("Neg", "neg2", {net.Add("Neg", "neg1", {x})});
  net.Output("a", net.Relu("a", magnitude));
  net.Output("b", net.Add("Tanh", "b", {rounded}));
  net.Output("c", net.Add("Tanh", "c", {negated}));
  ExpectSameResults(net.graph, TestOptions({"remove_repeated"}));
  EXPECT_EQ(net.graph.outputs()[0].value.ToString(), "sigmoid1");
  EXPECT_EQ(net.graph.Find("sigmoid1")->input(0).ToString(), "relu1");
  EXPECT_EQ(net.graph.Find("b")->input(0).ToString(), "round1");
  EXPECT_EQ(net.graph.Find("c")->input(0).ToString(), "mul1");
}

TEST(RemoveRepeatedTest, WhatHasAnEffectStays) {
  Net net;
  const Value x = net.Image(2, 3);
  net.Output("a", net.Relu("relu1", net.Add("Tanh", "tanh1", {x})));
  net.Output("b", net.Add("Tanh", "tanh3", {net.Add("Tanh", "tanh2", {x})}));
  net.Output("c", net.Add("Neg", "neg1", {net.Add("Abs", "abs1", {x})}));
  net.Output("d", net.Add("Abs", "abs2", {net.Add("Floor", "floor1", {x})}));
  ExpectDeclined(net.graph, {"remove_repeated"}, {});
}

TEST(RemoveRepeatedTest, AnInnerOpWithOtherReadersStaysForThem) {
  Net net;
  const Value neg = net.Add("Neg", "neg1", {net.Image(2, 3)});
  net.Output("y", neg);
  net.Output("x again", net.Relu("relu1", net.Add("Neg", "neg2", {neg})));
  ExpectSameResults(net.graph, TestOptions({"remove_repeated"}));
  EXPECT_EQ(CountOps(net.graph, "Neg"), 1);
}

// Reshape infers more from a constant than from a computed shape, and its type cannot change.
TEST(RemoveIdentityTest, StaysWhereAReaderInfersFromTheElements) {
  Net net;
  const Value x = net.Image(2, 3);
  const auto twice = Tensor::FromValues<float>({4}, std::vector<float>{1, 1, 2, 2});
  const Value scales =
      net.Add("Identity", "scales", {net.graph.AddConstant("c", twice.value()).value()});
  net.Output("y", net.Add("Resize", "resize1", {x, Value(), scales}));
  ExpectDeclined(
      net.graph, {"remove_identity"},
      {"remove_identity at scales: resize1 (Resize): the elements of c change its type"});
}

}  // namespace
}  // namespace weft
