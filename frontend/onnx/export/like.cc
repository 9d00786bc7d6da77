#include <algorithm>
#include <set>

#include "frontend/onnx/export/table.h"

// The ops that give a value the shape of another one.

namespace weft {
namespace {

void ExportReshapeLike(OpExport& e) {
  const Shape& shape = e.result().shape;
  // A 0 in the shape stands for an extent of the input unless it is allowed.
  const bool empty = std::find(shape.begin(), shape.end(), Dim(0)) != shape.end();
  e.Last("Reshape", {e.in(0), e.ReshapeTo(e.type().shape, 1)}, {{"allowzero", empty ? 1 : 0}});
}

// Axes of size 1 where `axes` says, and for leading axes that X lacks; then copies along them.
void ExportExpandLike(OpExport& e) {
  const int rank = e.result().rank();
  std::set<int64_t> inserted;
  for (int64_t axis : GetInts(e.attributes(), "axes")) inserted.insert((axis + rank) % rank);
  size_t missing = static_cast<size_t>(rank - e.type().rank()) - inserted.size();
  std::set<int64_t> all = inserted;
  for (int axis = 0; missing > 0 && axis < rank; ++axis) {
    if (all.insert(axis).second) --missing;
  }
  OnnxOperand x = e.in(0);
  if (!inserted.empty()) x = e.Op("Unsqueeze", {x, e.Ints({all.begin(), all.end()})});
  e.Last("Expand", {x, e.ShapeOf(1)});
}

// The sum of a value of type `x` over the axes along which `like` broadcasts to it.
void SumToLike(OpExport& e, OnnxOperand value, const TensorType& x, const Shape& like) {
  const int lead = x.rank() - static_cast<int>(like.size());
  std::vector<int64_t> leading, kept;
  for (int axis = 0; axis < x.rank(); ++axis) {
    if (axis < lead) {
      leading.push_back(axis);
    } else if (like[static_cast<size_t>(axis - lead)] == Dim(1) && x.dim(axis) != Dim(1)) {
      kept.push_back(axis);
    }
  }
  if (leading.empty() && kept.empty()) return e.Last("Identity", {value});
  if (leading.empty() || kept.empty()) {
    return e.LastOurs(
        "ReduceSum", {value}, {x},
        {{"axes", leading.empty() ? kept : leading}, {"keepdims", leading.empty() ? 1 : 0}});
  }
  TensorType summed = x;
  std::vector<int64_t> axes = leading;
  axes.insert(axes.end(), kept.begin(), kept.end());
  for (int64_t axis : axes) summed.shape[static_cast<size_t>(axis)] = 1;
  const OnnxOperand sum =
      e.Ours("ReduceSum", {value}, {x}, {{"axes", axes}, {"keepdims", 1}}, std::move(summed));
  e.Last("Squeeze", {sum, e.Ints(leading)});
}

void ExportReduceToLike(OpExport& e) { SumToLike(e, e.in(0), e.type(), e.result().shape); }

void ExportMulReduceToLike(OpExport& e) {
  SumToLike(e, e.Op("Mul", {e.in(0), e.in(1)}), e.type(), e.result().shape);
}

void ExportSplitLike(OpExport& e) {
  const int64_t axis = GetInt(e.attributes(), "axis");
  std::vector<int64_t> sizes;
  for (const TensorType& type : e.call().types) {
    const Dim& dim = type.dim(static_cast<int>(axis < 0 ? axis + type.rank() : axis));
    if (!dim.is_static()) e.Fail("pieces of symbolic extents");
    sizes.push_back(dim.coefficient());
  }
  e.Last("Split", {e.in(0), e.Ints(sizes)}, {{"axis", axis}});
}

}  // namespace

std::vector<ExportEntry> LikeExports() {
  return {{"ExpandLike", ExportExpandLike},
          {"MulReduceToLike", ExportMulReduceToLike},
          {"ReduceToLike", ExportReduceToLike},
          {"ReshapeLike", ExportReshapeLike},
          {"SplitLike", ExportSplitLike}};
}

}  // namespace weft
