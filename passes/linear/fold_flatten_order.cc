// A matrix product of flattened images can take their elements in any order, if its weights have
// the same one:
//
//   matmul(flatten(transpose(x)), w)  =>  matmul(flatten(x), w')
//
// with the rows of w in the order of x's elements: reshape(transpose^-1(reshape(w))), of constants.
// So ends a classifier in NHWC whose convolutions work in NCHW.

#include "absl/strings/str_cat.h"
#include "passes/clean/moves.h"
#include "passes/linear/linear.h"
#include "passes/linear/linear_op.h"

namespace weft {
namespace {

// [N,...] to [N,elements], all known but N. (Where N is 0, rows may be of any length.)
bool FlattensExamples(const Node& flat) {
  const TensorType &images = flat.input(0).type(), &rows = flat.type();
  if (images.rank() < 3 || rows.rank() != 2 || rows.dim(0) != images.dim(0)) return false;
  const auto dims = StaticDims(Shape(images.shape.begin() + 1, images.shape.end()));
  const absl::StatusOr<int64_t> elements = dims.ok() ? CountElements(*dims) : dims.status();
  return elements.ok() && rows.dim(1) == Dim(*elements) &&
         PermutationOf(*flat.input(0).node)[0] == 0;
}

Condition FoldFlattenOrderHolds(const Match& m) {
  const Node& flat = *m.node("flat");
  return All({HasSingleReader(m, "turned"), HasSingleReader(m, "flat"), IsConstant(m, "w"),
              HasChannels(m),
              Unless(ReadLinearOp(m).x_axis != 1,
                     absl::StrCat(flat.name(), " is read with its axes swapped"))});
}

std::vector<Value> FoldFlattenOrderReplace(const Match& m, Rewriter& r) {
  const LinearOp op = ReadLinearOp(m);
  const Node& turned = *m.node("turned");
  const Permutation back = Inverse(PermutationOf(turned));
  // One axis of w becomes those of the images, which go back to their places.
  const int first = op.w_in;
  Dims whole, split, order;
  for (int axis = 0; axis < 2; ++axis) {
    whole.push_back(op.w.type().dim(axis).coefficient());
    if (axis != first) {
      order.push_back(std::ssize(split));
      split.push_back(whole.back());
      continue;
    }
    for (int i = 1; i < turned.type().rank(); ++i) {
      order.push_back(first + back[static_cast<size_t>(i)] - 1);
      split.push_back(turned.type().dim(i).coefficient());
    }
  }
  const Value parts = r.Op("Reshape", {op.w, r.Ints(split)});
  const Value moved = r.Op("Transpose", {parts}, {{"perm", order}});
  std::vector<Value> inputs(m.root()->inputs().begin(), m.root()->inputs().end());
  inputs[0] = r.OpAs(m.node("flat")->name(), "Flatten", {m["x"]});
  inputs[1] = r.OpAs(op.w.node->name(), "Reshape", {moved, r.Ints(whole)});
  return {r.OpAs(m.root()->name(), m.root()->op_name(), std::move(inputs), m.root()->attributes())};
}

}  // namespace

Pass FoldFlattenOrder() {
  const Pattern turned = Op("Transpose", {Any().As("x")}).As("turned");
  Pattern flat = OneOf({"Flatten", "Reshape"}, {turned, Rest()}).Where(FlattensExamples);
  return ToPass({.name = "fold_flatten_order",
                 .doc = "reorder the weights of a matrix product instead of the images that are "
                        "flattened for it",
                 .pattern = LinearPattern(std::move(flat).As("flat")),
                 .conditions = FoldFlattenOrderHolds,
                 .rewrite = FoldFlattenOrderReplace});
}

}  // namespace weft
