#include <algorithm>
#include <optional>

#include "frontend/onnx/export/table.h"
#include "frontend/onnx/schema.h"

namespace weft {
namespace {

// The elements of a constant of integers; nothing for another operand.
std::optional<std::vector<int64_t>> IntsOf(const OpExport& e, int i) {
  const Tensor* tensor = e.constant(i);
  if (tensor == nullptr) return std::nullopt;
  std::vector<int64_t> values;
  for (int64_t k = 0; k < tensor->size(); ++k) {
    values.push_back(static_cast<int64_t>(tensor->At(k)));
  }
  return values;
}

// The pads of all axes, the beginnings first; nullopt where they are no constants.
std::optional<std::vector<int64_t>> PadsOfAllAxes(const OpExport& e) {
  constexpr int kPads = 1, kAxes = 3;
  const auto pads = IntsOf(e, kPads);
  if (!pads || !e.has(kAxes)) return pads;
  const auto axes = IntsOf(e, kAxes);
  if (!axes) return std::nullopt;
  const auto rank = static_cast<size_t>(e.type().rank());
  std::vector<int64_t> all(2 * rank, 0);
  for (size_t i = 0; i < axes->size(); ++i) {
    const int64_t given = (*axes)[i];
    const auto axis = static_cast<size_t>(given < 0 ? given + e.type().rank() : given);
    all[axis] = (*pads)[i];
    all[rank + axis] = (*pads)[axes->size() + i];
  }
  return all;
}

// Which element of an axis of `n` each one of the padded axis is: what negative pads leave of it,
// mirrored with its border (symmetric) or repeated (wrap).
std::vector<int64_t> PaddedIndices(std::string_view mode, int64_t n, int64_t begin, int64_t end) {
  const int64_t low = std::max<int64_t>(-begin, 0);
  const int64_t kept = n - low - std::max<int64_t>(-end, 0);
  const int64_t period = mode == "wrap" ? kept : 2 * kept;
  std::vector<int64_t> indices;
  for (int64_t i = -std::max<int64_t>(begin, 0); i < kept + std::max<int64_t>(end, 0); ++i) {
    const int64_t at = (i % period + period) % period;
    indices.push_back(low + (at < kept ? at : period - 1 - at));
  }
  return indices;
}

// The modes that came after opset 17 or never: the elements are gathered along each axis.
void ExportGatheredPad(OpExport& e, const std::vector<int64_t>& pads) {
  const std::string mode = GetString(e.attributes(), "mode");
  const auto rank = static_cast<size_t>(e.type().rank());
  std::vector<size_t> padded;
  for (size_t axis = 0; axis < rank; ++axis) {
    if (pads[axis] != 0 || pads[rank + axis] != 0) padded.push_back(axis);
  }
  if (padded.empty()) return e.Last("Identity", {e.in(0)});
  OnnxOperand value = e.in(0);
  for (const size_t axis : padded) {
    const Dim& dim = e.type().shape[axis];
    if (!dim.is_static()) {
      return static_cast<void>(e.Fail(absl::StrCat("mode ", mode, " along a symbolic axis")));
    }
    if (!e.Affords(static_cast<double>(e.result().shape[axis].coefficient()))) return;
    const OnnxOperand indices =
        e.Ints(PaddedIndices(mode, dim.coefficient(), pads[axis], pads[rank + axis]));
    AttributeMap attributes = {{"axis", static_cast<int64_t>(axis)}};
    if (axis == padded.back()) {
      e.Last("Gather", {value, indices}, std::move(attributes));
    } else {
      value = e.Op("Gather", {value, indices}, std::move(attributes));
    }
  }
}

// Pad has `axes` since opset 18; before, pads are of all axes.
void ExportPad(OpExport& e) {
  constexpr int kValue = 2, kAxes = 3;
  const std::string mode = GetString(e.attributes(), "mode");
  const bool gathers = mode == "symmetric" || mode == "wrap";
  if (!gathers && !e.has(kAxes)) return ExportSame(e);
  const auto pads = PadsOfAllAxes(e);
  if (!pads) {
    e.Fail(absl::StrCat("pads or axes that are no constants, with axes or in mode ", mode,
                        ": neither is in ONNX up to opset ", kLastOnnxOpset));
  } else if (gathers) {
    ExportGatheredPad(e, *pads);
  } else {
    e.Last("Pad", {e.in(0), e.Ints(*pads), e.in(kValue)}, e.attributes());
  }
}

}  // namespace

std::vector<ExportEntry> PadExports() { return {{"Pad", ExportPad}}; }

}  // namespace weft
