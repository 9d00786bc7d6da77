// Channels that become the pixels of a block, or pixels that become channels, where axes are split,
// swapped and merged for it:
//
//   x [N,C*b*b,H,W] -> Reshape [N,b,b,C,H,W] -> Transpose [N,C,H,b,W,b] -> Reshape [N,C,H*b,W*b]
//     =>  DepthToSpace(x) {blocksize=b, mode=DCR}
//
// With Reshape [N,C,b,b,H,W] it is mode CRD; the other way round, SpaceToDepth.

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "passes/rule.h"
#include "passes/structure/structure.h"

namespace weft {
namespace {

struct BlockMove {
  const char *op, *mode;
  std::vector<int64_t> perm;
  std::vector<int> splits;  // which axis of x each of the six is from
  int high, wide;           // those of the six that are b
};

const BlockMove* FindBlockMove(const Node& transpose) {
  static const auto& moves = *new std::vector<BlockMove>{
      {"DepthToSpace", "DCR", {0, 3, 4, 1, 5, 2}, {0, 1, 1, 1, 2, 3}, 1, 2},
      {"DepthToSpace", "CRD", {0, 1, 4, 2, 5, 3}, {0, 1, 1, 1, 2, 3}, 2, 3},
      {"SpaceToDepth", "DCR", {0, 3, 5, 1, 2, 4}, {0, 1, 2, 2, 3, 3}, 3, 5},
      {"SpaceToDepth", "CRD", {0, 1, 3, 5, 2, 4}, {0, 1, 2, 2, 3, 3}, 3, 5}};
  const std::vector<int64_t> perm = GetInts(transpose.attributes(), "perm");
  const auto it = std::ranges::find(moves, perm, &BlockMove::perm);
  return it == moves.end() ? nullptr : &*it;
}

// b, where the blocks are squares.
std::optional<int64_t> BlockOf(const TensorType& split, const BlockMove& move) {
  const Dim& b = split.dim(move.high);
  if (b != split.dim(move.wide) || !b.is_static() || b == Dim(0)) return std::nullopt;
  return b.coefficient();
}

bool MovesBlocks(const Node& transpose) { return FindBlockMove(transpose) != nullptr; }

// The axes of x, [N,C,H,W], split as `move` says.
bool SplitsAxes(const TensorType& x, const TensorType& split, const BlockMove& move) {
  if (x.rank() != 4) return false;
  std::vector<std::optional<Dim>> merged(4, Dim(1));
  for (int i = 0; i < 6; ++i) {
    std::optional<Dim>& dim = merged[static_cast<size_t>(move.splits[static_cast<size_t>(i)])];
    if (dim) dim = Dim::Multiply(*dim, split.dim(i));
  }
  return std::equal(merged.begin(), merged.end(), x.shape.begin());
}

Condition RecognizeDepthToSpaceHolds(const Match& m) {
  const TensorType &x = m["x"].type(), &split = m["split"].type();
  const BlockMove& move = *FindBlockMove(*m.node("swapped"));
  return All(
      {Unless(!SplitsAxes(x, split, move),
              absl::StrCat(m["split"].ToString(), " is ", ToString(split), ", no ", move.op, " of ",
                           ToString(x))),
       Unless(!BlockOf(split, move), absl::StrCat(m["split"].ToString(), " is ", ToString(split),
                                                  ", of blocks that are no squares")),
       HasSingleReader(m, "split"), HasSingleReader(m, "swapped")});
}

std::vector<Value> RecognizeDepthToSpaceReplace(const Match& m, Rewriter& r) {
  const BlockMove& move = *FindBlockMove(*m.node("swapped"));
  const int64_t block = BlockOf(m["split"].type(), move).value_or(1);
  const TensorType type = m.root()->type();
  const std::string name = m.root()->name();
  const Value y =
      r.OpAs(name, move.op, {m["x"]}, {{"blocksize", block}, {"mode", std::string(move.mode)}});
  if (r.ok() && y.type() != type) {
    return r.Decline(
        absl::StrCat(name, " is ", ToString(type), ", ", move.op, " makes ", ToString(y.type())));
  }
  return {y};
}

}  // namespace

Pass RecognizeDepthToSpace() {
  const std::vector<std::string> reshapes = {"Reshape", "ReshapeLike"};
  return ToPass(
      {.name = "recognize_depth_to_space",
       .doc = "make pixels of channels in one go instead of by Reshape, Transpose and Reshape",
       .pattern =
           OneOf(reshapes, {Op("Transpose", {OneOf(reshapes, {Any().As("x"), Any()}).As("split")})
                                .Where(MovesBlocks)
                                .As("swapped"),
                            Any()}),
       .conditions = RecognizeDepthToSpaceHolds,
       .rewrite = RecognizeDepthToSpaceReplace});
}

}  // namespace weft
