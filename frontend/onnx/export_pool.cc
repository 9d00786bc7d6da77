#include <algorithm>
#include <numeric>

#include "frontend/onnx/export_table.h"

namespace weft {
namespace {

constexpr std::string_view kKeyed = "its input Key is none of ONNX's";
constexpr std::string_view kNoPool = "ONNX has no such pooling and no op to compose it of";

bool IsTraining(const OpExport& e) { return GetString(e.attributes(), "mode") == "training"; }

// Regions of one size where the outputs divide the inputs: a pooling. One region: a reduction.
void ExportAdaptive(OpExport& e, std::string_view pool, std::string_view reduction) {
  if (e.has(1)) return static_cast<void>(e.Fail(kKeyed));
  const std::vector<int64_t> outputs = GetInts(e.attributes(), "output_size");
  const std::vector<TensorType> types = {e.type()};
  if (std::all_of(outputs.begin(), outputs.end(), [](int64_t n) { return n == 1; })) {
    std::vector<int64_t> axes(outputs.size());
    std::iota(axes.begin(), axes.end(), 2);
    return e.LastOurs(reduction, {e.in(0)}, types, {{"axes", axes}, {"keepdims", 1}});
  }
  std::vector<int64_t> kernel;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Dim& extent = e.type().shape[i + 2];
    if (!extent.is_static() || outputs[i] == 0 || extent.coefficient() % outputs[i] != 0) {
      return static_cast<void>(
          e.Fail(absl::StrCat("output_size ", ToString(outputs), " does not divide ",
                              ToString(e.type().shape), ": ONNX's windows are of one size")));
    }
    kernel.push_back(extent.coefficient() / outputs[i]);
  }
  e.LastOurs(pool, {e.in(0)}, types, {{"kernel_shape", kernel}, {"strides", kernel}});
}

void ExportAdaptiveAverage(OpExport& e) { ExportAdaptive(e, "AveragePool", "ReduceMean"); }
void ExportAdaptiveMax(OpExport& e) { ExportAdaptive(e, "MaxPool", "ReduceMax"); }

// Our output_shape may be of the spatial axes alone.
void ExportMaxUnpool(OpExport& e) {
  constexpr int kOutputShape = 2;
  if (!e.has(kOutputShape)) return ExportSame(e);
  const TensorType& list = e.type(kOutputShape);
  OnnxOperand shape = e.in(kOutputShape);
  if (list.dim(0) != Dim(e.type().rank())) {
    const OnnxOperand dims = e.OpTo(DType::kI64, "Shape", {e.in(0)});
    const OnnxOperand planes = e.Op("Slice", {dims, e.Ints({0}), e.Ints({2})});
    shape = e.Op("Concat", {planes, shape}, {{"axis", 0}});
  }
  e.Last("MaxUnpool", {e.in(0), e.in(1), shape}, e.attributes());
}

// In inference the mean of the positive elements p weighted by themselves: sum p^2 / sum p, and 0
// where there are none.
void ExportStochasticPool(OpExport& e) {
  if (IsTraining(e)) return static_cast<void>(e.Fail("draws at random, as no op of ONNX does"));
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
  if (IsTraining(e)) return static_cast<void>(e.Fail("draws at random, as no op of ONNX does"));
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
          {"FractionalMaxPool", nullptr, kNoPool},
          {"MaxUnpool", ExportMaxUnpool},
          {"MedianPool", nullptr, kNoPool},
          {"RandomPlacement", ExportRandomPlacement},
          {"StochasticPool", ExportStochasticPool},
          {"TournamentPool", nullptr, kNoPool}};
}

}  // namespace weft
