#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kPasses = {"fold_conv_conv", "fold_constants"};

// x [N,in,6,6] -> conv1 (1x1, between) -> conv2 (1x1, out) -> y
Net TwoPointwise(int64_t in, int64_t between, int64_t out, ConvShape first = {.kernel = 1},
                 ConvShape second = {.kernel = 1}) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(in, 6), between, first);
  net.Output("y", net.Conv("conv2", conv1, out, second));
  return net;
}

//   x -> conv1 (1x1) -> conv2 (1x1) -> y   =>   x -> conv2 (1x1) -> y
TEST(FoldConvConvTest, TwoBecomeOneWhereThatIsCheaper) {
  Net net = TwoPointwise(2, 8, 3);
  ExpectGoldenRewrite("fold_conv_conv", net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
}

TEST(FoldConvConvTest, BiasesOfEitherNoneOrBothAndStridesMultiply) {
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

TEST(FoldConvConvTest, AChainFoldsToOne) {
  Net net;
  Value x = net.Image(2, 6);
  for (const char* name : {"conv1", "conv2", "conv3"}) x = net.Conv(name, x, 8, {.kernel = 1});
  net.Output("y", x);
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_EQ(net.graph.Find("conv3")->provenance().sources,
            (std::vector<std::string>{"conv1", "conv2", "conv3"}));
}

TEST(FoldConvConvTest, BatchNormsBetweenFoldFirst) {
  Net net;
  const Value bn1 = net.BatchNorm("bn1", net.Conv("conv1", net.Image(2, 6), 8, {.kernel = 1}));
  const Value bn2 = net.BatchNorm("bn2", net.Conv("conv2", bn1, 3, {.kernel = 1}));
  net.Output("y", net.Relu("relu1", bn2));
  ExpectGoldenRewrite("fold_conv_conv_batch_norm", net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Conv"), 0);
}

// 16 -> 2 -> 16 at 6x6: apart 36*(32+32) = 2304 MACs, folded 36*256 = 9216.
TEST(FoldConvConvTest, DeclinesABottleneckAndNamesBothCounts) {
  Net net = TwoPointwise(16, 2, 16);
  ExpectDeclined(
      net.graph, kPasses,
      {"fold_conv_conv at conv2: folded with conv1 it would take 9,216 MACs an example, apart "
       "they take 2,304"});
}

// 4 -> 2 -> 4: 36*(8+8) on both sides.
TEST(FoldConvConvTest, DeclinesEqualCounts) {
  Net net = TwoPointwise(4, 2, 4);
  ExpectDeclined(
      net.graph, kPasses,
      {"fold_conv_conv at conv2: folded with conv1 it would take 576 MACs an example, apart "
       "they take 576"});
}

// 100 -> 40 -> 100, the second at stride 2 from 6x6: apart 36*4000 + 9*4000 = 180000 MACs, folded
// 9*10000 = 90000, with 80000 bytes of weights for the 64000 of both.
TEST(FoldConvConvTest, TheProductIsComputedEvenWhereItIsLargerThanItsFactors) {
  Net net = TwoPointwise(100, 40, 100, {.kernel = 1}, {.kernel = 1, .stride = 2});
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_NE(ConstantValue(net.graph.Find("conv2")->input(1)), nullptr);
}

// floor((floor((H+1)/2)+1)/2) is floor((H+3)/4), but nobody knows.
TEST(FoldConvConvTest, DeclinesTwoStridesOnAnExtentThatOnlyARunKnows) {
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
                 {"fold_conv_conv at conv2: folded with conv1 it would be "
                  "f64[N,3,(floor((H+3)/4)),(floor((H+3)/4))], not "
                  "f64[N,3,(floor(((floor((H+1)/2))+1)/2)),(floor(((floor((H+1)/2))+1)/2))]"});
  Net first = net_of(h, 2, 1), second = net_of(h, 1, 2);
  Net exact = net_of(Dim::Parse("4*H").value(), 2, 2);
  for (Net* net : {&first, &second, &exact}) {
    ExpectSameResults(net->graph, TestOptions(kPasses));
    EXPECT_EQ(CountOps(net->graph, "Conv"), 1);
  }
}

TEST(FoldConvConvTest, DeclinesASecondConsumer) {
  Net net = TwoPointwise(2, 8, 3);
  net.Output("between", net.graph.Find("conv1")->output());
  ExpectDeclined(net.graph, kPasses, {"fold_conv_conv at conv2: conv1 has 2 consumers"});
}

TEST(FoldConvConvTest, DeclinesVariables) {
  Net net;
  net.variables = true;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 8, {.kernel = 1});
  net.Output("y", net.Conv("conv2", conv1, 3, {.kernel = 1}));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_conv_conv at conv2: conv1.weight is a variable, not a constant"});
}

TEST(FoldConvConvTest, AnActivationBetweenIsNoMatch) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 8, {.kernel = 1});
  net.Output("y", net.Conv("conv2", net.Relu("relu1", conv1), 3, {.kernel = 1}));
  ExpectDeclined(net.graph, kPasses, {});
}

Dims Both(int64_t value) { return {value, value}; }
Dims AllPads(int64_t pad) { return Dims(4, pad); }

// Whether the two become one, which computes the same and takes as many MACs as it should.
void ExpectFolded(Net& net, Value result, int64_t apart, int64_t folded) {
  net.Output("y", result);
  EXPECT_EQ(MacsOf(net.graph), apart);
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1) << ToText(net.graph);
  EXPECT_EQ(CountOps(net.graph, "Reshape"), 0);
  EXPECT_EQ(MacsOf(net.graph), folded);
}

// At 6x6: 3x3 of 2 -> 8, then 8 -> 3; one 3x3 of 2 -> 3.
TEST(FoldConvConvTest, APointBehindAKernel) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 8);
  ExpectFolded(net, net.Conv("conv2", conv1, 3, {.kernel = 1}), 36 * (9 * 16 + 24), 36 * 9 * 6);
  EXPECT_EQ(GetInts(net.graph.Find("conv2")->attributes(), "pads"), AllPads(1));
}

TEST(FoldConvConvTest, StridesPadsAndDilationsOfAKernelBeforeAPoint) {
  for (const int64_t stride1 : {1, 2}) {
    for (const int64_t stride2 : {1, 2, 3}) {
      for (const int64_t dilation : {1, 2}) {
        for (const int64_t pad : {0, 1, 3}) {
          Net net;
          const Value conv1 = net.ConvOf(
              "conv1", net.Image(2, 11), {8, 2, 3, 3},
              {{"strides", Both(stride1)}, {"dilations", Both(dilation)}, {"pads", AllPads(pad)}});
          net.Output("y", net.ConvOf("conv2", conv1, {3, 8, 1, 1}, {{"strides", Both(stride2)}}));
          ExpectSameResults(net.graph, TestOptions(kPasses));
          EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
        }
      }
    }
  }
}

// 2 -> 8 at 6x6, then 3x3 of 8 -> 3; one 3x3 of 2 -> 3.
TEST(FoldConvConvTest, APointBeforeAKernelThatPadsWhereItHasNoBias) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 8, {.kernel = 1, .bias = false});
  ExpectFolded(net, net.Conv("conv2", conv1, 3), 36 * (16 + 9 * 24), 36 * 9 * 6);
}

TEST(FoldConvConvTest, APointBeforeAKernelThatDoesNotPad) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 8, {.kernel = 1});
  ExpectFolded(net, net.Conv("conv2", conv1, 3, {.padding = 0}), 36 * 16 + 16 * 9 * 24, 16 * 9 * 6);
}

// The taps are as far apart as the point's strides.
TEST(FoldConvConvTest, APointWithStridesMakesADilatedKernel) {
  Net net;
  const Value conv1 =
      net.Conv("conv1", net.Image(2, 11), 8, {.kernel = 1, .stride = 2, .bias = false});
  ExpectFolded(net, net.Conv("conv2", conv1, 3, {.stride = 3}), 36 * 16 + 4 * 9 * 24, 4 * 9 * 6);
  const AttributeMap& attributes = net.graph.Find("conv2")->attributes();
  EXPECT_EQ(GetInts(attributes, "dilations"), Both(2));
  EXPECT_EQ(GetInts(attributes, "strides"), Both(6));
  EXPECT_EQ(GetInts(attributes, "pads"), AllPads(2));
}

// At 8x8: 3x3 of 1 -> 16, then at 6x6 3x3 of 16 -> 2; one 5x5 of 1 -> 2.
TEST(FoldConvConvTest, TwoKernelsAreOneLargerKernel) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(1, 8), 16);
  ExpectFolded(net, net.Conv("conv2", conv1, 2, {.padding = 0}), 64 * 9 * 16 + 36 * 9 * 32,
               36 * 25 * 2);
}

// Taps of 2 and 2*3 elements have 2 in common: a kernel of 1 + 2*1 + 1*3 taps.
TEST(FoldConvConvTest, TwoKernelsWithStridesAndDilations) {
  Net net;
  const Value conv1 = net.ConvOf("conv1", net.Image(1, 15), {32, 1, 3, 3},
                                 {{"strides", Both(2)}, {"dilations", Both(2)}});
  net.Output("y", net.ConvOf("conv2", conv1, {1, 32, 2, 2}, {{"dilations", Both(3)}}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  ASSERT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_EQ(net.graph.Find("conv2")->input(1).type().shape, (Shape{1, 1, 6, 6}));
}

// Each pads the axis on which the other has no kernel.
TEST(FoldConvConvTest, ARowAndAColumnMakeASquare) {
  Net net;
  const Value conv1 = net.ConvOf("conv1", net.Image(2, 6), {8, 2, 1, 3},
                                 {{"pads", Dims{0, 1, 0, 1}}}, /*bias=*/false);
  ExpectFolded(net, net.ConvOf("conv2", conv1, {3, 8, 3, 1}, {{"pads", Dims{1, 0, 1, 0}}}),
               36 * 3 * (16 + 24), 36 * 9 * 6);
}

TEST(FoldConvConvTest, OneAndThreeSpatialAxes) {
  for (const size_t axes : {1u, 3u}) {
    for (const bool point_first : {false, true}) {
      Net net;
      Shape shape = {Dim::Symbol("N"), 2};
      shape.insert(shape.end(), axes, 5);
      const Value x = net.graph.AddInput("x", {DType::kF64, shape}).value();
      Dims w1 = {8, 2}, w2 = {3, 8};
      w1.insert(w1.end(), axes, point_first ? 1 : 3);
      w2.insert(w2.end(), axes, point_first ? 3 : 1);
      const AttributeMap pads = {{"pads", Dims(2 * axes, 1)}};
      const Value conv1 = net.ConvOf("conv1", x, w1, point_first ? AttributeMap() : pads, false);
      net.Output("y", net.ConvOf("conv2", conv1, w2, point_first ? pads : AttributeMap()));
      ExpectSameResults(net.graph, TestOptions(kPasses));
      EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
    }
  }
}

// In 2 groups, 4 -> 16 by 3x3, then 16 -> 6; one 3x3 of 4 -> 6.
TEST(FoldConvConvTest, TheSameGroupsStay) {
  Net net;
  const AttributeMap two = {{"group", 2}};
  const Value conv1 = net.ConvOf("conv1", net.Image(4, 6), {16, 2, 3, 3}, two);
  ExpectFolded(net, net.ConvOf("conv2", conv1, {6, 8, 1, 1}, two), 16 * (9 * 32 + 48), 16 * 9 * 12);
  EXPECT_EQ(GetInt(net.graph.Find("conv2")->attributes(), "group"), 2);
}

TEST(FoldConvConvTest, TwoDepthwiseAreOne) {
  Net net;
  const AttributeMap four = {{"group", 4}};
  const Value conv1 = net.ConvOf("conv1", net.Image(4, 6), {4, 1, 3, 3}, four);
  ExpectFolded(net, net.ConvOf("conv2", conv1, {4, 1, 1, 1}, four), 16 * (36 + 4), 16 * 36);
}

// A product has no more groups than either.
TEST(FoldConvConvTest, FewerGroupsBehindMore) {
  Net net;
  const Value conv1 = net.ConvOf("conv1", net.Image(4, 6), {8, 1, 3, 3}, {{"group", 4}});
  ExpectFolded(net, net.ConvOf("conv2", conv1, {2, 4, 1, 1}, {{"group", 2}}), 16 * (72 + 8),
               16 * 36);
  EXPECT_EQ(GetInt(net.graph.Find("conv2")->attributes(), "group"), 2);
}

TEST(FoldConvConvTest, FewerGroupsBeforeMore) {
  Net net;
  const Value conv1 = net.ConvOf("conv1", net.Image(2, 6), {8, 1, 1, 1}, {{"group", 2}});
  ExpectFolded(net, net.ConvOf("conv2", conv1, {4, 2, 3, 3}, {{"group", 4}}), 36 * 8 + 16 * 72,
               16 * 36);
  EXPECT_EQ(GetInt(net.graph.Find("conv2")->attributes(), "group"), 2);
}

TEST(FoldConvConvTest, APointBeforeADepthwiseScale) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(3, 6), 4);
  ExpectFolded(net, net.ConvOf("conv2", conv1, {4, 1, 1, 1}, {{"group", 4}}), 36 * (108 + 4),
               36 * 108);
}

// Depthwise 3x3 and a point apart are what MobileNet is about.
TEST(FoldConvConvTest, DeclinesASeparableConvolution) {
  Net net;
  const Value conv1 = net.ConvOf("conv1", net.Image(4, 6), {4, 1, 3, 3}, {{"group", 4}});
  net.Output("y", net.Conv("conv2", conv1, 8, {.kernel = 1}));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_conv_conv at conv2: folded with conv1 it would take 4,608 MACs an example, "
                  "apart they take 1,088"});
}

TEST(FoldConvConvTest, DeclinesGroupsThatDoNotNest) {
  Net net;
  const Value conv1 = net.ConvOf("conv1", net.Image(2, 6), {6, 1, 1, 1}, {{"group", 2}});
  net.Output("y", net.ConvOf("conv2", conv1, {3, 2, 1, 1}, {{"group", 3}}));
  ExpectDeclined(net.graph, kPasses, {"fold_conv_conv at conv2: conv1 has 2 groups, conv2 3"});
}

TEST(FoldConvConvTest, DeclinesABiasBeforePads) {
  Net net = TwoPointwise(2, 8, 3, {.kernel = 1}, {.kernel = 3});
  ExpectDeclined(net.graph, kPasses,
                 {"fold_conv_conv at conv2: conv2 has pads [1,1,1,1], conv1 a bias"});
}

TEST(FoldConvConvTest, DeclinesAKernelBeforePads) {
  Net net = TwoPointwise(2, 8, 3, {.kernel = 3, .bias = false}, {.kernel = 3});
  ExpectDeclined(net.graph, kPasses,
                 {"fold_conv_conv at conv2: conv2 has pads [1,1,1,1], conv1 a kernel of [3,3]"});
}

TEST(FoldConvConvTest, PadsThatTheImageDecidesMustBeKnown) {
  for (const char* auto_pad : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    for (const int64_t size : {6, 7}) {
      Net net;
      const Value conv1 = net.ConvOf("conv1", net.Image(4, size), {8, 2, 3, 3},
                                     {{"auto_pad", auto_pad}, {"strides", Both(2)}, {"group", 2}});
      net.Output("y", net.Conv("conv2", conv1, 1, {.kernel = 1}));
      ExpectSameResults(net.graph, TestOptions(kPasses));
      EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
    }
  }
  Net net;
  const Dim h = Dim::Symbol("H");
  const Value x = net.graph.AddInput("x", {DType::kF64, {1, 2, h, h}}).value();
  const Value conv1 = net.ConvOf("conv1", x, {8, 2, 3, 3}, {{"auto_pad", "SAME_UPPER"}});
  net.Output("y", net.Conv("conv2", conv1, 3, {.kernel = 1}));
  ExpectDeclined(net.graph, kPasses, {"fold_conv_conv at conv2: conv1 has auto_pad SAME_UPPER"});
}

}  // namespace
}  // namespace weft
