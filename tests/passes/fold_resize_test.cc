// fold_resize, move_resize_down, and move_elementwise_up where elements are repeated.

#include "autodiff/gradients.h"
#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kFold = {"fold_resize", "fold_constants"};
const std::vector<std::string> kMoveConv = {"move_resize_down"};
const std::vector<std::string> kMoveElementwise = {"move_elementwise_up"};

// What PyTorch exports for Upsample.
const AttributeMap kNearest = {{"mode", "nearest"},
                               {"coordinate_transformation_mode", "asymmetric"},
                               {"nearest_mode", "floor"}};
const AttributeMap kLinear = {{"mode", "linear"}};

Value Constant(Net& net, const std::string& name, const Tensor& tensor) {
  return net.graph.AddConstant(name, tensor).value();
}

// All spatial axes `times` as long.
Value Resized(Net& net, const std::string& name, Value x, double times,
              const AttributeMap& attributes = kNearest) {
  Tensor scales = Tensor::Zeros(DType::kF32, {x.type().rank()}).value();
  const std::span<float> elements = scales.mutable_values<float>();
  std::ranges::fill(elements, static_cast<float>(times));
  elements[0] = elements[1] = 1;
  return net.Add("Resize", name, {x, Value(), Constant(net, name + ".scales", scales)}, attributes);
}

Value ImageOf(Net& net, int64_t channels, const Shape& spatial) {
  Shape shape = {Dim::Symbol("N"), channels};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return net.graph.AddInput("x", {net.dtype(), shape}).value();
}

void ExpectFolded(Net& net, int64_t macs_before, int64_t macs_after) {
  EXPECT_EQ(MacsOf(net.graph), macs_before);
  ExpectSameResults(net.graph, TestOptions(kFold));
  EXPECT_EQ(CountOps(net.graph, "Conv"), 0) << ToText(net.graph);
  EXPECT_EQ(CountOps(net.graph, "Resize"), 0);
  EXPECT_EQ(CountOps(net.graph, "ConvTranspose"), 1);
  EXPECT_EQ(CountOps(net.graph, "Slice"), 0);
  EXPECT_EQ(MacsOf(net.graph), macs_after);
}

TEST(FoldResizeTest, A3x3AfterADoublingTakes16MacsFor36) {
  Net net;
  const Value x = ImageOf(net, 3, {5, 4});
  net.Output("y", net.Conv("conv1", Resized(net, "up1", x, 2), 4));
  ExpectFolded(net, 36 * 3 * 4 * 20, 16 * 3 * 4 * 20);
  const Node& conv = *net.graph.Find("conv1");
  EXPECT_EQ(GetInts(conv.attributes(), "strides"), (Dims{2, 2}));
  EXPECT_EQ(GetInts(conv.attributes(), "pads"), (Dims{1, 1, 1, 1}));
  EXPECT_EQ(ToString(conv.input(1).type()), "f64[3,4,4,4]");
}

// Kernels that sum every pair of rows and columns: what each border tap stands for.
TEST(FoldResizeTest, TapsBeyondTheBorderCountAsZeros) {
  Net net;
  const Value x = ImageOf(net, 1, {2, 2});
  Tensor w = Tensor::Zeros(DType::kF64, {1, 1, 3, 3}).value();
  for (int64_t i = 0; i < 9; ++i) w.mutable_values<double>()[static_cast<size_t>(i)] = 1 << i;
  const Value y = net.Add("Conv", "conv1", {Resized(net, "up1", x, 2), Constant(net, "w", w)},
                          {{"pads", Dims{1, 1, 1, 1}}});
  net.Output("y", y);
  ExpectSameResults(net.graph, TestOptions(kFold), 0, /*first_batch=*/0);
  const Tensor& v = *ConstantValue(net.graph.Find("conv1")->input(1));
  // One corner tap of w, then pairs and squares of them.
  EXPECT_EQ(v.At(0), 256);
  EXPECT_EQ(v.At(1), 256 + 128);
  EXPECT_EQ(v.At(5), 256 + 128 + 32 + 16);
  EXPECT_EQ(v.At(15), 1);
}

TEST(FoldResizeTest, FactorsKernelsPadsAndExtents) {
  for (const int64_t times : {2, 3, 4}) {
    for (const int64_t kernel : {2, 3, 5}) {
      for (const int64_t pad : {int64_t{0}, kernel / 2, kernel - 1}) {
        Net net;
        const Value x = ImageOf(net, 2, {3, 2});
        const Value y = net.ConvOf(
            "conv1", Resized(net, "up1", x, static_cast<double>(times)), {3, 2, kernel, kernel},
            {{"pads", Dims{pad, kernel - 1, kernel - 1 - pad, 0}}}, kernel != 3);
        net.Output("y", y);
        const int64_t taps = times + kernel - 1;
        ExpectFolded(net, times * times * kernel * kernel * 36, taps * taps * 36);
      }
    }
  }
}

TEST(FoldResizeTest, OneAndThreeSpatialAxes) {
  for (const size_t rank : {1u, 3u}) {
    Net net;
    const Value x = ImageOf(net, 2, Shape(rank, 3));
    Dims w = {3, 2};
    w.insert(w.end(), rank, 3);
    net.Output("y",
               net.ConvOf("conv1", Resized(net, "up1", x, 2), w, {{"pads", Dims(2 * rank, 1)}}));
    ExpectFolded(net, rank == 1 ? 6 * 18 : 216 * 6 * 27, rank == 1 ? 3 * 24 : 27 * 6 * 64);
  }
}

TEST(FoldResizeTest, AxesOfTheirOwnFactors) {
  Net net;
  const Value x = ImageOf(net, 2, {3, 4});
  const Value sizes = Constant(net, "sizes", Tensor::FromInts(std::vector<int64_t>{9, 4}));
  const Value up = net.Add("Resize", "up1", {x, Value(), Value(), sizes}, {{"axes", Dims{2, 3}}});
  net.Output("y", net.Conv("conv1", up, 3));
  ExpectFolded(net, 9 * 6 * 36, 5 * 3 * 6 * 12);
  EXPECT_EQ(GetInts(net.graph.Find("conv1")->attributes(), "strides"), (Dims{3, 1}));
}

TEST(FoldResizeTest, ExtentsThatOnlyARunKnows) {
  Net net;
  const Value x = ImageOf(net, 2, {Dim::Symbol("H"), Dim::Symbol("W")});
  const Value y = net.Conv("conv1", Resized(net, "up1", x, 2), 3);
  const TensorType type = y.type();
  net.Output("y", y);
  ExpectSameResults(net.graph, TestOptions(kFold));
  EXPECT_EQ(CountOps(net.graph, "ConvTranspose"), 1);
  EXPECT_EQ(net.graph.Find("conv1")->type(), type);
}

TEST(FoldResizeTest, RoundingsThatRepeatElements) {
  struct Row {
    const char *coordinates, *rounding;
    double times;
    bool repeats;
  };
  for (const Row& row : std::vector<Row>{{"half_pixel", "round_prefer_floor", 2, true},
                                         {"half_pixel", "round_prefer_ceil", 2, true},
                                         {"half_pixel", "round_prefer_floor", 3, true},
                                         {"half_pixel", "floor", 2, false},
                                         {"half_pixel", "ceil", 2, false},
                                         {"pytorch_half_pixel", "round_prefer_floor", 2, true},
                                         {"asymmetric", "floor", 3, true},
                                         {"asymmetric", "round_prefer_floor", 2, true},
                                         {"asymmetric", "round_prefer_floor", 3, false},
                                         {"asymmetric", "round_prefer_ceil", 2, false},
                                         {"align_corners", "round_prefer_floor", 2, false},
                                         {"align_corners", "floor", 2, false},
                                         {"asymmetric", "floor", 2.5, false}}) {
    Net net;
    const Value x = ImageOf(net, 1, {6, Dim::Symbol("W")});
    const Value up = Resized(
        net, "up1", x, row.times,
        {{"coordinate_transformation_mode", row.coordinates}, {"nearest_mode", row.rounding}});
    net.Output("y", net.Conv("conv1", up, 2));
    SCOPED_TRACE(std::string(row.coordinates) + " " + row.rounding);
    if (row.repeats) {
      ExpectSameResults(net.graph, TestOptions(kFold));
      EXPECT_EQ(CountOps(net.graph, "ConvTranspose"), 1);
    } else {
      ExpectDeclined(net.graph, {"fold_resize"},
                     {"fold_resize at conv1: up1 does not just repeat elements of x"});
    }
  }
}

// f32 tells their places apart only of short axes: of an extent that a run knows, who can say.
TEST(FoldResizeTest, CornersOfKnownExtents) {
  const AttributeMap corners = {{"coordinate_transformation_mode", "align_corners"}};
  Net net;
  const Value up = Resized(net, "up1", ImageOf(net, 1, {6, 5}), 2, corners);
  net.Output("y", net.Conv("conv1", up, 2));
  ExpectSameResults(net.graph, TestOptions(kFold));
  EXPECT_EQ(CountOps(net.graph, "ConvTranspose"), 1);
  Net large;
  const Value longer = Resized(large, "up1", ImageOf(large, 1, {1, 4096}), 2, corners);
  large.Output("y", large.Conv("conv1", longer, 2));
  ExpectDeclined(large.graph, {"fold_resize"},
                 {"fold_resize at conv1: up1 does not just repeat elements of x"});
}

TEST(FoldResizeTest, RegionsThatAreCutOut) {
  const auto resized = [](Net& net, const std::vector<float>& region, const Shape& spatial) {
    const Value roi = Constant(net, "roi", Tensor::FromValues<float>({4}, region).value());
    const Value scales =
        Constant(net, "scales", Tensor::FromValues<float>({2}, std::vector<float>{2, 2}).value());
    const Value up =
        net.Add("Resize", "up1", {ImageOf(net, 1, spatial), roi, scales},
                {{"axes", Dims{2, 3}}, {"coordinate_transformation_mode", "tf_crop_and_resize"}});
    net.Output("y", net.Conv("conv1", up, 2));
  };
  Net whole;
  resized(whole, {0, 0, 1, 1}, {6, 5});
  ExpectSameResults(whole.graph, TestOptions(kFold));
  EXPECT_EQ(CountOps(whole.graph, "ConvTranspose"), 1);
  Net unknown, turned;
  resized(unknown, {0, 0, 1, 1}, {6, Dim::Symbol("W")});
  resized(turned, {0, 0.25, 1, 1.25}, {6, 8});
  for (Net* net : {&unknown, &turned}) {
    ExpectDeclined(net->graph, {"fold_resize"},
                   {"fold_resize at conv1: up1 does not just repeat elements of x"});
  }
}

TEST(FoldResizeTest, DeclinesOperandsThatOnlyARunKnows) {
  const auto expect = [](size_t operand, int64_t count) {
    Net net;
    std::vector<Value> inputs = {ImageOf(net, 1, {4, 4}), Value(), Value(), Value()};
    inputs[operand] = net.graph.AddInput("given", {DType::kF32, {count}}).value();
    if (operand != 2) {
      inputs[3] = Constant(net, "sizes", Tensor::FromInts(std::vector<int64_t>{8, 8}));
    }
    const Value up = net.Add("Resize", "up1", inputs, {{"axes", Dims{2, 3}}});
    net.Output("y", net.Conv("conv1", up, 2));
    ExpectDeclined(net.graph, {"fold_resize"},
                   {"fold_resize at conv1: up1 does not just repeat elements of x"});
  };
  expect(1, 4);  // roi
  expect(2, 2);  // scales
}

// A table of where each element comes from would have 2^29 entries.
TEST(FoldResizeTest, DeclinesVeryManyRepeats) {
  Net net;
  const Value x = ImageOf(net, 1, {4, Dim::Symbol("W")});
  const Value scales = Constant(
      net, "scales", Tensor::FromValues<float>({4}, std::vector<float>{1, 1, 1, 8388608}).value());
  const Value up1 = net.Add("Resize", "up1", {x, Value(), scales}, kNearest);
  const Value up2 = net.Add("Resize", "up2", {x, Value(), scales}, kNearest);
  net.Output("a", net.Conv("conv1", up1, 2));
  net.Output("b", net.Relu("relu1", up2));
  ExpectDeclined(net.graph, {"fold_resize", "move_elementwise_up"},
                 {"fold_resize at conv1: up1 makes the image [1,8388608] as large",
                  "move_elementwise_up at relu1: up2 does not just repeat elements of x"});
}

// What fold_constants would not compute.
TEST(FoldResizeTest, DeclinesWeightsThatGrowTooLarge) {
  Net net;
  const Value up = Resized(net, "up1", ImageOf(net, 8, {2, 2, 2}), 4);
  net.Output("y", net.ConvOf("conv1", up, {16, 8, 1, 1, 2}, {}));
  ExpectDeclined(net.graph, {"fold_resize"},
                 {"fold_resize at conv1: conv1.weight would be 80.0 KiB made of 2.0 KiB"});
}

// log of negative elements
TEST(FoldResizeTest, KeepsWhatIsNoNumber) {
  Net net;
  const Value log = net.Add("Log", "log", {ImageOf(net, 1, {6, 6})});
  net.Output("y", net.Add("IsNaN", "is_nan", {net.Conv("conv1", Resized(net, "up1", log, 2), 2)}));
  ExpectSameResults(net.graph, TestOptions(kFold));
  EXPECT_EQ(CountOps(net.graph, "ConvTranspose"), 1);
}

TEST(FoldResizeTest, TheDecoderBlockIsOneFusedOp) {
  Net net(DType::kF32);
  const Value up = Resized(net, "up1", net.Relu("relu0", ImageOf(net, 4, {5, 5})), 2);
  net.Output("y", net.Relu("relu1", net.BatchNorm("bn1", net.Conv("conv1", up, 3))));
  ExpectSameResults(net.graph, TestOptions(), 1e-5);
  EXPECT_EQ(CountOps(net.graph, "FusedConvTranspose"), 1);
  EXPECT_EQ(CountOps(net.graph, "Relu"), 1);
  EXPECT_EQ(CountOps(net.graph, "Resize"), 0);
  EXPECT_EQ(MacsOf(net.graph), 16 * 12 * 25);
}

TEST(FoldResizeTest, DeclinesByName) {
  const auto expect = [](const std::string& why, AttributeMap conv, double times = 2,
                         Dims w = {2, 2, 3, 3}) {
    Net net;
    const Value up = Resized(net, "up1", ImageOf(net, 2, {4, 4}), times);
    net.Output("y", net.ConvOf("conv1", up, std::move(w), std::move(conv)));
    ExpectDeclined(net.graph, {"fold_resize"}, {"fold_resize at conv1: " + why});
  };
  expect("conv1 has strides [2,2] and dilations [1,1]", {{"strides", Dims{2, 2}}});
  expect("conv1 has strides [1,1] and dilations [2,2]", {{"dilations", Dims{2, 2}}});
  expect("conv1 has 2 groups", {{"group", 2}}, 2, {2, 1, 3, 3});
  expect("conv1 has pads [3,0,0,0] around its whole kernel", {{"pads", Dims{3, 0, 0, 0}}});
  expect("up1 makes the image [5,5] as large", {}, 5);
  expect("transposed it would take 2,304 MACs an example, as it is 1,600", {}, 2, {2, 2, 5, 5});
  expect("transposed it would take 256 MACs an example, as it is 256", {}, 2, {2, 2, 1, 1});
}

TEST(FoldResizeTest, DeclinesASecondReaderOfTheResize) {
  Net net;
  const Value up = Resized(net, "up1", net.Image(2, 4), 2);
  net.Output("y", net.Conv("conv1", up, 2));
  net.Output("up", up);
  ExpectDeclined(net.graph, kFold, {"fold_resize at conv1: up1 has 2 consumers"});
}

TEST(FoldResizeTest, DeclinesVariables) {
  Net net;
  net.variables = true;
  net.Output("y", net.Conv("conv1", Resized(net, "up1", net.Image(2, 4), 2), 2));
  ExpectDeclined(net.graph, kFold,
                 {"fold_resize at conv1: conv1.weight is a variable, not a constant"});
}

TEST(MoveResizeDownTest, A1x1ComesFirstWhateverTheInterpolation) {
  for (const AttributeMap& how : {kNearest, kLinear, AttributeMap{{"mode", "cubic"}}}) {
    for (const double times : {1.5, 2.0}) {
      Net net;
      const Value x = ImageOf(net, 8, {4, 6});
      net.Output("y", net.Conv("conv1", Resized(net, "up1", x, times, how), 3, {.kernel = 1}));
      const auto large = static_cast<int64_t>(24 * times * times);
      EXPECT_EQ(MacsOf(net.graph), 24 * large);
      ExpectSameResults(net.graph, TestOptions(kMoveConv));
      EXPECT_EQ(MacsOf(net.graph), 24 * 24);
      EXPECT_EQ(net.graph.outputs()[0].value.node->op_name(), "Resize");
    }
  }
}

TEST(MoveResizeDownTest, GroupsAndVariablesAndSymbols) {
  Net net;
  net.variables = true;
  const Value x = ImageOf(net, 4, {Dim::Symbol("H"), 3});
  net.Output("y", net.ConvOf("conv1", Resized(net, "up1", x, 2), {2, 2, 1, 1}, {{"group", 2}}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kMoveConv));
  EXPECT_EQ(report.rewrites.size(), 1u);
}

TEST(MoveResizeDownTest, DeclinesByName) {
  const auto expect = [](const std::string& why, double times, ConvShape conv,
                         const AttributeMap& how = kLinear) {
    Net net;
    const Value up = Resized(net, "up1", ImageOf(net, 2, {4, 4}), times, how);
    net.Output("y", net.Conv("conv1", up, 2, conv));
    ExpectDeclined(net.graph, kMoveConv, {"move_resize_down at conv1: " + why});
  };
  expect("conv1 is not 1x1 without stride", 2, {.kernel = 3});
  expect("conv1 is not 1x1 without stride", 2, {.kernel = 1, .stride = 2});
  expect("up1 makes f64[N,2,2,2] of f64[N,2,4,4]", 0.5, {.kernel = 1});
  Net crop;
  const Value roi =
      Constant(crop, "roi", Tensor::FromValues<float>({4}, std::vector<float>{0, 0, 1, 1}).value());
  const Value larger = Constant(crop, "sizes", Tensor::FromInts(std::vector<int64_t>{8, 8}));
  const Value cut = crop.Add("Resize", "up1", {ImageOf(crop, 2, {4, 4}), roi, Value(), larger},
                             {{"axes", Dims{2, 3}},
                              {"mode", "linear"},
                              {"coordinate_transformation_mode", "tf_crop_and_resize"}});
  crop.Output("y", crop.Conv("conv1", cut, 2, {.kernel = 1}));
  ExpectDeclined(crop.graph, kMoveConv,
                 {"move_resize_down at conv1: up1 is by tf_crop_and_resize"});
  Net net;
  const Value sizes = Constant(net, "sizes", Tensor::FromInts(std::vector<int64_t>{1, 2, 8, 8}));
  const Value x = net.graph.AddInput("x", {DType::kF64, {1, 2, 4, 4}}).value();
  const Value up = net.Add("Resize", "up1", {x, Value(), Value(), sizes}, kLinear);
  net.Output("y", net.Conv("conv1", up, 1, {.kernel = 1}));
  ExpectDeclined(net.graph, kMoveConv,
                 {"move_resize_down at conv1: up1 says how many channels there are"});
}

// One channel is enlarged for less than 64. Means of as many are, but what follows the convolution
// would no longer be part of it.
TEST(MoveResizeDownTest, DeclinesWhereItWouldTakeMore) {
  const auto make = [](Net& net, int64_t in, int64_t out, const AttributeMap& how) {
    const Value x = ImageOf(net, in, {8, Dim::Symbol("W")});
    net.Output("y", net.Conv("conv1", Resized(net, "up1", x, 2, how), out, {.kernel = 1}));
  };
  Net more, means, repeats;
  make(more, 1, 64, kLinear);
  ExpectDeclined(more.graph, kMoveConv,
                 {"move_resize_down at conv1: first it would take 1,245,184 operations and 3.5 MiB "
                  "an example, as it is 278,528 operations and 1.0 MiB"});
  make(means, 16, 16, kLinear);
  ExpectDeclined(
      means.graph, kMoveConv,
      {"move_resize_down at conv1: first it would take 557,056 operations and 962.0 KiB an "
       "example, as it is 1,310,720 operations and 834.0 KiB"});
  make(repeats, 16, 16, kNearest);
  ExpectSameResults(repeats.graph, TestOptions(kMoveConv));
  EXPECT_EQ(repeats.graph.outputs()[0].value.node->op_name(), "Resize");
}

TEST(MoveElementwiseUpTest, RepetitionComesLast) {
  Net net;
  const Value x = net.Image(3, 4);
  const Value scale = net.Random("scale", {3, 1, 1});
  const Value up = Resized(net, "up1", x, 2);
  net.Output("y", net.Relu("relu1", net.Add("Mul", "mul1", {scale, up})));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kMoveElementwise), 0);
  EXPECT_EQ(report.rewrites.size(), 2u);
  EXPECT_EQ(net.graph.outputs()[0].value.node->op_name(), "Resize");
  EXPECT_EQ(ToString(net.graph.Find("relu1")->type()), "f64[N,3,4,4]");
}

TEST(MoveElementwiseUpTest, DeclinesMeansAndImages) {
  Net net;
  const Value x = net.Image(3, 4);
  net.Output("a", net.Relu("relu1", Resized(net, "up1", x, 2, kLinear)));
  net.Output("b", net.Add("Add", "add1", {Resized(net, "up2", x, 2), net.Image(3, 8, "z")}));
  ExpectDeclined(
      net.graph, kMoveElementwise,
      {"move_elementwise_up at relu1: up1 does not just repeat elements of x",
       "move_elementwise_up at add1: z is f64[N,3,8,8], not the same for all that up2 makes of an "
       "element"});
}

}  // namespace
}  // namespace weft
