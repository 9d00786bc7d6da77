#include <limits>

#include "tests/passes/testing_linear.h"

namespace weft {
namespace {

using Ints = std::vector<int64_t>;

const std::vector<std::string> kPasses = {"fold_channel_order", "fold_constants"};

Value Gathered(Net& net, Value x, const Ints& indices, int64_t axis) {
  const Value order = net.graph.AddConstant("indices", Tensor::FromInts(indices)).value();
  return net.Add("Gather", "order", {x, order}, {{"axis", axis}});
}

// x -> order -> conv1 -> y
Net OrderThenConv(const Ints& indices, int64_t axis) {
  Net net;
  net.Output("y", net.Conv("conv1", Gathered(net, net.Image(3, 6), indices, axis), 4));
  return net;
}

//   conv(gather(x, order), w)   =>   conv(x, gather(w, order^-1))
TEST(FoldChannelOrderTest, TheWeightsChangePlaces) {
  for (const Ints& indices : {Ints{2, 1, 0}, Ints{1, 2, 0}, Ints{-1, 0, 1}}) {
    for (const int64_t axis : {1, -3}) {
      Net net = OrderThenConv(indices, axis);
      ExpectSameResults(net.graph, TestOptions(kPasses));
      EXPECT_EQ(net.graph.size(), 4);
    }
  }
}

TEST(FoldChannelOrderTest, InEveryLinearOpWithoutGroups) {
  ForEachLinearCase([](const LinearCase& c, const Precision& p, bool bias) {
    if (c.attributes.contains("group")) return;
    Ints indices(static_cast<size_t>(c.channels_in));
    for (size_t i = 0; i < indices.size(); ++i) {
      indices[i] = static_cast<int64_t>((i + 1) % indices.size());
    }
    Net net(p.dtype);
    const int64_t axis = c.attributes.contains("transA") ? 0 : 1;
    net.Output("y", AddLinear(net, c, Gathered(net, InputOf(net, c), indices, axis), bias));
    ExpectSameResults(net.graph, TestOptions(kPasses), p.tolerance);
    EXPECT_EQ(CountOps(net.graph, "Gather"), 0);
  });
}

// As x.flip(1) is exported.
TEST(FoldChannelOrderTest, ASliceThatGoesBackwards) {
  for (const int64_t axis : {1, -3}) {
    Net net;
    std::vector<Value> inputs = {net.Image(3, 6)};
    for (const int64_t argument :
         {int64_t{-1}, std::numeric_limits<int64_t>::min(), axis, int64_t{-1}}) {
      inputs.push_back(net.graph.AddConstant("c", Tensor::FromInts(Ints{argument})).value());
    }
    net.Output("y", net.Conv("conv1", net.Add("Slice", "order", std::move(inputs)), 4));
    ExpectSameResults(net.graph, TestOptions(kPasses));
    EXPECT_EQ(CountOps(net.graph, "Slice"), 0);
  }
}

// x -> three slices of one channel each -> order (Concat) -> conv1 -> y
Net JoinedThenConv(const Ints& channels, int64_t axis) {
  Net net;
  const Value x = net.Image(3, 3);
  std::vector<Value> slices;
  for (const int64_t channel : channels) {
    std::vector<Value> inputs = {x};
    for (const int64_t argument : {channel, channel + 1, axis}) {
      inputs.push_back(net.graph.AddConstant("c", Tensor::FromInts(Ints{argument})).value());
    }
    slices.push_back(net.Add("Slice", "slice", std::move(inputs)));
  }
  const Value joined = net.Add("Concat", "order", std::move(slices), {{"axis", axis}});
  net.Output("y", net.Conv("conv1", joined, 4));
  return net;
}

TEST(FoldChannelOrderTest, ThreeChannelsThatAreCutOutAndJoined) {
  for (const Ints& channels : {Ints{2, 1, 0}, Ints{2, 0, 1}}) {
    Net net = JoinedThenConv(channels, 1);
    ExpectSameResults(net.graph, TestOptions(kPasses));
    EXPECT_EQ(net.graph.size(), 4);
  }
  Net rows = JoinedThenConv({2, 1, 0}, 2);
  ExpectDeclined(rows.graph, kPasses,
                 {"fold_channel_order at conv1: order does not just reorder axis 1 of x"});
  Net twice = JoinedThenConv({2, 1, 1}, 1);
  ExpectDeclined(twice.graph, kPasses,
                 {"fold_channel_order at conv1: order does not just reorder axis 1 of x"});
}

TEST(FoldChannelOrderTest, DeclinesWhatIsNoOrder) {
  Net twice = OrderThenConv({0, 1, 1}, 1);
  ExpectDeclined(twice.graph, kPasses,
                 {"fold_channel_order at conv1: order does not just reorder axis 1 of x"});
  Net fewer = OrderThenConv({2, 0}, 1);
  ExpectDeclined(fewer.graph, kPasses, {});
  Net unknown;
  const Value indices = unknown.graph.AddInput("indices", {DType::kI64, {3}}).value();
  const Value gathered =
      unknown.Add("Gather", "order", {unknown.Image(3, 6), indices}, {{"axis", 1}});
  unknown.Output("y", unknown.Conv("conv1", gathered, 4));
  ExpectDeclined(unknown.graph, kPasses,
                 {"fold_channel_order at conv1: order does not just reorder axis 1 of x"});
  Net rows = OrderThenConv({5, 4, 3, 2, 1, 0}, 2);
  ExpectDeclined(rows.graph, kPasses,
                 {"fold_channel_order at conv1: order does not just reorder axis 1 of x"});
}

TEST(FoldChannelOrderTest, DeclinesGroupsVariablesAndASecondConsumer) {
  Net groups;
  const LinearCase& c = FindLinearCase("grouped");
  groups.Output("y",
                AddLinear(groups, c, Gathered(groups, InputOf(groups, c), {3, 2, 1, 0}, 1), true));
  ExpectDeclined(groups.graph, kPasses, {"fold_channel_order at linear: linear has 2 groups"});
  Net variables;
  variables.variables = true;
  const Value order = Gathered(variables, variables.Image(3, 6), {2, 1, 0}, 1);
  variables.Output("y", variables.Conv("conv1", order, 4));
  ExpectDeclined(variables.graph, kPasses,
                 {"fold_channel_order at conv1: conv1.weight is a variable, not a constant"});
  Net read = OrderThenConv({2, 1, 0}, 1);
  read.Output("z", read.graph.Find("order")->output());
  ExpectDeclined(read.graph, kPasses, {"fold_channel_order at conv1: order has 2 consumers"});
}

}  // namespace
}  // namespace weft
