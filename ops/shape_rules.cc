#include "ops/shape_rules.h"

#include <algorithm>
#include <map>

#include "ops/common.h"
#include "ops/shape_arithmetic.h"

namespace weft {
namespace {

using Elements = ShapeElements;

std::optional<Dims> NumbersOf(Value v, ShapeValues& values) {
  const ShapeValue* value = values.Of(v);
  return value == nullptr ? std::nullopt : value->Numbers();
}

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

std::optional<Elements> OfShape(const Node& node, ShapeValues&) {
  const Shape& shape = node.input(0).type().shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto axis = [rank](int64_t a) {
    return std::clamp<int64_t>(a < 0 ? a + rank : a, 0, rank);
  };
  const int64_t start = axis(GetInt(node.attributes(), "start", 0));
  const int64_t end = std::max(start, axis(GetInt(node.attributes(), "end", rank)));
  return Elements(shape.begin() + start, shape.begin() + end);
}

std::optional<Elements> OfSize(const Node& node, ShapeValues&) {
  const Shape& shape = node.input(0).type().shape;
  return Elements{ProductOf(Elements(shape.begin(), shape.end()))};
}

std::optional<Elements> OfGather(const Node& node, ShapeValues& values) {
  const ShapeValue* data = values.Of(node.input(0));
  const auto indices = NumbersOf(node.input(1), values);
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
std::optional<Elements> OfSlice(const Node& node, ShapeValues& values) {
  const ShapeValue* data = values.Of(node.input(0));
  const auto starts = NumbersOf(node.input(1), values), ends = NumbersOf(node.input(2), values);
  const auto steps = node.input(4) ? NumbersOf(node.input(4), values) : Dims{1};
  if (data == nullptr || !starts || !ends || !steps) return std::nullopt;
  if (starts->size() != 1 || ends->size() != 1 || steps->size() != 1) return std::nullopt;
  const auto size = std::ssize(data->elements);
  const int64_t step = steps->front(), length = *ListLengthOf(node.type());
  if (length == 0) return Elements();
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

std::optional<Elements> OfConcat(const Node& node, ShapeValues& values) {
  Elements result;
  for (const Value& v : node.inputs()) {
    const ShapeValue* piece = values.Of(v);
    if (piece == nullptr) return std::nullopt;
    result.insert(result.end(), piece->elements.begin(), piece->elements.end());
  }
  return result;
}

// What keeps the elements as they are, and the pieces of a Split one after the other.
std::optional<Elements> OfFirst(const Node& node, ShapeValues& values) {
  const ShapeValue* data = values.Of(node.input(0));
  return data == nullptr ? std::nullopt : std::optional(data->elements);
}

// Copies one after the other until the output is full.
std::optional<Elements> OfCopies(const Node& node, ShapeValues& values) {
  const ShapeValue* data = values.Of(node.input(0));
  if (data == nullptr || data->elements.empty()) return std::nullopt;
  Elements result;
  for (int64_t i = 0; i < *ListLengthOf(node.type()); ++i) {
    result.push_back(data->elements[static_cast<size_t>(i) % data->elements.size()]);
  }
  return result;
}

std::optional<Elements> OfConstantOfShape(const Node& node, ShapeValues&) {
  const auto given = node.attributes().find("value");
  KnownDim element = Dim(0);
  if (given != node.attributes().end()) {
    const auto value = SymbolicValue(std::get<Tensor>(given->second.value));
    element = value && value->elements.size() == 1 ? value->elements[0] : std::nullopt;
  }
  return Elements(static_cast<size_t>(*ListLengthOf(node.type())), element);
}

std::optional<Elements> OfRange(const Node& node, ShapeValues& values) {
  const auto start = NumbersOf(node.input(0), values), delta = NumbersOf(node.input(2), values);
  if (!start || !delta) return std::nullopt;
  Elements result;
  for (int64_t i = 0; i < *ListLengthOf(node.type()); ++i) {
    const KnownDim step = MultiplyKnown(Dim(i), Dim(delta->front()));
    result.push_back(step ? AddKnown(Dim(start->front()), *step) : std::nullopt);
  }
  return result;
}

// Over the whole of a list.
template <KnownDim (*reduce)(std::span<const KnownDim>)>
std::optional<Elements> OfReduce(const Node& node, ShapeValues& values) {
  const ShapeValue* data = values.Of(node.input(0));
  if (data == nullptr || ListLengthOf(node.type()) != 1) return std::nullopt;
  return Elements{reduce(data->elements)};
}

// KnownDim by element of operands that broadcast to the output.
template <typename F>
std::optional<Elements> Zipped(const Node& node, ShapeValues& values, F&& f) {
  std::vector<const ShapeValue*> operands;
  for (const Value& v : node.inputs()) {
    operands.push_back(values.Of(v));
    if (operands.back() == nullptr || operands.back()->elements.empty()) return std::nullopt;
  }
  Elements result;
  for (int64_t i = 0; i < *ListLengthOf(node.type()); ++i) {
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
std::optional<Elements> OfBinary(const Node& node, ShapeValues& values) {
  return Zipped(node, values, [](const Elements& row) -> KnownDim {
    KnownDim result = row[0];
    for (size_t i = 1; i < row.size() && result; ++i) {
      result = row[i] ? op(*result, *row[i]) : std::nullopt;
    }
    return result;
  });
}

std::optional<Elements> OfDiv(const Node& node, ShapeValues& values) {
  const bool exactly = kFloatTypes.contains(node.type().dtype);
  return Zipped(node, values, [exactly](const Elements& row) -> KnownDim {
    return row[0] && row[1] ? DivideKnown(*row[0], *row[1], exactly) : std::nullopt;
  });
}

KnownDim IsGreaterElement(const Dim& a, const Dim& b) { return IsLessKnown(b, a); }
KnownDim NotElement(const KnownDim& a) { return a ? AreEqualKnown(*a, Dim(0)) : std::nullopt; }
KnownDim IsLessOrEqualElement(const Dim& a, const Dim& b) { return NotElement(IsLessKnown(b, a)); }
KnownDim IsGreaterOrEqualElement(const Dim& a, const Dim& b) {
  return NotElement(IsLessKnown(a, b));
}

// ONNX's integers take the sign of the divisor, or with fmod that of the dividend.
std::optional<Elements> OfMod(const Node& node, ShapeValues& values) {
  const bool fmod = GetInt(node.attributes(), "fmod") != 0;
  return Zipped(node, values, [fmod](const Elements& row) -> KnownDim {
    if (!row[0] || !row[1]) return std::nullopt;
    const bool negative = IsLessKnown(*row[0], Dim(0)) == Dim(1);
    return fmod && negative ? std::nullopt : ModKnown(*row[0], *row[1]);
  });
}

std::optional<Elements> OfNot(const Node& node, ShapeValues& values) {
  return Zipped(node, values, [](const Elements& row) { return NotElement(row[0]); });
}

std::optional<Elements> OfNeg(const Node& node, ShapeValues& values) {
  return Zipped(node, values, [](const Elements& row) -> KnownDim {
    return row[0] ? SubtractKnown(Dim(0), *row[0]) : std::nullopt;
  });
}

std::optional<Elements> OfWhere(const Node& node, ShapeValues& values) {
  return Zipped(node, values, [](const Elements& row) -> KnownDim {
    if (row[1] && row[1] == row[2]) return row[1];
    if (!row[0] || !row[0]->is_static()) return std::nullopt;
    return row[0] == Dim(0) ? row[2] : row[1];
  });
}

std::optional<Elements> OfAbs(const Node& node, ShapeValues& values) {
  return Zipped(node, values, [](const Elements& row) -> KnownDim {
    return row[0] && IsLessKnown(*row[0], Dim(0)) == Dim(1) ? SubtractKnown(Dim(0), *row[0])
                                                            : row[0];
  });
}

std::optional<Elements> OfCast(const Node& node, ShapeValues& values) {
  if (node.type().dtype != DType::kBool) return OfFirst(node, values);
  return Zipped(node, values, [](const Elements& row) -> KnownDim {
    return row[0] ? NotElement(AreEqualKnown(*row[0], Dim(0))) : std::nullopt;
  });
}

}  // namespace

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
      {"Mod", OfMod},
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

}  // namespace weft
