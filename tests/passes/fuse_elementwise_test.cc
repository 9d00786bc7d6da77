#include <cmath>
#include <limits>

#include "ops/fused_elementwise.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kPasses = {"fuse_elementwise"};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::string StepsOf(const Graph& graph, const std::string& name) {
  const Node* node = graph.Find(name);
  if (node == nullptr || node->op_name() != "FusedElementwise") return "no FusedElementwise";
  return node->attributes().at("steps").ToString();
}

//   x -> mul1 -> add1 -> relu1 -> y   =>   x -> relu1 (Mul(1), Add(2), Relu) -> y
//   s ----/       /                        s ----/ /
//   r -----------/                         r -----/
TEST(FuseElementwiseTest, GateResidualAndActivationBecomeOneNode) {
  Net net;
  const Value x = net.Image(4, 6), r = net.Image(4, 6, "r");
  const Value s = net.Add("ReduceMean", "s", {x}, {{"axes", std::vector<int64_t>{2, 3}}});
  const Value gated = net.Add("Mul", "mul1", {x, s});
  net.Output("y", net.Relu("relu1", net.Add("Add", "add1", {r, gated})));
  ExpectGoldenRewrite("fuse_elementwise", net.graph, TestOptions(kPasses));
  EXPECT_EQ(StepsOf(net.graph, "relu1"), "[Mul(input=1),Add(input=2),Relu]");
  EXPECT_EQ(net.graph.outputs()[0].value.ToString(), "relu1");
}

TEST(FuseElementwiseTest, SwishReadsItsInputTwice) {
  Net net;
  const Value x = net.Image(2, 3);
  net.Output("y", net.Add("Mul", "mul1", {x, net.Add("Sigmoid", "sigmoid1", {x})}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(StepsOf(net.graph, "mul1"), "[Sigmoid,Mul(input=0)]");
  EXPECT_EQ(net.graph.Find("mul1")->num_inputs(), 1);
}

// What comes back to its own input needs that value: its node would stay and be computed twice.
TEST(FuseElementwiseTest, DeclinesWhatReadsItsInputAgain) {
  Net net;
  const Value r = net.Add("Exp", "r", {net.Image(2, 3)});
  net.Output("y", net.Add("Mul", "y1", {r, net.Add("Sin", "sin1", {r})}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions({"fuse_elementwise"}));
  EXPECT_THAT(Rewrites(report), testing::ElementsAre("fuse_elementwise: sin1 + y1 -> y1"));
  EXPECT_EQ(CountOps(net.graph, "Exp"), 1);
  EXPECT_EQ(net.graph.Find("y1")->num_inputs(), 1);
}

TEST(FuseElementwiseTest, HardSwishAsAComposition) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value three = net.Random("three", {}, 3, 3.1), zero = net.Random("zero", {}, 0, 0.1),
              six = net.Random("six", {}, 6, 6.1);
  const Value clip = net.Add("Clip", "clip1", {net.Add("Add", "add1", {x, three}), zero, six});
  net.Output("y", net.Add("Mul", "mul1", {x, net.Add("Div", "div1", {clip, six})}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report),
              ElementsAre("fuse_elementwise: add1 + clip1 -> clip1",
                          "fuse_elementwise: add1 + clip1 + div1 -> div1",
                          "fuse_elementwise: add1 + clip1 + div1 + mul1 -> mul1"));
  EXPECT_EQ(StepsOf(net.graph, "mul1"),
            "[Add(input=1),Max(input=2),Min(input=3),Div(input=3),Mul(input=0)]");
}

TEST(FuseElementwiseTest, TheRunningValueMayStandOnTheRight) {
  for (const char* op : {"Sub", "Div", "Max", "Min", "Add", "Mul"}) {
    Net net;
    const Value x = net.Image(2, 3), c = net.Random("c", {2, 1, 1}, 1, 2);
    const Value exp = net.Add("Exp", "exp1", {x});
    const Value shifted = net.Add("Sub", "sub1", {c, exp});
    net.Output("y", net.Add(op, "last", {c, net.Add("Exp", "exp2", {shifted})}));
    ExpectSameResults(net.graph, TestOptions(kPasses));
    EXPECT_EQ(StepsOf(net.graph, "last"), absl::StrCat("[Exp,Sub(input=1),Exp,", op, "(input=1)]"));
  }
}

TEST(FuseElementwiseTest, OfTwoChainsOneBecomesTheOthersOperand) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value a = net.Relu("a2", net.Add("Neg", "a1", {x}));
  const Value b = net.Add("Exp", "b2", {net.Add("Neg", "b1", {x})});
  net.Output("y", net.Add("Add", "add1", {a, b}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(StepsOf(net.graph, "add1"), "[Neg,Relu,Add(input=1)]");
  EXPECT_EQ(StepsOf(net.graph, "b2"), "[Neg,Exp]");
}

TEST(FuseElementwiseTest, AChainBeginsWhereItsValueHasItsFullSize) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value row = net.Random("row", {2, 1, 1}), column = net.Random("column", {1, 3});
  const Value small = net.Add("Mul", "mul1", {row, column});
  net.Output("y", net.Relu("relu1", net.Add("Add", "add1", {small, x})));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(StepsOf(net.graph, "relu1"), "[Add(input=1),Relu]");
  EXPECT_EQ(net.graph.Find("relu1")->input(0).ToString(), "x");
  EXPECT_EQ(CountOps(net.graph, "Mul"), 1);
}

TEST(FuseElementwiseTest, WorksWhereOnlyARunKnowsTheSize) {
  Net net;
  const Shape shape = {Dim::Symbol("N"), 3, Dim::Symbol("H"), Dim::Symbol("W")};
  const Value x = net.graph.AddInput("x", {DType::kF64, shape}).value();
  net.Output("y", net.Relu("relu1", net.Add("Mul", "mul1", {x, net.Random("c", {3, 1, 1})})));
  ExpectSameResults(net.graph, TestOptions(kPasses), 1e-12, /*first_batch=*/0);
  EXPECT_EQ(StepsOf(net.graph, "relu1"), "[Mul(input=1),Relu]");
  EXPECT_EQ(net.graph.Find("relu1")->type(), x.type());
}

TEST(FuseElementwiseTest, AConvolutionTakesItsActivationFirst) {
  Net net;
  const Value x = net.Image(3, 6);
  const Value conv = net.Relu("relu1", net.BatchNorm("bn1", net.Conv("conv1", x, 4)));
  net.Output("y", net.Add("Neg", "neg1", {conv}));
  ExpectSameResults(net.graph, TestOptions(), 1e-11);
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_EQ(CountOps(net.graph, "FusedElementwise"), 0);
}

TEST(FuseElementwiseTest, DeclinesAValueThatSomebodyElseReads) {
  Net net;
  const Value exp = net.Add("Exp", "exp1", {net.Image(2, 3)});
  net.Output("y", net.Relu("relu1", exp));
  net.Output("z", exp);
  ExpectDeclined(net.graph, kPasses, {"fuse_elementwise at relu1: exp1 has 2 consumers"});
  Net twice;
  const Value a = twice.Add("Exp", "exp1", {twice.Image(2, 3)});
  twice.Output("y", twice.Add("Sub", "sub1", {a, a}));
  ExpectDeclined(twice.graph, kPasses, {"fuse_elementwise at sub1: exp1 has 2 consumers"});
}

TEST(FuseElementwiseTest, DeclinesAValueThatIsBroadcast) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value s =
      net.Relu("relu1", net.Add("ReduceMean", "s", {x}, {{"axes", std::vector<int64_t>{2, 3}}}));
  net.Output("y", net.Add("Mul", "mul1", {s, x}));
  ExpectDeclined(net.graph, kPasses,
                 {"fuse_elementwise at mul1: relu1 is f64[N,2,1,1], mul1 is f64[N,2,3,3]"});
}

TEST(FuseElementwiseTest, LeavesIntegersAndOpsOfThreeOperandsAlone) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value i = net.graph.AddInput("i", {DType::kI32, {Dim::Symbol("N"), 4}}).value();
  net.Output("i", net.Add("Neg", "neg1", {net.Add("Add", "add1", {i, i})}));
  net.Output("y", net.Add("Max", "max1", {net.Relu("relu1", x), x, x}));
  ExpectDeclined(net.graph, kPasses, {});
}

// Clip takes a bound that is not a number for none.
TEST(FuseElementwiseTest, LeavesAClipWithoutPlainBoundsAlone) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value nan =
      net.graph.AddConstant("nan", Tensor::FromValues<double>({}, {&kNan, 1}).value()).value();
  net.Output("y", net.Add("Clip", "clip1", {net.Relu("relu1", x), nan}));
  const Value bound = net.graph.AddInput("bound", {DType::kF64, {}}).value();
  net.Output("z", net.Add("Clip", "clip2", {net.Add("Neg", "neg1", {x}), Value(), bound}));
  net.Output("w", net.Add("Clip", "clip4", {net.Add("Clip", "clip3", {x})}));
  ExpectDeclined(net.graph, kPasses, {});
}

TEST(FuseElementwiseTest, UpdatesOfVariablesAreChainsToo) {
  Net net;
  const Value w = net.graph.AddVariable("w", net.RandomTensor({3})).value();
  const Value gradient = net.graph.AddInput("g", {DType::kF64, {3}}).value();
  const Value step = net.Add("Mul", "mul1", {gradient, net.Random("rate", {})});
  const Value next = net.Add("Sub", "sub1", {w, step});
  ASSERT_TRUE(net.graph.AddUpdate(w.node, next).ok());
  net.Output("y", next);
  ExpectSameResults(net.graph, TestOptions(kPasses));
  ASSERT_EQ(net.graph.updates().size(), 1u);
  EXPECT_EQ(net.graph.updates()[0].value.node->op_name(), "FusedElementwise");
}

// As one node they would all be kept until the last one is there.
TEST(FuseElementwiseTest, GradientsAreSummedInPlaceWhereVariablesAreUpdated) {
  for (const bool trains : {false, true}) {
    Net net;
    const Value x = net.Image(2, 3);
    Value sum = net.Conv("conv0", x, 2);
    for (int i = 1; i < 4; ++i) {
      sum = net.Add("Add", absl::StrCat("add", i), {sum, net.Conv(absl::StrCat("conv", i), x, 2)});
    }
    net.Output("y", net.Relu("relu1", sum));
    if (!trains) {
      ExpectSameResults(net.graph, TestOptions(kPasses));
      EXPECT_EQ(StepsOf(net.graph, "relu1"), "[Add(input=1),Add(input=2),Add(input=3),Relu]");
      continue;
    }
    const Value w = net.graph.AddVariable("w", net.RandomTensor({3})).value();
    ASSERT_TRUE(net.graph.AddUpdate(w.node, net.Add("Exp", "next", {w})).ok());
    const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
    EXPECT_THAT(NearMisses(report),
                testing::IsSupersetOf({"fuse_elementwise at add2: add1 is summed in place"}));
    EXPECT_EQ(StepsOf(net.graph, "relu1"), "[Add(input=1),Relu]");
    EXPECT_EQ(CountOps(net.graph, "Add"), 2);
  }
}

// The decayed weight is no value that anyone had to keep.
TEST(FuseElementwiseTest, WeightDecayIsOneNodeWithItsUpdate) {
  Net net;
  const Value w = net.graph.AddVariable("w", net.RandomTensor({2, 2, 3, 3})).value();
  const Value gradient = net.Add("Softmax", "g", {net.graph.AddInput("x", w.type()).value()});
  const Value decay = net.Add("Mul", "decay", {w, net.Random("rate", {})});
  const Value sum = net.Add("Add", "sum", {gradient, decay});
  const Value next =
      net.Add("Sub", "next", {w, net.Add("Mul", "step", {sum, net.Random("lr", {})})});
  ASSERT_TRUE(net.graph.AddUpdate(w.node, next).ok());
  net.Output("y", next);
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(net.graph.Find("next")->op_name(), "FusedElementwise");
  EXPECT_EQ(CountOps(net.graph, "Mul") + CountOps(net.graph, "Add") + CountOps(net.graph, "Sub"),
            0);
}

TEST(FuseElementwiseTest, KeepsNaN) {
  Net net;
  const Value x = net.Image(1, 2);
  const Value zero = net.Random("zero", {}, 0, 1e-9), one = net.Random("one", {}, 1, 1.1);
  const Value root = net.Add("Log", "log1", {x});  // of numbers below 0 too
  net.Output("y", net.Add("Clip", "clip1", {root, zero, one}));
  const TensorMap before = ResultsOf(net.graph, 2);
  MustOptimize(net.graph, TestOptions(kPasses));
  EXPECT_EQ(StepsOf(net.graph, "clip1"), "[Log,Max(input=1),Min(input=2)]");
  const TensorMap after = ResultsOf(net.graph, 2);
  int nans = 0;
  for (int64_t i = 0; i < before.at("y").size(); ++i) {
    nans += std::isnan(before.at("y").At(i));
    EXPECT_EQ(std::isnan(after.at("y").At(i)), std::isnan(before.at("y").At(i))) << i;
  }
  EXPECT_GT(nans, 0);
}

}  // namespace
}  // namespace weft
