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

// x -> shuffle -> conv1 -> relu -> y
Net ShuffledConv(int64_t group = 2) {
  Net net;
  const Value x = net.Add("ChannelShuffle", "shuffle", {net.Image(6, 4)}, {{"group", group}});
  net.Output("y", net.Relu("relu", net.Conv("conv1", x, 4)));
  return net;
}

//   x -> shuffle -> conv1 -> y   =>   x -> conv1, its weights shuffled -> y
TEST(FoldChannelOrderTest, AChannelShuffle) {
  for (const int64_t group : {1, 2, 3, 6}) {
    Net net = ShuffledConv(group);
    ExpectSameResults(net.graph, TestOptions(kPasses));
    EXPECT_EQ(CountOps(net.graph, "ChannelShuffle"), 0);
    EXPECT_EQ(net.graph.Find("conv1")->input(1).ToString(), "conv1.weight");
  }
}

TEST(FoldChannelOrderTest, BeforeAFusedConvolution) {
  Net net = ShuffledConv();
  MustOptimize(net.graph, TestOptions({"fuse_conv_activation"}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "ChannelShuffle"), 0);
  EXPECT_EQ(CountOps(net.graph, "FusedConv"), 1);
}

const std::vector<std::string> kFilters = {"fold_filter_order", "fold_constants"};

Ints Rotated(int64_t channels) {
  Ints indices;
  for (int64_t i = 0; i < channels; ++i) indices.push_back((i + 1) % channels);
  return indices;
}

//   gather(linear(x, w, b), order)   =>   linear(x, gather(w, order), gather(b, order))
TEST(FoldFilterOrderTest, InEveryLinearOpWithoutGroups) {
  ForEachLinearCase([](const LinearCase& c, const Precision& p, bool bias) {
    if (c.attributes.contains("group")) return;
    Net net(p.dtype);
    const Value y = AddLinear(net, c, InputOf(net, c), bias);
    net.Output("y", Gathered(net, y, Rotated(c.channels_out), 1));
    const auto before = net.graph.size();
    ExpectSameResults(net.graph, TestOptions(kFilters), p.tolerance);
    EXPECT_EQ(CountOps(net.graph, "Gather"), 0);
    EXPECT_EQ(net.graph.size(), before - 2);  // the order and its indices
  });
}

TEST(FoldFilterOrderTest, AShuffleASliceAndAConcat) {
  Net shuffle;
  const Value conv1 = shuffle.Conv("conv1", shuffle.Image(3, 5), 6);
  shuffle.Output("y", shuffle.Add("ChannelShuffle", "shuffle", {conv1}, {{"group", 3}}));
  ExpectSameResults(shuffle.graph, TestOptions(kFilters));
  EXPECT_EQ(CountOps(shuffle.graph, "ChannelShuffle"), 0);
  const auto arguments = [](Net& net, const Ints& values) {
    std::vector<Value> inputs;
    for (const int64_t value : values) {
      inputs.push_back(net.graph.AddConstant("c", Tensor::FromInts(Ints{value})).value());
    }
    return inputs;
  };
  Net slice;
  std::vector<Value> inputs = arguments(slice, {-1, std::numeric_limits<int64_t>::min(), 1, -1});
  inputs.insert(inputs.begin(), slice.Conv("conv1", slice.Image(3, 5), 4));
  slice.Output("y", slice.Add("Slice", "order", std::move(inputs)));
  ExpectSameResults(slice.graph, TestOptions(kFilters));
  EXPECT_EQ(CountOps(slice.graph, "Slice"), 0);
  Net concat;
  const Value conv = concat.Conv("conv1", concat.Image(3, 5), 3);
  std::vector<Value> pieces;
  for (const int64_t channel : {2, 0, 1}) {
    inputs = arguments(concat, {channel, channel + 1, 1});
    inputs.insert(inputs.begin(), conv);
    pieces.push_back(concat.Add("Slice", "slice", std::move(inputs)));
  }
  concat.Output("y", concat.Add("Concat", "order", std::move(pieces), {{"axis", 1}}));
  ExpectSameResults(concat.graph, TestOptions(kFilters));
  EXPECT_EQ(CountOps(concat.graph, "Slice") + CountOps(concat.graph, "Concat"), 0);
}

TEST(FoldFilterOrderTest, ABiasOfOneNumberStays) {
  for (const Dims& dims : {Dims{}, Dims{1}, Dims{1, 1}, Dims{1, 4}}) {
    Net net;
    const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 5}}).value();
    const Value y = net.Add("Gemm", "gemm1", {x, net.Random("w", {5, 4}), net.Random("b", dims)});
    net.Output("y", Gathered(net, y, {3, 2, 0, 1}, -1));
    ExpectSameResults(net.graph, TestOptions(kFilters));
    EXPECT_EQ(net.graph.size(), 4);
  }
}

// conv1 [4 filters in 2 groups] -> order -> y
Net GroupsThenOrder(const Ints& indices) {
  Net net;
  const Value y = net.ConvOf("conv1", net.Image(4, 5), {4, 2, 3, 3}, {{"group", 2}});
  net.Output("y", Gathered(net, y, indices, 1));
  return net;
}

TEST(FoldFilterOrderTest, FiltersMoveWithinTheirGroupOnly) {
  Net within = GroupsThenOrder({1, 0, 2, 3});
  ExpectSameResults(within.graph, TestOptions(kFilters));
  EXPECT_EQ(CountOps(within.graph, "Gather"), 0);
  Net across = GroupsThenOrder({1, 2, 0, 3});
  ExpectDeclined(across.graph, kFilters,
                 {"fold_filter_order at order: order moves channels from one of the 2 groups of "
                  "conv1 to another"});
  Net depthwise;
  const LinearCase& each = FindLinearCase("depthwise");
  depthwise.Output("y",
                   Gathered(depthwise, AddLinear(depthwise, each, InputOf(depthwise, each), true),
                            {1, 0, 3, 2}, 1));
  ExpectDeclined(depthwise.graph, kFilters,
                 {"fold_filter_order at order: order moves channels from one of the 4 groups of "
                  "linear to another"});
  Net transposed;
  const LinearCase& c = FindLinearCase("transposed_groups");
  transposed.Output("y",
                    Gathered(transposed, AddLinear(transposed, c, InputOf(transposed, c), true),
                             {1, 2, 0, 3, 4, 5}, 1));
  ExpectDeclined(transposed.graph, kFilters, {"fold_filter_order at order: linear has 2 groups"});
}

// conv1 -> post -> order -> y, with the post-op fused
Net FusedThenOrder(const std::string& post, const Dims& operand) {
  Net net;
  std::vector<Value> inputs = {net.Conv("conv1", net.Image(3, 5), 4)};
  if (!operand.empty()) inputs.push_back(net.Random("z", operand));
  net.Output("y", Gathered(net, net.Add(post, "post", std::move(inputs)), {1, 3, 0, 2}, 1));
  MustOptimize(net.graph, TestOptions({"fuse_conv_activation", "fuse_conv_mul"}));
  return net;
}

TEST(FoldFilterOrderTest, AfterPostOpsThatReadNothingElse) {
  Net relu = FusedThenOrder("Relu", {});
  ExpectSameResults(relu.graph, TestOptions(kFilters));
  EXPECT_EQ(CountOps(relu.graph, "Gather"), 0);
  Net scaled = FusedThenOrder("Mul", {4, 1, 1});
  ExpectDeclined(scaled.graph, kFilters,
                 {"fold_filter_order at order: conv1 has post-ops with operands"});
}

TEST(FoldFilterOrderTest, DeclinesVariablesReadersAndWhatIsNoOrder) {
  const auto ordered = [](Net& net, const Ints& indices, int64_t axis) {
    net.Output("y", Gathered(net, net.Conv("conv1", net.Image(3, 3), 3), indices, axis));
  };
  Net variables;
  variables.variables = true;
  ordered(variables, {2, 1, 0}, 1);
  ExpectDeclined(variables.graph, kFilters,
                 {"fold_filter_order at order: conv1.weight is a variable, not a constant"});
  Net read;
  ordered(read, {2, 1, 0}, 1);
  read.Output("z", read.graph.Find("conv1")->output());
  ExpectDeclined(read.graph, kFilters, {"fold_filter_order at order: conv1 is an output"});
  Net rows;
  ordered(rows, {2, 1, 0}, 2);
  ExpectDeclined(rows.graph, kFilters,
                 {"fold_filter_order at order: order does not just reorder axis 1 of conv1"});
  Net twice;
  ordered(twice, {2, 1, 1}, 1);
  ExpectDeclined(twice.graph, kFilters,
                 {"fold_filter_order at order: order does not just reorder axis 1 of conv1"});
}

// The convolution would stay for who reads a slice, beside the new one.
TEST(FoldFilterOrderTest, DeclinesWhereAPieceIsReadToo) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 5), 3);
  std::vector<Value> pieces;
  for (const int64_t channel : {2, 0, 1}) {
    std::vector<Value> inputs = {conv};
    for (const int64_t argument : {channel, channel + 1, int64_t{1}}) {
      inputs.push_back(net.graph.AddConstant("c", Tensor::FromInts(Ints{argument})).value());
    }
    pieces.push_back(net.Add("Slice", "slice" + std::to_string(channel), std::move(inputs)));
  }
  net.Output("y", net.Add("Concat", "order", pieces, {{"axis", 1}}));
  net.Output("z", net.Relu("relu1", pieces[1]));
  ExpectDeclined(net.graph, kFilters, {"fold_filter_order at order: slice0 is read by relu1 too"});
}

// The product of two vectors has no channels.
TEST(FoldFilterOrderTest, DeclinesANumber) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {5}}).value();
  const Value dot = net.Add("MatMul", "dot", {x, net.Random("w", {5})});
  const Value none = net.graph.AddConstant("none", Tensor::FromInts(Ints{})).value();
  net.Output("y", net.Add("Slice", "order", {dot, none, none}));
  ExpectDeclined(net.graph, kFilters, {"fold_filter_order at order: w is f64[5], not a matrix"});
}

}  // namespace
}  // namespace weft
