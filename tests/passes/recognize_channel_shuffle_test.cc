#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kPasses = {"recognize_channel_shuffle"};

// x [N,channels,4,4] -> grouped -> swapped -> y
Net Shuffle(std::vector<int64_t> grouped, std::vector<int64_t> perm, std::vector<int64_t> merged,
            int64_t channels = 6) {
  Net net;
  const auto ints = [&net](const std::string& name, const std::vector<int64_t>& values) {
    return net.graph.AddConstant(name, Tensor::FromInts(values)).value();
  };
  const Value x = net.Image(channels, 4);
  const Value groups = net.Add("Reshape", "grouped", {x, ints("groups", grouped)});
  const Value swapped = net.Add("Transpose", "swapped", {groups}, {{"perm", std::move(perm)}});
  net.Output("y", net.Add("Reshape", "merged", {swapped, ints("channels", merged)}));
  return net;
}

void ExpectRecognized(Net net, int64_t group) {
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses), 0);
  EXPECT_THAT(Rewrites(report), testing::ElementsAre("recognize_channel_shuffle: grouped + swapped "
                                                     "+ merged -> merged"));
  const Node& node = *net.graph.Find("merged");
  EXPECT_EQ(node.op_name(), "ChannelShuffle");
  EXPECT_EQ(GetInt(node.attributes(), "group"), group);
  EXPECT_EQ(CountOps(net.graph, "Transpose"), 0);
}

//   x -> Reshape -> Transpose -> Reshape -> y   =>   x -> ChannelShuffle -> y
TEST(RecognizeChannelShuffle, AsPyTorchsExporterWritesIt) {
  ExpectRecognized(Shuffle({0, 2, 3, 4, 4}, {0, 2, 1, 3, 4}, {0, -1, 4, 4}), 2);
}

TEST(RecognizeChannelShuffle, WithThePositionsOnOneAxis) {
  ExpectRecognized(Shuffle({0, 3, 2, -1}, {0, 2, 1, 3}, {0, 6, 4, 4}), 3);
}

TEST(RecognizeChannelShuffle, BackToTheShapeOfAnotherValue) {
  Net net;
  const Value x = net.Image(6, 4);
  const Value groups = net.graph.AddConstant("groups", Tensor::FromInts({{0, 2, 3, -1}})).value();
  const Value grouped = net.Add("Reshape", "grouped", {x, groups});
  const Value swapped =
      net.Add("Transpose", "swapped", {grouped}, {{"perm", std::vector<int64_t>{0, 2, 1, 3}}});
  net.Output("y", net.Add("ReshapeLike", "merged", {swapped, x}));
  ExpectRecognized(std::move(net), 2);
}

TEST(RecognizeChannelShuffle, DeclinesGroupsThatAreNoneOfChannels) {
  Net net = Shuffle({0, 2, 12, 4}, {0, 2, 1, 3}, {0, 6, 4, 4});
  ExpectDeclined(net.graph, kPasses,
                 {"recognize_channel_shuffle at merged: grouped is f64[N,2,12,4], no groups of the "
                  "channels of f64[N,6,4,4]"});
}

TEST(RecognizeChannelShuffle, DeclinesAnotherShape) {
  Net net = Shuffle({0, 2, 3, -1}, {0, 2, 1, 3}, {0, 3, 8, 4});
  ExpectDeclined(net.graph, kPasses,
                 {"recognize_channel_shuffle at merged: x is f64[N,6,4,4], merged is "
                  "f64[N,3,8,4]"});
}

TEST(RecognizeChannelShuffle, DeclinesWhenThePartsAreReadToo) {
  Net net = Shuffle({0, 2, 3, -1}, {0, 2, 1, 3}, {0, 6, 4, 4});
  net.Output("also", net.graph.Find("swapped")->output());
  ExpectDeclined(net.graph, kPasses,
                 {"recognize_channel_shuffle at merged: swapped has 2 consumers"});
}

TEST(RecognizeChannelShuffle, DoesNotSeeOtherTranspositions) {
  Net net = Shuffle({0, 2, 3, 4, 4}, {0, 2, 1, 4, 3}, {0, 6, 4, 4});
  ExpectDeclined(net.graph, kPasses, {});
}

}  // namespace
}  // namespace weft
