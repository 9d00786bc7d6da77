// A transposition of groups of channels, for which frameworks without such an op split an axis:
//
//   x [N,C,...] -> Reshape [N,g,C/g,...] -> Transpose -> [N,C/g,g,...] -> Reshape [N,C,...]
//     =>  ChannelShuffle(x) {group=g}
//
// The axes behind the channels may be merged or split meanwhile: their elements keep their order.

#include "absl/strings/str_cat.h"
#include "passes/rule.h"
#include "passes/structure/structure.h"

namespace weft {
namespace {

bool SwapsAxes1And2(const Node& transpose) {
  const std::vector<int64_t> perm = GetInts(transpose.attributes(), "perm");
  if (perm.size() < 3) return false;
  for (size_t i = 0; i < perm.size(); ++i) {
    const size_t from = i == 1 ? 2 : i == 2 ? 1 : i;
    if (perm[i] != static_cast<int64_t>(from)) return false;
  }
  return true;
}

// [N,C,...] as [N,g,C/g,...].
bool SplitsChannels(const TensorType& x, const TensorType& grouped) {
  if (x.rank() < 2 || grouped.dim(0) != x.dim(0)) return false;
  if (!x.dim(1).is_static() || !grouped.dim(1).is_static()) return false;
  return Dim::Multiply(grouped.dim(1), grouped.dim(2)) == x.dim(1);
}

Condition GroupsChannels(const Match& m) {
  const TensorType &x = m["x"].type(), &grouped = m["grouped"].type();
  return Unless(!SplitsChannels(x, grouped),
                absl::StrCat(m["grouped"].ToString(), " is ", ToString(grouped),
                             ", no groups of the channels of ", ToString(x)));
}

Condition RecognizeChannelShuffleHolds(const Match& m) {
  return All({GroupsChannels(m), HaveSameType(m, "x", "y"), HasSingleReader(m, "grouped"),
              HasSingleReader(m, "swapped")});
}

std::vector<Value> RecognizeChannelShuffleReplace(const Match& m, Rewriter& r) {
  const int64_t group = m["grouped"].type().dim(1).coefficient();
  if (group == 0) return r.Decline("no channels");
  return {r.OpAs(m.root()->name(), "ChannelShuffle", {m["x"]}, {{"group", group}})};
}

}  // namespace

Pass RecognizeChannelShuffle() {
  const std::vector<std::string> reshapes = {"Reshape", "ReshapeLike"};
  return ToPass(
      {.name = "recognize_channel_shuffle",
       .doc = "shuffle channels in one go instead of by Reshape, Transpose and Reshape",
       .pattern =
           OneOf(reshapes, {Op("Transpose", {OneOf(reshapes, {Any().As("x"), Any()}).As("grouped")})
                                .Where(SwapsAxes1And2)
                                .As("swapped"),
                            Any()})
               .As("y"),
       .conditions = RecognizeChannelShuffleHolds,
       .rewrite = RecognizeChannelShuffleReplace});
}

}  // namespace weft
