// Convolutions, pooling, normalisation, products, recurrent layers and losses.

#include <limits>
#include <numeric>
#include <set>

#include "absl/strings/str_join.h"
#include "frontend/onnx/import/ops.h"

namespace weft {
namespace {

std::vector<int64_t> SpatialAxes(const TensorType& type) {
  std::vector<int64_t> axes(static_cast<size_t>(std::max(0, type.rank() - 2)));
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

bool IsImage(ImportContext& c, Value x) {
  if (c.TypeOf(x).rank() >= 3) return true;
  c.Fail(absl::InvalidArgumentError(
      absl::StrCat("expected [N,C,spatial...], got ", ToString(c.TypeOf(x)))));
  return false;
}

// Reduce a plane to one element.
std::vector<Value> GlobalPool(ImportContext& c, std::string_view reduction) {
  const Value x = c.in(0);
  if (!c.ok()) return {};
  if (!IsImage(c, x)) return {};
  return {c.Result(reduction, {x}, {{"axes", SpatialAxes(c.TypeOf(x))}})};
}

std::vector<Value> GlobalAveragePool(ImportContext& c) { return GlobalPool(c, "ReduceMean"); }
std::vector<Value> GlobalMaxPool(ImportContext& c) { return GlobalPool(c, "ReduceMax"); }

// The least and the largest normal number of f64, or of f32, which narrower floats compute in.
std::pair<double, double> NormalRange(DType dtype) {
  const auto range = [](auto zero) -> std::pair<double, double> {
    using Limits = std::numeric_limits<decltype(zero)>;
    return {Limits::min(), Limits::max()};
  };
  return dtype == DType::kF64 ? range(0.0) : range(0.0f);
}

std::vector<Value> GlobalLpPool(ImportContext& c) {
  const int64_t p = c.Int("p", 2);
  if (p < 1) {
    c.Fail(absl::InvalidArgumentError(absl::StrCat("expected a p of at least 1, got ", p)));
    return {};
  }
  if (p == 1) return GlobalPool(c, "ReduceL1");
  if (p == 2) return GlobalPool(c, "ReduceL2");
  const Value x = c.in(0);
  if (!c.ok()) return {};
  if (!IsImage(c, x)) return {};
  // In units of the largest, so that no power overflows; a plane of zeros has units of its own.
  const DType dtype = c.TypeOf(x).dtype;
  const AttributeMap axes = {{"axes", SpatialAxes(c.TypeOf(x))}};
  const Value size = c.Op("Abs", {x});
  const auto [least, most] = NormalRange(dtype);
  const Value unit = c.Op(
      "Clip", {c.Op("ReduceMax", {size}, axes), c.Scalar(least, dtype), c.Scalar(most, dtype)});
  const Value powers =
      c.Op("Pow", {c.Op("Div", {size, unit}), c.Scalar(static_cast<double>(p), dtype)});
  const Value sum = c.Op("ReduceSum", {powers}, axes);
  const Value norm = c.Op("Pow", {sum, c.Scalar(1.0 / static_cast<double>(p), dtype)});
  return {c.Result("Mul", {norm, unit})};
}

// The maximum of bytes is that of the same numbers as floats.
std::vector<Value> MaxPool(ImportContext& c) {
  const Value x = c.in(0);
  const DType dtype = c.TypeOf(x).dtype;
  if (!c.ok() || (dtype != DType::kU8 && dtype != DType::kI8)) return ImportSame(c);
  const Value floats = c.Op("Cast", {x}, {{"to", DType::kF32}});
  std::vector<Value> pooled = ImportOp(c, {.op = "MaxPool", .inputs = {floats}});
  if (!c.ok()) return {};
  pooled[0] = c.Op("Cast", {pooled[0]}, {{"to", dtype}});
  return pooled;
}

// Whose running statistics a BatchNormalization has. Nodes with the same four operands are one
// layer, applied several times; but where one initializer stands for two of the four, the file was
// written by a tool that keeps equal initializers once, and what is equal now is not one thing.
std::string LayerOfStatistics(ImportContext& c) {
  std::vector<std::string> operands;
  for (int i = 1; i < c.num_inputs(); ++i) operands.push_back(c.input_name(i));
  const bool shared = std::set(operands.begin(), operands.end()).size() == operands.size();
  return shared ? absl::StrJoin(operands, " ") : c.prefix();
}

// Mode-neutral unless the node says that it trains; then the statistics become updates' values.
std::vector<Value> BatchNormalization(ImportContext& c) {
  if (c.opset() < 9 && c.Int("spatial", 1) == 0) {
    c.Unsupported("statistics of every place (spatial = 0) are not supported");
    return {};
  }
  const bool training =
      c.opset() >= 14 ? c.Int("training_mode") != 0 : c.num_outputs() > 1 && c.Int("is_test") == 0;
  if (training && c.opset() < 14) {
    c.Unsupported("training with the statistics of opsets before 14 is not supported");
    return {};
  }
  const std::string layer = LayerOfStatistics(c);
  return ImportOp(
      c, {.op = "BatchNormalization",
          .inputs = {c.in(0), c.in(1), c.in(2), c.Statistic(3, layer, "running_mean"),
                     c.Statistic(4, layer, "running_var")},
          .attributes = {{"mode", training ? "training" : "auto"}, {"running_variance", "biased"}},
          .ignored = {"is_test", "spatial", "training_mode"}});
}

// Mode-neutral unless the node says that it trains.
std::vector<Value> Dropout(ImportContext& c) {
  const bool operands = c.opset() >= 12;
  const double ratio = operands ? c.KnownNumber(1, "ratio").value_or(0.5) : c.Float("ratio", 0.5);
  const bool training = operands && c.KnownNumber(2, "training_mode").value_or(0) != 0;
  std::vector<Value> y = ImportOp(c, {.op = "Dropout",
                                      .inputs = {c.in(0)},
                                      .attributes = {{"ratio", ratio},
                                                     {"mode", training ? "training" : "auto"},
                                                     {"stream", c.Stream()}},
                                      .ignored = {"seed", "is_test"}});
  // The mask was of the data's type once.
  if (c.ok() && y.size() > 1 && c.opset() < 10) {
    y[1] = c.Op("Cast", {y[1]}, {{"to", c.type(0).dtype}});
  }
  return y;
}

std::vector<Value> Gemm(ImportContext& c) {
  return ImportOp(c, {.op = "Gemm", .inputs = c.ins(), .ignored = {"broadcast"}});
}

// ONNX's default activations are those of two directions, whatever the direction is.
std::vector<Value> Recurrent(ImportContext& c) {
  // output_sequence of opsets before 7 says what the named outputs say.
  if (c.Gives("activations")) {
    return ImportOp(c, {.op = c.op_type(), .inputs = c.ins(), .ignored = {"output_sequence"}});
  }
  return ImportOp(
      c, {.op = c.op_type(), .inputs = c.ins(), .ignored = {"activations", "output_sequence"}});
}

// Indices count in the output that the strides and pads give, whatever output_shape says: that
// only adds zeros at the ends, as ONNX's test suite has it.
std::vector<Value> MaxUnpool(ImportContext& c) {
  const std::vector<Value> y = ImportOp(c, {.op = "MaxUnpool", .inputs = {c.in(0), c.in(1)}});
  const auto shape = c.KnownInts(2, "output_shape");
  if (!shape || !c.ok()) return y;
  const TensorType& type = c.TypeOf(y[0]);
  if (!type.is_static() || shape->size() != type.shape.size()) {
    c.Fail(absl::InvalidArgumentError(absl::StrCat("expected an output_shape of a known ",
                                                   ToString(type), ", got ", ToString(*shape))));
    return {};
  }
  std::vector<int64_t> pads(2 * shape->size());
  for (size_t i = 0; i < shape->size(); ++i) {
    const int64_t least = type.shape[i].coefficient();
    if ((*shape)[i] < least) {
      c.Fail(absl::InvalidArgumentError(absl::StrCat("expected an output_shape of at least ",
                                                     ToString(type.shape), ", got ",
                                                     ToString(*shape))));
      return {};
    }
    pads[shape->size() + i] = (*shape)[i] - least;
  }
  return {c.Op("Pad", {y[0], c.Ints(pads)})};
}

// The statistics are computed in f32 or better here, whatever stash_type allows.
bool StashesFloats(ImportContext& c) {
  if (c.Int("stash_type", 1) == 1) return true;
  c.Unsupported("a stash_type other than FLOAT is not supported");
  return false;
}

std::vector<Value> LayerNormalization(ImportContext& c) {
  if (!StashesFloats(c)) return {};
  return ImportOp(c, {.op = "LayerNormalization", .inputs = c.ins(), .ignored = {"stash_type"}});
}

// Opset 18 has scale and bias of the groups, opset 21 of the channels, as ours.
Value OfChannels(ImportContext& c, int i, int64_t groups) {
  const Value factor = c.in(i);
  if (c.opset() >= 21 || !c.ok()) return factor;
  const TensorType& x = c.type(0);
  if (x.rank() < 2 || !x.dim(1).is_static() || groups < 1) {
    return c.Unsupported("channels of unknown number are not supported");
  }
  const Value column = c.Op("Reshape", {factor, c.Ints({groups, 1})});
  const Value each = c.Op("Expand", {column, c.Ints({groups, x.dim(1).coefficient() / groups})});
  return c.Op("Reshape", {each, c.Ints({-1})});
}

std::vector<Value> GroupNormalization(ImportContext& c) {
  if (!StashesFloats(c)) return {};
  const int64_t groups = c.Int("num_groups");
  const Value scale = OfChannels(c, 1, groups), bias = OfChannels(c, 2, groups);
  return ImportOp(
      c, {.op = "GroupNormalization", .inputs = {c.in(0), scale, bias}, .ignored = {"stash_type"}});
}

// x / sqrt(mean(x^2) + epsilon) * scale, with the mean along the axes from `axis` on.
std::vector<Value> RmsNormalization(ImportContext& c) {
  const Value x = c.in(0);
  if (!StashesFloats(c) || !c.ok()) return {};
  const TensorType& type = c.TypeOf(x);
  const absl::StatusOr<int> first = NormalizeAxis(c.Int("axis", -1), type.rank());
  if (!first.ok()) return {c.Fail(first.status())};
  std::vector<int64_t> axes(static_cast<size_t>(type.rank() - *first));
  std::iota(axes.begin(), axes.end(), *first);
  const Value square = c.Op("ReduceMean", {c.Op("Mul", {x, x})}, {{"axes", axes}});
  const Value epsilon = c.Scalar(c.Float("epsilon"), type.dtype);
  const Value deviation = c.Op("Sqrt", {c.Op("Add", {square, epsilon})});
  return {c.Result("Mul", {c.Op("Div", {x, deviation}), c.in(1)})};
}

}  // namespace

std::vector<OnnxOp> LayerImports() {
  std::vector<OnnxOp> ops = {{"BatchNormalization", BatchNormalization},
                             {"Dropout", Dropout, {1, 2}},
                             {"Gemm", Gemm},
                             {"GlobalAveragePool", GlobalAveragePool},
                             {"GlobalLpPool", GlobalLpPool},
                             {"GlobalMaxPool", GlobalMaxPool},
                             {"GroupNormalization", GroupNormalization},
                             {"LayerNormalization", LayerNormalization},
                             {"RMSNormalization", RmsNormalization},
                             {"MaxPool", MaxPool},
                             {"MaxUnpool", MaxUnpool, {2}},
                             {"GRU", Recurrent},
                             {"LSTM", Recurrent},
                             {"RNN", Recurrent}};
  for (std::string_view name :
       {"AveragePool", "Conv", "ConvTranspose", "InstanceNormalization", "LRN", "LpNormalization",
        "LpPool", "MatMul", "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}) {
    ops.push_back({name, ImportSame});
  }
  return ops;
}

}  // namespace weft
