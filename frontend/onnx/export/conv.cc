#include <algorithm>
#include <numeric>

#include "frontend/onnx/export/table.h"

namespace weft {
namespace {

// Weights [C*taps, 1, kernel...] of a convolution with C groups that picks each tap of a window.
absl::StatusOr<Tensor> TapWeights(int64_t channels, const Dims& kernel, DType dtype) {
  WEFT_ASSIGN_OR_RETURN(const int64_t taps, CountElements(kernel));
  Dims dims = {channels * taps, 1};
  dims.insert(dims.end(), kernel.begin(), kernel.end());
  WEFT_ASSIGN_OR_RETURN(Tensor weights, Tensor::Zeros(DType::kF64, std::move(dims)));
  const auto w = weights.mutable_values<double>();
  for (int64_t row = 0; row < channels * taps; ++row) {
    w[static_cast<size_t>(row * taps + row % taps)] = 1;
  }
  return weights.Converted(dtype);
}

// Whether Im2Col or Col2Im of this dtype, these channels and this kernel can be a convolution.
bool CanBeConv(OpExport& e, const Dim& channels, const Dims& kernel) {
  if (!kFloatTypes.contains(e.type().dtype)) {
    e.Fail("integers; as a convolution it takes floating point");
  } else if (!channels.is_static()) {
    e.Fail("a symbolic number of channels");
  }
  double taps = 1;
  for (int64_t extent : kernel) taps *= static_cast<double>(extent);
  return e.Affords(static_cast<double>(channels.coefficient()) * taps * taps);
}

int64_t ExtentOr(const Dim& dim, int64_t otherwise) {
  return dim.is_static() ? dim.coefficient() : otherwise;
}

// A convolution, then [N, C*taps, positions]; the channels' taps come out in that order.
void ExportIm2Col(OpExport& e) {
  const Dim& channels = e.type().dim(1);
  const Dims kernel = GetInts(e.attributes(), "kernel_shape");
  if (!CanBeConv(e, channels, kernel)) return;
  const int64_t c = channels.coefficient();
  auto weights = TapWeights(c, kernel, e.type().dtype);
  if (!weights.ok()) return static_cast<void>(e.Fail(weights.status()));
  AttributeMap attributes = e.attributes();
  attributes["group"] = c;
  const OnnxOperand taps =
      e.Op("Conv", {e.in(0), e.Constant(*std::move(weights))}, std::move(attributes));
  const Shape& y = e.result().shape;
  e.Last("Reshape", {taps, e.Ints({0, ExtentOr(y[1], -1), ExtentOr(y[2], -1)})});
}

// How often the kernel fits along each axis of the image.
Dims Positions(const AttributeMap& attributes, const Dims& image, const Dims& kernel) {
  const size_t rank = image.size();
  const Dims strides = GetInts(attributes, "strides", Dims(rank, 1));
  const Dims dilations = GetInts(attributes, "dilations", Dims(rank, 1));
  const Dims pads = GetInts(attributes, "pads", Dims(2 * rank, 0));
  Dims positions(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t span = dilations[i] * (kernel[i] - 1) + 1;
    positions[i] = (image[i] + pads[i] + pads[rank + i] - span) / strides[i] + 1;
  }
  return positions;
}

// The transposed convolution of Im2Col's; what no window reaches at the end is output padding.
void ExportCol2Im(OpExport& e) {
  const Tensor *image = e.constant(1), *block = e.constant(2);
  if (image == nullptr || block == nullptr) {
    return static_cast<void>(e.Fail("image_shape and block_shape that are no constants"));
  }
  const Dim& channels = e.result().dim(1);
  const auto list = [](const Tensor& t) {
    return Dims(t.values<int64_t>().begin(), t.values<int64_t>().end());
  };
  const Dims extents = list(*image), kernel = list(*block);
  if (!CanBeConv(e, channels, kernel)) return;
  const int64_t c = channels.coefficient();
  auto weights = TapWeights(c, kernel, e.type().dtype);
  if (!weights.ok()) return static_cast<void>(e.Fail(weights.status()));
  AttributeMap attributes = e.attributes();
  const size_t rank = extents.size();
  const Dims strides = GetInts(attributes, "strides", Dims(rank, 1));
  const Dims dilations = GetInts(attributes, "dilations", Dims(rank, 1));
  const Dims pads = GetInts(attributes, "pads", Dims(2 * rank, 0));
  const Dims positions = Positions(attributes, extents, kernel);
  Dims rest(rank);
  for (size_t i = 0; i < rank; ++i) {
    const int64_t reached = (positions[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1;
    rest[i] = extents[i] + pads[i] + pads[rank + i] - reached;
  }
  attributes["group"] = c;
  attributes["output_padding"] = rest;
  Dims shape = {0, ExtentOr(e.type().dim(1), -1)};
  shape.insert(shape.end(), positions.begin(), positions.end());
  const OnnxOperand columns = e.Op("Reshape", {e.in(0), e.Ints(shape)});
  e.Last("ConvTranspose", {columns, e.Constant(*std::move(weights))}, std::move(attributes));
}

}  // namespace

std::vector<ExportEntry> ConvExports() {
  return {{"Col2Im", ExportCol2Im}, {"Im2Col", ExportIm2Col}};
}

}  // namespace weft
