#include "frontend/onnx/import/ops.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/onnx/import/halves.h"
#include "graph/op.h"

namespace weft {
namespace {

// An ONNX attribute as the kind that our schema says; a failure of the context where it is none.
std::optional<Attribute> Converted(ImportContext& c, const AttributeSpec& spec) {
  const std::string name(spec.name);
  switch (spec.kind) {
    case Attribute::Kind::kInt:
      return Attribute(c.Int(name));
    case Attribute::Kind::kFloat:
      return Attribute(c.Float(name));
    case Attribute::Kind::kString:
      return Attribute(c.String(name));
    case Attribute::Kind::kInts:
      return Attribute(c.Ints(name));
    case Attribute::Kind::kStrings:
      return Attribute(c.Strings(name));
    case Attribute::Kind::kFloats: {
      const auto& floats = c.Find(name)->floats();
      return Attribute(std::vector<double>(floats.begin(), floats.end()));
    }
    case Attribute::Kind::kDType: {
      const auto type = static_cast<int32_t>(c.Int(name));
      const std::optional<DType> dtype = ImportedDTypeOf(type);
      if (dtype) return Attribute(*dtype);
      c.Unsupported(absl::StrCat(name, " ", OnnxTypeName(type), " is not supported"));
      return std::nullopt;
    }
    case Attribute::Kind::kTensor: {
      absl::StatusOr<Tensor> tensor = ImportedTensor(c.Find(name)->t());
      if (tensor.ok()) return Attribute(*std::move(tensor));
      c.Fail(Annotate(tensor.status(), name));
      return std::nullopt;
    }
    case Attribute::Kind::kType:
    case Attribute::Kind::kPostOps:
      break;
  }
  return std::nullopt;
}

// The narrowest of `dtypes` that holds all integers of `narrow`.
std::optional<DType> WiderType(DType narrow, DTypeSet dtypes) {
  constexpr DTypeSet kOf16Bits = {DType::kI8, DType::kU8, DType::kI16, DType::kU16};
  const bool fits_in_32 = kOf16Bits.contains(narrow);
  if (!fits_in_32 && narrow != DType::kU32) return std::nullopt;
  for (DType wide : {DType::kI32, DType::kI64, DType::kF32, DType::kF64}) {
    if (dtypes.contains(wide) && (fits_in_32 || SizeOf(wide) == 8)) return wide;
  }
  return std::nullopt;
}

// Integers that our op does not take are computed in a type that holds them: what comes back wraps
// around as theirs would.
void WidenOperands(ImportContext& c, const OpDef& op, std::vector<Value>& inputs) {
  for (size_t i = 0; i < inputs.size() && !op.inputs.empty(); ++i) {
    const DTypeSet dtypes = op.input(i).dtypes;
    if (inputs[i].null() || dtypes.contains(inputs[i].type().dtype)) continue;
    const std::optional<DType> wide = WiderType(inputs[i].type().dtype, dtypes);
    if (wide) inputs[i] = c.Op("Cast", {inputs[i]}, {{"to", *wide}});
  }
}

void NarrowResults(ImportContext& c, DType narrow, std::vector<Value>& outputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!c.HasFirstType(static_cast<int>(i)) || outputs[i].null()) continue;
    outputs[i] = c.Op("Cast", {outputs[i]}, {{"to", narrow}});
  }
}

// Types that our op does not take are no mistake of the model's.
void CheckTypes(ImportContext& c, const OpDef& op, const std::vector<Value>& inputs) {
  for (size_t i = 0; i < inputs.size() && !op.inputs.empty(); ++i) {
    const InputSpec& spec = op.input(i);
    if (inputs[i].null() || spec.dtypes.contains(inputs[i].type().dtype)) continue;
    c.Unsupported(absl::StrCat("its operand ", Absl(spec.name), " of ",
                               Absl(ToString(inputs[i].type().dtype)), " is not supported, only ",
                               spec.dtypes.ToString()));
  }
}

int OutputCount(const ImportContext& c, const OpDef& op) {
  if (op.variadic_outputs) return c.num_output_places();
  const auto required = std::count_if(op.outputs.begin(), op.outputs.end(),
                                      [](const OutputSpec& o) { return !o.optional; });
  // More of them are the converter's to make.
  return std::max(static_cast<int>(required),
                  std::min(c.num_outputs(), static_cast<int>(std::ssize(op.outputs))));
}

}  // namespace

std::vector<Value> ImportOp(ImportContext& c, const ImportAs& as) {
  if (!c.ok()) return {};
  const OpDef& op = *c.graph().registry().Find(as.op);
  AttributeMap attributes = as.attributes;
  for (const AttributeSpec& spec : op.attributes) {
    if (attributes.contains(spec.name) || !c.Has(spec.name)) continue;
    if (std::find(as.ignored.begin(), as.ignored.end(), spec.name) != as.ignored.end()) continue;
    std::optional<Attribute> attribute = Converted(c, spec);
    if (!attribute) return {};
    attributes.emplace(spec.name, *std::move(attribute));
  }
  c.CheckNoOtherAttributes(op, as.ignored);
  std::vector<Value> inputs = as.inputs;
  WidenOperands(c, op, inputs);
  CheckTypes(c, op, inputs);
  const bool widened = !inputs.empty() && inputs[0] != as.inputs[0];
  const DType given = widened ? as.inputs[0].type().dtype : DType::kF32;
  std::vector<Value> outputs =
      c.Results(as.op, std::move(inputs), std::move(attributes), OutputCount(c, op));
  if (widened) NarrowResults(c, given, outputs);
  return outputs;
}

std::vector<Value> ImportSame(ImportContext& c) {
  return ImportOp(c, {.op = c.op_type(), .inputs = c.ins()});
}

std::vector<OnnxOp> AllOnnxOps() {
  std::vector<OnnxOp> ops;
  for (auto family : {ElementwiseImports, LayerImports, MicrosoftImports, QuantizeImports,
                      RandomImports, ReduceImports, ResizeImports, SampleImports, ShapeImports,
                      SignalImports, TrainingImports}) {
    std::ranges::move(family(), std::back_inserter(ops));
  }
  return ops;
}

const OnnxOp* FindOnnxOp(std::string_view name, std::string_view domain) {
  using Key = std::pair<std::string_view, std::string_view>;
  static const auto& table = *[] {
    auto* ops = new std::map<Key, OnnxOp>();
    for (OnnxOp& op : AllOnnxOps()) ops->emplace(Key{op.domain, op.name}, std::move(op));
    return ops;
  }();
  auto it = table.find(Key{domain == "ai.onnx" ? "" : domain, name});
  return it == table.end() ? nullptr : &it->second;
}

}  // namespace weft
