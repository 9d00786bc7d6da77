// What is done to each element alone may be done before the elements are moved or repeated: on
// fewer of them, and where a convolution can do it to its result.
//
//   relu(depth_to_space(conv))     =>  depth_to_space(relu(conv))
//   relu(resize(x) {nearest})      =>  resize(relu(x))
//   mul(depth_to_space(conv), s)   =>  depth_to_space(mul(conv, [s, s, s, s]))  {mode=DCR}
//
// An operand, like s, has the same numbers for all pixels.

#include "absl/strings/str_cat.h"
#include "ops/post_ops.h"
#include "passes/axes.h"
#include "passes/resample/repeats.h"
#include "passes/resample/resample.h"

namespace weft {
namespace {

bool IsDepthToSpace(const Node& node) { return node.op_name() == "DepthToSpace"; }

// In mode CRD, a pixel's channels are no repetition of the block's. Of an extent that a run may
// find to be 1, there is no telling.
bool CanMove(Value operand, const Node& moved) {
  if (operand.null() || operand == moved.output()) return true;
  const TensorType &type = operand.type(), &image = moved.type();
  if (!IsSpread(type, image.rank())) return false;
  if (!IsDepthToSpace(moved) || HasOneChannel(type, image.rank())) return true;
  return GetString(moved.attributes(), "mode") == "DCR" &&
         type.dim(type.rank() - image.rank() + 1) == image.dim(1);
}

Condition OperandsCanMove(const Match& m) {
  for (const Value& operand : m.root()->inputs()) {
    if (CanMove(operand, *m.node("moved"))) continue;
    return Unless(true, absl::StrCat(operand.ToString(), " is ", ToString(operand.type()),
                                     ", not the same for all that ", m["moved"].ToString(),
                                     " makes of an element"));
  }
  return {};
}

Condition MoveElementwiseUpHolds(const Match& m) {
  const Condition can_move =
      All({HasSingleReader(m, "moved"),
           Unless(m.root()->type() != m["moved"].type(),
                  absl::StrCat(m.root()->name(), " is ", ToString(m.root()->type()))),
           OperandsCanMove(m)});
  const bool repeats = m.node("moved")->op_name() == "Resize";
  return repeats && can_move.holds ? RepeatsElements(m, "moved") : can_move;
}

std::vector<Value> MoveElementwiseUpReplace(const Match& m, Rewriter& r) {
  const Node &root = *m.root(), &moved = *m.node("moved");
  const int64_t block = IsDepthToSpace(moved) ? GetInt(moved.attributes(), "blocksize") : 1;
  std::vector<Value> inputs(root.inputs().begin(), root.inputs().end());
  for (Value& input : inputs) {
    if (input == m["moved"]) {
      input = moved.input(0);
    } else if (input && block > 1) {
      input = RepeatedChannels(r, input, block * block);
    }
  }
  std::vector<Value> again(moved.inputs().begin(), moved.inputs().end());
  again[0] = r.OpAs(root.name(), std::string(root.op_name()), std::move(inputs), root.attributes());
  return {r.OpAs(moved.name(), std::string(moved.op_name()), std::move(again), moved.attributes())};
}

}  // namespace

Pass MoveElementwiseUp() {
  const Pattern moved = OneOf({"DepthToSpace", "Resize"}).As("moved");
  return ToPass({.name = "move_elementwise_up",
                 .doc = "do element-wise what follows DepthToSpace or repetition before it",
                 .pattern = Either({OneOf({"Add", "Mul"}, {moved, Any()}),
                                    OneOf(PostOpNames(), {moved, Rest()})}),
                 .conditions = MoveElementwiseUpHolds,
                 .rewrite = MoveElementwiseUpReplace});
}

}  // namespace weft
