#include <cmath>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"
#include "runtime/exec/evaluator.h"
#include "runtime/exec/parallel.h"
#include "tests/cases/cases.h"
#include "tests/runtime/close.h"

// Reductions, scans and broadcast loops on tensors large enough for every way of splitting them,
// against the reference and at several thread counts.

namespace weft {
namespace {

struct Large {
  std::string op;
  std::string name;
  AttributeMap attributes;
  std::vector<Tensor> inputs;
};

void PrintTo(const Large& c, std::ostream* out) { *out << c.name; }

std::vector<int64_t> Axes(std::vector<int64_t> axes) { return axes; }

Tensor Random(const Dims& dims, uint64_t seed, double low = -1, double high = 1) {
  return RandomTensor(dims, DType::kF32, seed, low, high);
}

std::vector<Large> Reductions() {
  std::vector<Large> all;
  // All axes; rows; columns; both ends; the middle; many outputs of few summands; pairs.
  const std::vector<std::pair<Dims, std::vector<int64_t>>> shapes = {
      {{21, 40, 13}, {0, 1, 2}},
      {{21, 40, 37}, {2}},
      {{21, 40, 37}, {0}},
      {{21, 40, 37}, {0, 2}},
      {{21, 40, 37}, {1}},
      {{3, 9001}, {0}},
      {{3, 5, 4, 3001}, {0, 2}},
      {{5011, 3}, {1}},
      {{5011, 3}, {0}},
      {{2, 10000}, {1}},
      {{7, 11, 5, 13, 3}, {0, 2, 4}},
  };
  for (const char* op : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1",
                         "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"}) {
    for (size_t i = 0; i < shapes.size(); ++i) {
      const auto& [dims, axes] = shapes[i];
      all.push_back({op,
                     op + std::string("_") + std::to_string(i),
                     {{"axes", axes}},
                     {Random(dims, i, op == std::string("ReduceLogSum") ? 0.5 : -1)}});
    }
  }
  for (size_t i = 0; i < shapes.size(); ++i) {
    const auto& [dims, axes] = shapes[i];
    Dims kept = dims;
    for (int64_t axis : axes) kept[static_cast<size_t>(axis)] = 1;
    const Tensor x = Random(dims, i, 0.999, 1.001);
    all.push_back({"ReduceProd", "ReduceProd_" + std::to_string(i), {{"axes", axes}}, {x}});
    all.push_back({"ReduceProdGrad",
                   "ReduceProdGrad_" + std::to_string(i),
                   {{"axes", axes}},
                   {Random(kept, i), x}});
  }
  return all;
}

std::vector<Large> AlongAnAxis() {
  std::vector<Large> all;
  const std::vector<Dims> shapes = {{3, 17, 301}, {40, 5, 3}, {2, 3, 40, 25}};
  for (const Dims& dims : shapes) {
    for (int64_t axis = 0; axis < static_cast<int64_t>(dims.size()); ++axis) {
      const std::string where = std::to_string(dims[0]) + "_" + std::to_string(axis);
      // Whole numbers tie; of equals the first or the last is wanted.
      CaseInput whole{.dims = dims, .fill = CaseInput::Fill::kIntegers, .low = -9, .high = 9};
      const Tensor x = MakeTensor(whole, DType::kF32, 5);
      for (const char* op : {"ArgMax", "ArgMin"}) {
        for (int last : {0, 1}) {
          all.push_back({op,
                         op + where + (last != 0 ? "_last" : ""),
                         {{"axis", axis}, {"select_last_index", last}},
                         {x}});
        }
      }
      all.push_back({"Hardmax", "Hardmax" + where, {{"axis", axis}}, {x}});
      for (int largest : {0, 1}) {
        all.push_back({"TopK",
                       "TopK" + where + (largest != 0 ? "" : "_smallest"),
                       {{"axis", axis}, {"largest", largest}},
                       {x, Tensor::FromInts(std::vector<int64_t>{2})}});
      }
      for (int reverse : {0, 1}) {
        all.push_back({"CumSum",
                       "CumSum" + where + (reverse != 0 ? "_reverse" : ""),
                       {{"reverse", reverse}, {"exclusive", reverse}},
                       {Random(dims, 3), Tensor::Scalar(static_cast<double>(axis), DType::kI64)}});
      }
    }
  }
  return all;
}

std::vector<Large> Broadcasts() {
  const Tensor image = Random({2, 17, 13, 31}, 1, 0.5, 2), channel = Random({17, 1, 1}, 2, 0.5, 2);
  const Tensor row = Random({31}, 3, 0.5, 2), column = Random({13, 1}, 4, 0.5, 2);
  std::vector<Large> all;
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Mod", "Less", "Equal"}) {
    const AttributeMap attributes =
        op == std::string("Mod") ? AttributeMap{{"fmod", 1}} : AttributeMap{};
    const std::string name = op;
    all.push_back({op, name + "_same", attributes, {image, Random({2, 17, 13, 31}, 5, 0.5, 2)}});
    all.push_back({op, name + "_channel", attributes, {image, channel}});
    all.push_back({op, name + "_channel_first", attributes, {channel, image}});
    all.push_back({op, name + "_row", attributes, {image, row}});
    all.push_back({op, name + "_column_and_row", attributes, {column, row}});
    all.push_back({op, name + "_scalar", attributes, {image, Random({}, 6, 0.5, 2)}});
  }
  for (const char* op : {"Max", "Min", "Sum", "Mean"}) {
    all.push_back({op, op + std::string("_of_four"), {}, {channel, image, row, column}});
  }
  return all;
}

std::vector<Large> All() {
  std::vector<Large> all = Reductions();
  for (auto part : {AlongAnAxis, Broadcasts}) {
    for (Large& c : part()) all.push_back(std::move(c));
  }
  return all;
}

class LargeKernels : public testing::TestWithParam<Large> {
 protected:
  void SetUp() override { SplitFinely(true); }
  void TearDown() override { SplitFinely(false); }
};

TEST_P(LargeKernels, AgreeWithTheReferenceAndKeepTheirBits) {
  const Large& c = GetParam();
  Graph graph(StandardOps());
  NodeSpec spec{.op = c.op, .name = "node", .attributes = c.attributes};
  TensorMap feeds;
  for (const Tensor& tensor : c.inputs) {
    const std::string name = "x" + std::to_string(feeds.size());
    if (tensor.dtype() == DType::kI64) {
      spec.inputs.push_back(*graph.AddConstant("k", tensor));
      continue;
    }
    feeds[name] = tensor;
    spec.inputs.push_back(*graph.AddInput(name, tensor.type()));
  }
  const absl::StatusOr<Node*> node = graph.AddNode(std::move(spec));
  ASSERT_TRUE(node.ok()) << node.status();
  for (int i = 0; i < (*node)->num_outputs(); ++i) {
    ASSERT_TRUE(graph.AddOutput("y" + std::to_string(i), (*node)->output(i)).ok());
  }
  const auto expected = ReferenceEvaluator().RunGraph(graph, feeds);
  ASSERT_TRUE(expected.ok()) << expected.status();
  TensorMap with_one_thread;
  for (int threads : {1, 2, 3}) {
    const auto outputs = RuntimeEvaluator({.threads = threads}, {}).RunGraph(graph, feeds);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    if (threads == 1) with_one_thread = *outputs;
    for (const auto& [name, tensor] : *expected) {
      ExpectClose(outputs->at(name), tensor, name);
      EXPECT_TRUE(outputs->at(name) == with_one_thread.at(name)) << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, LargeKernels, testing::ValuesIn(All()),
                         [](const auto& info) { return info.param.name; });

TEST(PowerKernels, GiveWhatTheReferenceDoesAtTheLimits) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kLarge = 5e37f;  // whose reciprocal is no denormal number
  const std::vector<float> special = {0,       -0.0f,  1,      -1,      2,     -2,   0.5f,
                                      -0.5f,   3,      -3,     kInf,    -kInf, kNan, kLarge,
                                      -kLarge, 1e-30f, 1e-10f, -1e-10f, 1e10f};
  const auto n = static_cast<int64_t>(special.size());
  const Tensor row = *Tensor::FromValues<float>({n}, special);
  const Tensor column = *Tensor::FromValues<float>({n, 1}, special);
  for (const char* op : {"Pow", "Mod"}) {
    Graph graph(StandardOps());
    const Value a = *graph.AddInput("a", column.type()), b = *graph.AddInput("b", row.type());
    NodeSpec spec{.op = op, .name = "y", .inputs = {a, b}};
    if (spec.op == "Mod") spec.attributes = {{"fmod", 1}};
    const absl::StatusOr<Node*> node = graph.AddNode(std::move(spec));
    ASSERT_TRUE(node.ok() && graph.AddOutput("y", (*node)->output()).ok());
    const TensorMap feeds = {{"a", column}, {"b", row}};
    const auto expected = ReferenceEvaluator().RunGraph(graph, feeds);
    const auto actual = RuntimeEvaluator({.threads = 2}, {}).RunGraph(graph, feeds);
    ASSERT_TRUE(expected.ok() && actual.ok()) << expected.status() << actual.status();
    for (int64_t i = 0; i < n * n; ++i) {
      const double e = expected->at("y").At(i), y = actual->at("y").At(i);
      const std::string what = std::string(op) + " of " + std::to_string(column.At(i / n)) +
                               " and " + std::to_string(row.At(i % n));
      if (std::isnan(e) || std::isinf(e) || e == 0) {
        EXPECT_TRUE(y == e || (std::isnan(y) && std::isnan(e))) << what << ": " << y;
      } else {
        EXPECT_NEAR(y, e, 1e-6 * std::abs(e)) << what;
      }
    }
  }
}

TEST(FoldKernels, KeepNanAndInfinity) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const char* op : {"ReduceMax", "ReduceMin", "ReduceSum", "ReduceLogSumExp", "ReduceProd"}) {
    for (int64_t at : {0, 5, 30, 36}) {
      for (float special : {kNan, kInf, -kInf}) {
        for (int64_t axis : {0, 1}) {
          Graph graph(StandardOps());
          const Value x = *graph.AddInput("x", {DType::kF32, {37, 37}});
          const absl::StatusOr<Node*> node = graph.AddNode(
              {.op = op, .name = "y", .inputs = {x}, .attributes = {{"axes", Axes({axis})}}});
          ASSERT_TRUE(node.ok() && graph.AddOutput("y", (*node)->output()).ok());
          Tensor values = Random({37, 37}, 1, 0.5, 2);
          values.mutable_values<float>()[static_cast<size_t>(at * 37 + at)] = special;
          const auto expected = ReferenceEvaluator().RunGraph(graph, {{"x", values}});
          const auto actual = RuntimeEvaluator({.threads = 2}, {}).RunGraph(graph, {{"x", values}});
          ASSERT_TRUE(expected.ok() && actual.ok()) << expected.status() << actual.status();
          ExpectClose(actual->at("y"), expected->at("y"), op);
        }
      }
    }
  }
}

}  // namespace
}  // namespace weft
