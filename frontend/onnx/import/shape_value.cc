#include "frontend/onnx/import/shape_value.h"

#include <algorithm>

namespace weft {
namespace {

// Lists and products beyond these are no shapes; hostile graphs double them with every node.
constexpr int64_t kMostElements = 64;
constexpr size_t kMostSymbols = 8;

using Operands = std::vector<ShapeOperand>;

int64_t AttributeOr(const onnx::NodeProto& node, std::string_view name, int64_t fallback) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name && attribute.has_i()) return attribute.i();
  }
  return fallback;
}

const ShapeValue* ValueAt(const Operands& operands, size_t i) {
  return i < operands.size() ? operands[i].value : nullptr;
}

std::optional<std::vector<int64_t>> IntsOf(const onnx::NodeProto& node, std::string_view name) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name) {
      return std::vector<int64_t>(attribute.ints().begin(), attribute.ints().end());
    }
  }
  return std::nullopt;
}

// The integers of operand `i` where they hold no symbol.
std::optional<std::vector<int64_t>> IntsAt(const Operands& operands, size_t i) {
  std::vector<int64_t> ints;
  const Tensor* constant = i < operands.size() ? operands[i].constant : nullptr;
  if (constant != nullptr && constant->dtype() == DType::kI32 &&
      constant->size() <= kMostElements) {
    const auto values = constant->values<int32_t>();
    return std::vector<int64_t>(values.begin(), values.end());
  }
  const ShapeValue* value = ValueAt(operands, i);
  if (value == nullptr) return std::nullopt;
  for (const Dim& dim : value->dims) {
    if (!dim.is_static()) return std::nullopt;
    ints.push_back(dim.coefficient());
  }
  return ints;
}

std::optional<ShapeValue> ShapeOf(const onnx::NodeProto& node, const Operands& operands) {
  if (operands.empty() || !operands[0].type) return std::nullopt;
  const Shape& shape = operands[0].type->shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto axis = [rank](int64_t a) {
    return std::clamp<int64_t>(a < 0 ? a + rank : a, 0, rank);
  };
  const int64_t start = axis(AttributeOr(node, "start", 0));
  const int64_t end = std::max(start, axis(AttributeOr(node, "end", rank)));
  return ShapeValue{{shape.begin() + start, shape.begin() + end}, false};
}

std::optional<ShapeValue> Product(const std::vector<Dim>& dims) {
  Dim product(1);
  for (const Dim& dim : dims) {
    const std::optional<Dim> next = Dim::Multiply(product, dim);
    if (!next) return std::nullopt;
    product = *next;
  }
  return ShapeValue{{product}, true};
}

std::optional<ShapeValue> SizeOfType(const Operands& operands) {
  if (operands.empty() || !operands[0].type) return std::nullopt;
  return Product(operands[0].type->shape);
}

// Whether `axes`, where they are given, are the one axis of a list.
bool AreTheOnlyAxis(const std::optional<std::vector<int64_t>>& axes) {
  return !axes || (axes->size() == 1 && ((*axes)[0] == 0 || (*axes)[0] == -1));
}

std::optional<ShapeValue> ReduceProd(const onnx::NodeProto& node, const Operands& operands) {
  const ShapeValue* data = ValueAt(operands, 0);
  if (data == nullptr || data->scalar || !AreTheOnlyAxis(IntsOf(node, "axes"))) {
    return std::nullopt;
  }
  std::optional<ShapeValue> product = Product(data->dims);
  if (product) product->scalar = AttributeOr(node, "keepdims", 1) == 0;
  return product;
}

std::optional<ShapeValue> Gather(const onnx::NodeProto& node, const Operands& operands) {
  const ShapeValue* data = ValueAt(operands, 0);
  const auto indices = IntsAt(operands, 1);
  const int64_t axis = AttributeOr(node, "axis", 0);
  if (data == nullptr || data->scalar || !indices || (axis != 0 && axis != -1)) {
    return std::nullopt;
  }
  const bool scalar = operands[1].constant != nullptr && operands[1].constant->rank() == 0;
  ShapeValue result{{}, scalar || (operands[1].value != nullptr && operands[1].value->scalar)};
  const auto size = static_cast<int64_t>(data->dims.size());
  for (int64_t i : *indices) {
    if (i < -size || i >= size) return std::nullopt;
    result.dims.push_back(data->dims[static_cast<size_t>(i < 0 ? i + size : i)]);
  }
  return result;
}

// Starts, ends and axes are operands, or attributes (before opset 10).
std::optional<ShapeValue> Slice(const onnx::NodeProto& node, const Operands& operands) {
  const ShapeValue* data = ValueAt(operands, 0);
  const bool legacy = operands.size() == 1;
  const auto starts = legacy ? IntsOf(node, "starts") : IntsAt(operands, 1);
  const auto ends = legacy ? IntsOf(node, "ends") : IntsAt(operands, 2);
  const auto axes = legacy ? IntsOf(node, "axes") : IntsAt(operands, 3);
  const auto steps = IntsAt(operands, 4);
  const bool unit_step = operands.size() <= 4 || (steps && *steps == std::vector<int64_t>{1});
  if (data == nullptr || data->scalar || !starts || !ends || !unit_step || !AreTheOnlyAxis(axes)) {
    return std::nullopt;
  }
  if (starts->size() != 1 || ends->size() != 1) return std::nullopt;
  const auto size = static_cast<int64_t>(data->dims.size());
  const auto place = [size](int64_t i) {
    return std::clamp<int64_t>(i < 0 && i >= -size ? i + size : i, 0, size);
  };
  const int64_t start = place((*starts)[0]), end = std::max(start, place((*ends)[0]));
  return ShapeValue{{data->dims.begin() + start, data->dims.begin() + end}, false};
}

std::optional<ShapeValue> Concat(const onnx::NodeProto& node, const Operands& operands) {
  ShapeValue result;
  const int64_t axis = AttributeOr(node, "axis", 0);
  if (axis != 0 && axis != -1) return std::nullopt;
  for (const ShapeOperand& operand : operands) {
    if (operand.value == nullptr || operand.value->scalar) return std::nullopt;
    result.dims.insert(result.dims.end(), operand.value->dims.begin(), operand.value->dims.end());
  }
  return result;
}

// Squeeze, Unsqueeze and Reshape between a scalar and a list.
std::optional<ShapeValue> WithRank(const Operands& operands, bool scalar) {
  const ShapeValue* data = ValueAt(operands, 0);
  if (data == nullptr || (scalar && data->dims.size() != 1)) return std::nullopt;
  return ShapeValue{data->dims, scalar};
}

// Squeeze and Unsqueeze, whose axes are an operand, or an attribute (before opset 13).
std::optional<ShapeValue> WithOneAxis(const onnx::NodeProto& node, const Operands& operands,
                                      bool scalar) {
  const bool legacy = operands.size() < 2;
  const auto axes = legacy ? IntsOf(node, "axes") : IntsAt(operands, 1);
  const bool given = axes || (scalar && legacy);  // Squeeze may leave them out
  return given && AreTheOnlyAxis(axes) ? WithRank(operands, scalar) : std::nullopt;
}

std::optional<ShapeValue> Reshape(const Operands& operands) {
  const auto shape = IntsAt(operands, 1);
  const ShapeValue* data = ValueAt(operands, 0);
  if (!shape || data == nullptr || shape->size() > 1) return std::nullopt;
  const bool fits = shape->empty() || (*shape)[0] == -1 || (*shape)[0] == std::ssize(data->dims);
  return fits ? WithRank(operands, shape->empty()) : std::nullopt;
}

std::optional<ShapeValue> Cast(const onnx::NodeProto& node, const Operands& operands) {
  const int64_t to = AttributeOr(node, "to", 0);
  const ShapeValue* data = ValueAt(operands, 0);
  if (data == nullptr || to != onnx::TensorProto::INT64) return std::nullopt;
  return *data;
}

std::optional<Dim> Combine(const std::string& op, const Dim& a, const Dim& b) {
  if (op == "Mul") return Dim::Multiply(a, b);
  if (op == "Add") return Dim::Add(a, b);
  if (op == "Div") return b == Dim(0) ? std::nullopt : Dim::DivideExactly(a, b);
  // A difference of dims, where it is known.
  int64_t difference = 0;
  if (!a.is_static() || !b.is_static() ||
      __builtin_sub_overflow(a.coefficient(), b.coefficient(), &difference)) {
    return std::nullopt;
  }
  return Dim(difference);
}

std::optional<ShapeValue> Arithmetic(const std::string& op, const Operands& operands) {
  const ShapeValue *a = ValueAt(operands, 0), *b = ValueAt(operands, 1);
  if (a == nullptr || b == nullptr) return std::nullopt;
  const size_t n = std::max(a->dims.size(), b->dims.size());
  const auto fits = [n](const ShapeValue& v) { return v.dims.size() == n || v.dims.size() == 1; };
  if (!fits(*a) || !fits(*b)) return std::nullopt;
  ShapeValue result{{}, a->scalar && b->scalar};
  for (size_t i = 0; i < n; ++i) {
    const std::optional<Dim> dim =
        Combine(op, a->dims[a->dims.size() == 1 ? 0 : i], b->dims[b->dims.size() == 1 ? 0 : i]);
    if (!dim) return std::nullopt;
    result.dims.push_back(*dim);
  }
  return result;
}

std::optional<ShapeValue> Compute(const onnx::NodeProto& node, const Operands& operands) {
  const std::string& op = node.op_type();
  if (!node.domain().empty() && node.domain() != "ai.onnx") return std::nullopt;
  if (op == "Shape") return ShapeOf(node, operands);
  if (op == "Size") return SizeOfType(operands);
  if (op == "Gather") return Gather(node, operands);
  if (op == "Slice") return Slice(node, operands);
  if (op == "Concat") return Concat(node, operands);
  if (op == "Squeeze") return WithOneAxis(node, operands, true);
  if (op == "Unsqueeze" && ValueAt(operands, 0) != nullptr && operands[0].value->scalar) {
    return WithOneAxis(node, operands, false);
  }
  if (op == "Reshape") return Reshape(operands);
  if (op == "Cast") return Cast(node, operands);
  if (op == "Identity" && ValueAt(operands, 0) != nullptr) return *operands[0].value;
  if (op == "ReduceProd") return ReduceProd(node, operands);
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") return Arithmetic(op, operands);
  return std::nullopt;
}

}  // namespace

std::optional<Tensor> ShapeValue::Constant() const {
  std::vector<int64_t> values;
  for (const Dim& dim : dims) {
    if (!dim.is_static()) return std::nullopt;
    values.push_back(dim.coefficient());
  }
  auto tensor = Tensor::FromValues<int64_t>(
      scalar ? Dims{} : Dims{static_cast<int64_t>(values.size())}, values);
  return tensor.ok() ? std::optional(*std::move(tensor)) : std::nullopt;
}

std::optional<ShapeValue> ShapeValueOf(const Tensor& tensor) {
  if (tensor.dtype() != DType::kI64 || tensor.rank() > 1 || tensor.size() > kMostElements) {
    return std::nullopt;
  }
  ShapeValue result{{}, tensor.rank() == 0};
  for (int64_t value : tensor.values<int64_t>()) result.dims.emplace_back(value);
  return result;
}

std::optional<ShapeValue> ComputeShapeValue(const onnx::NodeProto& node, const Operands& operands) {
  std::optional<ShapeValue> value = Compute(node, operands);
  if (!value || static_cast<int64_t>(value->dims.size()) > kMostElements) return std::nullopt;
  for (const Dim& dim : value->dims) {
    if (dim.symbols().size() > kMostSymbols) return std::nullopt;
  }
  return value;
}

std::optional<std::vector<int64_t>> ReshapeArgument(const Shape& data, const ShapeValue& target) {
  std::vector<int64_t> shape;
  bool open = false;
  for (size_t axis = 0; axis < target.dims.size(); ++axis) {
    const Dim& dim = target.dims[axis];
    if (dim.is_static()) {
      open = open || dim.coefficient() == -1;
      shape.push_back(dim.coefficient());
    } else {
      shape.push_back(axis < data.size() && data[axis] == dim ? 0 : -2);
    }
  }
  for (int64_t& dim : shape) {
    if (dim != -2) continue;
    if (open) return std::nullopt;
    open = true;
    dim = -1;
  }
  return shape;
}

}  // namespace weft
