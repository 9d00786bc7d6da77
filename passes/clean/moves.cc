#include "passes/clean/moves.h"

#include <numeric>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

// Reshape's argument that makes `to` of `from`, if there is one.
std::optional<std::vector<int64_t>> ShapeArgument(const TensorType& from, const TensorType& to) {
  std::vector<int64_t> shape;
  bool has_open = false;
  for (int axis = 0; axis < to.rank(); ++axis) {
    const Dim& dim = to.dim(axis);
    if (dim == Dim(0)) return std::nullopt;  // 0 means another thing in a shape
    if (dim.is_static()) {
      shape.push_back(dim.coefficient());
    } else if (axis < from.rank() && from.dim(axis) == dim) {
      shape.push_back(0);
    } else if (!std::exchange(has_open, true)) {
      shape.push_back(-1);
    } else {
      return std::nullopt;
    }
  }
  return shape;
}

}  // namespace

Permutation PermutationOf(const Node& transpose) {
  Permutation reversed(static_cast<size_t>(transpose.type().rank()));
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  return GetInts(transpose.attributes(), "perm", reversed);
}

Permutation Composed(const Permutation& first, const Permutation& second) {
  Permutation both;
  for (int64_t axis : second) both.push_back(first[static_cast<size_t>(axis)]);
  return both;
}

Permutation Inverse(const Permutation& permutation) {
  Permutation inverse(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i) {
    inverse[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  }
  return inverse;
}

bool KeepsOrder(const Permutation& permutation) {
  for (size_t i = 0; i < permutation.size(); ++i) {
    if (permutation[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

const std::vector<std::string>& ViewOps() {
  static const auto& ops =
      *new std::vector<std::string>{"Reshape", "ReshapeLike", "Flatten", "Squeeze", "Unsqueeze"};
  return ops;
}

bool IsFilledWith(Value value, double number) {
  const Tensor* tensor = value ? ConstantValue(value) : nullptr;
  for (int64_t i = 0; tensor != nullptr && i < tensor->size(); ++i) {
    if (tensor->At(i) != number) return false;
  }
  return tensor != nullptr;
}

std::vector<Value> ReshapeToRoot(const Match& match, Value x, Rewriter& rewriter) {
  const Node& root = *match.root();
  Value reshaped;
  if (const auto shape = ShapeArgument(x.type(), root.type())) {
    reshaped = rewriter.OpAs(root.name(), "Reshape", {x, rewriter.Ints(*shape)});
  }
  if (reshaped && reshaped.type() == root.type()) return {reshaped};
  return rewriter.Decline(
      absl::StrCat("no constants reshape ", ToString(x.type()), " to ", ToString(root.type())));
}

}  // namespace weft
