#include <algorithm>

#include "frontend/onnx/export/table.h"
#include "frontend/onnx/schema.h"

// Reductions and the ops that move elements: attributes of ours that are inputs of ONNX's, and
// attributes that came after opset 17.

namespace weft {
namespace {

// No axes mean all of them, for us as an empty list too.
void ExportReduction(OpExport& e) {
  AttributeMap attributes = e.attributes();
  if (GetInts(attributes, "axes").empty()) attributes.erase("axes");
  ExportSameWith(e, std::move(attributes));
}

// The only reduction whose axes are an input by opset 17.
void ExportReduceSum(OpExport& e) {
  std::vector<OnnxOperand> inputs = {e.in(0)};
  const std::vector<int64_t> axes = GetInts(e.attributes(), "axes");
  if (!axes.empty()) inputs.push_back(e.Argument("axes", Tensor::FromInts(axes)));
  e.Last("ReduceSum", std::move(inputs), {{"keepdims", GetInt(e.attributes(), "keepdims", 1)}});
}

// ONNX's pieces are equal unless `split` says otherwise; with num_outputs the last may be smaller.
void ExportSplit(OpExport& e) {
  AttributeMap attributes = e.attributes();
  attributes.erase("num_outputs");
  if (e.has(1)) return e.Last("Split", {e.in(0), e.I64(1)}, std::move(attributes));
  const int64_t axis = GetInt(attributes, "axis");
  std::vector<int64_t> sizes;
  bool equal = true;
  for (const TensorType& type : e.call().types) {
    const Dim& dim = type.dim(static_cast<int>(axis < 0 ? axis + type.rank() : axis));
    equal = equal && dim == e.result().dim(static_cast<int>(axis < 0 ? axis + type.rank() : axis));
    if (dim.is_static()) sizes.push_back(dim.coefficient());
  }
  if (equal) return e.Last("Split", {e.in(0)}, std::move(attributes));
  if (sizes.size() < e.call().types.size()) {
    return static_cast<void>(e.Fail("unequal pieces of symbolic extents"));
  }
  e.Last("Split", {e.in(0), e.Ints(sizes)}, std::move(attributes));
}

// A constant operand of `blocks` numbers an axis in `axes`, as one of all axes with `others`.
OnnxOperand OfAllAxes(OpExport& e, int i, const std::vector<int64_t>& axes,
                      const std::vector<std::vector<double>>& others) {
  if (!e.has(i)) return {};
  const Tensor* given = e.constant(i);
  if (given == nullptr) {
    return e.Fail(absl::StrCat("axes with an operand that is no constant; ONNX has no axes up to ",
                               "opset ", kLastOnnxOpset));
  }
  if (given->size() != static_cast<int64_t>(others.size() * axes.size())) {
    return e.Fail(
        absl::StrCat("input ", i, " of ", given->size(), " numbers for ", axes.size(), " axes"));
  }
  std::vector<double> all;
  for (size_t block = 0; block < others.size(); ++block) {
    std::vector<double> values = others[block];
    for (size_t k = 0; k < axes.size(); ++k) {
      const auto axis = static_cast<size_t>(axes[k] < 0 ? axes[k] + e.type().rank() : axes[k]);
      values[axis] = given->At(static_cast<int64_t>(block * axes.size() + k));
    }
    all.insert(all.end(), values.begin(), values.end());
  }
  auto tensor = Tensor::FromValues<double>({static_cast<int64_t>(all.size())}, all);
  if (tensor.ok()) tensor = tensor->Converted(given->dtype());
  return tensor.ok() ? e.Constant(*std::move(tensor)) : e.Fail(tensor.status());
}

// The extents of a resized X: `sizes` along `axes`, its own along the others, which may be
// symbolic.
OnnxOperand SizesOfAllAxes(OpExport& e, int i, const std::vector<int64_t>& axes) {
  const Shape& shape = e.type().shape;
  std::vector<double> extents;
  for (const Dim& dim : shape) extents.push_back(static_cast<double>(dim.coefficient()));
  const OnnxOperand all = OfAllAxes(e, i, axes, {extents});
  if (!e.has(i) || all.leaf == nullptr || StaticDims(shape).ok()) return all;
  const auto is_resized = [&](int64_t axis) {
    const auto same = [&](int64_t a) { return (a < 0 ? a + e.type().rank() : a) == axis; };
    return std::any_of(axes.begin(), axes.end(), same);
  };
  const OnnxOperand own = e.OpTo(DType::kI64, "Shape", {e.in(0)});
  const auto values = all.leaf->tensor.values<int64_t>();
  std::vector<OnnxOperand> pieces;
  for (int64_t from = 0, to = 0; from < e.type().rank(); from = to) {
    const bool resized = is_resized(from);
    for (to = from + 1; to < e.type().rank() && is_resized(to) == resized; ++to) continue;
    pieces.push_back(resized ? e.Ints({values.begin() + from, values.begin() + to})
                             : e.Op("Slice", {own, e.Ints({from}), e.Ints({to})}));
  }
  if (pieces.size() == 1) return pieces[0];
  return e.Op("Concat", std::move(pieces), {{"axis", 0}});
}

// Resize has `axes` since opset 18; before, roi, scales and sizes are of all axes.
void ExportResize(OpExport& e) {
  const std::string places = GetString(e.attributes(), "coordinate_transformation_mode");
  if (places == "half_pixel_symmetric") {
    e.Fail(absl::StrCat("ONNX has no ", places, " up to opset ", kLastOnnxOpset));
    return;
  }
  const std::vector<int64_t> axes = GetInts(e.attributes(), "axes");
  if (axes.empty()) return ExportSame(e);
  constexpr int kRoi = 1, kScales = 2, kSizes = 3;
  const auto rank = static_cast<size_t>(e.type().rank());
  const std::vector<double> zeros(rank, 0), ones(rank, 1);
  AttributeMap attributes = e.attributes();
  attributes.erase("axes");
  const OnnxOperand roi = OfAllAxes(e, kRoi, axes, {zeros, ones});
  const OnnxOperand scales = OfAllAxes(e, kScales, axes, {ones});
  const OnnxOperand sizes = SizesOfAllAxes(e, kSizes, axes);
  e.Last("Resize", {e.in(0), roi, scales, sizes}, std::move(attributes));
}

// Opset 16 has add and mul.
void ExportScatter(OpExport& e) {
  const std::string reduction = GetString(e.attributes(), "reduction");
  if (reduction == "max" || reduction == "min") {
    e.Fail(absl::StrCat("reduction ", reduction, " is not in ONNX up to opset ", kLastOnnxOpset));
  }
  ExportSame(e);
}

// Mode DCR is ONNX's. CRD, PyTorch's PixelUnshuffle, has the channel before the block's place.
void ExportSpaceToDepth(OpExport& e) {
  AttributeMap attributes = e.attributes();
  attributes.erase("mode");
  if (GetString(e.attributes(), "mode") == "DCR") return ExportSameWith(e, std::move(attributes));
  const Shape& x = e.type().shape;
  const int64_t b = GetInt(attributes, "blocksize");
  const auto dims = StaticDims(Shape(x.begin() + 1, x.end()));
  if (!dims.ok()) return static_cast<void>(e.Fail("mode CRD of an image of symbolic extents"));
  const int64_t c = (*dims)[0], h = (*dims)[1] / b, w = (*dims)[2] / b;
  const OnnxOperand blocks = e.Op("Reshape", {e.in(0), e.Ints({0, c, h, b, w, b})});
  const OnnxOperand moved =
      e.Op("Transpose", {blocks}, {{"perm", std::vector<int64_t>{0, 1, 3, 5, 2, 4}}});
  e.Last("Reshape", {moved, e.Ints({0, c * b * b, h, w})});
}

// ONNX's shape has at least one axis.
void ExportRandom(OpExport& e) {
  AttributeMap attributes = e.attributes();
  if (!GetInts(attributes, "shape").empty()) return ExportSame(e);
  attributes.erase("stream");
  attributes["shape"] = std::vector<int64_t>{1};
  const OnnxOperand one = e.OpTo(e.result().dtype, e.call().op, {}, std::move(attributes));
  e.Last("Reshape", {one, e.Ints({})});
}

void ExportRange(OpExport& e) {
  const OnnxOperand start = e.ScalarOf(0), limit = e.ScalarOf(1), delta = e.ScalarOf(2);
  e.Last("Range", {start, limit, delta});
}

}  // namespace

std::vector<ExportEntry> ShapeExports() {
  std::vector<ExportEntry> entries = {
      {"RandomNormal", ExportRandom}, {"RandomUniform", ExportRandom},
      {"Range", ExportRange},         {"ReduceSum", ExportReduceSum},
      {"Resize", ExportResize},       {"ScatterElements", ExportScatter},
      {"ScatterND", ExportScatter},   {"SpaceToDepth", ExportSpaceToDepth},
      {"Split", ExportSplit}};
  for (std::string_view op :
       {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
        "ReduceMin", "ReduceProd", "ReduceSumSquare"}) {
    entries.push_back({op, ExportReduction});
  }
  return entries;
}

}  // namespace weft
