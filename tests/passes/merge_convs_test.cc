// merge_convs: convolutions of one image and form.

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

//   x (32 channels) -> conv1 (4) -> relu1 -> y1
//                 \-> conv2 (3) -> relu2 -> y2
Net Heads(ConvShape first, ConvShape second, int64_t channels = 32, const char* act2 = "Relu") {
  Net net;
  const Value x = net.Image(channels, 6);
  net.Output("y1", net.Relu("relu1", net.Conv("conv1", x, 4, first)));
  net.Output("y2", net.Add(act2, "act2", {net.Conv("conv2", x, 3, second)}));
  return net;
}

TEST(MergeConvsTest, HeadsOfOneFormAreOneConvolutionThatIsCut) {
  for (const bool bias : {false, true}) {
    Net net = Heads({.kernel = 1, .bias = true}, {.kernel = 1, .bias = bias});
    const int64_t macs = MacsOf(net.graph);
    const PassReport report = ExpectSameResults(net.graph, TestOptions());
    EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
    EXPECT_EQ(CountOps(net.graph, "Split"), 1);
    EXPECT_EQ(CountOps(net.graph, "Concat"), 0);  // of weights: they are constants
    EXPECT_EQ(MacsOf(net.graph), macs);
  }
}

TEST(MergeConvsTest, SeveralOfAnyKernelAndWithoutBiases) {
  Net net;
  const Value x = net.Image(48, 6);
  for (const char* name : {"a", "b", "c"}) {
    net.Output(std::string("y") + name, net.Conv(name, x, 2, {.kernel = 3, .bias = false}));
  }
  ExpectSameResults(net.graph, TestOptions());
  EXPECT_EQ(CountOps(net.graph, "Conv"), 1);
  EXPECT_EQ(CountOps(net.graph, "Split"), 1);
}

TEST(MergeConvsTest, OtherFormsStayApart) {
  Net kernels = Heads({.kernel = 1}, {.kernel = 3});
  ExpectSameResults(kernels.graph, TestOptions());
  EXPECT_EQ(CountOps(kernels.graph, "FusedConv"), 2);
  Net strides = Heads({.kernel = 1}, {.kernel = 1, .stride = 2});
  ExpectSameResults(strides.graph, TestOptions());
  EXPECT_EQ(CountOps(strides.graph, "FusedConv"), 2);
  Net activations = Heads({.kernel = 1}, {.kernel = 1}, 32, "Tanh");
  ExpectSameResults(activations.graph, TestOptions());
  EXPECT_EQ(CountOps(activations.graph, "FusedConv"), 2);
}

TEST(MergeConvsTest, DeclinesWhereCuttingMovesMoreThanTheImage) {
  Net net = Heads({.kernel = 1}, {.kernel = 1}, 8);
  ExpectDeclined(net.graph, {"merge_convs"},
                 {"merge_convs at conv1: 2 of its form would move 8,816 bytes an example as one, "
                  "apart they move 7,072"});
}

TEST(MergeConvsTest, WeightsThatAreVariablesStay) {
  Net net;
  net.variables = true;
  const Value x = net.Image(32, 6);
  net.Output("y1", net.Conv("conv1", x, 4, {.kernel = 1}));
  net.Output("y2", net.Conv("conv2", x, 3, {.kernel = 1}));
  ExpectDeclined(net.graph, {"merge_convs"}, {});
}

}  // namespace
}  // namespace weft
