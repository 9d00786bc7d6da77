// fold_bn_conv and fold_affine_conv.

#include "absl/strings/str_cat.h"
#include "tests/passes/testing_linear.h"

namespace weft {
namespace {

using testing::IsEmpty;

const std::vector<std::string> kBatchNorm = {"fold_bn_conv", "fold_constants"};
const std::vector<std::string> kAffine = {"fold_affine_conv", "fold_constants"};

// Where the channels that the op reads lie: on axis 0 of x for a transposed Gemm.
Dims AlongX(const LinearCase& c) {
  if (c.attributes.contains("transA")) return {c.channels_in, 1};
  return PerChannel(c.channels_in, static_cast<int>(c.x.size()));
}

bool ExpectsShift(const LinearCase& c) { return c.op != "ConvTranspose"; }

// x -> bn1 -> conv1 -> y
Net BnConv(ConvShape shape) {
  Net net;
  net.Output("y", net.Conv("conv1", net.BatchNorm("bn1", net.Image(3, 6)), 4, shape));
  return net;
}

//   x -> bn1 -> conv1 -> y   =>   x -> conv1 -> y
TEST(FoldBnConvTest, LeavesOneConvolution) {
  Net net = BnConv({.padding = 0});
  ExpectGoldenRewrite("fold_bn_conv", net.graph, TestOptions(kBatchNorm));
  EXPECT_EQ(net.graph.size(), 4);
}

TEST(FoldBnConvTest, FoldsIntoEveryLinearOp) {
  ForEachLinearCase([](const LinearCase& c, const Precision& p, bool bias) {
    if (!ExpectsShift(c) || c.attributes.contains("transA")) return;
    Net net(p.dtype);
    net.Output("y", AddLinear(net, c, net.BatchNorm("bn1", InputOf(net, c)), bias));
    ExpectSameResults(net.graph, TestOptions(kBatchNorm), p.tolerance);
    EXPECT_EQ(net.graph.size(), 4);  // x, w, b and the op
  });
}

// x -> affine -> linear, of places that see the shift over different taps
struct MapCase {
  std::string name;
  std::string op;
  Dims x;  // but for the batch
  Dims w;
  AttributeMap attributes = {};
};

std::vector<MapCase> MapCases() {
  using Ints = std::vector<int64_t>;
  return {
      {"padding", "Conv", {3, 6, 5}, {2, 3, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}}},
      {"strides",
       "Conv",
       {3, 6, 7},
       {5, 3, 3, 3},
       {{"pads", Ints{2, 0, 1, 2}}, {"strides", Ints{2, 2}}}},
      {"auto_pad", "Conv", {3, 6, 6}, {2, 3, 4, 3}, {{"auto_pad", "SAME_LOWER"}}},
      {"groups",
       "Conv",
       {4, 7},
       {6, 2, 3},
       {{"pads", Ints{2, 2}}, {"dilations", Ints{2}}, {"group", 2}}},
      {"films", "Conv", {2, 3, 4, 5}, {2, 2, 3, 1, 3}, {{"pads", Ints{1, 0, 1, 1, 0, 1}}}},
      {"transposed", "ConvTranspose", {6, 3, 3}, {6, 2, 3, 2}, {{"pads", Ints{1, 0, 1, 0}}}},
      {"transposed_groups",
       "ConvTranspose",
       {8, 4},
       {8, 1, 3},
       {{"group", 2}, {"strides", Ints{2}}, {"output_padding", Ints{1}}}},
  };
}

Net ThenPlaces(const MapCase& c, const std::string& op, DType dtype) {
  Net net(dtype);
  Shape shape = ToShape(c.x);
  shape.insert(shape.begin(), Dim::Symbol("N"));
  Value v = net.graph.AddInput("x", {dtype, shape}).value();
  if (op.empty()) {
    v = net.BatchNorm("affine", v);
  } else {
    v = net.Add(op, "affine", {v, net.Random("c", PerChannel(c.x[0], v.type().rank()))});
  }
  net.Output("y", net.Add(c.op, "linear", {v, net.Random("w", c.w)}, c.attributes));
  return net;
}

//   conv(x*s + t, w)   =>   conv(x, w*s) + constant
TEST(FoldBnConvTest, TheShiftOfWhatIsPaddedIsAMap) {
  for (const MapCase& c : MapCases()) {
    for (const Precision& p : kPrecisions) {
      SCOPED_TRACE(c.name);
      Net net = ThenPlaces(c, "", p.dtype);
      const PassReport report = ExpectSameResults(net.graph, TestOptions(kBatchNorm), p.tolerance);
      EXPECT_THAT(NearMisses(report), IsEmpty());
      EXPECT_EQ(net.graph.size(), 5);  // x, w, the op, the map and the sum
    }
  }
}

TEST(FoldAffineConvTest, TheShiftOfWhatIsPaddedIsAMap) {
  for (const MapCase& c : MapCases()) {
    for (const char* op : {"Add", "Sub"}) {
      SCOPED_TRACE(c.name);
      Net net = ThenPlaces(c, op, DType::kF64);
      ExpectSameResults(net.graph, TestOptions(kAffine), 1e-11);
      EXPECT_EQ(net.graph.size(), 5);
    }
  }
}

// The fused convolution adds it, for batches of any size.
TEST(FoldAffineConvTest, TheMapBecomesAnOperandOfTheConvolution) {
  Net net(DType::kF32);
  const Value sub = net.Add("Sub", "sub1", {net.Image(3, 6), net.Random("mean", {3, 1, 1})});
  net.Output("y", net.Relu("relu1", net.Conv("conv1", sub, 4)));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(), 1e-5);
  EXPECT_EQ(net.graph.size(), 5);
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  const Node& conv = *net.graph.outputs()[0].value.node;
  EXPECT_EQ(conv.name(), "conv1");
  EXPECT_EQ(conv.input(3).node->name(), "conv1.shift");
  EXPECT_EQ(ToString(conv.input(3).type()), "f32[1,4,6,6]");
  EXPECT_LT(report.after.bytes, report.before.bytes);
}

TEST(FoldBnConvTest, DeclinesAMapThatMovesMore) {
  Net net;
  net.Output("y", net.Conv("conv1", net.BatchNorm("bn1", net.Image(3, 6)), 8));
  ExpectDeclined(net.graph, kBatchNorm,
                 {"fold_bn_conv at conv1: conv1 has pads [1,1,1,1], and the shift of bn1 would not "
                  "reach the border: a map of it would move 2.2 KiB, bn1 moves 1.8 KiB"});
  Net other;
  const Value bn = other.BatchNorm("bn1", other.Image(3, 6));
  other.Output("y", other.Add("Conv", "conv1", {bn, other.Random("w", {8, 3, 3, 3})},
                              {{"auto_pad", "SAME_LOWER"}}));
  ExpectDeclined(other.graph, kBatchNorm,
                 {"fold_bn_conv at conv1: conv1 has auto_pad SAME_LOWER, and the shift of bn1 "
                  "would not reach the border: a map of it would move 2.2 KiB, bn1 moves 1.8 KiB"});
  Net transposed;
  transposed.Output("y", transposed.Add("ConvTranspose", "linear",
                                        {transposed.BatchNorm("bn1", transposed.Image(3, 4)),
                                         transposed.Random("w", {3, 4, 3, 3})}));
  ExpectDeclined(transposed.graph, kBatchNorm,
                 {"fold_bn_conv at linear: linear sums more taps at some places than at others, "
                  "and the shift of bn1 with them: a map of it would move 1.1 KiB, bn1 moves "
                  "864 B"});
}

TEST(FoldBnConvTest, DeclinesAMapOfExtentsThatAreNotKnown) {
  Net net;
  const Value x =
      net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, 6, Dim::Symbol("W")}}).value();
  net.Output("y", net.Conv("conv1", net.BatchNorm("bn1", x), 2));
  ExpectDeclined(net.graph, kBatchNorm,
                 {"fold_bn_conv at conv1: conv1 has pads [1,1,1,1], and the shift of bn1 would not "
                  "reach the border: a map of it needs known extents, conv1 is f64[N,2,6,W]"});
}

// fold_constants would not compute it.
TEST(FoldBnConvTest, DeclinesAMapThatBlowsUpTheFile) {
  Net net;
  net.Output("y", net.ConvOf("conv1", net.BatchNorm("bn1", net.Image(64, 64)), {64, 1, 3, 3},
                             {{"group", 64}, {"pads", std::vector<int64_t>(4, 1)}}));
  ExpectDeclined(net.graph, kBatchNorm,
                 {"fold_bn_conv at conv1: conv1 has pads [1,1,1,1], and the shift of bn1 would not "
                  "reach the border: a map of it would take 2.0 MiB, made of 4.5 KiB"});
}

// Weights of a few bytes do not pay for a map of a large image, nor is one made to find out.
TEST(FoldAffineConvTest, DeclinesAMapThatIsLargeForItsWeights) {
  for (const auto& [size, bytes] :
       {std::pair(int64_t{100}, "78.1 KiB"), std::pair(int64_t{400000}, "1220703.1 MiB")}) {
    Net net;
    const Value sum = net.Add("Add", "sum1", {net.Image(1, size), net.Random("c", {})});
    net.Output("y", net.Conv("conv1", sum, 1, {.bias = false}));
    ExpectDeclined(net.graph, kAffine,
                   {absl::StrCat("fold_affine_conv at conv1: conv1 has pads [1,1,1,1], and the "
                                 "shift of sum1 would not reach the border: a map of it would "
                                 "take ",
                                 bytes, ", made of 72 B")});
  }
}

// Above what folding grants to all.
TEST(FoldAffineConvTest, AMapThatItsWeightsPayForIsFolded) {
  Net net;
  const Value sum = net.Add("Add", "sum1", {net.Image(64, 60), net.Random("c", {64, 1, 1})});
  net.Output("y", net.Conv("conv1", sum, 4, {.bias = false}));
  ExpectSameResults(net.graph, TestOptions(kAffine), 1e-11);
  EXPECT_EQ(net.graph.size(), 5);
  EXPECT_EQ(ToString(net.graph.Find("conv1.shift")->type()), "f64[1,4,60,60]");
}

TEST(FoldBnConvTest, DeclinesChannelsThatTheProductDoesNotSumOver) {
  Net net;
  const LinearCase& c = FindLinearCase("gemm_trans_a");
  const Value x = net.graph.AddInput("x", {DType::kF64, {5, 3}}).value();
  net.Output("y", AddLinear(net, c, net.BatchNorm("bn1", x), true));
  ExpectDeclined(net.graph, kBatchNorm,
                 {"fold_bn_conv at linear: bn1 has its channels on axis 1 of x, not on axis 0"});
}

TEST(FoldBnConvTest, DeclinesASecondConsumerAndTraining) {
  Net net = BnConv({.padding = 0});
  net.Output("z", net.graph.Find("bn1")->output());
  ExpectDeclined(net.graph, kBatchNorm, {"fold_bn_conv at conv1: bn1 has 2 consumers"});
  Net variables;
  variables.variables = true;
  const Value bn = variables.BatchNorm("bn1", variables.Image(3, 6), "auto");
  variables.Output("y", variables.Conv("conv1", bn, 4, {.padding = 0}));
  Graph training = ForTraining(variables.graph).value();
  ExpectDeclined(training, kBatchNorm,
                 {"fold_bn_conv at conv1: bn1 is in mode training, not inference"});
}

// x -> affine (c) -> linear -> y
Net ThenLinear(const std::string& op, const LinearCase& c, bool bias, Dims dims,
               DType dtype = DType::kF64) {
  Net net(dtype);
  const Value x = InputOf(net, c);
  const Value affine = net.Add(op, "affine", {x, net.Random("c", std::move(dims), 0.5, 2)});
  net.Output("y", AddLinear(net, c, affine, bias));
  return net;
}

//   linear(x * c, w, b)   =>   linear(x, w*c, b), and so for +, - and /
TEST(FoldAffineConvTest, TakesWhatIsDoneToEachChannel) {
  ForEachLinearCase([](const LinearCase& c, const Precision& p, bool bias) {
    for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
      const bool shifts = op[0] == 'A' || op[0] == 'S';
      if (shifts && !ExpectsShift(c)) continue;
      SCOPED_TRACE(op);
      for (const Dims& dims : {AlongX(c), Dims{}}) {
        Net net = ThenLinear(op, c, bias, dims, p.dtype);
        ExpectSameResults(net.graph, TestOptions(kAffine), p.tolerance);
        EXPECT_EQ(CountOps(net.graph, op), 0);
      }
    }
  });
}

// As an exporter writes (x - mean) / std in front of the first convolution.
TEST(FoldAffineConvTest, TakesTheNormalizationOfAnImage) {
  Net net;
  const Value x = net.Image(3, 6);
  const Value sub = net.Add("Sub", "sub1", {x, net.Random("mean", {1, 3, 1, 1})});
  const Value div = net.Add("Div", "div1", {sub, net.Random("std", {1, 3, 1, 1}, 0.5, 2)});
  net.Output("y", net.Conv("conv1", div, 4, {.stride = 2, .padding = 0}));
  ExpectSameResults(net.graph, TestOptions(kAffine));
  EXPECT_EQ(net.graph.size(), 4);
  EXPECT_THAT(NearMisses(MustOptimize(net.graph, TestOptions(kAffine))), IsEmpty());
}

TEST(FoldAffineConvTest, WithPaddingOnlyTheScaleGoesWhereAMapMovesMore) {
  Net net;
  const Value x = net.Image(3, 6);
  const Value sub = net.Add("Sub", "sub1", {x, net.Random("mean", {1, 3, 1, 1})});
  const Value div = net.Add("Div", "div1", {sub, net.Random("std", {1, 3, 1, 1}, 0.5, 2)});
  net.Output("y", net.Conv("conv1", div, 8));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kAffine));
  EXPECT_EQ(CountOps(net.graph, "Div"), 0);
  EXPECT_THAT(NearMisses(report),
              testing::ElementsAre("fold_affine_conv at conv1: conv1 has pads [1,1,1,1], and the "
                                   "shift of sub1 would not reach the border: a map of it would "
                                   "move 2.2 KiB, sub1 moves 1.7 KiB"));
}

TEST(FoldAffineConvTest, ANumberThatTheImageIsTakenFrom) {
  Net net;
  const Value sub = net.Add("Sub", "sub1", {net.Random("c", {3, 1, 1}), net.Image(3, 6)});
  net.Output("y", net.Conv("conv1", sub, 4, {.padding = 0}));
  ExpectSameResults(net.graph, TestOptions(kAffine));
  EXPECT_EQ(net.graph.size(), 4);
}

TEST(FoldAffineConvTest, AMatMulOfMoreAxesIsScaledButGetsNoBias) {
  for (const char* op : {"Mul", "Add"}) {
    Net net;
    const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, 5}}).value();
    const Value affine = net.Add(op, "affine", {net.Random("c", {5}), x});
    net.Output("y", net.Add("MatMul", "mm", {affine, net.Random("w", {5, 4})}));
    if (op[0] == 'M') {
      ExpectSameResults(net.graph, TestOptions(kAffine));
      EXPECT_EQ(CountOps(net.graph, "Mul"), 0);
      continue;
    }
    ExpectDeclined(net.graph, kAffine,
                   {"fold_affine_conv at mm: mm is f64[N,3,4], and Gemm adds a bias to matrices "
                    "only"});
  }
}

TEST(FoldAffineConvTest, DeclinesWhatVariesWithinAChannelOrHasASecondConsumer) {
  Net net;
  const Value mul = net.Add("Mul", "mul1", {net.Image(3, 6), net.Random("c", {1, 6})});
  net.Output("y", net.Conv("conv1", mul, 4));
  ExpectDeclined(net.graph, kAffine,
                 {"fold_affine_conv at conv1: c is f64[1,6], not one number a channel of "
                  "f64[N,3,6,6]"});
  Net other;
  const Value add = other.Add("Add", "add1", {other.Image(3, 6), other.Random("c", {3, 1, 1})});
  other.Output("y", other.Conv("conv1", add, 4, {.padding = 0}));
  other.Output("z", add);
  ExpectDeclined(other.graph, kAffine, {"fold_affine_conv at conv1: add1 has 2 consumers"});
}

TEST(FoldAffineConvTest, DeclinesWhatMakesMoreChannels) {
  Net net;
  const Value mul = net.Add("Mul", "mul1", {net.Image(1, 6), net.Random("c", {3, 1, 1})});
  net.Output("y", net.Conv("conv1", mul, 4));
  ExpectDeclined(net.graph, kAffine,
                 {"fold_affine_conv at conv1: x is f64[N,1,6,6], mul1 is f64[N,3,6,6]"});
}

TEST(FoldAffineConvTest, DeclinesWeightsThatAreVariables) {
  Net net;
  net.variables = true;
  const Value mul = net.Add("Mul", "mul1", {net.Image(3, 6), net.Random("c", {3, 1, 1})});
  net.Output("y", net.Conv("conv1", mul, 4));
  ExpectDeclined(net.graph, kAffine,
                 {"fold_affine_conv at conv1: conv1.weight is a variable, not a constant"});
}

// What is between two convolutions goes into the first, whatever the padding of the second.
TEST(FoldAffineConvTest, LeavesToTheConvolutionBeforeWhatThatCanTake) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(3, 6), 4);
  net.Output("y", net.Conv("conv2", net.BatchNorm("bn1", conv1), 3));
  PassOptions options = TestOptions();
  options.disable = {"fold_conv_conv"};
  const PassReport report = ExpectSameResults(net.graph, options);
  EXPECT_EQ(report.rewrites[0].rule, "fold_conv_bn");
  EXPECT_THAT(NearMisses(report), IsEmpty());
}

}  // namespace
}  // namespace weft
