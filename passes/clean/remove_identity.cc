// Ops that return their input as it is go.
//
//   x -> drop1 (Dropout, inference) -> fc1    =>    x -> fc1
//
// The same for Identity, and for moves, casts and sums that change nothing: a Slice of everything,
// a Pad by zero elements, a Concat of one piece, a ReduceMean over axes of one element. (A sum
// makes 0 of -0; that sign is not kept.)

#include <algorithm>

#include "ops/arguments.h"
#include "passes/clean/clean.h"
#include "passes/clean/moves.h"

namespace weft {
namespace {

bool Always(const Node&) { return true; }
bool MovesNoAxis(const Node& transpose) { return KeepsOrder(PermutationOf(transpose)); }
bool HasOneInput(const Node& node) { return node.num_inputs() == 1; }
bool HasOnePiece(const Node& split) { return split.num_outputs() == 1; }
bool HasNoBounds(const Node& clip) { return clip.input(1).null() && clip.input(2).null(); }
bool PadsNothing(const Node& pad) { return IsFilledWith(pad.input(1), 0); }

bool GoesForwards(const Node& slice) {
  if (slice.input(4).null()) return true;
  const auto steps = ConstantInts(slice.input(4));
  return steps && std::all_of(steps->begin(), steps->end(), [](int64_t step) { return step > 0; });
}

bool TakesAllInOrder(const Node& gather) {
  const auto indices = ConstantInts(gather.input(1));
  return indices && KeepsOrder(*indices);
}

// By sizes, the same type is the same size; a scale near 1 may still move places.
bool ResizesByOne(const Node& resize) {
  return GetString(resize.attributes(), "coordinate_transformation_mode") != "tf_crop_and_resize" &&
         (!resize.input(3).null() || IsFilledWith(resize.input(2), 1));
}

// Where a node's type is its first input's, `keeps` tells whether its elements are, too.
struct Kind {
  std::string_view op;
  bool (*keeps)(const Node&) = Always;
};
constexpr Kind kKinds[] = {
    {"Identity"},
    {"Dropout"},
    {"Reshape"},
    {"ReshapeLike"},
    {"Flatten"},
    {"Transpose", MovesNoAxis},
    {"Cast"},
    {"Expand"},
    {"ExpandLike"},
    {"Tile"},
    {"ReduceToLike"},
    {"Slice", GoesForwards},
    {"Pad", PadsNothing},
    {"Gather", TakesAllInOrder},
    {"Resize", ResizesByOne},
    {"Split", HasOnePiece},
    {"SplitLike", HasOnePiece},
    {"Clip", HasNoBounds},
    {"Concat", HasOneInput},
    {"Sum", HasOneInput},
    {"Mean", HasOneInput},
    {"Max", HasOneInput},
    {"Min", HasOneInput},
    {"ReduceSum"},
    {"ReduceMean"},
    {"ReduceMax"},
    {"ReduceMin"},
    {"ReduceProd"},
    {"DepthToSpace"},
    {"SpaceToDepth"},
};

bool ChangesNothing(const Node& node) {
  const auto* kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [&](const Kind& k) { return k.op == node.op_name(); });
  return node.input(0).type() == node.type() && kind->keeps(node);
}

std::vector<std::string> OpNames() {
  std::vector<std::string> names;
  for (const Kind& kind : kKinds) names.emplace_back(kind.op);
  return names;
}

Condition RemoveIdentityHolds(const Match& m) {
  const Node& node = *m.root();
  if (node.op_name() != "Dropout") return {};
  const bool mask = node.num_outputs() > 1 && m.graph().CountReaders(m.root()->output(1)) > 0;
  return All({IsInMode(m, "node", "inference"),
              Unless(mask, absl::StrCat("the mask of ", node.name(), " is read"))});
}

std::vector<Value> RemoveIdentityReplace(const Match& m, Rewriter&) {
  std::vector<Value> values(static_cast<size_t>(m.root()->num_outputs()));
  values[0] = m["x"];
  return values;
}

}  // namespace

Pass RemoveIdentity() {
  return ToPass(
      {.name = "remove_identity",
       .doc = "remove Identity, Dropout at inference, and moves and casts to the same",
       .pattern = OneOf(OpNames(), {Any().As("x"), Rest()}).As("node").Where(ChangesNothing),
       .conditions = RemoveIdentityHolds,
       .rewrite = RemoveIdentityReplace});
}

}  // namespace weft
