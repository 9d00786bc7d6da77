#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kPasses = {"fold_1x1", "fold_constants"};

// x [N,in,6,6] -> conv1 (1x1, between) -> conv2 (1x1, out) -> y
Net TwoPointwise(int64_t in, int64_t between, int64_t out, ConvShape first = {.kernel = 1},
                 ConvShape second = {.kernel = 1}) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(in, 6), between, first);
  net.Output("y", net.Conv("conv2", conv1, out, second));
  return net;
}

//   x -> conv1 (1x1) -> conv2 (1x1) -> y   =>   x -> conv2 (1x1) -> y
TEST(Fold1x1Test, TwoBecomeOneWhereThatIsCheaper) {
  Net net = TwoPointwise(2, 8, 3);
  ExpectGoldenRewrite("fold_1x1", net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
}

TEST(Fold1x1Test, BiasesOfEitherNoneOrBothAndStridesMultiply) {
  for (const bool bias1 : {false, true}) {
    for (const bool bias2 : {false, true}) {
      for (const int64_t stride1 : {1, 2}) {
        for (const int64_t stride2 : {1, 2, 3}) {
          Net net = TwoPointwise(2, 8, 3, {.kernel = 1, .stride = stride1, .bias = bias1},
                                 {.kernel = 1, .stride = stride2, .bias = bias2});
          ExpectSameResults(net.graph, TestOptions(kPasses));
          ASSERT_EQ(CountOps(net.graph, "Conv"), 1);
          const Node& conv = *net.graph.Find("conv2");
          EXPECT_EQ(GetInts(conv.attributes(), "strides", {1, 1}),
                    (std::vector<int64_t>(2, stride1 * stride2)));
          EXPECT_EQ(!conv.input(2).null(), bias1 || bias2);
        }
      }
    }
  }
}

TEST(Fold1x1Test, AChainFoldsToOne) {
  Net net;
  Value x = net.Image(2, 6);
  for (const char* name : {"conv1", "conv2", "conv3"}) x = net.Conv(name, x, 8, {.kernel = 1});
  net.Output("y", x);
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_EQ(net.graph.Find("conv3")->provenance().sources,
            (std::vector<std::string>{"conv1", "conv2", "conv3"}));
}

TEST(Fold1x1Test, BatchNormsBetweenFoldFirst) {
  Net net;
  const Value bn1 = net.BatchNorm("bn1", net.Conv("conv1", net.Image(2, 6), 8, {.kernel = 1}));
  const Value bn2 = net.BatchNorm("bn2", net.Conv("conv2", bn1, 3, {.kernel = 1}));
  net.Output("y", net.Relu("relu1", bn2));
  ExpectGoldenRewrite("fold_1x1_batch_norm", net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Conv"), 0);
}

// 16 -> 2 -> 16 at 6x6: apart 36*(32+32) = 2304 MACs, folded 36*256 = 9216.
TEST(Fold1x1Test, DeclinesABottleneckAndNamesBothCounts) {
  Net net = TwoPointwise(16, 2, 16);
  ExpectDeclined(net.graph, kPasses,
                 {"fold_1x1 at conv2: folded with conv1 it would take 9216 MACs an example, apart "
                  "they take 2304"});
}

// 4 -> 2 -> 4: 36*(8+8) on both sides.
TEST(Fold1x1Test, DeclinesEqualCounts) {
  Net net = TwoPointwise(4, 2, 4);
  ExpectDeclined(net.graph, kPasses,
                 {"fold_1x1 at conv2: folded with conv1 it would take 576 MACs an example, apart "
                  "they take 576"});
}

// 100 -> 40 -> 100, the second at stride 2 from 6x6: apart 36*4000 + 9*4000 = 180000 MACs, folded
// 9*10000 = 90000, with 80000 bytes of weights for the 64000 of both.
TEST(Fold1x1Test, TheProductIsComputedEvenWhereItIsLargerThanItsFactors) {
  Net net = TwoPointwise(100, 40, 100, {.kernel = 1}, {.kernel = 1, .stride = 2});
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_NE(ConstantValue(net.graph.Find("conv2")->input(1)), nullptr);
}

// floor((floor((H+1)/2)+1)/2) is floor((H+3)/4), but nobody knows.
TEST(Fold1x1Test, DeclinesTwoStridesOnAnExtentThatOnlyARunKnows) {
  const auto net_of = [](const Dim& extent, int64_t stride1, int64_t stride2) {
    Net net;
    const TensorType type = {DType::kF64, {Dim::Symbol("N"), 2, extent, extent}};
    const Value x = net.graph.AddInput("x", type).value();
    const Value conv1 = net.Conv("conv1", x, 8, {.kernel = 1, .stride = stride1});
    net.Output("y", net.Conv("conv2", conv1, 3, {.kernel = 1, .stride = stride2}));
    return net;
  };
  const Dim h = Dim::Symbol("H");
  Net both = net_of(h, 2, 2);
  ExpectDeclined(both.graph, kPasses,
                 {"fold_1x1 at conv2: folded with conv1 it would be "
                  "f64[N,3,(floor((H+3)/4)),(floor((H+3)/4))], not "
                  "f64[N,3,(floor(((floor((H+1)/2))+1)/2)),(floor(((floor((H+1)/2))+1)/2))]"});
  Net first = net_of(h, 2, 1), second = net_of(h, 1, 2);
  Net exact = net_of(Dim::Parse("4*H").value(), 2, 2);
  for (Net* net : {&first, &second, &exact}) {
    ExpectSameResults(net->graph, TestOptions(kPasses));
    EXPECT_EQ(CountOps(net->graph, "Conv"), 1);
  }
}

TEST(Fold1x1Test, DeclinesASecondConsumer) {
  Net net = TwoPointwise(2, 8, 3);
  net.Output("between", net.graph.Find("conv1")->output());
  ExpectDeclined(net.graph, kPasses, {"fold_1x1 at conv2: conv1 has 2 consumers"});
}

TEST(Fold1x1Test, DeclinesPadding) {
  Net net = TwoPointwise(2, 8, 3, {.kernel = 1}, {.kernel = 1, .padding = 1});
  ExpectDeclined(net.graph, kPasses, {"fold_1x1 at conv2: conv2 has pads [1,1,1,1]"});
}

TEST(Fold1x1Test, DeclinesGroups) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 8, {.kernel = 1});
  const Value w = net.Random("conv2.weight", {8, 4, 1, 1});
  net.Output("y", net.Add("Conv", "conv2", {conv1, w}, {{"group", 2}}));
  ExpectDeclined(net.graph, kPasses, {"fold_1x1 at conv2: conv2 has 2 groups"});
}

TEST(Fold1x1Test, DeclinesVariables) {
  Net net;
  net.variables = true;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 8, {.kernel = 1});
  net.Output("y", net.Conv("conv2", conv1, 3, {.kernel = 1}));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_1x1 at conv2: conv1.weight is a variable, not a constant"});
}

TEST(Fold1x1Test, ARealKernelOrAnActivationBetweenIsNoMatch) {
  Net net = TwoPointwise(2, 8, 3, {.kernel = 3});
  ExpectDeclined(net.graph, kPasses, {});
  Net other;
  const Value conv1 = other.Conv("conv1", other.Image(2, 6), 8, {.kernel = 1});
  other.Output("y", other.Conv("conv2", other.Relu("relu1", conv1), 3, {.kernel = 1}));
  ExpectDeclined(other.graph, kPasses, {});
}

}  // namespace
}  // namespace weft
