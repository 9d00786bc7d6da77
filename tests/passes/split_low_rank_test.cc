// FactorMatrix, and split_low_rank, which is lossy.

#include "graph/text.h"
#include "passes/combine/low_rank.h"
#include "tests/passes/testing_nets.h"

namespace weft {
namespace {

using Matrix = std::vector<double>;

// Of rank `rank`, with noise of the given size on every element.
Matrix RandomMatrix(int64_t rows, int64_t cols, int64_t rank, double noise) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> number(-1, 1);
  Matrix a(static_cast<size_t>(rows * cols));
  for (int64_t r = 0; r < rank; ++r) {
    std::vector<double> left(static_cast<size_t>(rows)), right(static_cast<size_t>(cols));
    for (double& v : left) v = number(random);
    for (double& v : right) v = number(random);
    for (size_t i = 0; i < a.size(); ++i) {
      a[i] += left[i / static_cast<size_t>(cols)] * right[i % static_cast<size_t>(cols)];
    }
  }
  for (double& v : a) v += noise * number(random);
  return a;
}

double ErrorOf(const Matrix& a, const LowRank& factors, int64_t rows, int64_t cols) {
  double missing = 0, all = 0;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) {
      const double want = a[static_cast<size_t>(i * cols + j)];
      double got = 0;
      for (int64_t r = 0; r < factors.rank; ++r) {
        got += factors.left[static_cast<size_t>(i * factors.rank + r)] *
               factors.right[static_cast<size_t>(r * cols + j)];
      }
      missing += (want - got) * (want - got);
      all += want * want;
    }
  }
  return std::sqrt(missing / all);
}

TEST(FactorMatrixTest, FindsTheRankAndKeepsTheError) {
  for (const auto& [rows, cols] : {std::pair<int64_t, int64_t>{12, 30}, {30, 12}, {12, 12}}) {
    const Matrix exact = RandomMatrix(rows, cols, 3, 0);
    const auto factors = FactorMatrix(exact, rows, cols, 1e-7);
    ASSERT_EQ(factors.status(), absl::OkStatus());
    EXPECT_EQ(factors->rank, 3);
    EXPECT_LE(ErrorOf(exact, *factors, rows, cols), 1e-7);

    const Matrix noisy = RandomMatrix(rows, cols, 3, 0.1);
    int64_t last = rows + cols;
    for (const double error : {0.001, 0.03, 0.1, 0.5}) {
      const auto some = FactorMatrix(noisy, rows, cols, error);
      ASSERT_EQ(some.status(), absl::OkStatus());
      EXPECT_LE(some->rank, last);
      last = some->rank;
      EXPECT_NEAR(ErrorOf(noisy, *some, rows, cols), some->error, 1e-12);
      EXPECT_LE(some->error, error);
    }
    EXPECT_LT(last, 3);
  }
}

TEST(FactorMatrixTest, SaysWhatItCannotFactor) {
  const Matrix zeros(6);
  EXPECT_EQ(FactorMatrix(zeros, 2, 3, 0.1).status().message(), "the norm of the matrix is 0");
  const Matrix nan(6, std::nan(""));
  EXPECT_EQ(FactorMatrix(nan, 2, 3, 0.1).status().code(), absl::StatusCode::kInvalidArgument);
}

Tensor WeightsOf(Dims dims, int64_t rank, double noise) {
  int64_t size = 1;
  for (const int64_t d : dims) size *= d;
  const Matrix values = RandomMatrix(dims[0], size / dims[0], rank, noise);
  return Tensor::FromValues<double>(std::move(dims), values).value();
}

PassOptions Lossy(double error) {
  PassOptions options = TestOptions();
  options.lossy = {{"split_low_rank", error}};
  return options;
}

// y = op(x, w) of weights of rank 3 but for noise; x is [N,8,5,5] or, for products, [N,8].
Net Linear(const std::string& op, Dims w, AttributeMap attributes, double noise) {
  Net net;
  const Value weights = net.graph.AddConstant("w", WeightsOf(std::move(w), 3, noise)).value();
  const Value x = op == "Conv"
                      ? net.Image(8, 5)
                      : net.graph.AddInput("x", {DType::kF64, {Dim::Symbol("N"), Dim(8)}}).value();
  std::vector<Value> inputs = {x, weights};
  if (op != "MatMul") inputs.push_back(net.Random("c", {16}));
  net.Output("y", net.Add(op, "y1", inputs, std::move(attributes)));
  return net;
}

TEST(SplitLowRankTest, ExactlyLowRankWeightsKeepTheirValuesAndSaveMacs) {
  struct Case {
    const char* op;
    Dims w;
    AttributeMap attributes;
    double share;  // of the MACs: rank (rows + cols) / (rows cols)
  };
  const std::vector<int64_t> ones = {1, 1, 1, 1};
  for (const Case& c : {Case{"Conv", {16, 8, 3, 3}, {{"pads", ones}}, 3.0 * (16 + 72) / (16 * 72)},
                        Case{"Conv", {16, 8, 1, 1}, {}, 3.0 * (16 + 8) / (16 * 8)},
                        Case{"Gemm", {8, 16}, {{"alpha", 0.5}}, 3.0 * (16 + 8) / (16 * 8)},
                        Case{"Gemm", {16, 8}, {{"transB", 1}}, 3.0 * (16 + 8) / (16 * 8)},
                        Case{"MatMul", {8, 16}, {}, 3.0 * (16 + 8) / (16 * 8)}}) {
    SCOPED_TRACE(c.op);
    Net net = Linear(c.op, c.w, c.attributes, 0);
    const int64_t before = MacsOf(net.graph);
    ExpectSameResults(net.graph, Lossy(1e-6), 1e-5);
    EXPECT_EQ(static_cast<double>(MacsOf(net.graph)), static_cast<double>(before) * c.share)
        << ToText(net.graph);
    EXPECT_EQ(CountOps(net.graph, c.op), 2);
  }
}

TEST(SplitLowRankTest, RunsOnlyWhereItIsNamedAndWhereItPays) {
  Net net = Linear("Gemm", {8, 16}, {}, 0);
  MustOptimize(net.graph);
  EXPECT_EQ(CountOps(net.graph, "Gemm"), 1);
  Net noisy = Linear("Gemm", {8, 16}, {}, 1);
  EXPECT_THAT(NearMisses(MustOptimize(noisy.graph, Lossy(1e-3))),
              testing::ElementsAre("split_low_rank at y1: in two steps of rank 8 it would take 192 "
                                   "MACs for each 128"));
  EXPECT_EQ(CountOps(noisy.graph, "Gemm"), 1);
}

// The error is spent once, whatever becomes of the halves.
TEST(SplitLowRankTest, AHalfIsNotHalvedAgain) {
  Net net;
  const Value weights = net.graph.AddConstant("w", WeightsOf({32, 16, 3, 3}, 8, 0.1)).value();
  const Value conv = net.Add("Conv", "conv1", {net.Image(16, 5), weights});
  net.Output("y", net.Relu("relu1", conv));
  PassOptions options = Lossy(0.5);
  const auto splits = [&] {
    int count = 0;
    for (const Rewrite& r : MustOptimize(net.graph, options).rewrites) {
      count += r.rule == "split_low_rank" ? 1 : 0;
    }
    return count;
  };
  EXPECT_EQ(splits(), 1);
  EXPECT_EQ(splits(), 0);
}

TEST(SplitLowRankTest, NamesThatAreNotLossyAndErrorsBelowZeroAreRefused) {
  Net net = Linear("Gemm", {8, 16}, {}, 0);
  PassOptions options = TestOptions();
  options.lossy = {{"fold_1x1", 0.1}};
  EXPECT_EQ(Optimize(net.graph, options).status().message(),
            "'fold_1x1' is no pass that changes values; expected split_low_rank");
  options.lossy = {{"split_low_rank", 0}};
  EXPECT_EQ(Optimize(net.graph, options).status().message(),
            "split_low_rank: expected an error above 0, got 0");
}

}  // namespace
}  // namespace weft
