// Sequences and optionals: lists of values that are known one by one while importing.

#include "frontend/onnx/import/structure.h"

namespace weft {
namespace {

using Elements = std::vector<OnnxValuePtr>;

// The place in a sequence of `size` that operand `i` says; `fallback` where it is absent.
absl::StatusOr<int64_t> PositionAt(StructureContext& c, int i, int64_t size, int64_t fallback) {
  if (!c.has(i)) return fallback;
  WEFT_ASSIGN_OR_RETURN(const int64_t given, c.KnownInt(i, "position"));
  return given < 0 ? given + size : given;
}

absl::Status CheckPosition(int64_t position, int64_t size) {
  if (position >= 0 && position < size) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected a position within ", size, " elements, got ", position));
}

absl::Status SequenceConstruct(StructureContext& c) {
  Elements elements;
  for (int i = 0; i < c.node().input_size(); ++i) elements.push_back(c.in(i));
  return c.SetSequence(0, std::move(elements));
}

absl::Status SequenceEmpty(StructureContext& c) { return c.SetSequence(0, {}); }

absl::Status SequenceInsert(StructureContext& c) {
  WEFT_ASSIGN_OR_RETURN(Elements elements, c.Sequence(0));
  const auto size = std::ssize(elements);
  WEFT_ASSIGN_OR_RETURN(const int64_t position, PositionAt(c, 2, size, size));
  WEFT_RETURN_IF_ERROR(CheckPosition(position, size + 1));
  elements.insert(elements.begin() + position, c.in(1));
  return c.SetSequence(0, std::move(elements));
}

absl::Status SequenceErase(StructureContext& c) {
  WEFT_ASSIGN_OR_RETURN(Elements elements, c.Sequence(0));
  const auto size = std::ssize(elements);
  WEFT_ASSIGN_OR_RETURN(const int64_t position, PositionAt(c, 1, size, size - 1));
  WEFT_RETURN_IF_ERROR(CheckPosition(position, size));
  elements.erase(elements.begin() + position);
  return c.SetSequence(0, std::move(elements));
}

absl::Status SequenceAt(StructureContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Elements elements, c.Sequence(0));
  const auto size = std::ssize(elements);
  WEFT_ASSIGN_OR_RETURN(const int64_t position, PositionAt(c, 1, size, 0));
  WEFT_RETURN_IF_ERROR(CheckPosition(position, size));
  c.Set(0, elements[static_cast<size_t>(position)]);
  return absl::OkStatus();
}

absl::Status SequenceLength(StructureContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Elements elements, c.Sequence(0));
  const auto length = static_cast<double>(elements.size());
  c.Set(0, KnownOnnxValue(Tensor::Scalar(length, DType::kI64), c.name()));
  return absl::OkStatus();
}

absl::Status ConcatFromSequence(StructureContext& c) {
  WEFT_ASSIGN_OR_RETURN(const Elements elements, c.Sequence(0));
  if (elements.empty()) return absl::InvalidArgumentError("expected a sequence of some elements");
  c.Set(0, c.Concatenated(elements, c.Int("axis", 0), c.Int("new_axis", 0) != 0));
  return absl::OkStatus();
}

// The sizes that `split` means: the list itself, or pieces of one size and what is left.
absl::StatusOr<std::vector<int64_t>> PieceSizes(const Tensor& split, const OnnxValue& x,
                                                int64_t axis) {
  std::optional<std::vector<int64_t>> given = ExactInts(split);
  if (!given) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected integers as split, got ", ToString(split.type())));
  }
  if (split.rank() > 0) return *std::move(given);
  const std::optional<TensorType> type = TypeOfOnnxValue(x);
  if (!type) return absl::InvalidArgumentError("expected a tensor to take apart");
  WEFT_ASSIGN_OR_RETURN(const int place, NormalizeAxis(axis, type->rank()));
  const int64_t size = (*given)[0];
  if (!type->dim(place).is_static() || size < 1) {
    return absl::UnimplementedError(absl::StrCat("to cut an axis of ", type->dim(place).ToString(),
                                                 " into pieces of ", size, " is not supported"));
  }
  const int64_t extent = type->dim(place).coefficient();
  if (extent / size >= kMostPieces) {
    return absl::UnimplementedError(absl::StrCat("more than ", kMostPieces, " pieces"));
  }
  std::vector<int64_t> sizes(static_cast<size_t>(extent / size), size);
  if (extent % size != 0) sizes.push_back(extent % size);
  return sizes;
}

absl::Status SplitToSequence(StructureContext& c) {
  const OnnxValuePtr x = c.in(0);
  const int64_t axis = c.Int("axis", 0);
  std::optional<std::vector<int64_t>> sizes;
  if (c.has(1)) {
    if (!c.in(1)->constant) return NotKnownBeforeTheRun("split", c.node().input(1));
    WEFT_ASSIGN_OR_RETURN(sizes, PieceSizes(*c.in(1)->constant, *x, axis));
  }
  const bool keepdims = sizes.has_value() || c.Int("keepdims", 1) != 0;
  WEFT_ASSIGN_OR_RETURN(Elements pieces, c.Pieces(x, axis, std::move(sizes), keepdims));
  return c.SetSequence(0, std::move(pieces));
}

absl::Status Optional(StructureContext& c) {
  OnnxValuePtr value = c.in(0);
  if (value == nullptr) {
    value = std::make_shared<OnnxValue>();
    value->is_nothing = true;
  }
  c.Set(0, std::move(value));
  return absl::OkStatus();
}

absl::Status OptionalGetElement(StructureContext& c) {
  if (c.in(0)->is_nothing) return absl::InvalidArgumentError("its optional holds nothing");
  c.Set(0, c.in(0));
  return absl::OkStatus();
}

absl::Status OptionalHasElement(StructureContext& c) {
  const bool has = c.has(0) && !c.in(0)->is_nothing;
  c.Set(0, KnownOnnxValue(Tensor::Scalar(has ? 1 : 0, DType::kBool), c.name()));
  return absl::OkStatus();
}

}  // namespace

std::vector<StructureOp> SequenceOps() {
  return {{"ConcatFromSequence", ConcatFromSequence},
          {"Optional", Optional},
          {"OptionalGetElement", OptionalGetElement},
          {"OptionalHasElement", OptionalHasElement},
          {"SequenceAt", SequenceAt, {1}},
          {"SequenceConstruct", SequenceConstruct},
          {"SequenceEmpty", SequenceEmpty},
          {"SequenceErase", SequenceErase, {1}},
          {"SequenceInsert", SequenceInsert, {2}},
          {"SequenceLength", SequenceLength},
          {"SplitToSequence", SplitToSequence, {1}}};
}

}  // namespace weft
