// A convolution of all channels can take them in any order, if its weights have the same one:
//
//   conv(shuffle(x) {group=g}, w, ...)  =>  conv(x, shuffle(w) {group=C/g}, ...)
//
// The weights' input channels are axis 1, as the image's are; fold_constants shuffles them.

#include <algorithm>

#include "passes/linear/linear.h"
#include "passes/rule.h"

namespace weft {
namespace {

bool ReadsAllChannels(const Node& conv) { return GetInt(conv.attributes(), "group", 1) == 1; }

Condition FoldChannelShuffleHolds(const Match& m) {
  return All({HasSingleReader(m, "shuffle"), IsConstant(m, "w")});
}

std::vector<Value> FoldChannelShuffleReplace(const Match& m, Rewriter& r) {
  const Node& conv = *m.node("conv");
  const Value w = m["w"];
  const int64_t group = GetInt(m.node("shuffle")->attributes(), "group");
  const int64_t places = std::max<int64_t>(1, m["x"].type().dim(1).coefficient() / group);
  std::vector<Value> inputs(conv.inputs().begin(), conv.inputs().end());
  inputs[0] = m["x"];
  inputs[1] = r.OpAs(w.node->name(), "ChannelShuffle", {w}, {{"group", places}});
  return {r.OpAs(conv.name(), conv.op_name(), std::move(inputs), conv.attributes())};
}

}  // namespace

Pass FoldChannelShuffle() {
  return ToPass(
      {.name = "fold_channel_shuffle",
       .doc = "shuffle a convolution's weights instead of its image's channels",
       .pattern = OneOf({"Conv", "FusedConv"}, {Op("ChannelShuffle", {Any().As("x")}).As("shuffle"),
                                                Any().As("w"), Rest()})
                      .Where(ReadsAllChannels)
                      .As("conv"),
       .conditions = FoldChannelShuffleHolds,
       .rewrite = FoldChannelShuffleReplace});
}

}  // namespace weft
