#include <algorithm>

#include "frontend/onnx/export_table.h"
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

// The elements of a constant of integers; nothing for another operand.
std::vector<int64_t> IntsOf(const OpExport& e, int i) {
  std::vector<int64_t> values;
  const Tensor* tensor = e.constant(i);
  for (int64_t k = 0; tensor != nullptr && k < tensor->size(); ++k) {
    values.push_back(static_cast<int64_t>(tensor->At(k)));
  }
  return values;
}

// Pad has `axes` since opset 18; before, pads are of all axes. Mode wrap came with opset 19.
void ExportPad(OpExport& e) {
  const std::string mode = GetString(e.attributes(), "mode");
  if (mode == "symmetric" || mode == "wrap") {
    return static_cast<void>(
        e.Fail(absl::StrCat("mode ", mode, " is not in ONNX up to opset ", kLastOnnxOpset)));
  }
  if (!e.has(3)) return ExportSame(e);
  const std::vector<int64_t> pads = IntsOf(e, 1), axes = IntsOf(e, 3);
  const auto rank = static_cast<size_t>(e.type().rank());
  if (e.constant(1) == nullptr || e.constant(3) == nullptr) {
    return static_cast<void>(e.Fail(absl::StrCat(
        "pads and axes that are no constants; ONNX has no axes up to opset ", kLastOnnxOpset)));
  }
  std::vector<int64_t> all(2 * rank, 0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(axes[i] < 0 ? axes[i] + e.type().rank() : axes[i]);
    all[axis] = pads[i];
    all[rank + axis] = pads[axes.size() + i];
  }
  e.Last("Pad", {e.in(0), e.Ints(all), e.in(2)}, e.attributes());
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

// Resize has `axes` since opset 18; before, roi, scales and sizes are of all axes.
void ExportResize(OpExport& e) {
  const std::vector<int64_t> axes = GetInts(e.attributes(), "axes");
  if (axes.empty()) return ExportSame(e);
  constexpr int kRoi = 1, kScales = 2, kSizes = 3;
  const auto rank = static_cast<size_t>(e.type().rank());
  const std::vector<double> zeros(rank, 0), ones(rank, 1);
  std::vector<double> extents;
  for (const Dim& dim : e.type().shape) {
    if (!dim.is_static() && e.has(kSizes)) {
      return static_cast<void>(e.Fail("sizes along some axes, with symbolic extents of others"));
    }
    extents.push_back(static_cast<double>(dim.coefficient()));
  }
  AttributeMap attributes = e.attributes();
  attributes.erase("axes");
  const OnnxOperand roi = OfAllAxes(e, kRoi, axes, {zeros, ones});
  const OnnxOperand scales = OfAllAxes(e, kScales, axes, {ones});
  const OnnxOperand sizes = OfAllAxes(e, kSizes, axes, {extents});
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

void ExportRange(OpExport& e) {
  const OnnxOperand start = e.ScalarOf(0), limit = e.ScalarOf(1), delta = e.ScalarOf(2);
  e.Last("Range", {start, limit, delta});
}

}  // namespace

std::vector<ExportEntry> ShapeExports() {
  std::vector<ExportEntry> entries = {{"Pad", ExportPad},
                                      {"Range", ExportRange},
                                      {"ReduceSum", ExportReduceSum},
                                      {"Resize", ExportResize},
                                      {"ScatterElements", ExportScatter},
                                      {"ScatterND", ExportScatter},
                                      {"Split", ExportSplit}};
  for (std::string_view op :
       {"ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean",
        "ReduceMin", "ReduceProd", "ReduceSumSquare"}) {
    entries.push_back({op, ExportReduction});
  }
  return entries;
}

}  // namespace weft
