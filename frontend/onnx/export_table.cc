#include "frontend/onnx/export_table.h"

#include <algorithm>
#include <map>

#include "frontend/onnx/export_opset.h"

namespace weft {
namespace {

// Attributes of ours that ONNX's op lacks up to opset 17, and the values that mean what it does.
bool MeansOnnx(std::string_view op, std::string_view attribute, const Attribute& value) {
  if (attribute == "stream") return true;
  if (attribute == "dilations") {
    const auto* dilations = std::get_if<std::vector<int64_t>>(&value.value);
    return dilations != nullptr &&
           std::all_of(dilations->begin(), dilations->end(), [](int64_t d) { return d == 1; });
  }
  if (op == "LpPool" && attribute == "ceil_mode") return value == Attribute(0);
  if (op == "SoftmaxCrossEntropyLoss" && attribute == "label_smoothing") {
    return value == Attribute(0.0);
  }
  return false;
}

constexpr std::string_view kGradient = "a gradient op, ONNX has none";

std::map<std::string_view, ExportEntry> MakeTable() {
  std::map<std::string_view, ExportEntry> table;
  for (const auto& family : {ActivationExports(), ConvExports(), LikeExports(), NormExports(),
                             PadExports(), PoolExports(), RecurrentExports(), ShapeExports()}) {
    for (const ExportEntry& entry : family) table.emplace(entry.op, entry);
  }
  return table;
}

}  // namespace

void ExportSame(OpExport& e) { ExportSameWith(e, e.attributes()); }

void ExportSameWith(OpExport& e, AttributeMap attributes) {
  const std::string& op = e.call().op;
  const onnx::OpSchema* schema = NewestSchema(op);
  if (schema == nullptr) {
    e.Fail(absl::StrCat("ONNX has no such op up to opset ", kLastOnnxOpset));
    return;
  }
  for (auto it = attributes.begin(); it != attributes.end();) {
    const auto& [name, value] = *it;
    if (schema->attributes().contains(name)) {
      ++it;
    } else if (MeansOnnx(op, name, value)) {
      it = attributes.erase(it);
    } else {
      e.Fail(absl::StrCat("ONNX's ", op, " has no attribute ", name, " up to opset ",
                          kLastOnnxOpset, ", it is ", value.ToString()));
      return;
    }
  }
  std::vector<OnnxOperand> inputs;
  for (int i = 0; i < e.num_inputs(); ++i) {
    inputs.push_back(e.in(i).dtype == DType::kI32 && TakesOnlyI64(*schema, i) ? e.I64(i) : e.in(i));
  }
  e.Last(op, std::move(inputs), std::move(attributes));
}

void ExportOp(OpExport& e) {
  static const auto& table = *new std::map<std::string_view, ExportEntry>(MakeTable());
  const std::string& op = e.call().op;
  const auto it = table.find(op);
  if (it != table.end() && it->second.function != nullptr) return it->second.function(e);
  if (it != table.end()) {
    e.Fail(it->second.reason);
  } else if (op.find("Grad") != std::string::npos) {
    e.Fail(kGradient);
  } else {
    ExportSame(e);
  }
}

}  // namespace weft
