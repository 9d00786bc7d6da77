// What is summed along a long axis stays as exact as a short sum: results of kernels against f64,
// in halves of a unit in the last place of the largest one.

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "tests/cases/cases.h"
#include "tests/cases/table.h"

namespace weft {
namespace {

constexpr int64_t kLong = 200'000;

// Numbers of one sign, whose sums drift.
CaseInput Positives(Dims dims, double high = 1) { return Uniform(std::move(dims), 0, high); }

struct LongSum {
  OpCase row;
  double most;  // that an output may be off
};

void AddReductions(std::vector<LongSum>& rows) {
  const CaseInput row = Positives({2, kLong}), column = Positives({kLong, 3});
  for (const char* op : {"ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2", "ReduceSumSquare",
                         "ReduceLogSum", "ReduceLogSumExp"}) {
    rows.push_back({{op, "rows", {{"axes", Ints{1}}}, {row}, {{2, 1}}}, 1.1});
    rows.push_back({{op, "columns", {{"axes", Ints{0}}}, {column}, {{1, 3}}}, 1.1});
  }
  rows.push_back({{"ReduceToLike", "bias", {}, {column, Positives({3})}, {{3}}}, 1.1});
  rows.push_back({{"GlobalNorm", "", {}, {Positives({kLong})}, {{}}}, 1.1});
  rows.push_back(
      {{"CumSum", "", {}, {row, Constant(Values({}, {1}, DType::kI64))}, {{2, kLong}}}, 1.1});
  const CaseInput two = Labels({kLong}, 2);
  rows.push_back({{"GatherGrad", "", {}, {column, two, Positives({2, 3})}, {{2, 3}}}, 1.1});
}

void AddNormalizations(std::vector<LongSum>& rows) {
  const CaseInput row = Positives({2, kLong}), column = Positives({kLong, 3});
  const CaseInput c = OffZero({3}), image = Positives({2, 3, 300, 300});
  const AttributeMap training = {{"mode", "training"}}, first = {{"axis", 0}}, last = {{"axis", 1}};
  for (const CaseInput& x : {image, column}) {
    const std::string name = x.dims.size() == 4 ? "planes" : "columns";
    std::vector<Dims> outputs = {x.dims};
    outputs.insert(outputs.end(), 4, {3});
    rows.push_back(
        {{"BatchNormalization", name, training, {x, c, c, c, Positive({3})}, outputs}, 4});
    outputs.resize(3);
    rows.push_back({{"BatchNormalizationGrad", name, {}, {x, x, c, c, Positive({3})}, outputs}, 4});
  }
  rows.push_back({{"LayerNormalization", "", last, {row, OffZero({kLong})}, {row.dims}}, 4});
  rows.push_back(
      {{"LayerNormalizationGrad", "", last, {column, column, c}, {column.dims, {3}, {3}}}, 4});
  rows.push_back({{"LpNormalization", "rows", {{"axis", 1}, {"p", 2}}, {row}, {row.dims}}, 4});
  rows.push_back(
      {{"LpNormalization", "columns", {{"axis", 0}, {"p", 2}}, {column}, {column.dims}}, 4});
  for (const auto& [name, axis, x] :
       {std::tuple{"rows", last, row}, std::tuple{"columns", first, column}}) {
    const CaseInput y = Positives(x.dims, 2.0 / kLong);
    rows.push_back({{"Softmax", name, axis, {x}, {x.dims}}, 8});
    rows.push_back({{"LogSoftmax", name, axis, {x}, {x.dims}}, 4});
    rows.push_back({{"SoftmaxGrad", name, axis, {x, y}, {x.dims}}, 8});
    rows.push_back({{"LogSoftmaxGrad", name, axis, {x, Uniform(x.dims, -1, 0)}, {x.dims}}, 8});
  }
}

void AddNetworks(std::vector<LongSum>& rows) {
  const CaseInput image = Positives({2, 3, 300, 300});
  rows.push_back(
      {{"AveragePool", "", {{"kernel_shape", Ints{300, 300}}}, {image}, {{2, 3, 1, 1}}}, 1.1});
  rows.push_back({{"SoftmaxCrossEntropyLoss",
                   "positions",
                   {},
                   {Uniform({kLong, 3}), Labels({kLong}, 3)},
                   {{}}},
                  1.1});
  rows.push_back({{"SoftmaxCrossEntropyLoss",
                   "classes",
                   {},
                   {Uniform({3, kLong}), Labels({3}, double{kLong})},
                   {{}}},
                  1.1});
  rows.push_back({{"PReluGrad",
                   "",
                   {},
                   {image, Uniform(image.dims, -1, 0), Uniform({3, 1, 1})},
                   {image.dims, {3, 1, 1}}},
                  4});
}

// The largest error, in 2^-24 of the output's largest element.
double ErrorOf(const Tensor& actual, const Tensor& exact) {
  double largest = 0, error = 0;
  for (int64_t i = 0; i < exact.size(); ++i) {
    largest = std::max(largest, std::abs(exact.At(i)));
    error = std::max(error, std::abs(actual.At(i) - exact.At(i)));
  }
  return error / (largest * 0x1p-24);
}

TensorMap ExactResults(const OpCase& c, const TensorMap& feeds) {
  TensorMap exact_feeds;
  for (const auto& [name, value] : feeds) {
    exact_feeds[name] = value.dtype() == DType::kF32 ? value.Converted(DType::kF64).value() : value;
  }
  return ReferenceEvaluator().RunGraph(BuildCase(c, DType::kF64).value(), exact_feeds).value();
}

TEST(LongSums, AreAsExactAsShortOnes) {
  std::vector<LongSum> rows;
  AddReductions(rows);
  AddNormalizations(rows);
  AddNetworks(rows);
  for (const auto& [c, most] : rows) {
    const TensorMap feeds = MakeFeeds(c, DType::kF32);
    const TensorMap exact = ExactResults(c, feeds);
    const TensorMap actual =
        RuntimeEvaluator({.threads = 2}).RunGraph(BuildCase(c, DType::kF32).value(), feeds).value();
    for (const auto& [name, value] : exact) {
      EXPECT_LE(ErrorOf(actual.at(name), value), most) << c.TestName() << " " << name;
    }
  }
}

// The library's own sums of the bias are 150 of these units off.
TEST(LongSums, OfAConvolutionsBiasGradientAre) {
  const Dims y = {4, 20, 112, 112}, x = {4, 3, 112, 112}, w = {20, 3, 3, 3};
  const OpCase c = {.op = "ConvGradWeight",
                    .attributes = {{"pads", Ints{1, 1, 1, 1}}},
                    .inputs = {Positives(y), Positives(x), Uniform(w)},
                    .outputs = {w, {20}}};
  const TensorMap feeds = MakeFeeds(c, DType::kF32);
  const TensorMap actual =
      RuntimeEvaluator({.threads = 2}).RunGraph(BuildCase(c, DType::kF32).value(), feeds).value();
  EXPECT_LE(ErrorOf(actual.at("output1"), ExactResults(c, feeds).at("output1")), 1.1);
}

}  // namespace
}  // namespace weft
