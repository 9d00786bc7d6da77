#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

const std::vector<std::string> kPasses = {"recognize_depth_to_space"};

// x -> split -> swapped -> y
Net Moved(const Shape& x, const Dims& split, const Dims& perm, const Dims& merged) {
  Net net;
  const auto ints = [&net](const std::string& name, const Dims& values) {
    return net.graph.AddConstant(name, Tensor::FromInts(values)).value();
  };
  const Value image = net.graph.AddInput("x", {DType::kF64, x}).value();
  const Value axes = net.Add("Reshape", "split", {image, ints("axes", split)});
  const Value swapped = net.Add("Transpose", "swapped", {axes}, {{"perm", perm}});
  net.Output("y", net.Add("Reshape", "merged", {swapped, ints("dims", merged)}));
  return net;
}

void ExpectRecognized(Net net, const std::string& op, const std::string& mode, int64_t block) {
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses), 0);
  EXPECT_THAT(Rewrites(report), testing::ElementsAre("recognize_depth_to_space: split + swapped + "
                                                     "merged -> merged"));
  const Node& node = *net.graph.Find("merged");
  EXPECT_EQ(node.op_name(), op);
  EXPECT_EQ(GetString(node.attributes(), "mode"), mode);
  EXPECT_EQ(GetInt(node.attributes(), "blocksize"), block);
}

const Dim kN = Dim::Symbol("N");

TEST(RecognizeDepthToSpace, BothModes) {
  ExpectRecognized(Moved({kN, 12, 4, 5}, {0, 2, 2, 3, 4, 5}, {0, 3, 4, 1, 5, 2}, {0, 3, 8, 10}),
                   "DepthToSpace", "DCR", 2);
  ExpectRecognized(Moved({kN, 18, 4, 5}, {0, 2, 3, 3, 4, 5}, {0, 1, 4, 2, 5, 3}, {0, 2, 12, 15}),
                   "DepthToSpace", "CRD", 3);
}

TEST(RecognizeDepthToSpace, AndTheWayBack) {
  ExpectRecognized(Moved({kN, 3, 8, 10}, {0, 3, 4, 2, 5, 2}, {0, 3, 5, 1, 2, 4}, {0, 12, 4, 5}),
                   "SpaceToDepth", "DCR", 2);
  ExpectRecognized(Moved({kN, 3, 8, 10}, {0, 3, 4, 2, 5, 2}, {0, 1, 3, 5, 2, 4}, {0, 12, 4, 5}),
                   "SpaceToDepth", "CRD", 2);
}

TEST(RecognizeDepthToSpace, DeclinesByName) {
  Net other = Moved({kN, 12, 4, 5}, {0, 2, 2, 3, 5, 4}, {0, 3, 4, 1, 5, 2}, {0, 3, 10, 8});
  ExpectDeclined(other.graph, kPasses,
                 {"recognize_depth_to_space at merged: split is f64[N,2,2,3,5,4], no DepthToSpace "
                  "of f64[N,12,4,5]"});
  Net uneven = Moved({kN, 18, 4, 5}, {0, 2, 3, 3, 4, 5}, {0, 3, 4, 1, 5, 2}, {0, 3, 8, 15});
  ExpectDeclined(uneven.graph, kPasses,
                 {"recognize_depth_to_space at merged: split is f64[N,2,3,3,4,5], of blocks that "
                  "are no squares"});
  Net flat = Moved({kN, 12, 4, 5}, {0, 2, 2, 3, 4, 5}, {0, 3, 4, 1, 5, 2}, {0, 3, 4, 20});
  ExpectDeclined(flat.graph, kPasses,
                 {"recognize_depth_to_space at merged: merged is f64[N,3,4,20], DepthToSpace makes "
                  "f64[N,3,8,10]"});
  Net twice = Moved({kN, 12, 4, 5}, {0, 2, 2, 3, 4, 5}, {0, 3, 4, 1, 5, 2}, {0, 3, 8, 10});
  twice.Output("swapped", twice.graph.Find("swapped")->output());
  ExpectDeclined(twice.graph, kPasses,
                 {"recognize_depth_to_space at merged: swapped has 2 consumers"});
}

}  // namespace
}  // namespace weft
