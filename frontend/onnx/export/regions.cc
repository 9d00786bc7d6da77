#include "frontend/onnx/export/regions.h"

#include <algorithm>
#include <limits>

namespace weft {
namespace {

// What the outputs of a plane read: `most` places each, those beyond its number repeat the first.
struct TapTable {
  int64_t outputs = 0;
  int64_t most = 0;
  std::vector<int64_t> places = {};  // [outputs, most]
  std::vector<int64_t> numbers = {};

  template <typename T>
  OnnxOperand Constant(const OpExport& e, const std::vector<T>& values, DType dtype) const {
    auto tensor = Tensor::FromValues<T>({outputs, most}, values);
    return e.Constant(*tensor->Converted(dtype));
  }
};

// Empty where it is too large; the error is kept in `e` then.
TapTable TableOf(OpExport& e, const Regions& regions) {
  TapTable table{.outputs = regions.output_size(), .most = regions.most_taps()};
  if (!e.Affords(static_cast<double>(table.outputs) * static_cast<double>(table.most))) return {};
  RegionScratch scratch;
  ForEachRegion(regions, scratch, [&](int64_t, std::span<const int64_t> places) {
    table.places.insert(table.places.end(), places.begin(), places.end());
    table.places.resize(table.places.size() + static_cast<size_t>(table.most) - places.size(),
                        places.empty() ? 0 : places[0]);
    table.numbers.push_back(static_cast<int64_t>(places.size()));
  });
  return table;
}

// [N,C,outputs,taps]
OnnxOperand GatherTaps(OpExport& e, const Regions& regions, const TapTable& table, OnnxOperand x) {
  const OnnxOperand planes = e.Op("Reshape", {std::move(x), e.Ints({0, 0, regions.input_size()})});
  return e.Op("Gather", {planes, table.Constant(e, table.places, DType::kI64)}, {{"axis", 2}});
}

OnnxOperand Reduce(OpExport& e, std::string_view reduction, OnnxOperand taps) {
  const TensorType type{e.type().dtype, Shape(4)};
  return e.Ours(reduction, {std::move(taps)}, {type},
                {{"axes", std::vector<int64_t>{3}}, {"keepdims", 0}}, {type.dtype, Shape(3)});
}

// The products of the axes' weights, in the order of the outputs.
std::vector<double> OutputWeights(const AxisWeights& axes) {
  std::vector<double> products = {1};
  for (const std::vector<double>& axis : axes) {
    std::vector<double> longer;
    for (const double product : products) {
      for (const double weight : axis) longer.push_back(product * weight);
    }
    products = std::move(longer);
  }
  return products;
}

}  // namespace

Dims PlaneDims(OpExport& e) {
  const Shape& x = e.type().shape;
  const auto spatial = StaticDims(Shape(x.begin() + 2, x.end()));
  if (!spatial.ok()) {
    e.Fail(absl::StrCat("regions that ONNX's pooling has not, of symbolic extents ", ToString(x)));
    return {};
  }
  double outputs = 1;
  for (int axis = 2; axis < e.result().rank(); ++axis) {
    outputs *= static_cast<double>(e.result().dim(axis).coefficient());
  }
  if (!e.Affords(outputs)) return {};
  Dims dims = {1, 1};
  dims.insert(dims.end(), spatial->begin(), spatial->end());
  return dims;
}

void ExportAsImage(OpExport& e, const Regions& regions, OnnxOperand value) {
  std::vector<int64_t> shape = {0, 0};
  shape.insert(shape.end(), regions.output.begin(), regions.output.end());
  e.Last("Reshape", {std::move(value), e.Ints(shape)});
}

void ExportRegionMaxima(OpExport& e, const Regions& regions) {
  const TapTable table = TableOf(e, regions);
  if (!e.status().ok()) return;
  ExportAsImage(e, regions, Reduce(e, "ReduceMax", GatherTaps(e, regions, table, e.in(0))));
}

OnnxOperand RegionSums(OpExport& e, const Regions& regions, const AxisWeights& weights,
                       OnnxOperand x) {
  const TapTable table = TableOf(e, regions);
  if (!e.status().ok()) return {};
  const std::vector<double> of_output = OutputWeights(weights);
  std::vector<double> all;
  for (size_t o = 0; o < of_output.size(); ++o) {
    for (int64_t tap = 0; tap < table.most; ++tap) {
      all.push_back(tap < table.numbers[o] ? of_output[o] : 0);
    }
  }
  const OnnxOperand taps = GatherTaps(e, regions, table, std::move(x));
  return Reduce(e, "ReduceSum", e.Op("Mul", {taps, table.Constant(e, all, e.type().dtype)}));
}

void ExportRegionAverages(OpExport& e, const Regions& regions, const AxisWeights& weights) {
  ExportAsImage(e, regions, RegionSums(e, regions, weights, e.in(0)));
}

void ExportRegionRanks(OpExport& e, const Regions& regions, RankWeightsFn weights,
                       int64_t contestants) {
  const TapTable table = TableOf(e, regions);
  if (!e.status().ok()) return;
  const DType dtype = e.type().dtype;
  std::vector<uint8_t> is_tap;
  std::vector<double> shares;
  for (const int64_t number : table.numbers) {
    std::vector<double> ranks = weights(number, contestants);
    ranks.resize(static_cast<size_t>(table.most), 0);
    shares.insert(shares.end(), ranks.begin(), ranks.end());
    for (int64_t tap = 0; tap < table.most; ++tap) is_tap.push_back(tap < number ? 1 : 0);
  }
  OnnxOperand taps = GatherTaps(e, regions, table, e.in(0));
  if (std::find(is_tap.begin(), is_tap.end(), 0) != is_tap.end()) {
    // Less than any element, and finite, for its weight of 0 must make it nothing.
    const OnnxOperand lowest = e.Scalar(std::numeric_limits<float>::lowest());
    taps = e.OpTo(dtype, "Where", {table.Constant(e, is_tap, DType::kBool), taps, lowest});
  }
  const auto sorted =
      e.OpWithOutputs("TopK", {taps, e.Ints({table.most})}, {}, {dtype, DType::kI64});
  const OnnxOperand weighted = e.Op("Mul", {sorted[0], table.Constant(e, shares, dtype)});
  ExportAsImage(e, regions, Reduce(e, "ReduceSum", weighted));
}

}  // namespace weft
