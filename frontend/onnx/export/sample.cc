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

// ONNX has just the rows (or columns, along `axis` 1) that there are. Ours are as many as `most`:
// further ones of -1; and their number is an output.
void LastPadded(OpExport& e, const OnnxOperand& found, int64_t axis, const OnnxOperand& most) {
  const OnnxOperand size =
      e.Op("Gather", {e.OpTo(DType::kI64, "Shape", {found}), e.Ints({axis})}, {{"axis", 0}});
  const OnnxOperand more = e.Op("Sub", {most, size});
  const OnnxOperand before = e.Ints({0, 0});
  const OnnxOperand zero = e.Ints({0});
  const OnnxOperand pads =
      e.Op("Concat", axis == 0 ? std::vector{before, more, zero} : std::vector{before, zero, more},
           {{"axis", 0}});
  e.LastOf(0, "Pad", {found, pads, e.Scalar(-1, DType::kI64)});
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
  LastPadded(e, found, 0, e.Ints({rows.coefficient()}));
}

void ExportNonZero(OpExport& e) {
  const OnnxOperand size = e.OpTo(DType::kI64, "Size", {e.in(0)});
  const OnnxOperand found = e.OpTo(DType::kI64, "NonZero", {e.in(0)});
  LastPadded(e, found, 1, e.Op("Reshape", {size, e.Ints({1})}));
}

}  // namespace

std::vector<ExportEntry> SampleExports() {
  return {{"GridSample", ExportGridSample},
          {"NonMaxSuppression", ExportNonMaxSuppression},
          {"NonZero", ExportNonZero}};
}

}  // namespace weft
