#include "autodiff/gradients.h"
#include "graph/text.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kPasses = {"move_stride_up"};

Dims StridesOf(const Net& net, const std::string& name) {
  return GetInts(net.graph.Find(name)->attributes(), "strides", {1, 1});
}

void ExpectMoved(Net& net, int64_t before, int64_t after) {
  EXPECT_EQ(MacsOf(net.graph), before);
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_FALSE(report.rewrites.empty());
  EXPECT_EQ(MacsOf(net.graph), after) << ToText(net.graph);
}

const ConvShape kStrided = {.kernel = 1, .stride = 2};

// The end of a stage of ResNet: its last block adds what it began with.
//
//   x -> conv1 -> relu1 -> conv2 - + -> relu2 -> conv3 (1x1, /2) -> a
//                     \-----------/          \-> conv4 (1x1, /2) -> b
TEST(MoveStrideUpTest, TheLastBlockOfAStageComputesAQuarter) {
  Net net;
  const Value relu1 = net.Relu("relu1", net.Conv("conv1", net.Image(2, 6), 4));
  const Value sum = net.Add("Add", "add1", {net.Conv("conv2", relu1, 4), relu1});
  const Value relu2 = net.Relu("relu2", sum);
  net.Output("a", net.Conv("conv3", relu2, 8, kStrided));
  net.Output("b", net.Conv("conv4", relu2, 2, kStrided));
  const int64_t rest = 36 * 9 * 8 + 9 * 4 * 10;
  EXPECT_EQ(MacsOf(net.graph), rest + 36 * 9 * 16);
  ExpectGoldenRewrite("move_stride_up", net.graph, TestOptions(kPasses));
  EXPECT_EQ(MacsOf(net.graph), rest + 9 * 9 * 16);
  EXPECT_EQ(StridesOf(net, "conv2"), (Dims{2, 2}));
  EXPECT_EQ(StridesOf(net, "conv3"), (Dims{1, 1}));
  EXPECT_EQ(CountOps(net.graph, "AveragePool"), 1);
}

TEST(MoveStrideUpTest, KernelsStridesAndExtentsOfTheProducer) {
  for (const int64_t size : {1, 2, 5, 6, 7}) {
    for (const int64_t kernel : {1, 3}) {
      for (const int64_t stride : {1, 2}) {
        for (const int64_t skip : {2, 3}) {
          Net net;
          const Value conv1 =
              net.Conv("conv1", net.Image(2, size), 4, {.kernel = kernel, .stride = stride});
          const Value relu1 = net.Relu("relu1", conv1);
          net.Output("y", net.Conv("conv2", relu1, 3, {.kernel = 1, .stride = skip}));
          const bool skips = conv1.type().dim(2) != Dim(1);
          ExpectSameResults(net.graph, TestOptions(kPasses));
          EXPECT_EQ(StridesOf(net, "conv1"), Dims(2, skips ? stride * skip : stride));
          EXPECT_EQ(StridesOf(net, "conv2"), Dims(2, skips ? 1 : skip));
        }
      }
    }
  }
}

// At 8x8, 4x4 and so on: each convolution takes the stride from the one behind it.
TEST(MoveStrideUpTest, MovesUpAWholeChainOf1x1) {
  Net net;
  Value x = net.Image(4, 8);
  for (const char* i : {"1", "2", "3"}) {
    const bool last = i[0] == '3';
    x = net.Conv(std::string("conv") + i, x, 4, {.kernel = 1, .stride = last ? 2 : 1});
    x = net.Relu(std::string("relu") + i, x);
  }
  net.Output("y", x);
  ExpectMoved(net, 16 * (64 + 64 + 16), 16 * (16 + 16 + 16));
  EXPECT_EQ(StridesOf(net, "conv1"), (Dims{2, 2}));
}

// What has one number a channel, or one for all, stays as it is.
TEST(MoveStrideUpTest, PassesElementwiseNodesWithOperandsOfTheirOwn) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value gate =
      net.Add("Sigmoid", "gate", {net.Add("ReduceMean", "mean", {x}, {{"axes", Dims{2, 3}}})});
  const Value scaled = net.Add("Mul", "scaled", {gate, net.Conv("conv1", x, 4)});
  const Value sloped =
      net.Add("PRelu", "sloped", {scaled, net.Random("slope", {4, 1, 1}, 0.1, 0.3)});
  const Value limit = net.graph.AddConstant("limit", Tensor::Scalar(0.5, DType::kF64)).value();
  net.Output("y",
             net.Conv("conv2", net.Add("Clip", "clip", {sloped, Value(), limit}), 2, kStrided));
  ExpectMoved(net, 36 * 9 * 16 + 9 * 8, 9 * 9 * 16 + 9 * 8);
}

TEST(MoveStrideUpTest, BothSidesOfASumAndAPoolTakeTheStride) {
  Net net;
  const Value x = net.Image(2, 7);
  const Value sum = net.Add("Add", "add1", {net.Conv("conv1", x, 4), net.Conv("conv2", x, 4)});
  net.Output("a", net.Conv("conv3", sum, 3, kStrided));
  net.Output("b", net.Add("MaxPool", "pool", {sum},
                          {{"kernel_shape", Dims{1, 1}}, {"strides", Dims{2, 2}}}));
  ExpectMoved(net, 2 * 49 * 72 + 16 * 12, 2 * 16 * 72 + 16 * 12);
  EXPECT_EQ(CountOps(net.graph, "MaxPool") + CountOps(net.graph, "AveragePool"), 0);
}

// log of negative elements
TEST(MoveStrideUpTest, SamplesKeepWhatIsNoNumber) {
  Net net;
  const Value log = net.Add("Log", "log", {net.Image(1, 6)});
  const Value sum = net.Add("Add", "add1", {net.Conv("conv1", net.Image(1, 6, "z"), 1), log});
  const Value conv2 = net.Conv("conv2", sum, 1, kStrided);
  net.Output("log", net.Add("IsNaN", "log_is_nan", {log}));
  net.Output("y", net.Add("IsNaN", "is_nan", {conv2}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "AveragePool"), 1);
}

TEST(MoveStrideUpTest, StridesOfOneAxis) {
  Net net;
  const Value relu1 = net.Relu("relu1", net.Conv("conv1", net.Image(2, 6), 4));
  net.Output("y", net.ConvOf("conv2", relu1, {3, 4, 1, 1}, {{"strides", Dims{1, 2}}}));
  ExpectMoved(net, 36 * 72 + 18 * 12, 18 * 72 + 18 * 12);
  EXPECT_EQ(StridesOf(net, "conv1"), (Dims{1, 2}));
}

TEST(MoveStrideUpTest, OneAndThreeSpatialAxes) {
  for (const size_t axes : {1u, 3u}) {
    Net net;
    Shape shape = {Dim::Symbol("N"), 2};
    shape.insert(shape.end(), axes, 5);
    const Value x = net.graph.AddInput("x", {DType::kF64, shape}).value();
    Dims w1 = {4, 2}, w2 = {3, 4};
    w1.insert(w1.end(), axes, 3);
    w2.insert(w2.end(), axes, 1);
    const Value relu1 =
        net.Relu("relu1", net.ConvOf("conv1", x, w1, {{"pads", Dims(2 * axes, 1)}}));
    net.Output("y", net.ConvOf("conv2", relu1, w2, {{"strides", Dims(axes, 2)}}));
    ExpectMoved(net, axes == 1 ? 5 * 24 + 3 * 12 : 125 * 8 * 27 + 27 * 12,
                axes == 1 ? 3 * 24 + 3 * 12 : 27 * 8 * 27 + 27 * 12);
  }
}

TEST(MoveStrideUpTest, ExtentsThatOnlyARunKnowsMustStayTheSame) {
  const auto net_of = [](int64_t stride) {
    Net net;
    const Dim h = Dim::Symbol("H");
    const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 2, h, 8}}).value();
    const Value relu1 = net.Relu("relu1", net.Conv("conv1", x, 4, {.stride = stride}));
    net.Output("y", net.Conv("conv2", relu1, 3, kStrided));
    return net;
  };
  Net once = net_of(1);
  ExpectSameResults(once.graph, TestOptions(kPasses));
  EXPECT_EQ(StridesOf(once, "conv1"), (Dims{2, 2}));
  Net twice = net_of(2);
  ExpectDeclined(twice.graph, kPasses,
                 {"move_stride_up at conv2: conv2 would be f64[N,3,(floor((H+3)/4)),2], not "
                  "f64[N,3,(floor(((floor((H+1)/2))+1)/2)),2]"});
}

TEST(MoveStrideUpTest, VariablesMoveWhereNoGradientIsTaken) {
  Net net;
  net.variables = true;
  const Value relu1 = net.Relu("relu1", net.Conv("conv1", net.Image(2, 6), 4));
  net.Output("y", net.Conv("conv2", relu1, 3, kStrided));
  Graph training = ForTraining(net.graph).value();
  ExpectMoved(net, 36 * 72 + 9 * 12, 9 * 72 + 9 * 12);

  Emitter e(training, "loss");
  const Value y = training.outputs()[0].value;
  const std::vector<Value> loss = {e.Op("ReduceMean", {e.Op("Mul", {y, y})}, {{"keepdims", 0}})};
  const std::vector<Value> by = {training.Find("conv1.weight")->output()};
  ASSERT_EQ(training.AddOutput("dw", Gradients(training, loss, by).value()[0]), absl::OkStatus());
  const std::string before = ToText(training);
  const PassReport report = MustOptimize(training, TestOptions(kPasses));
  EXPECT_EQ(ToText(training), before);
  ASSERT_EQ(report.near_misses.size(), 1u);
  EXPECT_THAT(report.near_misses[0].condition,
              testing::HasSubstr("reads relu1 without strides [2,2]"));
}

TEST(MoveStrideUpTest, DeclinesReadersThatNeedMore) {
  Net net;
  const Value relu1 = net.Relu("relu1", net.Conv("conv1", net.Image(2, 6), 4));
  net.Output("a", net.Conv("conv2", relu1, 3, kStrided));
  net.Output("b", net.Conv("conv3", relu1, 3, {.kernel = 1, .stride = 3}));
  ExpectDeclined(net.graph, kPasses,
                 {"move_stride_up at conv2: conv3 (Conv) reads relu1 without strides [2,2]",
                  "move_stride_up at conv3: conv2 (Conv) reads relu1 without strides [3,3]"});
}

TEST(MoveStrideUpTest, DeclinesWhatIsAnOutput) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 4);
  net.Output("a", conv1);
  net.Output("b", net.Conv("conv2", conv1, 3, kStrided));
  ExpectDeclined(net.graph, kPasses, {"move_stride_up at conv2: conv1 is an output"});
}

TEST(MoveStrideUpTest, DeclinesARegionWithoutEnd) {
  Net net;
  Value x = net.Conv("conv1", net.Image(2, 6), 4);
  for (int i = 0; i < 100; ++i) x = net.Relu("relu" + std::to_string(i), x);
  net.Output("y", net.Conv("conv2", x, 3, kStrided));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_TRUE(report.rewrites.empty());
}

TEST(MoveStrideUpTest, DeclinesMoreReadersThanOneRewriteChanges) {
  Net net;
  const Value conv1 = net.Conv("conv1", net.Image(2, 6), 4);
  const Value w = net.Random("w", {3, 4, 1, 1});
  for (int i = 0; i < 65; ++i) {
    const std::string name = "reader" + std::to_string(i);
    net.Output("y" + name, net.Add("Conv", name, {conv1, w}, {{"strides", Dims{2, 2}}}));
  }
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_TRUE(report.rewrites.empty());
  ASSERT_EQ(report.near_misses.size(), 65u);
  EXPECT_EQ(report.near_misses[0].condition, "more than 64 nodes would change");
}

TEST(MoveStrideUpTest, WithoutAConvolutionInFrontThereIsNothingToGain) {
  Net net;
  const Value x = net.Image(2, 6);
  const Value pool = net.Add("MaxPool", "pool", {x}, {{"kernel_shape", Dims{2, 2}}});
  net.Output("a", net.Conv("conv1", net.Relu("relu1", pool), 3, kStrided));
  net.Output("b", net.Conv("conv2", x, 3, kStrided));
  net.Output("c", net.Conv("conv3", pool, 3, {.stride = 2}));
  ExpectDeclined(net.graph, kPasses, {});
}

}  // namespace
}  // namespace weft
