
#include "graph/text.h"
#include "passes/clean/clean.h"
#include "passes/rule.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kPasses = {"fold_constants"};

//   a + b -> sum -> sqrt -> Mul(x) -> y   =>   constant sqrt -> Mul(x) -> y
TEST(FoldConstantsTest, AnExpressionOfConstantsIsOneConstantWithItsName) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value sum = net.Add("Add", "sum", {net.Random("a", {3}, 1, 2), net.Random("b", {3}, 1, 2)});
  const Value root = net.Add("Sqrt", "root", {sum});
  net.Output("y", net.Add("Mul", "product", {x, root}));
  ExpectGoldenRewrite("fold_constants", net.graph, TestOptions(kPasses));
  EXPECT_NE(ConstantValue(net.graph.Find("product")->input(1)), nullptr);
}

TEST(FoldConstantsTest, OutputsMayBecomeConstants) {
  Net net;
  net.Image(2, 3);
  net.Output("y", net.Add("Neg", "neg1", {net.Random("a", {3})}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_NE(ConstantValue(net.graph.outputs()[0].value), nullptr);
}

TEST(FoldConstantsTest, AShapeThatIsKnownIsEnoughWhereOnlyTheShapeIsRead) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {2, 3}}).value();
  net.Output("size", net.Add("Size", "size", {x}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  ASSERT_NE(ConstantValue(net.graph.outputs()[0].value), nullptr);
  EXPECT_EQ(ConstantValue(net.graph.outputs()[0].value)->At(0), 6);
}

TEST(FoldConstantsTest, AnUnknownBatchKeepsItsSizeNode) {
  Net net;
  net.Output("size", net.Add("Size", "size", {net.Image(2, 3)}));
  ExpectDeclined(net.graph, kPasses, {});
}

TEST(FoldConstantsTest, DeclinesToBlowUpTheFile) {
  Net net;
  const Value like = net.graph.AddInput("like", {DType::kF64, {100, 100}}).value();
  const Value one = net.Random("one", {100});
  net.Output("y",
             net.Add("ExpandLike", "expand", {one, like}, {{"axes", std::vector<int64_t>{0}}}));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_constants at expand: expand would make 80000 bytes of 800"});
}

TEST(FoldConstantsTest, DeclinesAShapeOfManyBytes) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {1 << 20, 1 << 15}}).value();
  net.Output("size", net.Add("Size", "size", {x}));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_constants at size: x of 274877906944 bytes is too large to stand in for"});
}

// No bytes in the file, and no end of loops and scratch memory for who runs over the other extents.
TEST(FoldConstantsTest, HugeTensorsWithoutElementsTakeNeitherTimeNorMemory) {
  Net net;
  const int64_t large = int64_t{1} << 19;
  const auto empty = [&](const std::string& name, Dims dims) {
    return net.graph.AddConstant(name, Tensor::Zeros(DType::kF64, std::move(dims)).value()).value();
  };
  const Value x = empty("x", {0, 1, large, large});
  const Value w = net.Random("w", {1, 1, 1, 1});
  const AttributeMap kernel = {{"kernel_shape", std::vector<int64_t>{1, 1}}};
  net.Output("conv", net.Add("Conv", "conv", {x, w}));
  net.Output("conv_grad", net.Add("ConvGradInput", "conv_grad", {x, w, x}));
  net.Output("average", net.Add("AveragePool", "average", {x}, kernel));
  net.Output("max", net.Add("MaxPool", "max", {empty("z", {1, 0, large, large})}, kernel));
  net.Output("gemm", net.Add("Gemm", "gemm", {empty("a", {0, 0}), empty("b", {0, large * large})}));
  const PassReport report = MustOptimize(net.graph, TestOptions(kPasses));
  EXPECT_EQ(report.rewrites.size(), 5u);
  EXPECT_TRUE(report.near_misses.empty()) << report.ToString();
}

TEST(FoldConstantsTest, VariablesAreNotConstants) {
  Net net;
  const Value v = net.graph.AddVariable("v", net.RandomTensor({3})).value();
  net.Output("y", net.Add("Neg", "neg1", {v}));
  ExpectDeclined(net.graph, kPasses, {});
}

TEST(FoldConstantsTest, RandomOpsAreDrawnAtEveryRun) {
  Net net;
  const Value c = net.Random("c", {4, 3});
  net.Output("y", net.Add("Dropout", "drop1", {c}, {{"mode", "training"}, {"stream", 1}}));
  ExpectDeclined(net.graph, kPasses, {});
}

// {-1, 18}, by an op whose result inference does not see.
Value UnseenShape(Net& net) {
  const auto c = Tensor::FromInts(std::vector<int64_t>{-1, 18}).Reshaped({1, 2});
  return net.Add("ReduceMax", "shape", {net.graph.AddConstant("c", *c).value()},
                 {{"axes", std::vector<int64_t>{0}}, {"keepdims", 0}});
}

TEST(FoldConstantsTest, DeclinesAShapeThatWouldChangeATypeDownstream) {
  Net net;
  const Value x = net.Image(2, 3);
  net.Output("y", net.Add("Reshape", "reshape1", {x, UnseenShape(net)}));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_constants at shape: folding it would change the type of reshape1"});
}

TEST(FoldConstantsTest, EveryOutputThatIsReadBecomesAConstant) {
  Net net;
  net.Image(2, 3);
  const Value c = net.Random("c", {1, 1, 4, 4});
  const Value pool =
      net.Add("MaxPool", "pool", {c}, {{"kernel_shape", std::vector<int64_t>{2, 2}}}, 2);
  net.Output("y", pool);
  net.Output("indices", pool.node->output(1));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report), ElementsAre("fold_constants: pool -> pool + pool_1"));
  EXPECT_EQ(CountOps(net.graph, "MaxPool"), 0);
}

TEST(FoldConstantsTest, WhatOneRewriteHasTakenNoOtherNames) {
  Net net;
  const Value shared = net.Add("Neg", "shared", {net.Random("c", {3})});
  net.Output("a", net.Add("Tanh", "a", {net.Add("Neg", "a1", {shared})}));
  net.Output("b", net.Add("Tanh", "b", {shared}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report),
              ElementsAre("fold_constants: shared + a1 + a -> a", "fold_constants: b -> b"));
}

Value Repeated(Net& net, const std::string& name, Value v, std::vector<int64_t> repeats) {
  const Value times = net.graph.AddConstant(name + ".times", Tensor::FromInts(repeats)).value();
  return net.Add("Tile", name, {v, times});
}

// Nor does a second run, for which the first one's results would be constants.
TEST(FoldConstantsTest, DeclinesLargeCopies) {
  Net net;
  net.Image(2, 3);
  Value v = Repeated(net, "once", net.Random("c", {8192}), {16});
  net.Output("y", Repeated(net, "twice", v, {16}));
  ExpectDeclined(
      net.graph, kPasses,
      {"fold_constants at once: once would make 1048576 bytes of 65544 with hardly any work",
       "fold_constants at twice: twice would make 16777216 bytes of 65552"});
}

//   c -> root -> tile -> neg -> y   =>   constant root -> tile -> neg -> y
TEST(FoldConstantsTest, WhatIsMadeBeforeACopyIsFolded) {
  Net net;
  net.Image(2, 3);
  const Value root = net.Add("Sqrt", "root", {net.Random("c", {10000}, 1, 2)});
  net.Output("y", net.Add("Neg", "neg", {Repeated(net, "tile", root, {5})}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report), ElementsAre("fold_constants: root -> root"));
  EXPECT_THAT(NearMisses(report),
              ElementsAre("fold_constants at tile: tile would make 400000 bytes of 80008 with "
                          "hardly any work"));
}

TEST(FoldConstantsTest, CopiesOnTheWayToSomethingSmallAreComputed) {
  Net net;
  net.Image(2, 3);
  const Value tile = Repeated(net, "tile", net.Random("c", {10000}), {5});
  net.Output("y", net.Add("ReduceMean", "mean", {tile}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report), ElementsAre("fold_constants: tile + mean -> mean"));
}

TEST(FoldConstantsTest, CopiesThatARuleHasMadeAreFolded) {
  Net net;
  net.Image(2, 3);
  const Value pads =
      net.graph.AddConstant("pads", Tensor::FromInts(std::vector<int64_t>{0, 0, 0, 9})).value();
  Node* pad = net.graph
                  .AddNode({.op = "Pad",
                            .name = "pad",
                            .inputs = {net.Random("w", {4000, 1}), pads},
                            .provenance = {"widen", {"conv1"}}})
                  .value();
  net.Output("y", pad->output());
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report), ElementsAre("fold_constants: conv1 -> pad"));
}

// Doubled 24 times, 16 KiB would be 256 GiB: no more than 64 KiB of it are kept.
TEST(FoldConstantsTest, DoublingsStopAtASmallSize) {
  Net net;
  net.Image(2, 3);
  Value v = net.Random("c", {2048});
  for (int i = 0; i < 24; ++i) {
    v = net.Add("Concat", "twice" + std::to_string(i), {v, v}, {{"axis", int64_t{0}}});
  }
  net.Output("y", net.Add("ReduceSum", "sum", {v}));
  for (int run = 0; run < 2; ++run) {
    MustOptimize(net.graph, TestOptions(kPasses));
    size_t bytes = 0;
    for (const Node& node : net.graph.nodes()) bytes += LeafValue(node).bytes();
    EXPECT_EQ(bytes, size_t{64} << 10);
  }
}

// 40 products of half a MiB each from 64 KiB: as many become constants as make 2 MiB together. What
// the others would have been made from still belongs to the next.
TEST(FoldConstantsTest, AllResultsTogetherGrowNoFurtherThanOne) {
  Net net;
  net.Image(2, 3);
  Value v = net.Random("c", {1, 8192});
  const Value column = net.Random("column", {8, 1});
  for (int i = 0; i < 40; ++i) {
    const std::string number = std::to_string(i);
    v = net.Add("Neg", "neg" + number, {v});
    net.Output("y" + number, net.Add("Gemm", "product" + number, {column, v}));
  }
  net.Output("mean", net.Add("ReduceMean", "mean", {v}));
  const PassReport report = MustOptimize(net.graph, TestOptions(kPasses));
  size_t bytes = 0;
  for (const Node& node : net.graph.nodes()) bytes += LeafValue(node).bytes();
  EXPECT_GT(bytes, size_t{1} << 20);
  EXPECT_LT(bytes, size_t{5} << 19);  // 2 MiB and what was there
  EXPECT_EQ(report.rewrites.size() + report.near_misses.size(), 41u);
  EXPECT_EQ(report.rewrites.back().results, std::vector<std::string>{"mean"});
  EXPECT_THAT(report.rewrites.back().sources, testing::Contains("neg39"));
  EXPECT_THAT(report.near_misses.back().condition,
              testing::HasSubstr("product39 would add 524288 bytes to the"));
}

// A shape that cannot be folded in place, for a Reshape would learn from it, is still known to what
// else is computed from it, in a later turn too.
TEST(FoldConstantsTest, WhatStaysIsKnownToLaterTurns) {
  Net net;
  const Value x = net.Image(2, 3);
  const Value shape = UnseenShape(net);
  net.Output("y", net.Add("Reshape", "reshape1", {x, shape}));
  const Value same = net.Add("Identity", "same", {net.Add("Neg", "back", {shape})});
  net.Output("z", net.Add("Abs", "abs", {same}));
  const std::vector<Stage> stages = {{"test", {FoldConstants(), RemoveIdentity()}}};
  const auto report = RunStages(stages, net.graph, TestOptions());
  ASSERT_EQ(report.status(), absl::OkStatus());
  EXPECT_NE(ConstantValue(net.graph.outputs()[1].value), nullptr);
  EXPECT_THAT(NearMisses(*report),
              ElementsAre("fold_constants at shape: folding it would change the type of reshape1"));
}

// Counts how often it has computed a node of this name.
class CountingEvaluator : public Evaluator {
 public:
  explicit CountingEvaluator(Evaluator& counted) : counted_(counted) {}
  absl::StatusOr<std::vector<Tensor>> RunNode(const Node& node,
                                              std::span<const Tensor> inputs) override {
    ++times[node.name()];
    return counted_.RunNode(node, inputs);
  }
  absl::StatusOr<TensorMap> RunGraph(const Graph& graph, const TensorMap& feeds) override {
    return counted_.RunGraph(graph, feeds);
  }
  std::map<std::string, int> times;

 private:
  Evaluator& counted_;
};

// A reshape whose shape cannot be folded in place, and z, which also reads the shape.
Net WithAShapeThatStays() {
  Net net;
  const Value x = net.Image(2, 3);
  const Value v = net.graph.AddInput("v", {DType::kI64, {2}}).value();
  const Value shape = UnseenShape(net);
  net.Output("y", net.Add("Reshape", "reshape1", {x, shape}));
  net.Output("z", net.Add("Sub", "sub1", {shape, net.Add("Abs", "abs1", {v})}));
  return net;
}

// How often "shape" is computed where `pass` has turns too.
int TimesComputed(Graph& graph, const Pass& pass) {
  PassOptions options = TestOptions();
  CountingEvaluator counting(*options.evaluator);
  options.evaluator = &counting;
  const std::vector<Stage> stages = {{"test", {FoldConstants(), pass}}};
  const auto report = RunStages(stages, graph, options);
  EXPECT_EQ(report.status(), absl::OkStatus());
  EXPECT_THAT(NearMisses(*report),
              ElementsAre("fold_constants at shape: folding it would change the type of reshape1"));
  return counting.times["shape"];
}

// Adds a constant in each of its first turns.
class AddLeaves : public PassRun {
 public:
  explicit AddLeaves(PassContext& context) : context_(context) {}
  absl::Status Run() override {
    if (++turns_ > 5) return absl::OkStatus();
    Graph::Transaction change(context_.graph());
    WEFT_ASSIGN_OR_RETURN(const Value leaf,
                          context_.graph().AddConstant("leaf", Tensor::Scalar(1, DType::kF32)));
    Node* const results[] = {leaf.node};
    return context_.Record({"add_leaves", {}}, results, change);
  }

 private:
  PassContext& context_;
  int turns_ = 0;
};

TEST(FoldConstantsTest, WhatStaysIsNotComputedAgainForWhatHappensElsewhere) {
  Net net = WithAShapeThatStays();
  EXPECT_EQ(TimesComputed(net.graph, {"add_leaves", "",
                                      [](PassContext& context) {
                                        return std::make_unique<AddLeaves>(context);
                                      }}),
            1);
}

// For sub1, once its other operand is known, and once more when sub1 reads it no longer.
TEST(FoldConstantsTest, WhatStaysIsComputedAgainForAReaderThatHasChanged) {
  Net net = WithAShapeThatStays();
  const Pass abs_to_constant =
      ToPass({.name = "abs_to_constant",
              .doc = "",
              .pattern = Op("Abs", {Any()}),
              .conditions = nullptr,
              .rewrite = [](const Match&, Rewriter& r) -> std::vector<Value> {
                return {r.Ints({3, 4})};
              }});
  EXPECT_EQ(TimesComputed(net.graph, abs_to_constant), 3);
  const Tensor* z = ConstantValue(net.graph.outputs()[1].value);
  ASSERT_NE(z, nullptr);
  EXPECT_EQ(z->At(0), -1 - 3);
  EXPECT_EQ(z->At(1), 18 - 4);
}

TEST(FoldConstantsTest, TheWorkOfAChainGrowsWithItsLength) {
  const auto looks = [](int n) {
    Net net;
    Value v = net.Random("c", {2});
    for (int i = 0; i < n; ++i) v = net.Add("Neg", "neg" + std::to_string(i), {v});
    net.Output("y", net.Add("Mul", "product", {net.Image(2, 2), v}));
    PassOptions options = TestOptions(kPasses);
    options.verify_each = false;
    const PassReport report = MustOptimize(net.graph, options);
    EXPECT_EQ(report.rewrites.size(), 1u);
    return report.looks;
  };
  EXPECT_LT(looks(1000), 11 * looks(100));
}

}  // namespace
}  // namespace weft
