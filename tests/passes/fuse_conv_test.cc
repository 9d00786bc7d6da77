// fuse_conv_activation and fuse_conv_add.

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;

//   x -> conv1 -> relu1 -> y   =>   x -> conv1 (FusedConv, post_ops=[Relu]) -> y
TEST(FuseConvActivationTest, TheActivationBecomesAPostOp) {
  Net net;
  net.Output("y", net.Relu("relu1", net.Conv("conv1", net.Image(3, 6), 4)));
  ExpectGoldenRewrite("fuse_conv_activation", net.graph, TestOptions({"fuse_conv_activation"}));
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
}

TEST(FuseConvActivationTest, EveryActivationAndOneAfterAnother) {
  for (const char* op : {"Relu", "Sigmoid", "Tanh", "Elu", "Gelu", "LeakyRelu", "Silu"}) {
    Net net;
    const Value first = net.Add(op, "first", {net.Conv("conv1", net.Image(3, 6), 4)});
    net.Output("y", net.Add("Tanh", "second", {first}));
    const PassReport report = ExpectSameResults(net.graph, TestOptions({"fuse_conv_activation"}));
    EXPECT_THAT(Rewrites(report),
                ElementsAre("fuse_conv_activation: conv1 + first -> conv1",
                            "fuse_conv_activation: conv1 + first + second -> conv1"));
    const std::vector<PostOp> post_ops =
        GetPostOps(net.graph.Find("conv1")->attributes(), "post_ops");
    ASSERT_EQ(post_ops.size(), 2u);
    EXPECT_EQ(post_ops[0].op, op);
    EXPECT_EQ(post_ops[1].op, "Tanh");
  }
}

TEST(FuseConvActivationTest, DeclinesWhenSomebodyElseReadsTheConvolution) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4);
  net.Output("y", net.Relu("relu1", conv));
  net.Output("z", net.Add("Sigmoid", "sigmoid1", {conv}));
  ExpectDeclined(net.graph, {"fuse_conv_activation"},
                 {"fuse_conv_activation at relu1: conv1 has 2 consumers",
                  "fuse_conv_activation at sigmoid1: conv1 has 2 consumers"});
}

//   x -> conv1 -> add1 -> y        x -> conv1 (FusedConv, post_ops=[Add(3)]) -> y
//    \------------/           =>    \-----/
TEST(FuseConvAddTest, TheResidualBecomesAnInput) {
  Net net;
  const Value x = net.Image(4, 6);
  net.Output("y", net.Add("Add", "add1", {net.Conv("conv1", x, 4, {.bias = false}), x}));
  ExpectGoldenRewrite("fuse_conv_add", net.graph, TestOptions({"fuse_conv_add"}));
  EXPECT_EQ(net.graph.Find("conv1")->input(3).ToString(), "x");
}

TEST(FuseConvAddTest, OneOfTwoConvolutionsTakesTheOther) {
  Net net;
  const Value x = net.Image(3, 6);
  const Value a = net.Conv("a", x, 4);
  const Value b = net.Conv("b", x, 4, {.kernel = 1});
  net.Output("y", net.Relu("relu1", net.Add("Add", "add1", {a, b})));
  const PassReport report =
      ExpectSameResults(net.graph, TestOptions({"fuse_conv_activation", "fuse_conv_add"}));
  EXPECT_THAT(Rewrites(report), ElementsAre("fuse_conv_add: a + add1 -> a",
                                            "fuse_conv_activation: a + add1 + relu1 -> a"));
  EXPECT_EQ(net.graph.Find("b")->op_name(), "Conv");
}

TEST(FuseConvAddTest, DeclinesWhatMustBeBroadcast) {
  Net net;
  const Value x = net.Image(4, 6);
  const Value row = net.Add("ReduceMean", "row", {x}, {{"axes", std::vector<int64_t>{2}}});
  net.Output("y", net.Add("Add", "add1", {net.Conv("conv1", x, 4), row}));
  ExpectDeclined(net.graph, {"fuse_conv_add"},
                 {"fuse_conv_add at add1: row is f64[N,4,1,6], conv1 is f64[N,4,6,6]"});
}

TEST(FuseConvAddTest, DeclinesAResidualMadeFromTheConvolutionItself) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(4, 6), 4);
  net.Output("y", net.Add("Add", "add1", {conv, net.Add("Neg", "neg1", {conv})}));
  ExpectDeclined(net.graph, {"fuse_conv_add"}, {"fuse_conv_add at add1: conv1 has 2 consumers"});
  Net twice;
  const Value c = twice.Conv("conv1", twice.Image(4, 6), 4);
  twice.Output("y", twice.Add("Add", "add1", {c, c}));
  ExpectDeclined(twice.graph, {"fuse_conv_add"}, {"fuse_conv_add at add1: conv1 has 2 consumers"});
}

TEST(FuseConvTest, WorksWhereOnlyARunKnowsTheImageSize) {
  Net net;
  const Value x =
      net.graph
          .AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, Dim::Symbol("H"), Dim::Symbol("W")}})
          .value();
  const Value conv = net.Conv("conv1", x, 4, {.kernel = 3, .stride = 2});
  net.Output("y", net.Relu("relu1", net.BatchNorm("bn1", conv)));
  ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Relu"), 0);
}

}  // namespace
}  // namespace weft
