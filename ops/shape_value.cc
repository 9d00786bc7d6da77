#include "ops/shape_value.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string_view>
#include <unordered_map>

#include "graph/op.h"
#include "ops/common.h"
#include "ops/shape_arithmetic.h"

namespace weft {
namespace {

// Lists and products beyond these are no shapes; hostile graphs double them with every node.
constexpr int64_t kMostElements = 64;
constexpr size_t kMostSymbols = 8;
constexpr size_t kMostText = 200;  // of a formula
constexpr size_t kMostNodes = 256;
constexpr double kExactIntegers = 9007199254740992.0;  // 2^53

// The length of a scalar or a short list of numbers.
std::optional<int64_t> LengthOf(const TensorType& type) {
  if (type.rank() == 0) return 1;
  const bool fits =
      type.rank() == 1 && type.dim(0).is_static() && type.dim(0).coefficient() <= kMostElements;
  return fits ? std::optional(type.dim(0).coefficient()) : std::nullopt;
}

// What arithmetic is done in without wrapping around or rounding: other types are not followed.
constexpr DTypeSet kFollowed = {DType::kBool, DType::kI32, DType::kI64, DType::kF32, DType::kF64};

// Whether an element of that type can be it. Extents are taken to fit, as runtimes take them.
bool IsElementOf(DType dtype, const Dim& dim) {
  const int64_t most = dtype == DType::kI32   ? std::numeric_limits<int32_t>::max()
                       : dtype == DType::kF32 ? int64_t{1} << std::numeric_limits<float>::digits
                                              : std::numeric_limits<int64_t>::max();
  if (dim.is_static()) return dim.coefficient() <= most && dim.coefficient() >= -most - 1;
  return dim.symbols().size() <= kMostSymbols &&
         std::all_of(dim.symbols().begin(), dim.symbols().end(),
                     [](const std::string& symbol) { return symbol.size() <= kMostText; });
}

// Looks back from one value.
class ShapeReader {
 public:
  // Null where nothing is known of its length.
  const ShapeValue* Of(Value v);
  const ShapeValue* Of(const Node& node, int input) { return Of(node.input(input)); }
  // What numbers an operand holds; nullopt where one is not known.
  std::optional<Dims> NumbersOf(const Node& node, int input) {
    const ShapeValue* value = Of(node, input);
    return value == nullptr ? std::nullopt : value->Numbers();
  }

 private:
  std::unordered_map<const Node*, std::vector<std::optional<ShapeValue>>> seen_;
};

using Elements = std::vector<KnownDim>;
// The elements of output 0, or of all outputs one after the other; nullopt: not known.
using ElementsFn = std::optional<Elements> (*)(const Node&, ShapeReader&);

Elements Dims0To1(const Shape& shape) { return Elements(shape.begin(), shape.end()); }

KnownDim ProductOf(std::span<const KnownDim> elements) {
  KnownDim product = Dim(1);
  for (const KnownDim& element : elements) {
    if (!element || !product) return std::nullopt;
    product = MultiplyKnown(*product, *element);
  }
  return product;
}

KnownDim SumOfElements(std::span<const KnownDim> elements) {
  KnownDim sum = Dim(0);
  for (const KnownDim& element : elements) {
    if (!element || !sum) return std::nullopt;
    sum = AddKnown(*sum, *element);
  }
  return sum;
}

std::optional<Elements> OfShape(const Node& node, ShapeReader&) {
  const Shape& shape = node.input(0).type().shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto axis = [rank](int64_t a) {
    return std::clamp<int64_t>(a < 0 ? a + rank : a, 0, rank);
  };
  const int64_t start = axis(GetInt(node.attributes(), "start", 0));
  const int64_t end = std::max(start, axis(GetInt(node.attributes(), "end", rank)));
  return Elements(shape.begin() + start, shape.begin() + end);
}

std::optional<Elements> OfSize(const Node& node, ShapeReader&) {
  return Elements{ProductOf(Dims0To1(node.input(0).type().shape))};
}

std::optional<Elements> OfGather(const Node& node, ShapeReader& reader) {
  const ShapeValue* data = reader.Of(node, 0);
  const std::optional<Dims> indices = reader.NumbersOf(node, 1);
  if (data == nullptr || data->scalar || !indices) return std::nullopt;
  const auto size = std::ssize(data->elements);
  Elements result;
  for (int64_t i : *indices) {
    if (i < -size || i >= size) return std::nullopt;
    result.push_back(data->elements[static_cast<size_t>(i < 0 ? i + size : i)]);
  }
  return result;
}

// Of a list: the one axis, whether it is named or not.
std::optional<Elements> OfSlice(const Node& node, ShapeReader& reader) {
  const ShapeValue* data = reader.Of(node, 0);
  const auto starts = reader.NumbersOf(node, 1), ends = reader.NumbersOf(node, 2);
  const auto steps = node.input(4) ? reader.NumbersOf(node, 4) : Dims{1};
  if (data == nullptr || !starts || !ends || !steps) return std::nullopt;
  if (starts->size() != 1 || ends->size() != 1 || steps->size() != 1) return std::nullopt;
  const auto size = std::ssize(data->elements);
  const int64_t step = steps->front(), length = *LengthOf(node.type());
  if (step == 0 || step < -size - 1 || step > size + 1) return std::nullopt;
  const int64_t start = starts->front() < 0 ? starts->front() + size : starts->front();
  const int64_t first = std::clamp<int64_t>(start, 0, step > 0 ? size : size - 1);
  Elements result;
  for (int64_t i = 0; i < length; ++i) {
    const int64_t at = first + i * step;
    if (at < 0 || at >= size) return std::nullopt;
    result.push_back(data->elements[static_cast<size_t>(at)]);
  }
  return result;
}

std::optional<Elements> OfConcat(const Node& node, ShapeReader& reader) {
  Elements result;
  for (const Value& v : node.inputs()) {
    const ShapeValue* piece = reader.Of(v);
    if (piece == nullptr) return std::nullopt;
    result.insert(result.end(), piece->elements.begin(), piece->elements.end());
  }
  return result;
}

// What keeps the elements as they are, and the pieces of a Split one after the other.
std::optional<Elements> OfFirst(const Node& node, ShapeReader& reader) {
  const ShapeValue* data = reader.Of(node, 0);
  return data == nullptr ? std::nullopt : std::optional(data->elements);
}

// Copies one after the other until the output is full.
std::optional<Elements> OfCopies(const Node& node, ShapeReader& reader) {
  const ShapeValue* data = reader.Of(node, 0);
  if (data == nullptr || data->elements.empty()) return std::nullopt;
  Elements result;
  for (int64_t i = 0; i < *LengthOf(node.type()); ++i) {
    result.push_back(data->elements[static_cast<size_t>(i) % data->elements.size()]);
  }
  return result;
}

std::optional<Elements> OfConstantOfShape(const Node& node, ShapeReader&) {
  const auto given = node.attributes().find("value");
  KnownDim element = Dim(0);
  if (given != node.attributes().end()) {
    const auto value = SymbolicValue(std::get<Tensor>(given->second.value));
    element = value && value->elements.size() == 1 ? value->elements[0] : std::nullopt;
  }
  return Elements(static_cast<size_t>(*LengthOf(node.type())), element);
}

std::optional<Elements> OfRange(const Node& node, ShapeReader& reader) {
  const auto start = reader.NumbersOf(node, 0), delta = reader.NumbersOf(node, 2);
  if (!start || !delta) return std::nullopt;
  Elements result;
  for (int64_t i = 0; i < *LengthOf(node.type()); ++i) {
    const KnownDim step = MultiplyKnown(Dim(i), Dim(delta->front()));
    result.push_back(step ? AddKnown(Dim(start->front()), *step) : std::nullopt);
  }
  return result;
}

// Over the whole of a list.
template <KnownDim (*reduce)(std::span<const KnownDim>)>
std::optional<Elements> OfReduce(const Node& node, ShapeReader& reader) {
  const ShapeValue* data = reader.Of(node, 0);
  if (data == nullptr || LengthOf(node.type()) != 1) return std::nullopt;
  return Elements{reduce(data->elements)};
}

// KnownDim by element of operands that broadcast to the output.
template <typename F>
std::optional<Elements> Zipped(const Node& node, ShapeReader& reader, F&& f) {
  std::vector<const ShapeValue*> operands;
  for (const Value& v : node.inputs()) {
    operands.push_back(reader.Of(v));
    if (operands.back() == nullptr || operands.back()->elements.empty()) return std::nullopt;
  }
  Elements result;
  for (int64_t i = 0; i < *LengthOf(node.type()); ++i) {
    Elements row;
    for (const ShapeValue* operand : operands) {
      const size_t size = operand->elements.size();
      row.push_back(operand->elements[size == 1 ? 0 : static_cast<size_t>(i)]);
    }
    result.push_back(f(row));
  }
  return result;
}

// a op b, op c ... for ops of any number of operands.
template <KnownDim (*op)(const Dim&, const Dim&)>
std::optional<Elements> OfBinary(const Node& node, ShapeReader& reader) {
  return Zipped(node, reader, [](const Elements& row) -> KnownDim {
    KnownDim result = row[0];
    for (size_t i = 1; i < row.size() && result; ++i) {
      result = row[i] ? op(*result, *row[i]) : std::nullopt;
    }
    return result;
  });
}

std::optional<Elements> OfDiv(const Node& node, ShapeReader& reader) {
  const bool exactly = kFloatTypes.contains(node.type().dtype);
  return Zipped(node, reader, [exactly](const Elements& row) -> KnownDim {
    return row[0] && row[1] ? DivideKnown(*row[0], *row[1], exactly) : std::nullopt;
  });
}

KnownDim IsGreaterElement(const Dim& a, const Dim& b) { return IsLessKnown(b, a); }
KnownDim NotElement(const KnownDim& a) { return a ? AreEqualKnown(*a, Dim(0)) : std::nullopt; }
KnownDim IsLessOrEqualElement(const Dim& a, const Dim& b) { return NotElement(IsLessKnown(b, a)); }
KnownDim IsGreaterOrEqualElement(const Dim& a, const Dim& b) {
  return NotElement(IsLessKnown(a, b));
}

std::optional<Elements> OfNot(const Node& node, ShapeReader& reader) {
  return Zipped(node, reader, [](const Elements& row) { return NotElement(row[0]); });
}

std::optional<Elements> OfNeg(const Node& node, ShapeReader& reader) {
  return Zipped(node, reader, [](const Elements& row) -> KnownDim {
    return row[0] ? SubtractKnown(Dim(0), *row[0]) : std::nullopt;
  });
}

std::optional<Elements> OfWhere(const Node& node, ShapeReader& reader) {
  return Zipped(node, reader, [](const Elements& row) -> KnownDim {
    if (row[1] && row[1] == row[2]) return row[1];
    if (!row[0] || !row[0]->is_static()) return std::nullopt;
    return row[0] == Dim(0) ? row[2] : row[1];
  });
}

std::optional<Elements> OfAbs(const Node& node, ShapeReader& reader) {
  return Zipped(node, reader, [](const Elements& row) -> KnownDim {
    return row[0] && IsLessKnown(*row[0], Dim(0)) == Dim(1) ? SubtractKnown(Dim(0), *row[0])
                                                            : row[0];
  });
}

std::optional<Elements> OfCast(const Node& node, ShapeReader& reader) {
  if (node.type().dtype != DType::kBool) return OfFirst(node, reader);
  return Zipped(node, reader, [](const Elements& row) -> KnownDim {
    return row[0] ? NotElement(AreEqualKnown(*row[0], Dim(0))) : std::nullopt;
  });
}

ElementsFn FindElementsFn(std::string_view op) {
  static const auto& table = *new std::map<std::string_view, ElementsFn>{
      {"Abs", OfAbs},
      {"Add", OfBinary<AddKnown>},
      {"And", OfBinary<MinKnown>},
      {"Cast", OfCast},
      {"Ceil", OfFirst},
      {"Concat", OfConcat},
      {"ConstantOfShape", OfConstantOfShape},
      {"Div", OfDiv},
      {"Equal", OfBinary<AreEqualKnown>},
      {"Expand", OfCopies},
      {"ExpandLike", OfCopies},
      {"Flatten", OfFirst},
      {"Floor", OfFirst},
      {"Gather", OfGather},
      {"Greater", OfBinary<IsGreaterElement>},
      {"GreaterOrEqual", OfBinary<IsGreaterOrEqualElement>},
      {"Identity", OfFirst},
      {"Less", OfBinary<IsLessKnown>},
      {"LessOrEqual", OfBinary<IsLessOrEqualElement>},
      {"Max", OfBinary<MaxKnown>},
      {"Min", OfBinary<MinKnown>},
      {"Mod", OfBinary<ModKnown>},
      {"Mul", OfBinary<MultiplyKnown>},
      {"Neg", OfNeg},
      {"Not", OfNot},
      {"Or", OfBinary<MaxKnown>},
      {"Range", OfRange},
      {"ReduceProd", OfReduce<ProductOf>},
      {"ReduceSum", OfReduce<SumOfElements>},
      {"Reshape", OfFirst},
      {"ReshapeLike", OfFirst},
      {"Shape", OfShape},
      {"Size", OfSize},
      {"Slice", OfSlice},
      {"Split", OfFirst},
      {"Squeeze", OfFirst},
      {"Sub", OfBinary<SubtractKnown>},
      {"Sum", OfBinary<AddKnown>},
      {"Tile", OfCopies},
      {"Unsqueeze", OfFirst},
      {"Where", OfWhere},
  };
  const auto it = table.find(op);
  return it == table.end() ? nullptr : it->second;
}

// Output by output, of the lengths that their types say.
std::vector<std::optional<ShapeValue>> Divided(const Node& node, const Elements* elements) {
  std::vector<std::optional<ShapeValue>> values;
  size_t begin = 0;
  for (int i = 0; i < node.num_outputs(); ++i) {
    const std::optional<int64_t> length = LengthOf(node.type(i));
    std::optional<ShapeValue>& value = values.emplace_back();
    if (!length) continue;
    const size_t end = begin + static_cast<size_t>(*length);
    value.emplace(ShapeValue{Elements(static_cast<size_t>(*length)), node.type(i).rank() == 0});
    if (elements == nullptr || end > elements->size()) continue;
    for (size_t k = begin; k < end; ++k) {
      const KnownDim& element = (*elements)[k];
      if (element && IsElementOf(node.type(i).dtype, *element))
        value->elements[k - begin] = element;
    }
    begin = end;
  }
  return values;
}

const ShapeValue* ShapeReader::Of(Value v) {
  if (v.null() || !LengthOf(v.type())) return nullptr;
  auto it = seen_.find(v.node);
  if (it == seen_.end()) {
    std::optional<Elements> elements;
    if (const Tensor* constant = ConstantValue(v)) {
      elements = SymbolicValue(*constant)->elements;
    } else if (const ElementsFn fn = FindElementsFn(v.node->op_name());
               fn != nullptr && seen_.size() < kMostNodes) {
      seen_.emplace(v.node, Divided(*v.node, nullptr));  // counts it
      if (kFollowed.contains(v.type().dtype)) elements = fn(*v.node, *this);
    }
    it = seen_.insert_or_assign(v.node, Divided(*v.node, elements ? &*elements : nullptr)).first;
  }
  const std::optional<ShapeValue>& value = it->second[static_cast<size_t>(v.index)];
  return value ? &*value : nullptr;
}

}  // namespace

std::optional<Dims> ShapeValue::Numbers() const {
  Dims numbers;
  for (const KnownDim& element : elements) {
    if (!element || !element->is_static()) return std::nullopt;
    numbers.push_back(element->coefficient());
  }
  return numbers;
}

std::optional<ShapeValue> SymbolicValue(Value value) {
  ShapeReader reader;
  const ShapeValue* known = reader.Of(value);
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
    if (dim && dim->is_static()) {
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
