#include "graph/op.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/element.h"

namespace weft {
namespace {

absl::StatusOr<std::vector<TensorType>> InferInput(const InferContext& context) {
  return std::vector{std::get<TensorType>(context.attributes().at("type").value)};
}

absl::StatusOr<std::vector<TensorType>> InferStored(const InferContext& context) {
  const auto& value = std::get<Tensor>(context.attributes().at("value").value);
  if (value.is_empty()) return absl::InvalidArgumentError("expected a tensor, got an empty one");
  return std::vector{value.type()};
}

absl::Status InputError(const InputSpec& spec, int index, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat("input ", index, " (", Absl(spec.name), "): ", what));
}

// The dims with the symbols bound; small enough for their product to be computed.
absl::StatusOr<Dims> BoundDims(const TensorType& type, const SymbolBindings& bindings) {
  WEFT_ASSIGN_OR_RETURN(Shape shape, Substitute(type.shape, bindings));
  WEFT_RETURN_IF_ERROR(CheckSize(shape));
  return StaticDims(shape);
}

absl::StatusOr<CostContext> MakeCostContext(const Node& node, const SymbolBindings& bindings) {
  CostContext context{node.attributes(), {}, {}};
  for (const Value& v : node.inputs()) {
    Dims dims;
    if (v) {
      WEFT_ASSIGN_OR_RETURN(dims, BoundDims(v.type(), bindings));
    }
    context.inputs.push_back(std::move(dims));
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    WEFT_ASSIGN_OR_RETURN(Dims dims, BoundDims(node.type(i), bindings));
    context.outputs.push_back(std::move(dims));
  }
  return context;
}

double Bytes(int64_t elements, DType dtype) {
  return static_cast<double>(elements) * static_cast<double>(SizeOf(dtype));
}

int64_t Product(const Dims& dims) {
  int64_t product = 1;
  for (int64_t d : dims) product *= d;
  return product;
}

}  // namespace

Dim InferContext::FreshDim(std::string_view suffix) const {
  return Dim::Symbol(absl::StrCat(Absl(node_name_), ".", Absl(suffix)));
}

Dim InferContext::DerivedDim(std::string_view formula) {
  std::string name(formula);
  std::replace(name.begin(), name.end(), '*', 'x');  // '*' separates the symbols of a monomial.
  return Dim::Symbol(absl::StrCat("(", name, ")"));
}

double TensorView::At(int64_t i) const { return ElementAt(dtype, data, i); }

int64_t TensorView::size() const {
  int64_t product = 1;
  for (int64_t d : dims) product *= d;
  return product;
}

int64_t CostContext::InputSize(int i) const { return Product(inputs[static_cast<size_t>(i)]); }
int64_t CostContext::OutputSize(int i) const { return Product(outputs[static_cast<size_t>(i)]); }

std::vector<Alias> InPlace(const Node&) { return {{.output = 0, .input = 0, .view = false}}; }
std::vector<Alias> ViewOfInput(const Node&) { return {{.output = 0, .input = 0, .view = true}}; }

std::optional<Alias> ViewAliasOf(const Node& node) {
  if (node.op().aliases == nullptr || node.num_outputs() != 1) return std::nullopt;
  for (const Alias& alias : node.op().aliases(node)) {
    if (alias.view) return alias;
  }
  return std::nullopt;
}

absl::Status OpRegistry::Register(OpDef def) {
  std::string name(def.name);
  if (name.empty() || def.infer == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("op '", name, "' needs a name and inference"));
  }
  auto [it, inserted] = ops_.try_emplace(name, nullptr);
  if (!inserted)
    return absl::AlreadyExistsError(absl::StrCat("op ", name, " is registered already"));
  it->second = std::make_unique<OpDef>(std::move(def));
  return absl::OkStatus();
}

const OpDef* OpRegistry::Find(std::string_view name) const {
  auto it = ops_.find(name);
  return it == ops_.end() ? nullptr : it->second.get();
}

std::vector<const OpDef*> OpRegistry::All() const {
  std::vector<const OpDef*> result;
  for (const auto& [name, def] : ops_) result.push_back(def.get());
  return result;
}

absl::Status RegisterLeaves(OpRegistry& registry) {
  using Kind = Attribute::Kind;
  WEFT_RETURN_IF_ERROR(
      registry.Register({.name = kInput,
                         .doc = "A value that every run is given.",
                         .attributes = {{.name = "type", .kind = Kind::kType, .required = true}},
                         .infer = InferInput,
                         .no_gradient = "a leaf"}));
  WEFT_RETURN_IF_ERROR(
      registry.Register({.name = kConstant,
                         .doc = "A tensor that never changes.",
                         .attributes = {{.name = "value", .kind = Kind::kTensor, .required = true}},
                         .infer = InferStored,
                         .no_gradient = "a leaf"}));
  return registry.Register(
      {.name = kVariable,
       .doc = "A tensor that updates may change between runs: a parameter, a running statistic.",
       .attributes = {{.name = "value", .kind = Kind::kTensor, .required = true},
                      {.name = "trainable", .fallback = 0},
                      {.name = "role", .kind = Kind::kString, .fallback = std::string(kParameter)}},
       .infer = InferStored,
       .no_gradient = "a leaf"});
}

absl::Status CheckAttributes(const OpDef& op, AttributeMap& attributes) {
  for (const auto& [name, value] : attributes) {
    auto spec = std::find_if(op.attributes.begin(), op.attributes.end(),
                             [&, name = name](const AttributeSpec& s) { return s.name == name; });
    if (spec == op.attributes.end()) {
      auto names = absl::StrJoin(op.attributes, ", ", [](std::string* out, const AttributeSpec& s) {
        absl::StrAppend(out, Absl(s.name));
      });
      return absl::InvalidArgumentError(
          absl::StrCat("unknown attribute '", name, "': expected one of those that ", Absl(op.name),
                       " has, which are ", names.empty() ? "none" : names));
    }
    if (value.kind() != spec->kind) {
      return absl::InvalidArgumentError(absl::StrCat("attribute ", name, ": expected ",
                                                     Absl(ToString(spec->kind)), ", got ",
                                                     Absl(ToString(value.kind()))));
    }
  }
  for (const AttributeSpec& spec : op.attributes) {
    if (attributes.contains(spec.name)) continue;
    if (spec.required) {
      return absl::InvalidArgumentError(
          absl::StrCat("attribute ", Absl(spec.name), " is required and absent"));
    }
    if (spec.fallback) attributes.emplace(std::string(spec.name), *spec.fallback);
  }
  return absl::OkStatus();
}

absl::Status CheckInputs(const OpDef& op, std::span<const Value> inputs) {
  const bool variadic = !op.inputs.empty() && op.inputs.back().arity == Arity::kVariadic;
  if (inputs.size() > op.inputs.size() && !variadic) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", op.inputs.size(), " inputs, got ", inputs.size()));
  }
  std::map<char, DType> bound;
  for (size_t i = 0; i < std::max(inputs.size(), op.inputs.size()); ++i) {
    const InputSpec& spec = op.input(i);
    const int index = static_cast<int>(i);
    if (i >= inputs.size() || inputs[i].null()) {
      const bool hole = spec.arity == Arity::kVariadic && i < inputs.size();
      if (spec.arity == Arity::kRequired || hole)
        return InputError(spec, index, "expected a value, got none");
      continue;
    }
    const DType dtype = inputs[i].type().dtype;
    if (!spec.dtypes.contains(dtype)) {
      return InputError(
          spec, index,
          absl::StrCat("expected ", spec.dtypes.ToString(), ", got ", Absl(ToString(dtype))));
    }
    if (spec.type_variable == ' ') continue;
    auto [it, first] = bound.try_emplace(spec.type_variable, dtype);
    if (!first && it->second != dtype) {
      return InputError(spec, index,
                        absl::StrCat("expected ", Absl(ToString(it->second)),
                                     " as the inputs before it, got ", Absl(ToString(dtype))));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Cost> CostOf(const Node& node, const SymbolBindings& bindings) {
  absl::StatusOr<CostContext> context = MakeCostContext(node, bindings);
  if (!context.ok()) return Annotate(context.status(), node.Describe());
  const OpDef& op = node.op();
  Cost cost;
  if (op.evaluate == nullptr) return cost;  // A leaf computes nothing.
  if (op.cost != nullptr) {
    cost = op.cost(*context);
  } else {
    cost.flops = static_cast<double>(context->OutputSize());
  }
  cost.bytes = 0;
  for (int i = 0; i < node.num_inputs(); ++i) {
    const InputSpec& spec = op.input(static_cast<size_t>(i));
    if (!node.input(i) || spec.shape_only) continue;
    cost.bytes += Bytes(context->InputSize(i), node.input(i).type().dtype);
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    cost.bytes += Bytes(context->OutputSize(i), node.type(i).dtype);
  }
  return cost;
}

}  // namespace weft
