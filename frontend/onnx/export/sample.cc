#include "frontend/onnx/export/table.h"
#include "frontend/onnx/schema.h"

namespace weft {
namespace {

// Up to opset 19 grids are of images, and their modes are called after them.
void ExportGridSample(OpExport& e) {
  if (e.type().rank() != 4) {
    e.Fail(
        absl::StrCat("ONNX's GridSample is of images [N,C,H,W] only up to opset ", kLastOnnxOpset));
    return;
  }
  AttributeMap attributes = e.attributes();
  const std::string mode = GetString(attributes, "mode");
  if (mode != "nearest") attributes["mode"] = mode == "linear" ? "bilinear" : "bicubic";
  ExportSameWith(e, std::move(attributes));
}

OnnxOperand SizeAlong(OpExport& e, const OnnxOperand& x, int64_t axis) {
  return e.Op("Gather", {e.OpTo(DType::kI64, "Shape", {x}), e.Ints({axis})}, {{"axis", 0}});
}

// ONNX has just the slices along an axis that there are. Ours, output `i`, are `more` than those:
// further ones of `padding`.
void LastPadded(OpExport& e, int i, const OnnxOperand& found, int64_t axis, const OnnxOperand& more,
                double padding) {
  const TensorType& type = e.call().types[static_cast<size_t>(i)];
  const auto rank = static_cast<int64_t>(type.rank());
  const OnnxOperand before = e.Ints(std::vector<int64_t>(static_cast<size_t>(rank + axis), 0));
  const OnnxOperand after = e.Ints(std::vector<int64_t>(static_cast<size_t>(rank - axis - 1), 0));
  const OnnxOperand pads = e.Op("Concat", {before, more, after}, {{"axis", 0}});
  e.LastOf(i, "Pad", {found, pads, e.Scalar(padding, type.dtype)});
}

// The same of the first output, of `most` slices, where their number is the second.
void LastCounted(OpExport& e, const OnnxOperand& found, int64_t axis, const OnnxOperand& most) {
  const OnnxOperand size = SizeAlong(e, found, axis);
  LastPadded(e, 0, found, axis, e.Op("Sub", {most, size}), -1);
  e.LastOf(1, "Identity", {size});
}

void ExportNonMaxSuppression(OpExport& e) {
  const Dim& rows = e.result().dim(0);
  if (!rows.is_static()) {
    e.Fail("a symbolic number of boxes");
    return;
  }
  std::vector<OnnxOperand> inputs;
  for (int i = 0; i < e.num_inputs(); ++i) inputs.push_back(e.in(i));
  const OnnxOperand found =
      e.OpTo(DType::kI64, "NonMaxSuppression", std::move(inputs), e.attributes());
  LastCounted(e, found, 0, e.Ints({rows.coefficient()}));
}

void ExportNonZero(OpExport& e) {
  const OnnxOperand size = e.OpTo(DType::kI64, "Size", {e.in(0)});
  const OnnxOperand found = e.OpTo(DType::kI64, "NonZero", {e.in(0)});
  LastCounted(e, found, 1, e.Op("Reshape", {size, e.Ints({1})}));
}

void ExportUnique(OpExport& e) {
  const std::vector<OnnxOperand> found = e.OpWithOutputs(
      "Unique", {e.in(0)}, e.attributes(), {e.type().dtype, DType::kI64, DType::kI64, DType::kI64});
  const OnnxOperand &inverse = found[2], size = SizeAlong(e, found[1], 0);
  const OnnxOperand more = e.Op("Sub", {SizeAlong(e, inverse, 0), size});
  const int64_t axis = GetInt(e.attributes(), "axis");
  LastPadded(e, 0, found[0], axis < 0 ? axis + e.type().rank() : axis, more, 0);
  LastPadded(e, 1, found[1], 0, more, -1);
  e.LastOf(2, "Identity", {inverse});
  LastPadded(e, 3, found[3], 0, more, 0);
  e.LastOf(4, "Identity", {size});
}

}  // namespace

std::vector<ExportEntry> SampleExports() {
  return {{"GridSample", ExportGridSample},
          {"NonMaxSuppression", ExportNonMaxSuppression},
          {"NonZero", ExportNonZero},
          {"Unique", ExportUnique}};
}

}  // namespace weft
