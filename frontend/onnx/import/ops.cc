#include "frontend/onnx/import/ops.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/onnx/tensor_proto.h"
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
      const std::optional<DType> dtype = DTypeOfOnnx(type);
      if (dtype) return Attribute(*dtype);
      c.Unsupported(absl::StrCat(name, " ", OnnxTypeName(type), " is not supported"));
      return std::nullopt;
    }
    case Attribute::Kind::kTensor: {
      absl::StatusOr<Tensor> tensor = TensorFromProto(c.Find(name)->t());
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
  if (op.variadic_outputs) return c.num_outputs();
  const auto required = std::count_if(op.outputs.begin(), op.outputs.end(),
                                      [](const OutputSpec& o) { return !o.optional; });
  return std::max(static_cast<int>(required), c.num_outputs());
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
  CheckTypes(c, op, as.inputs);
  return c.Results(as.op, as.inputs, std::move(attributes), OutputCount(c, op));
}

std::vector<Value> ImportSame(ImportContext& c) {
  return ImportOp(c, {.op = c.op_type(), .inputs = c.ins()});
}

const OnnxOp* FindOnnxOp(std::string_view name, std::string_view domain) {
  using Key = std::pair<std::string_view, std::string_view>;
  static const auto& table = *[] {
    auto* ops = new std::map<Key, OnnxOp>();
    for (auto family :
         {ElementwiseImports, LayerImports, MicrosoftImports, QuantizeImports, RandomImports,
          ReduceImports, ResizeImports, ShapeImports, SignalImports, TrainingImports}) {
      for (OnnxOp& op : family()) ops->emplace(Key{op.domain, op.name}, std::move(op));
    }
    return ops;
  }();
  auto it = table.find(Key{domain == "ai.onnx" ? "" : domain, name});
  return it == table.end() ? nullptr : &it->second;
}

}  // namespace weft
