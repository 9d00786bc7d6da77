// cancel_transposes: what decides which ops move, and the work of it.

#include "tests/passes/testing_orders.h"

namespace weft {
namespace {

using testing::IsEmpty;

TEST(CancelTransposesTest, NothingMovesForAsManyBytes) {
  Net net;
  const Value x = Input(net, "x", {kN, 5, 3, 4}), last = Input(net, "last", {kN, 3, 4, 5});
  net.Output("a", net.Relu("relu1", Transpose(net, "a", x, kToLast)));
  net.Output("b", Transpose(net, "b", net.Relu("relu2", last), kToFirst));
  ExpectDeclined(net.graph, {"cancel_transposes"}, {});
}

//   x -> there -> pad1 -> sum -> back -> conv1   =>   x -> pad1 -> sum -> conv1
//          y -> other -------/                        y -------/
TEST(CancelTransposesTest, AResidualSumAsItIsWritten) {
  Net net;
  const Value x = Input(net, "x", {kN, 5, 3, 4}), y = Input(net, "y", {kN, 5, 5, 4});
  const Value padded = net.Add(
      "Pad", "pad1", {Transpose(net, "there", x, kToLast), Ints(net, {0, 1, 0, 0, 0, 1, 0, 0})});
  const Value sum = net.Add("Add", "sum", {padded, Transpose(net, "other", y, kToLast)});
  net.Output("out", net.Conv("conv1", Transpose(net, "back", sum, kToFirst), 2, {.kernel = 1}));
  ExpectGoldenRewrite("cancel_transposes", net.graph, TestOptions(kCancel));
}

TEST(CancelTransposesTest, ForAsManyBytesTransposesAreNotBesideAProduct) {
  Net net;
  const Value x = Input(net, "x", {kN, 4, 4, 5});
  const Value scaled = net.Add("Mul", "scaled", {x, net.Random("scale", {5})});
  Value y = net.Conv("conv1", Transpose(net, "first", scaled, kToFirst), 3);
  y = net.Relu("relu1", Transpose(net, "last", y, kToLast));
  net.Output("y", net.Relu("relu2", y));
  ExpectSameResults(net.graph, TestOptions(kCancel));
  EXPECT_EQ(net.graph.Find("conv1")->input(0).ToString(), "scaled");
  EXPECT_EQ(net.graph.Find("relu1")->input(0).ToString(), "conv1");
  EXPECT_EQ(CountOps(net.graph, "Transpose"), 2);
}

TEST(CancelTransposesTest, SaysWhatWouldHaveToBeTransposed) {
  Net net;
  const Value x = Input(net, "x", {kN, 5, 3, 4}), other = Input(net, "other", {kN, 3, 4, 5});
  const Value there = Transpose(net, "there", x, kToLast);
  net.Output("there", there);
  net.Output("a", Transpose(net, "a", net.Add("Add", "sum", {there, other}), kToFirst));
  const Value z = Input(net, "z", {kN, 5, 3, 4});
  const Value seen = Transpose(net, "seen", z, kToLast), relu = net.Relu("relu1", seen);
  net.Output("seen", seen);
  net.Output("relu", relu);
  net.Output("b", Transpose(net, "b", relu, kToFirst));
  ExpectDeclined(net.graph, {"cancel_transposes"},
                 {"cancel_transposes at there: other would be transposed",
                  "cancel_transposes at seen: relu1 would be transposed"});
}

// Five Transposes become three.
TEST(CancelTransposesTest, WhatSavesMostIsDoneForAllReadersTogether) {
  Net net;
  const Value x = Input(net, "x", {kN, 2, 3, 4}), other = Input(net, "other", {kN, 3, 4, 2});
  const Value there = Transpose(net, "there", x, kToLast);
  net.Output("a", Transpose(net, "a", net.Add("Add", "sum", {there, other}), kToFirst));
  const Value relu = net.Relu("relu1", there);
  net.Output("relu", relu);
  net.Output("b", Transpose(net, "b", relu, kToFirst));
  net.Output("c", Transpose(net, "c", net.Relu("relu2", other), kToFirst));
  net.Output("d", Transpose(net, "d", net.Add("Exp", "exp", {there}), kToLast));
  ExpectSameResults(net.graph, TestOptions(kCancel));
  EXPECT_EQ(CountOps(net.graph, "Transpose"), 3);
  EXPECT_EQ(net.graph.Find("relu1")->input(0).ToString(), "x");
  EXPECT_EQ(net.graph.Find("relu1/Transpose")->type().shape, (Shape{kN, 3, 4, 2}));
}

TEST(CancelTransposesTest, FewerBytesAreMovedBeforeOrAfterwards) {
  Net net;
  const Value bytes = Input(net, "bytes", {kN, 3, 4, 5}, DType::kU8);
  const Value image = net.Add("Cast", "image", {bytes}, {{"to", DType::kF64}});
  net.Output("a", Transpose(net, "first",
                            net.Add("Pad", "pad", {image, Ints(net, {0, 1, 1, 0, 0, 1, 1, 0})}),
                            kToFirst));
  const Value x = Input(net, "x", {kN, 5, 3, 4});
  net.Output("b", net.Add("Slice", "slice",
                          {Transpose(net, "last", x, kToLast), Ints(net, {0}), Ints(net, {2}),
                           Ints(net, {1})}));
  ExpectSameResults(net.graph, TestOptions(kCancel));
  EXPECT_EQ(ToString(net.graph.Find("image/Transpose")->type()), "u8[N,5,3,4]");
  EXPECT_EQ(ToString(net.graph.Find("slice/Transpose")->type()), "f64[N,2,4,5]");
  EXPECT_EQ(CountOps(net.graph, "Transpose"), 2);
}

TEST(CancelTransposesTest, OutputsKeepTheirOrder) {
  Net net;
  const Value x = Input(net, "x", {kN, 5, 3, 4});
  const Value relu = net.Relu("relu1", Transpose(net, "there", x, kToLast));
  net.Output("nhwc", relu);
  net.Output("y", net.Relu("relu2", Transpose(net, "back", relu, kToFirst)));
  ExpectSameResults(net.graph, TestOptions(kCancel));
  EXPECT_EQ(CountOps(net.graph, "Transpose"), 1);
  EXPECT_EQ(ToString(net.graph.outputs()[0].value.type()), "f64[N,3,4,5]");
  EXPECT_EQ(net.graph.Find("relu2")->input(0).ToString(), "relu1");
}

TEST(CancelTransposesTest, SymbolicSizesStaySymbolic) {
  Net net;
  const Dim h = Dim::Symbol("H"), w = Dim::Symbol("W");
  Value y = Transpose(net, "there", Input(net, "x", {kN, 5, h, w}), kToLast);
  y = net.Add("Pad", "pad", {y, Ints(net, {0, 1, 1, 0, 0, 1, 1, 0})});
  y = net.Add("Slice", "slice", {y, Ints(net, {1}), Ints(net, {-1}), Ints(net, {1})});
  y = net.Add("Slice", "odd",
              {y, Ints(net, {0}), Ints(net, {100}), Ints(net, {2}), Ints(net, {2})});
  net.Output("y", Transpose(net, "back", net.Add("Softmax", "softmax", {y}), kToFirst));
  ExpectSameResults(net.graph, TestOptions(kCancel));
  EXPECT_EQ(CountOps(net.graph, "Transpose"), 0);
}

TEST(CancelTransposesTest, EmptyBatchesAndImages) {
  for (const int64_t height : {0, 3}) {
    Net net;
    Value y = Transpose(net, "there", Input(net, "x", {kN, 5, height, 4}), kToLast);
    y = net.Add("Tile", "tile", {net.Relu("relu", y), Ints(net, {1, 2, 1, 1})});
    net.Output("y", Transpose(net, "back", y, kToFirst));
    ExpectSameResults(net.graph, TestOptions(kCancel), 1e-12, /*first_batch=*/0);
    EXPECT_EQ(CountOps(net.graph, "Transpose"), 0);
  }
}

// Ten times the blocks are ten times the work.
TEST(CancelTransposesTest, TheWorkGrowsWithTheNodes) {
  const auto looks = [](int n) {
    Net net;
    Value x = Input(net, "x", {kN, 5, 3, 4});
    for (int i = 0; i < n; ++i) {
      const std::string number = std::to_string(i);
      x = net.Relu("relu" + number, Transpose(net, "there" + number, x, kToLast));
      x = net.BatchNorm("bn" + number, Transpose(net, "back" + number, x, kToFirst));
    }
    net.Output("y", x);
    PassOptions options = TestOptions(kCancel);
    options.verify_each = false;
    const int64_t result = MustOptimize(net.graph, options).looks;
    EXPECT_EQ(CountOps(net.graph, "Transpose"), 0);
    return result;
  };
  EXPECT_LT(looks(200), 11 * looks(20));
}

// One region, more than can be seen at once, with a Transpose of every tenth value that saves
// nothing: each part is looked at once or twice, not once for every Transpose.
TEST(CancelTransposesTest, ALongRegionInWhichNothingMovesIsLookedAtInParts) {
  for (const int n : {400, 3000}) {
    Net net;
    Value x = Input(net, "x", {kN, 3, 4, 5});
    for (int i = 0; i < n; ++i) {
      const std::string number = std::to_string(i);
      x = net.Relu("relu" + number, x);
      if (i % 10 > 0) continue;
      net.Output("last" + number, x);
      net.Output("first" + number, Transpose(net, "t" + number, x, kToFirst));
    }
    const PassReport report = MustOptimize(net.graph, TestOptions({"cancel_transposes"}));
    EXPECT_THAT(report.rewrites, IsEmpty());
    EXPECT_GT(report.looks, n);
    EXPECT_LT(report.looks, 3 * n);
  }
}

// a -> A -> x -> T -> y, which reads x too: with every axis as long as the others, T's result might
// be in the order of x.
//         \------/
TEST(CancelTransposesTest, ATransposeOfWhatIsReadBesideItStays) {
  Net net;
  const Value a = Input(net, "a", {kN, 4, 4, 4});
  const Value x = net.Relu("x", Transpose(net, "A", a, kToLast));
  net.Output("y", net.Add("Add", "y", {x, Transpose(net, "T", x, kToLast)}));
  ExpectDeclined(net.graph, {"cancel_transposes"}, {});
}

// Its shape is none that folding knows.
TEST(CancelTransposesTest, AConstantOfAComputedShapeIsNotTransposedForNothing) {
  Net net;
  const Value shape = Input(net, "shape", {4}, DType::kI64);
  const Value c = net.Add("Reshape", "c", {net.Random("weights", {3, 4, 5}), shape});
  const Value x = Input(net, "x", {kN, 5, 3, 4});
  const Value sum = net.Add("Add", "sum", {Transpose(net, "there", x, kToLast), c});
  net.Output("y", sum);
  net.Output("z", Transpose(net, "back", sum, kToFirst));
  ExpectDeclined(net.graph, {"cancel_transposes"},
                 {"cancel_transposes at there: c would be transposed"});
}

// Wrong where the channels are the second axis.
class FaultyRelu : public ReferenceEvaluator {
 public:
  absl::StatusOr<std::vector<Tensor>> RunNode(const Node& node,
                                              std::span<const Tensor> inputs) override {
    auto result = ReferenceEvaluator::RunNode(node, inputs);
    if (node.op_name() != "Relu" || node.type().dim(1) != Dim(5) || !result.ok()) return result;
    ++faults;
    result->front().mutable_values<double>()[0] += 1;
    return result;
  }
  int faults = 0;
};

TEST(CancelTransposesTest, WhatIsTakenBackIsNotTriedForEveryTranspose) {
  Net net;
  const Value x = Input(net, "x", {kN, 5, 3, 4});
  const Value relu = net.Relu("relu1", Transpose(net, "there", x, kToLast));
  for (const char* name : {"a", "b", "c", "d"}) {
    net.Output(name, net.BatchNorm(std::string("bn") + name,
                                   Transpose(net, name + std::string("_back"), relu, kToFirst)));
  }
  // What is rewritten elsewhere gives the pass another turn.
  net.Output("z", net.Add("Sum", "twice", {x, x}));
  FaultyRelu evaluator;
  PassOptions options = TestOptions({"cancel_transposes", "sum_to_add"});
  options.replay = {.random = 1, .evaluator = &evaluator};
  const PassReport report = MustOptimize(net.graph, options);
  EXPECT_EQ(report.taken_back, 1);
  EXPECT_EQ(CountOps(net.graph, "Transpose"), 5);
  EXPECT_EQ(evaluator.faults, 1);
}

}  // namespace
}  // namespace weft
