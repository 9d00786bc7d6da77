// fuse_gemm_activation, fuse_gemm_add and fuse_gemm_mul.

#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kPasses = {"fuse_gemm_activation", "fuse_gemm_add", "fuse_gemm_mul"};

// [N, 3, 4]
Value Rows(Net& net) {
  return net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, 4}}).value();
}

// [N, 4] times [4, 5]
Value Gemm(Net& net) {
  const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 4}}).value();
  return net.Add("Gemm", "gemm1", {x, net.Random("w", {4, 5}), net.Random("b", {5})});
}

//   x -> gemm1 -> relu1 -> y   =>   x -> gemm1 (FusedGemm, post_ops=[Relu]) -> y
TEST(FuseGemmTest, TheActivationBecomesAPostOp) {
  Net net;
  net.Output("y", net.Relu("relu1", Gemm(net)));
  ExpectGoldenRewrite("fuse_gemm_activation", net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "FusedGemm"), 1);
}

//   x -> matmul1 -> add1 (b) -> gelu1 -> add2 (x's like) -> y   =>   x -> matmul1 (FusedMatMul) ->
//   y
TEST(FuseGemmTest, ATransformersBlockBecomesOneProduct) {
  Net net;
  const Value product = net.Add("MatMul", "matmul1", {Rows(net), net.Random("w", {4, 5})});
  const Value h =
      net.Add("Gelu", "gelu1", {net.Add("Add", "add1", {product, net.Random("b", {5})})});
  const Value z = net.graph.AddInput("z", {DType::kF64, {Dim::Symbol("N"), 3, 5}}).value();
  net.Output("y", net.Add("Add", "add2", {z, h}));
  const PassReport report = ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_THAT(Rewrites(report),
              ElementsAre("fuse_gemm_add: matmul1 + add1 -> matmul1",
                          "fuse_gemm_activation: matmul1 + add1 + gelu1 -> matmul1",
                          "fuse_gemm_add: matmul1 + add1 + gelu1 + add2 -> matmul1"));
  const std::vector<PostOp> posts = GetPostOps(net.graph.Find("matmul1")->attributes(), "post_ops");
  ASSERT_EQ(posts.size(), 3u);
  EXPECT_EQ(posts[0].input, 2);
  EXPECT_EQ(posts[2].input, 3);
}

TEST(FuseGemmTest, AProductOfTwoVariablesIsScaledAndMasked) {
  Net net;
  const Value x = Rows(net);
  const Value scores =
      net.Add("MatMul", "scores",
              {x, net.Add("Transpose", "t", {x}, {{"perm", std::vector<int64_t>{0, 2, 1}}})});
  const Value scaled = net.Add("Mul", "scaled", {scores, net.Random("scale", {})});
  net.Output("y", net.Add("Add", "masked", {scaled, net.Random("mask", {3, 3})}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "FusedMatMul"), 1);
  EXPECT_EQ(CountOps(net.graph, "Mul") + CountOps(net.graph, "Add"), 0);
}

TEST(FuseGemmTest, DeclinesASecondReaderAndALargerOperand) {
  Net net;
  const Value gemm = Gemm(net);
  net.Output("y", net.Relu("relu1", gemm));
  net.Output("gemm", gemm);
  ExpectDeclined(net.graph, kPasses, {"fuse_gemm_activation at relu1: gemm1 has 2 consumers"});
  Net larger;
  const Value z = larger.graph.AddInput("z", {DType::kF64, {2, Dim::Symbol("N"), 5}}).value();
  larger.Output("y", larger.Add("Mul", "mul1", {z, Gemm(larger)}));
  ExpectDeclined(larger.graph, kPasses,
                 {"fuse_gemm_mul at mul1: z is f64[2,N,5], which does not broadcast to gemm1, "
                  "f64[N,5]"});
}

TEST(FuseGemmTest, DeclinesIntegers) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kI32, {2, 3}}).value();
  const Value w = net.graph.AddInput("w", {DType::kI32, {3, 4}}).value();
  net.Output("y", net.Relu("relu1", net.Add("MatMul", "matmul1", {x, w})));
  ExpectDeclined(net.graph, kPasses,
                 {"fuse_gemm_activation at relu1: matmul1 is i32[2,4], not of floating point"});
}

}  // namespace
}  // namespace weft
