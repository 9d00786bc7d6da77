#include "ops/shape_value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/op.h"
#include "ops/shape_rules.h"

namespace weft {
namespace {

// Lists and products beyond these are no shapes; hostile graphs double them with every node.
constexpr int64_t kMostElements = 64;
constexpr size_t kMostSymbols = 8;
constexpr size_t kMostText = 200;                      // of a formula
constexpr int kMostNodes = 256;                        // that are new to one look back
constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

// What arithmetic is done in without wrapping around or rounding: other types are not followed.
constexpr DTypeSet kFollowed = {DType::kBool, DType::kI32, DType::kI64, DType::kF32, DType::kF64};

// Whether an element of that type can be it. Extents are taken to fit, as runtimes take them.
bool IsElementOf(DType dtype, const Dim& dim) {
  const int64_t most = dtype == DType::kI32   ? std::numeric_limits<int32_t>::max()
                       : dtype == DType::kF32 ? int64_t{1} << std::numeric_limits<float>::digits
                       : dtype == DType::kF64 ? int64_t{1} << std::numeric_limits<double>::digits
                                              : std::numeric_limits<int64_t>::max();
  const int64_t least = kFloatTypes.contains(dtype) ? -most : -most - 1;
  if (dim.is_static()) return dim.coefficient() <= most && dim.coefficient() >= least;
  return dim.symbols().size() <= kMostSymbols &&
         std::all_of(dim.symbols().begin(), dim.symbols().end(),
                     [](const std::string& symbol) { return symbol.size() <= kMostText; });
}

// Output by output, of the lengths that their types say.
std::vector<std::optional<ShapeValue>> Divided(const Node& node, const ShapeElements* elements) {
  std::vector<std::optional<ShapeValue>> values;
  size_t begin = 0;
  for (int i = 0; i < node.num_outputs(); ++i) {
    const std::optional<int64_t> length = ListLengthOf(node.type(i));
    std::optional<ShapeValue>& value = values.emplace_back();
    if (!length) continue;
    const size_t end = begin + static_cast<size_t>(*length);
    value.emplace(
        ShapeValue{ShapeElements(static_cast<size_t>(*length)), node.type(i).rank() == 0});
    if (elements == nullptr || end > elements->size()) continue;
    for (size_t k = begin; k < end; ++k) {
      const std::optional<Dim>& element = (*elements)[k];
      if (element && IsElementOf(node.type(i).dtype, *element))
        value->elements[k - begin] = element;
    }
    begin = end;
  }
  return values;
}

}  // namespace

std::optional<int64_t> ListLengthOf(const TensorType& type) {
  if (type.rank() == 0) return 1;
  const bool fits =
      type.rank() == 1 && type.dim(0).is_static() && type.dim(0).coefficient() <= kMostElements;
  return fits ? std::optional(type.dim(0).coefficient()) : std::nullopt;
}

const ShapeValue* ShapeValues::Of(Value value) {
  if (value.null() || !ListLengthOf(value.type())) return nullptr;
  auto it = seen_.find(value.node);
  if (it == seen_.end()) {
    const bool is_outermost = depth_ == 0;
    if (is_outermost) left_ = kMostNodes;
    ++depth_;
    const std::optional<ShapeElements> elements = Compute(*value.node);
    --depth_;
    it = seen_.emplace(value.node, Divided(*value.node, elements ? &*elements : nullptr)).first;
  }
  const std::optional<ShapeValue>& known = it->second[static_cast<size_t>(value.index)];
  return known ? &*known : nullptr;
}

std::optional<ShapeElements> ShapeValues::Compute(const Node& node) {
  if (const Tensor* constant = ConstantValue(Value{const_cast<Node*>(&node), 0})) {
    return SymbolicValue(*constant)->elements;
  }
  const ElementsFn fn = FindElementsFn(node.op_name());
  const bool is_followed = kFollowed.contains(node.type().dtype) && ListLengthOf(node.type());
  if (fn == nullptr || !is_followed || left_-- <= 0) return std::nullopt;
  return fn(node, *this);
}

std::optional<Dims> ShapeValue::Numbers() const {
  Dims numbers;
  for (const std::optional<Dim>& element : elements) {
    if (!element || !element->is_static()) return std::nullopt;
    numbers.push_back(element->coefficient());
  }
  return numbers;
}

std::optional<ShapeValue> SymbolicValue(Value value) {
  ShapeValues values;
  const ShapeValue* known = values.Of(value);
  return known == nullptr ? std::nullopt : std::optional(*known);
}

std::optional<ShapeValue> SymbolicValue(const Tensor& tensor) {
  if (tensor.rank() > 1 || tensor.size() > kMostElements) return std::nullopt;
  ShapeValue result{{}, tensor.rank() == 0};
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const double element = tensor.At(i);
    if (tensor.dtype() == DType::kI64) {
      result.elements.emplace_back(tensor.values<int64_t>()[static_cast<size_t>(i)]);
    } else if (std::abs(element) <= kExactIntegers && element == std::floor(element)) {
      result.elements.emplace_back(static_cast<int64_t>(element));
    } else {
      result.elements.emplace_back(std::nullopt);
    }
  }
  return result;
}

std::optional<Dims> ReshapeArgument(const Shape& data, std::span<const std::optional<Dim>> target) {
  Dims shape;
  bool open = false;
  for (size_t axis = 0; axis < target.size(); ++axis) {
    const std::optional<Dim>& dim = target[axis];
    if (!dim) return std::nullopt;
    if (dim->is_static()) {
      open = open || dim->coefficient() == -1;
      shape.push_back(dim->coefficient());
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
