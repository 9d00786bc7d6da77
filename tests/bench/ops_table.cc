#include "tests/bench/ops_table.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tests/bench/ops_rows.h"

namespace weft {
namespace {

std::vector<BenchRow> Rows60() {
  std::vector<BenchRow> rows = {Unary("Relu", 60), Unary("Sigmoid", 60), Unary("Gelu", 60)};
  rows.push_back({.name = "Add",
                  .build = [](Builder& b) { return b.Add(X(b), X(b, "x2")); },
                  .asked = 60,
                  .has_gradient = false});
  rows.push_back({.name = "Mul_by_channel",
                  .build =
                      [](Builder& b) {
                        return b.Mul(X(b), b.Parameter("s", {1, 64, 1, 1}));
                      },
                  .asked = 60,
                  .asked_of_gradient = 60});
  rows.push_back({.name = "Add_bias",
                  .build =
                      [](Builder& b) {
                        return b.Add(X(b), b.Parameter("b", {64, 1, 1}));
                      },
                  .asked = 60,
                  .asked_of_gradient = 60});
  rows.push_back(Layer(
      "BatchNormalization_inference", [](Builder& b, Value x) { return b.BatchNorm2d(x); }, 60));
  rows.back().has_gradient = false;
  rows.push_back(Layer(
      "BatchNormalization_training", [](Builder& b, Value x) { return b.BatchNorm2d(x); }, 60));
  rows.back().training = rows.back().reads_x_twice = true;
  rows.push_back(Layer(
      "MaxPool_2x2", [](Builder& b, Value x) { return b.MaxPool2d(x, {.kernel = 2}); }, 60));
  rows.push_back(Layer(
      "MaxPool_3x3_2",
      [](Builder& b, Value x) { return b.MaxPool2d(x, {.kernel = 3, .stride = 2, .padding = 1}); },
      60));
  rows.push_back(Layer(
      "AveragePool_2x2", [](Builder& b, Value x) { return b.AvgPool2d(x, {.kernel = 2}); }, 60));
  rows.push_back(Layer(
      "AveragePool_3x3_2",
      [](Builder& b, Value x) { return b.AvgPool2d(x, {.kernel = 3, .stride = 2, .padding = 1}); },
      60));
  rows.push_back(Layer(
      "Dropout", [](Builder& b, Value x) { return b.Dropout(x); }, 60));
  rows.back().training = true;
  return rows;
}

std::vector<BenchRow> Rows40() {
  std::vector<BenchRow> rows;
  rows.push_back(Layer(
      "LayerNormalization", [](Builder& b, Value x) { return b.LayerNorm(x, {.axes = 3}); }, 40));
  rows.push_back(Layer(
      "InstanceNormalization",
      [](Builder& b, Value x) { return b.InstanceNorm2d(x, {.affine = true}); }, 40));
  rows.push_back(Unary("LRN", 40, {{"size", 5}}));
  rows.push_back(Layer(
      "Softmax_channels", [](Builder& b, Value x) { return b.Softmax(x, {.axis = 1}); }, 40));
  rows.push_back(Layer(
      "Transpose_NCHW_NHWC",
      [](Builder& b, Value x) {
        return b.Transpose(x, Ints{0, 2, 3, 1});
      },
      40));
  rows.push_back(Layer(
      "ReduceMean_spatial",
      [](Builder& b, Value x) {
        return b.ReduceMean(x, {.axes = {2, 3}});
      },
      40));
  rows.push_back(Layer(
      "ReduceMean_channels", [](Builder& b, Value x) { return b.ReduceMean(x, {.axes = {1}}); },
      40));
  rows.push_back(Layer(
      "ReduceMean_all", [](Builder& b, Value x) { return b.ReduceMean(x); }, 40));
  rows.push_back(
      {.name = "SoftmaxCrossEntropyLoss",
       .build =
           [](Builder& b) {
             const Value labels = b.Input("labels", {32, 56, 56}, {.dtype = DType::kI64});
             return b.CrossEntropy(X(b), labels);
           },
       .asked = 40,
       .asked_of_gradient = 40});
  return rows;
}

std::vector<BenchRow> ElementwiseRows() {
  std::vector<BenchRow> rows;
  constexpr absl::string_view kUnary =
      "Abs Neg Exp Sqrt Reciprocal Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Atanh Log "
      "LeakyRelu Elu Selu Celu Silu Mish HardSigmoid HardSwish Softplus Softsign ThresholdedRelu "
      "Shrink";
  for (absl::string_view op : absl::StrSplit(kUnary, ' ')) {
    rows.push_back(Unary(std::string(op)));
    rows.back().low = 0.01;
  }
  for (const char* op : {"Sign", "Floor", "Ceil", "Round", "IsNaN", "IsInf"}) {
    rows.push_back(NoGradient(Unary(op)));
  }
  rows.push_back({.name = "Acosh", .build = [](Builder& b) { return b.Op("Acosh", {X(b)}); }});
  rows.back().low = 1;
  rows.push_back(Unary("Gelu", 5, {{"approximate", "tanh"}}));
  rows.back().name = "Gelu_tanh";
  rows.push_back(Layer("Clip", [](Builder& b, Value x) {
    return b.Op("Clip", {x, b.Constant(Tensor::Scalar(0, DType::kF32)),
                         b.Constant(Tensor::Scalar(6, DType::kF32))});
  }));
  rows.push_back(Layer("PRelu", [](Builder& b, Value x) {
    return b.Op("PRelu", {x, b.Parameter("slope", {64, 1, 1})});
  }));
  for (const char* op : {"Sub", "Mul", "Div", "Pow", "Min", "Max", "Mean", "Sum"}) {
    rows.push_back({.name = op, .build = [op](Builder& b) {
                      return b.Op(op, {X(b), X(b, "x2")});
                    }});
    rows.back().low = 0.1;
    if (rows.back().name == "Sum") rows.back().has_gradient = false;  // dy itself
  }
  for (const char* op : {"Equal", "Greater", "LessOrEqual"}) {
    rows.push_back(NoGradient({.name = op, .build = [op](Builder& b) {
                                 return b.Op(op, {X(b), X(b, "x2")});
                               }}));
  }
  rows.push_back(NoGradient({.name = "Mod",
                             .build =
                                 [](Builder& b) {
                                   return b.Op("Mod", {X(b), X(b, "x2")}, {{"fmod", 1}});
                                 },
                             .low = 0.1}));
  rows.push_back({.name = "Where", .build = [](Builder& b) {
                    const Value x = X(b), y = X(b, "x2");
                    const Value c = b.Input("c", {32, 64, 56, 56}, {.dtype = DType::kBool});
                    return b.Op("Where", {c, x, y});
                  }});
  return rows;
}

std::vector<BenchRow> ReduceRows() {
  std::vector<BenchRow> rows;
  for (const char* op : {"ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
                         "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceSumSquare"}) {
    for (const Ints& axes : {Ints{2, 3}, Ints{1}, Ints{0, 2, 3}}) {
      rows.push_back(Unary(op, 5, {{"axes", axes}}));
      rows.back().name = absl::StrCat(op, "_", absl::StrJoin(axes, ""));
      rows.back().low = 0.9;
    }
  }
  for (const char* op : {"ArgMax", "ArgMin", "Hardmax"}) {
    rows.push_back(NoGradient(Unary(op, 5, {{"axis", 1}})));
  }
  rows.push_back(Layer("CumSum", [](Builder& b, Value x) {
    return b.Op("CumSum", {x, b.Constant(Tensor::Scalar(1, DType::kI64))});
  }));
  rows.push_back(Layer("TopK_5_of_channels", [](Builder& b, Value x) {
    return b.Op("TopK", {x, Indices(b, {5})}, {{"axis", 1}});
  }));
  return rows;
}

std::vector<BenchRow> MovementRows() {
  std::vector<BenchRow> rows;
  rows.push_back(
      {.name = "Concat_channels",
       .build =
           [](Builder& b) {
             return b.Op("Concat", {b.Input("a", {32, 32, 56, 56}), b.Input("b", {32, 32, 56, 56})},
                         {{"axis", 1}});
           },
       .asked = 60,
       .asked_of_gradient = 60});
  rows.push_back(Layer("Slice_columns", [](Builder& b, Value x) {
    return b.Op("Slice", {x, Indices(b, {1}), Indices(b, {55}), Indices(b, {3})});
  }));
  rows.push_back(Layer("Slice_step_2", [](Builder& b, Value x) {
    return b.Op("Slice", {x, Indices(b, {0}), Indices(b, {56}), Indices(b, {3}), Indices(b, {2})});
  }));
  for (const char* mode : {"constant", "edge", "reflect", "symmetric", "wrap"}) {
    rows.push_back(Layer(absl::StrCat("Pad_", mode), [mode](Builder& b, Value x) {
      return b.Op("Pad", {x, Indices(b, {0, 0, 1, 1, 0, 0, 1, 1})}, {{"mode", mode}});
    }));
  }
  rows.push_back({.name = "Tile", .build = [](Builder& b) {
                    return b.Op("Tile", {b.Input("x", {32, 16, 28, 56}), Indices(b, {1, 4, 2, 1})});
                  }});
  rows.push_back(
      {.name = "Expand", .build = [](Builder& b) {
         return b.Op("Expand", {b.Input("x", {1, 64, 56, 1}), Indices(b, {32, 64, 56, 56})});
       }});
  rows.push_back(Unary("SpaceToDepth", 5, {{"blocksize", 2}}));
  rows.push_back(Unary("DepthToSpace", 5, {{"blocksize", 2}}));
  rows.push_back(Unary("ChannelShuffle", 5, {{"group", 4}}));
  rows.push_back(Unary("Trilu"));
  rows.push_back(Unary("Cast", 5, {{"to", DType::kF64}}));
  rows.push_back({.name = "ReverseSequence", .build = [](Builder& b) {
                    return b.ReverseSequence(X(b), b.Input("n", {64}, {.dtype = DType::kI64}));
                  }});
  rows.push_back(NoGradient({.name = "ConstantOfShape", .build = [](Builder& b) {
                               return b.Full({32, 64, 56, 56}, 3);
                             }}));
  rows.push_back(NoGradient(
      {.name = "Range", .build = [](Builder& b) { return b.Range(0, 32 * 64 * 56 * 56, 1); }}));
  rows.push_back(NoGradient({.name = "EyeLike", .build = [](Builder& b) {
                               return b.EyeLike(b.Input("x", {2048, 3136}));
                             }}));
  rows.push_back(Layer("Gather_channels", [](Builder& b, Value x) {
    return b.Op("Gather", {x, Indices(b, {3, 1, 7, 60, 2, 9, 33, 11})}, {{"axis", 1}});
  }));
  rows.push_back({.name = "Embedding", .build = [](Builder& b) {
                    return b.Op("Gather", {b.Parameter("w", {10000, 64}),
                                           b.Input("i", {100352}, {.dtype = DType::kI64})});
                  }});
  rows.back().labels = 10000;
  rows.push_back({.name = "GatherElements", .build = [](Builder& b) {
                    const Value i = b.Input("i", {32, 64, 56, 56}, {.dtype = DType::kI64});
                    return b.Op("GatherElements", {X(b), i}, {{"axis", 1}});
                  }});
  rows.push_back(
      {.name = "ScatterElements_add", .build = [](Builder& b) {
         const Value i = b.Input("i", {32, 64, 56, 56}, {.dtype = DType::kI64});
         return b.Op("ScatterElements", {X(b), i, X(b, "u")}, {{"axis", 1}, {"reduction", "add"}});
       }});
  rows.push_back({.name = "GatherND", .build = [](Builder& b) {
                    return b.Op("GatherND", {b.Input("x", {64, 64, 56, 56}),
                                             b.Input("i", {2048, 2}, {.dtype = DType::kI64})});
                  }});
  rows.push_back({.name = "ScatterND", .build = [](Builder& b) {
                    return b.Op("ScatterND", {X(b), b.Input("i", {2048, 2}, {.dtype = DType::kI64}),
                                              b.Input("u", {2048, 56, 56})});
                  }});
  rows.push_back({.name = "OneHot", .build = [](Builder& b) {
                    return b.Op("OneHot",
                                {b.Input("i", {100352}, {.dtype = DType::kI64}),
                                 b.Constant(Tensor::Scalar(64, DType::kI64)), b.Input("v", {2})});
                  }});
  for (const char* mode : {"nearest", "linear", "cubic"}) {
    rows.push_back({.name = absl::StrCat("Resize_2x_", mode), .build = [mode](Builder& b) {
                      const Value x = b.Input("x", {32, 64, 28, 28});
                      return b.Op("Resize", {x, Value(), Value(), Indices(b, {32, 64, 56, 56})},
                                  {{"mode", mode}});
                    }});
  }
  return rows;
}

}  // namespace

const std::vector<BenchRow>& BenchRows() {
  static const std::vector<BenchRow>& rows = *[] {
    auto* all = new std::vector<BenchRow>();
    for (auto part : {Rows60, Rows40, ElementwiseRows, ReduceRows, MovementRows,
                      NormLossAndPoolRows, RandomAndSignalRows, ProductRows}) {
      for (BenchRow& row : part()) all->push_back(std::move(row));
    }
    return all;
  }();
  return rows;
}

}  // namespace weft
