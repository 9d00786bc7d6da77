// How each op's axes move, one function a family of ops:
//
//   element-wise, Concat      every operand along; one of fewer axes is broadcast from the right
//   Softmax, Split, Gather    the attribute `axis`
//   Reduce*, ArgMax           the attribute `axes` or `axis`; those that stay keep their order
//   Pad, Resize, Slice, Tile  lists of a number an axis, or the axes that they name
//   Squeeze, Unsqueeze        axes of one element; also Reshape and Flatten where they do no more

#include "passes/clean/permuted_op.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/container/flat_hash_map.h"
#include "graph/op.h"
#include "ops/arguments.h"
#include "passes/axes.h"

namespace weft {
namespace {

// Fills in `op`, which begins as a copy of the node that reads every operand as it is.
using PermuteFn = bool (*)(const Node& node, const Permutation& perm, PermutedOp& op);

bool HasRank(Value v, const Permutation& perm) {
  return v && v.type().rank() == static_cast<int>(perm.size());
}

int64_t Moved(int64_t axis, const Permutation& perm) {
  return perm[static_cast<size_t>(axis < 0 ? axis + static_cast<int64_t>(perm.size()) : axis)];
}

Dims Moved(Dims axes, const Permutation& perm) {
  for (int64_t& axis : axes) axis = Moved(axis, perm);
  return axes;
}

// A list of one element an axis, or of several times so many.
Tensor Moved(const Tensor& list, const Permutation& perm) {
  Tensor moved = list;
  const size_t width = SizeOf(list.dtype()), rank = perm.size();
  std::byte* to = moved.mutable_data();
  for (size_t i = 0; i < static_cast<size_t>(list.size()); ++i) {
    const size_t place = i / rank * rank + static_cast<size_t>(perm[i % rank]);
    std::memcpy(to + place * width, list.data() + i * width, width);
  }
  return moved;
}

// The order of the axes that are left without `axes`.
Permutation Without(const Permutation& perm, const Dims& axes) {
  Permutation left;
  for (size_t i = 0; i < perm.size(); ++i) {
    if (std::ranges::find(axes, static_cast<int64_t>(i)) == axes.end()) left.push_back(perm[i]);
  }
  Permutation sorted = left;
  std::ranges::sort(sorted);
  for (int64_t& axis : left) axis = std::ranges::lower_bound(sorted, axis) - sorted.begin();
  return left;
}

bool IsOneElement(const TensorType& type) {
  return std::ranges::all_of(type.shape, [](const Dim& d) { return d == Dim(1); });
}

bool PermuteElementwise(const Node& node, const Permutation& perm, PermutedOp& op) {
  if (!HasRank(node.output(), perm)) return false;
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const Value v = node.inputs()[i];
    if (v && (HasRank(v, perm) || !IsOneElement(v.type()))) op.inputs[i] = perm;
  }
  return true;
}

bool PermuteConcat(const Node& node, const Permutation& perm, PermutedOp& op) {
  std::ranges::fill(op.inputs, perm);
  op.attributes["axis"] = Moved(AxisOf(node), perm);
  return true;
}

// What is done along one axis of the first input, which may be gone then.
bool PermuteAlongAxis(const Node& node, const Permutation& perm, PermutedOp& op) {
  if (!HasRank(node.input(0), perm)) return false;
  int64_t axis = GetInt(node.attributes(), "axis");
  if (axis < 0) axis += static_cast<int64_t>(perm.size());
  op.inputs[0] = perm;
  op.attributes["axis"] = Moved(axis, perm);
  if (!HasRank(node.output(), perm)) op.output = Without(perm, {axis});
  return true;
}

bool PermuteGather(const Node& node, const Permutation& perm, PermutedOp& op) {
  return node.input(1).type().rank() <= 1 && PermuteAlongAxis(node, perm, op);
}

bool PermuteReduction(const Node& node, const Permutation& perm, PermutedOp& op) {
  if (!HasRank(node.input(0), perm)) return false;
  op.inputs[0] = perm;
  const Dims axes = ReducedAxes(node);
  if (axes.empty()) return false;
  if (!HasRank(node.output(), perm)) op.output = Without(perm, axes);
  Dims moved = Moved(axes, perm);
  std::ranges::sort(moved);
  op.attributes["axes"] = std::move(moved);
  return true;
}

// The list that is input `i` has one element an axis.
bool MoveList(const Node& node, int i, const Permutation& perm, PermutedOp& op) {
  const Tensor* list = ConstantValue(node.input(i));
  if (list == nullptr || list->size() % static_cast<int64_t>(perm.size()) != 0) return false;
  if (list->size() > 0) op.arguments[i] = Moved(*list, perm);
  return true;
}

// Axes that input `i` names.
bool MoveNames(Value axes, int i, const Permutation& perm, PermutedOp& op) {
  const auto names = ConstantInts(axes);
  if (names) op.arguments[i] = Tensor::FromInts(Moved(*names, perm));
  return names.has_value();
}

bool PermutePad(const Node& node, const Permutation& perm, PermutedOp& op) {
  op.inputs[0] = perm;
  if (!node.input(3).null())
    return ConstantInts(node.input(1)) && MoveNames(node.input(3), 3, perm, op);
  return MoveList(node, 1, perm, op);
}

// Roi, scales and sizes are of all axes or of those that the attribute names.
bool PermuteResize(const Node& node, const Permutation& perm, PermutedOp& op) {
  op.inputs[0] = perm;
  const Dims axes = GetInts(node.attributes(), "axes");
  if (!axes.empty()) op.attributes["axes"] = Moved(axes, perm);
  for (int i = 1; i < node.num_inputs(); ++i) {
    if (node.input(i).null()) continue;
    if (ConstantValue(node.input(i)) == nullptr) return false;
    if (axes.empty() && !MoveList(node, i, perm, op)) return false;
  }
  return true;
}

bool PermuteSlice(const Node& node, const Permutation& perm, PermutedOp& op) {
  op.inputs[0] = perm;
  const auto starts = ConstantInts(node.input(1));
  if (!starts || !ConstantInts(node.input(2))) return false;
  if (!node.input(4).null() && !ConstantInts(node.input(4))) return false;
  if (!node.input(3).null()) return MoveNames(node.input(3), 3, perm, op);
  const auto named = static_cast<std::ptrdiff_t>(starts->size());
  op.arguments[3] = Tensor::FromInts(Dims(perm.begin(), perm.begin() + named));
  return true;
}

bool PermuteTile(const Node& node, const Permutation& perm, PermutedOp& op) {
  op.inputs[0] = perm;
  return MoveList(node, 1, perm, op);
}

bool PermuteExpand(const Node& node, const Permutation& perm, PermutedOp& op) {
  auto shape = ConstantInts(node.input(1));
  if (!shape || !PermuteElementwise(node, perm, op)) return false;
  shape->insert(shape->begin(), perm.size() - shape->size(), 1);
  op.inputs[1] = {};
  op.arguments[1] = Moved(Tensor::FromInts(*shape), perm);
  return true;
}

// The axes of one element without which `from` is `to`.
std::optional<Dims> DroppedAxes(const Shape& from, const Shape& to) {
  Dims dropped;
  size_t kept = 0;
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (kept < to.size() && from[axis] == to[kept]) {
      ++kept;
    } else if (from[axis] == Dim(1)) {
      dropped.push_back(static_cast<int64_t>(axis));
    } else {
      return std::nullopt;
    }
  }
  return kept == to.size() ? std::optional(dropped) : std::nullopt;
}

bool PermuteDropped(const Node& node, const Permutation& perm, PermutedOp& op) {
  const auto dropped = DroppedAxes(node.input(0).type().shape, node.type().shape);
  if (!HasRank(node.input(0), perm) || !dropped || dropped->empty()) return false;
  op = {.op = "Squeeze", .attributes = {}, .inputs = {perm}, .arguments = {}, .output = {}};
  op.arguments[1] = Tensor::FromInts(Moved(*dropped, perm));
  op.output = Without(perm, *dropped);
  return true;
}

// The new axes stay where they are, those of the input come around them in their new order.
bool PermuteUnsqueeze(const Node& node, const Permutation& perm, PermutedOp& op) {
  auto added = ConstantInts(node.input(1));
  if (!added || !HasRank(node.input(0), perm)) return false;
  Permutation places(static_cast<size_t>(node.type().rank()));
  std::iota(places.begin(), places.end(), 0);
  op.output = places;
  for (int64_t& axis : *added) axis = Moved(axis, places);
  std::erase_if(places,
                [&](int64_t place) { return std::ranges::find(*added, place) != added->end(); });
  for (size_t i = 0; i < perm.size(); ++i) {
    op.output[static_cast<size_t>(places[i])] = places[static_cast<size_t>(perm[i])];
  }
  op.inputs[0] = perm;
  return true;
}

PermuteFn FunctionOf(const Node& node) {
  static const auto* by_name = new absl::flat_hash_map<std::string_view, PermuteFn>{
      {"Concat", PermuteConcat},     {"Softmax", PermuteAlongAxis},
      {"Hardmax", PermuteAlongAxis}, {"LogSoftmax", PermuteAlongAxis},
      {"Split", PermuteAlongAxis},   {"LpNormalization", PermuteAlongAxis},
      {"Gather", PermuteGather},     {"ArgMax", PermuteAlongAxis},
      {"ArgMin", PermuteAlongAxis},  {"Pad", PermutePad},
      {"Resize", PermuteResize},     {"Slice", PermuteSlice},
      {"Tile", PermuteTile},         {"Expand", PermuteExpand},
      {"Squeeze", PermuteDropped},   {"Reshape", PermuteDropped},
      {"Flatten", PermuteDropped},   {"Unsqueeze", PermuteUnsqueeze},
  };
  if (node.op().traits.reduction) return PermuteReduction;
  const bool repeats = !node.op().draws_random && node.num_outputs() == 1;
  if (node.op().traits.elementwise) return repeats ? PermuteElementwise : nullptr;
  const auto it = by_name->find(node.op_name());
  return it == by_name->end() ? nullptr : it->second;
}

}  // namespace

std::optional<PermutedOp> PermutedBy(const Node& node, const Permutation& perm) {
  const PermuteFn permute = FunctionOf(node);
  // The first input's axes or the result's, or none that the op works on.
  if (permute == nullptr || (!HasRank(node.input(0), perm) && !HasRank(node.output(), perm))) {
    return std::nullopt;
  }
  PermutedOp op{.op = std::string(node.op_name()),
                .attributes = node.attributes(),
                .inputs = std::vector<Permutation>(static_cast<size_t>(node.num_inputs())),
                .arguments = {},
                .output = perm};
  if (!permute(node, perm, op)) return std::nullopt;
  return op;
}

}  // namespace weft
