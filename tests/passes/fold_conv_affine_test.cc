// fold_conv_affine and fold_matmul_scale.

#include <limits>

#include "tests/passes/testing_linear.h"

namespace weft {
namespace {

using testing::IsEmpty;

const std::vector<std::string> kPasses = {"fold_conv_affine", "fold_constants"};
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// x -> conv1 -> add1 (c) -> y
Net ConvPlus(Dims c, bool bias) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4, {.bias = bias});
  net.Output("y", net.Add("Add", "add1", {conv, net.Random("c", std::move(c))}));
  return net;
}

//   x -> conv1 -> add1 (c [4,1,1]) -> y   =>   x -> conv1 (with bias c) -> y
TEST(FoldConvAffineTest, AConstantPerChannelBecomesTheBias) {
  Net net = ConvPlus({4, 1, 1}, false);
  ExpectGoldenRewrite("fold_conv_affine_bias", net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Add"), 0);
}

TEST(FoldConvAffineTest, AddsToABiasAndSpreadsOneNumber) {
  for (const Dims& dims : {Dims{1, 4, 1, 1}, Dims{4, 1, 1}, Dims{1}, Dims{}, Dims{1, 1, 1, 1}}) {
    for (const bool bias : {false, true}) {
      Net net = ConvPlus(dims, bias);
      ExpectSameResults(net.graph, TestOptions(kPasses));
      EXPECT_EQ(CountOps(net.graph, "Add"), 0) << ToString(dims);
      EXPECT_EQ(net.graph.Find("conv1")->input(2).ToString(), "conv1.bias");
    }
  }
}

TEST(FoldConvAffineTest, WorksWithTheConstantOnTheLeft) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4);
  net.Output("y", net.Add("Add", "add1", {net.Random("c", {4, 1, 1}), conv}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Add"), 0);
}

TEST(FoldConvAffineTest, DeclinesAConstantThatVariesWithinAChannel) {
  Net net = ConvPlus({1, 6}, true);
  ExpectDeclined(net.graph, kPasses,
                 {"fold_conv_affine at add1: c is f64[1,6], not one number a channel of "
                  "f64[N,4,6,6]"});
}

TEST(FoldConvAffineTest, DeclinesASecondConsumerAndAnOperandThatIsNotConstant) {
  Net net = ConvPlus({4, 1, 1}, true);
  net.Output("before", net.graph.Find("conv1")->output());
  ExpectDeclined(net.graph, kPasses, {"fold_conv_affine at add1: conv1 has 2 consumers"});
  Net other;
  const Value x = other.Image(4, 6);
  other.Output("y", other.Add("Add", "add1", {other.Conv("conv1", x, 4), x}));
  ExpectDeclined(other.graph, kPasses, {"fold_conv_affine at add1: x is not a constant"});
}

TEST(FoldConvAffineTest, DeclinesABiasThatIsAVariable) {
  Net net;
  net.variables = true;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4);
  net.Output("y", net.Add("Add", "add1", {conv, net.Random("c", {4, 1, 1})}));
  ExpectDeclined(net.graph, kPasses,
                 {"fold_conv_affine at add1: conv1.bias is a variable, not a constant"});
}

// x -> linear -> affine (c) -> y
Net LinearThen(const std::string& op, const LinearCase& c, bool bias, Dims dims,
               DType dtype = DType::kF64) {
  Net net(dtype);
  const Value y = AddLinear(net, c, InputOf(net, c), bias);
  net.Output("y", net.Add(op, "affine", {y, net.Random("c", std::move(dims), 0.5, 2)}));
  return net;
}

//   linear(x, w, b) * c   =>   linear(x, w*c, b*c), and so for +, - and /
TEST(FoldConvAffineTest, TakesWhatIsDoneToEachChannel) {
  ForEachLinearCase([](const LinearCase& c, const Precision& p, bool bias) {
    for (const char* op : {"Add", "Sub", "Mul", "Div"}) {
      SCOPED_TRACE(op);
      const int rank = static_cast<int>(c.x.size());
      for (const Dims& dims : {PerChannel(c.channels_out, rank), Dims{}}) {
        Net net = LinearThen(op, c, bias, dims, p.dtype);
        ExpectSameResults(net.graph, TestOptions(kPasses), p.tolerance);
        EXPECT_EQ(CountOps(net.graph, op), 0);
        EXPECT_EQ(net.graph.outputs()[0].value.ToString(), "linear");
        for (int i = 1; i < net.graph.Find("linear")->num_inputs(); ++i) {
          EXPECT_NE(ConstantValue(net.graph.Find("linear")->input(i)), nullptr);
        }
      }
    }
  });
}

TEST(FoldConvAffineTest, ABiasMakesAGemmOfAMatMul) {
  Net net = LinearThen("Add", FindLinearCase("matmul"), false, {4});
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(net.graph.Find("linear")->op_name(), "Gemm");
  Net scaled = LinearThen("Mul", FindLinearCase("matmul"), false, {4});
  ExpectSameResults(scaled.graph, TestOptions(kPasses));
  EXPECT_EQ(scaled.graph.Find("linear")->op_name(), "MatMul");
}

// x [N,3,5] -> mm -> affine -> y
Net MatMulOfMany(const std::string& op) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), 3, 5}}).value();
  const Value mm = net.Add("MatMul", "mm", {x, net.Random("w", {5, 4})});
  net.Output("y", net.Add(op, "affine", {mm, net.Random("c", {4}, 0.5, 2)}));
  return net;
}

TEST(FoldConvAffineTest, AMatMulOfMoreAxesIsScaledButGetsNoBias) {
  Net scaled = MatMulOfMany("Div");
  ExpectSameResults(scaled.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(scaled.graph, "Div"), 0);
  Net shifted = MatMulOfMany("Add");
  ExpectDeclined(shifted.graph, kPasses,
                 {"fold_conv_affine at affine: mm is f64[N,3,4], and Gemm adds a bias to matrices "
                  "only"});
}

// x [N,3,5] -> mm -> sum (b) -> affine (c) -> y, as a layer scale after a Linear
Net MatMulWithBias(const std::string& op, Dims c, DType dtype = DType::kF64) {
  Net net(dtype);
  const Value x = net.graph.AddInput("x", {dtype, {Dim::Symbol("N"), 3, 5}}).value();
  const Value mm = net.Add("MatMul", "mm", {x, net.Random("w", {5, 4})});
  const Value sum = net.Add("Add", "sum", {net.Random("b", {4}), mm});
  net.Output("y", net.Add(op, "affine", {sum, net.Random("c", std::move(c), 0.5, 2)}));
  return net;
}

//   (matmul(x, w) + b) * c   =>   matmul(x, w*c) + b*c
TEST(FoldMatMulScaleTest, GoesIntoTheProductAndItsBias) {
  const std::vector<std::string> passes = {"fold_matmul_scale", "fold_constants"};
  for (const char* op : {"Mul", "Div"}) {
    for (const Dims& c : {Dims{4}, Dims{1, 1, 4}, Dims{}}) {
      for (const Precision& p : kPrecisions) {
        Net net = MatMulWithBias(op, c, p.dtype);
        ExpectSameResults(net.graph, TestOptions(passes), p.tolerance);
        EXPECT_EQ(net.graph.size(), 5);  // x, w, b, mm and sum
        EXPECT_EQ(net.graph.outputs()[0].value.ToString(), "sum");
        EXPECT_EQ(net.graph.Find("sum")->input(1).ToString(), "b");
      }
    }
  }
}

TEST(FoldMatMulScaleTest, DeclinesRowsAndASecondConsumer) {
  Net rows = MatMulWithBias("Mul", {3, 1});
  ExpectDeclined(rows.graph, {"fold_matmul_scale"},
                 {"fold_matmul_scale at affine: c is f64[3,1], not one number a channel of "
                  "f64[N,3,4]"});
  Net read = MatMulWithBias("Mul", {4});
  read.Output("z", read.graph.Find("sum")->output());
  ExpectDeclined(read.graph, {"fold_matmul_scale"},
                 {"fold_matmul_scale at affine: sum has 2 consumers"});
}

TEST(FoldConvAffineTest, ABiasThatVariesByRowStaysOne) {
  Net net;
  const Value x = net.graph.AddInput("x", {DType::kF64, {3, 5}}).value();
  const Value fc = net.Add("Gemm", "linear", {x, net.Random("w", {5, 4}), net.Random("b", {3, 1})},
                           {{"beta", 2.0}});
  net.Output("y", net.Add("Mul", "affine", {fc, net.Random("c", {4})}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Mul"), 0);
}

TEST(FoldConvAffineTest, AShiftNeedsNoConstantWeights) {
  Net net;
  const Value x = net.Image(3, 6);
  const Value w = net.graph.AddInput("w", {DType::kF64, {4, 3, 3, 3}}).value();
  const Value conv = net.Add("Conv", "conv1", {x, w});
  net.Output("y", net.Add("Sub", "sub1", {conv, net.Random("c", {4, 1, 1})}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(CountOps(net.graph, "Sub"), 0);
}

TEST(FoldConvAffineTest, ShiftsAndScalesInARowBecomeOneBias) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4, {.bias = false});
  const Value sub = net.Add("Sub", "sub1", {conv, net.Random("mean", {4, 1, 1})});
  const Value div = net.Add("Div", "div1", {sub, net.Random("std", {4, 1, 1}, 0.5, 2)});
  net.Output("y", net.Add("Add", "add1", {div, net.Random("shift", {1})}));
  ExpectSameResults(net.graph, TestOptions(kPasses));
  EXPECT_EQ(net.graph.size(), 4);
  EXPECT_THAT(NearMisses(MustOptimize(net.graph, TestOptions(kPasses))), IsEmpty());
}

TEST(FoldConvAffineTest, DeclinesWhatIsNotFinite) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 2);
  const Value zero = net.graph.AddConstant("c", Tensor::Scalar(0, DType::kF64)).value();
  net.Output("y", net.Add("Div", "div1", {conv, zero}));
  ExpectDeclined(net.graph, {"fold_conv_affine"},
                 {"fold_conv_affine at div1: c has elements that are infinite or NaN, or zero"});
  Net other;
  const Value infinite =
      other.graph.AddConstant("c", Tensor::Scalar(kInfinity, DType::kF64)).value();
  other.Output("y",
               other.Add("Mul", "mul1", {other.Conv("conv1", other.Image(3, 6), 2), infinite}));
  ExpectDeclined(other.graph, {"fold_conv_affine"},
                 {"fold_conv_affine at mul1: c has elements that are infinite or NaN"});
}

TEST(FoldConvAffineTest, ANumberThatTheResultIsTakenFrom) {
  for (const bool bias : {false, true}) {
    for (const Dims& dims : {Dims{4, 1, 1}, Dims{}}) {
      Net net;
      const Value conv = net.Conv("conv1", net.Image(3, 6), 4, {.bias = bias});
      net.Output("y", net.Add("Sub", "sub1", {net.Random("c", dims), conv}));
      ExpectSameResults(net.graph, TestOptions(kPasses));
      EXPECT_EQ(net.graph.size(), 4);
    }
  }
}

TEST(FoldConvAffineTest, DeclinesToDivideByTheResult) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 4);
  net.Output("y", net.Add("Div", "div1", {net.Random("c", {4, 1, 1}), conv}));
  ExpectDeclined(net.graph, {"fold_conv_affine"}, {});
}

TEST(FoldConvAffineTest, DeclinesIntegers) {
  Net net(DType::kI64);
  const Value x = net.graph.AddInput("x", {DType::kI64, {Dim::Symbol("N"), 5}}).value();
  const Value w = net.graph.AddConstant("w", Tensor::Zeros(DType::kI64, {5, 4}).value()).value();
  const Value two = net.graph.AddConstant("c", Tensor::Scalar(2, DType::kI64)).value();
  net.Output("y", net.Add("Div", "div1", {net.Add("MatMul", "mm", {x, w}), two}));
  ExpectDeclined(net.graph, {"fold_conv_affine"}, {"fold_conv_affine at div1: w is i64[5,4]"});
}

TEST(FoldConvAffineTest, DeclinesAConstantThatMakesTheResultLarger) {
  Net net;
  const Value conv = net.Conv("conv1", net.Image(3, 6), 1);
  net.Output("y", net.Add("Mul", "mul1", {conv, net.Random("c", {4, 1, 1})}));
  ExpectDeclined(net.graph, {"fold_conv_affine"},
                 {"fold_conv_affine at mul1: conv1 is f64[N,1,6,6], mul1 is f64[N,4,6,6]"});
}

}  // namespace
}  // namespace weft
