#include "frontend/onnx/export/table.h"

#include <algorithm>
#include <map>

#include "frontend/onnx/export/opset.h"

namespace weft {
namespace {

// Whether an attribute that ONNX's op lacks up to opset 17 has the value that means what it does.
bool MeansOnnx(std::string_view attribute, const Attribute& value) {
  if (attribute == "stream") return true;
  if (attribute == "dilations") {
    const auto* d = std::get_if<std::vector<int64_t>>(&value.value);
    return d != nullptr && std::count(d->begin(), d->end(), 1) == std::ssize(*d);
  }
  if (attribute == "ceil_mode") return value == Attribute(0);
  return attribute == "label_smoothing" && value == Attribute(0.0);
}

constexpr std::string_view kGradient = "a gradient op, ONNX has none";

using Table = std::map<std::string_view, ExportFn>;

Table MakeTable() {
  Table table;
  for (const auto& family : {ActivationExports(), ConvExports(), FusedExports(), LikeExports(),
                             NormExports(), PadExports(), PoolExports(), RecurrentExports(),
                             SampleExports(), ShapeExports(), StructureExports()}) {
    for (const ExportEntry& entry : family) table.emplace(entry.op, entry.function);
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
    } else if (MeansOnnx(name, value)) {
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
  static const Table& table = *new Table(MakeTable());
  const std::string& op = e.call().op;
  const auto it = table.find(op);
  if (it != table.end()) return it->second(e);
  if (op.find("Grad") != std::string::npos) return static_cast<void>(e.Fail(kGradient));
  ExportSame(e);
}

}  // namespace weft
