#include <algorithm>
#include <numeric>
#include <optional>

#include "frontend/onnx/export/regions.h"
#include "frontend/onnx/export/table.h"
#include "graph/evaluate.h"
#include "ops/pool_choice.h"

namespace weft {
namespace {

constexpr std::string_view kKeyed = "its input Key is none of ONNX's";
constexpr std::string_view kRandom = "draws at random, as no op of ONNX does";

// Whether the node is what inference computes, from X alone.
bool IsPlainInference(OpExport& e) {
  if (GetString(e.attributes(), "mode") == "training") e.Fail(kRandom);
  if (e.has(1)) e.Fail(kKeyed);
  return e.status().ok();
}

bool IsDilated(const OpExport& e) {
  const std::vector<int64_t> dilations = GetInts(e.attributes(), "dilations");
  return std::any_of(dilations.begin(), dilations.end(), [](int64_t d) { return d != 1; });
}

// Windows, unless some failure is kept in `e`.
std::optional<PoolWindow> ReadWindow(OpExport& e) {
  const Dims dims = PlaneDims(e);
  if (!e.status().ok()) return std::nullopt;
  auto window = ReadPoolWindow(e.attributes(), dims);
  if (window.ok()) return *std::move(window);
  e.Fail(window.status());
  return std::nullopt;
}

std::optional<ChoicePool> ReadChoice(OpExport& e, ReadChoiceFn read) {
  const Dims dims = PlaneDims(e);
  if (!e.status().ok()) return std::nullopt;
  auto pool = read(e.attributes(), dims);
  if (pool.ok()) return *std::move(pool);
  e.Fail(pool.status());
  return std::nullopt;
}

// Up to opset 18 ceil_mode keeps a last window that starts in the padding, which we drop. Where the
// windows are those of ceil_mode 0 that is what is written.
AttributeMap WithoutNeedlessCeil(const OpExport& e) {
  AttributeMap attributes = e.attributes();
  attributes["ceil_mode"] = 0;
  const auto floored = InferPoolShape(attributes, e.type().shape);
  return floored.ok() && *floored == e.result().shape ? attributes : e.attributes();
}

// One spatial axis of a pooling: attributes of it alone.
struct PoolAxis {
  Dim in, out;
  int64_t stride, span, begin, end;
};

std::vector<PoolAxis> PoolAxes(const OpExport& e) {
  const AttributeMap& a = e.attributes();
  const std::vector<int64_t> kernel = GetInts(a, "kernel_shape");
  const std::vector<int64_t> ones(kernel.size(), 1), zeros(2 * kernel.size(), 0);
  const std::vector<int64_t> strides = GetInts(a, "strides", ones),
                             pads = GetInts(a, "pads", zeros),
                             dilations = GetInts(a, "dilations", ones);
  std::vector<PoolAxis> axes;
  for (size_t i = 0; i < kernel.size(); ++i) {
    axes.push_back({.in = e.type().shape[i + 2],
                    .out = e.result().shape[i + 2],
                    .stride = strides[i],
                    .span = dilations[i] * (kernel[i] - 1) + 1,
                    .begin = pads[i],
                    .end = pads[i + kernel.size()]});
  }
  return axes;
}

// Whether ONNX's ceil_mode has our windows along an axis: none starts in the padding. Along a
// symbolic one that must hold for every extent.
bool HasOnnxCeil(const PoolAxis& a) {
  if (!a.in.is_static()) return a.stride <= a.span - a.end;
  const int64_t room = a.in.coefficient() + a.begin + a.end - a.span;
  return room >= 0 && Dim((room + a.stride - 1) / a.stride + 1) == a.out;
}

// The attributes of a pooling in ONNX: ceil_mode where it means the same, else padding at the ends
// that gives our windows, which counts nothing. nullopt where neither can be.
std::optional<AttributeMap> WithOnnxCeil(const OpExport& e) {
  AttributeMap attributes = WithoutNeedlessCeil(e);
  if (GetInt(attributes, "ceil_mode") == 0) return attributes;
  std::vector<int64_t> begins, ends;
  bool same = true;
  for (const PoolAxis& a : PoolAxes(e)) {
    same = same && HasOnnxCeil(a);
    if (!a.in.is_static() || !a.out.is_static()) continue;
    const int64_t last = (a.out.coefficient() - 1) * a.stride + a.span;
    begins.push_back(a.begin);
    ends.push_back(std::max<int64_t>(0, last - a.in.coefficient() - a.begin));
  }
  if (same) return attributes;
  const bool is_static = begins.size() + 2 == e.type().shape.size();
  if (!is_static || GetInt(attributes, "count_include_pad") != 0) return std::nullopt;
  begins.insert(begins.end(), ends.begin(), ends.end());
  attributes["pads"] = begins;
  attributes["auto_pad"] = "NOTSET";
  attributes["ceil_mode"] = 0;
  return attributes;
}

constexpr std::string_view kCeil =
    "ONNX's ceil_mode keeps windows that start in the padding, and its extents are not known";

void ExportMaxPool(OpExport& e) {
  const auto attributes = WithOnnxCeil(e);
  if (!attributes) return static_cast<void>(e.Fail(kCeil));
  ExportSameWith(e, *attributes);
}

// ONNX's windows have dilations since opset 19.
void ExportAveragePool(OpExport& e) {
  const auto attributes = WithOnnxCeil(e);
  if (!IsDilated(e) && attributes) return ExportSameWith(e, *attributes);
  const auto window = ReadWindow(e);
  if (window) ExportRegionAverages(e, WindowRegions(*window), AverageWeights(*window));
}

// (sum |x|^p)^(1/p). ONNX's windows have dilations and ceil_mode since opset 18.
void ExportLpPool(OpExport& e) {
  AttributeMap attributes = WithoutNeedlessCeil(e);
  if (!IsDilated(e) && GetInt(attributes, "ceil_mode") == 0) {
    return ExportSameWith(e, std::move(attributes));
  }
  const auto window = ReadWindow(e);
  if (!window) return;
  const Regions regions = WindowRegions(*window);
  AxisWeights ones;
  for (const int64_t extent : regions.output) ones.emplace_back(static_cast<size_t>(extent), 1.0);
  const auto p = static_cast<double>(GetInt(e.attributes(), "p"));
  const OnnxOperand powers = e.Op("Pow", {e.Op("Abs", {e.in(0)}), e.Scalar(p)});
  const OnnxOperand sums = RegionSums(e, regions, ones, powers);
  ExportAsImage(e, regions, e.Op("Pow", {sums, e.Scalar(1 / p)}));
}

// The kernel where the outputs divide the inputs; nothing elsewhere.
std::vector<int64_t> AdaptiveKernel(const OpExport& e) {
  std::vector<int64_t> kernel;
  const std::vector<int64_t> outputs = GetInts(e.attributes(), "output_size");
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Dim& extent = e.type().shape[i + 2];
    if (!extent.is_static() || extent.coefficient() % outputs[i] != 0) return {};
    kernel.push_back(extent.coefficient() / outputs[i]);
  }
  return kernel;
}

// One region as a reduction, regions of one size as a pooling. False where they are neither.
bool ExportEvenRegions(OpExport& e, std::string_view pool, std::string_view reduction) {
  const std::vector<int64_t> outputs = GetInts(e.attributes(), "output_size");
  if (std::all_of(outputs.begin(), outputs.end(), [](int64_t n) { return n == 1; })) {
    std::vector<int64_t> axes(outputs.size());
    std::iota(axes.begin(), axes.end(), 2);
    e.LastOurs(reduction, {e.in(0)}, {e.type()}, {{"axes", axes}, {"keepdims", 1}});
    return true;
  }
  const std::vector<int64_t> kernel = AdaptiveKernel(e);
  if (kernel.empty()) return false;
  e.LastOurs(pool, {e.in(0)}, {e.type()}, {{"kernel_shape", kernel}, {"strides", kernel}});
  return true;
}

void ExportAdaptiveAverage(OpExport& e) {
  if (ExportEvenRegions(e, "AveragePool", "ReduceMean")) return;
  const Dims dims = PlaneDims(e);
  if (!e.status().ok()) return;
  const auto regions = AdaptiveRegions(e.attributes(), dims);
  if (!regions.ok()) return static_cast<void>(e.Fail(regions.status()));
  ExportRegionAverages(e, *regions, AverageWeights(*regions));
}

void ExportAdaptiveMax(OpExport& e) {
  if (!IsPlainInference(e) || ExportEvenRegions(e, "MaxPool", "ReduceMax")) return;
  const auto pool = ReadChoice(e, ReadAdaptiveMaxPool);
  if (pool) ExportRegionMaxima(e, pool->regions);
}

void ExportFractionalMax(OpExport& e) {
  if (!IsPlainInference(e)) return;
  const auto pool = ReadChoice(e, ReadFractionalMaxPool);
  if (pool) ExportRegionMaxima(e, pool->regions);
}

std::vector<double> MedianWeights(int64_t taps, int64_t) {
  std::vector<double> weights(static_cast<size_t>(taps), 0);
  weights[static_cast<size_t>((taps - 1) / 2)] += 0.5;
  weights[static_cast<size_t>(taps / 2)] += 0.5;
  return weights;
}

void ExportMedian(OpExport& e) {
  if (!IsPlainInference(e)) return;
  const auto pool = ReadChoice(e, ReadMedianPool);
  if (pool) ExportRegionRanks(e, pool->regions, MedianWeights, 0);
}

std::vector<double> TournamentWeights(int64_t taps, int64_t contestants) {
  ChoicePool pool;
  pool.contestants = contestants;
  ChoiceMemory<double> memory;
  return Chooser<double>(pool, {}, memory).Chances(taps);
}

void ExportTournament(OpExport& e) {
  if (!IsPlainInference(e)) return;
  const auto pool = ReadChoice(e, ReadTournamentPool);
  if (pool) ExportRegionRanks(e, pool->regions, TournamentWeights, pool->contestants);
}

// The dims of a MaxUnpool with an output_shape, which may be of the spatial axes alone.
OnnxOperand UnpooledDims(OpExport& e) {
  constexpr int kOutputShape = 2;
  const auto dims = StaticDims(e.result().shape);
  if (dims.ok()) return e.Ints(*dims);
  if (e.type(kOutputShape).dim(0) == Dim(e.type().rank())) return e.in(kOutputShape);
  const OnnxOperand own = e.OpTo(DType::kI64, "Shape", {e.in(0)});
  const OnnxOperand planes = e.Op("Slice", {own, e.Ints({0}), e.Ints({2})});
  return e.Op("Concat", {planes, e.in(kOutputShape)}, {{"axis", 0}});
}

// As many zeros as the result has elements: few of them as they are, which is what importing would
// make of a node.
OnnxOperand FlatZeros(OpExport& e, const OnnxOperand& dims) {
  const auto size = CountElements(e.result().shape);
  if (!size.ok() || !size->is_static()) {
    return e.Op("Expand", {e.Scalar(0), e.Op("ReduceProd", {dims})});
  }
  if (size->coefficient() > kMostKnownElements) {
    return e.Op("Expand", {e.Scalar(0), e.Ints({size->coefficient()})});
  }
  auto zeros = Tensor::Zeros(e.result().dtype, {size->coefficient()});
  return zeros.ok() ? e.Constant(*std::move(zeros)) : e.Fail(zeros.status());
}

// ONNX's suite lets indices count in the output without output_shape, runtimes in the one that it
// says, as we do: scattering leaves no doubt.
void ExportMaxUnpool(OpExport& e) {
  constexpr int kIndices = 1, kOutputShape = 2;
  if (!e.has(kOutputShape)) return ExportSame(e);
  const OnnxOperand dims = UnpooledDims(e);
  const OnnxOperand zeros = FlatZeros(e, dims);
  const OnnxOperand flat = e.Ints({-1});
  const OnnxOperand scattered =
      e.Op("ScatterElements",
           {zeros, e.Op("Reshape", {e.in(kIndices), flat}), e.Op("Reshape", {e.in(0), flat})});
  e.Last("Reshape", {scattered, dims});
}

// In inference the mean of the positive elements p weighted by themselves: sum p^2 / sum p, and 0
// where there are none.
void ExportStochasticPool(OpExport& e) {
  if (!IsPlainInference(e)) return;
  AttributeMap attributes = e.attributes();
  attributes.erase("mode");
  attributes.erase("stream");
  const auto mean = [&](OnnxOperand x) {
    return e.Ours("AveragePool", {std::move(x)}, {e.type()}, attributes, e.result());
  };
  const OnnxOperand p = e.Op("Relu", {e.in(0)});
  const OnnxOperand square = mean(e.Op("Mul", {p, p}));
  const OnnxOperand sum = mean(p);
  const OnnxOperand ratio = e.Op("Div", {square, sum});
  const OnnxOperand positive = e.OpTo(DType::kBool, "Greater", {sum, e.Scalar(0)});
  e.Last("Where", {positive, ratio, e.Scalar(0)});
}

// In inference the input in the middle of a frame of zeros.
void ExportRandomPlacement(OpExport& e) {
  if (!IsPlainInference(e)) return;
  const std::vector<int64_t> frame = GetInts(e.attributes(), "pads");
  std::vector<int64_t> pads = {0, 0};
  for (int64_t pad : frame) pads.push_back(pad / 2);
  pads.insert(pads.end(), {0, 0});
  for (int64_t pad : frame) pads.push_back(pad - pad / 2);
  e.Last("Pad", {e.in(0), e.Ints(pads)});
}

}  // namespace

std::vector<ExportEntry> PoolExports() {
  return {{"AdaptiveAveragePool", ExportAdaptiveAverage},
          {"AdaptiveMaxPool", ExportAdaptiveMax},
          {"AveragePool", ExportAveragePool},
          {"FractionalMaxPool", ExportFractionalMax},
          {"LpPool", ExportLpPool},
          {"MaxPool", ExportMaxPool},
          {"MaxUnpool", ExportMaxUnpool},
          {"MedianPool", ExportMedian},
          {"RandomPlacement", ExportRandomPlacement},
          {"StochasticPool", ExportStochasticPool},
          {"TournamentPool", ExportTournament}};
}

}  // namespace weft
