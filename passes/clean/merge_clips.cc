// Limits one after the other are one:
//
//   clip2(clip1(x, a, b), c, d)  =>  clip2(x, clip(a, c, d), clip(b, c, d))
//   relu(x) counts as clip(x, 0)

#include "absl/strings/str_cat.h"
#include "passes/clean/clean.h"
#include "passes/rule.h"

namespace weft {
namespace {

const std::vector<std::string> kClipOps = {"Clip", "Relu"};

// NaN limits nothing by itself, but would hide the limit that it is merged with.
Condition AreNumbers(const Match& m) {
  for (const char* name : {"a", "b", "c", "d"}) {
    const Value bound = m[name];
    if (bound.null() || IsKnownNumber(bound)) continue;
    if (ConstantValue(bound) == nullptr) return IsConstant(m, name);
    return Unless(true, absl::StrCat(bound.ToString(), " is NaN"));
  }
  return {};
}

Condition MergeClipsHolds(const Match& m) {
  return All({HasSingleReader(m, "inner"), AreNumbers(m)});
}

bool IsClipOrReluOfClip(const Node& outer) {
  return outer.op_name() == "Clip" || outer.input(0).node->op_name() == "Clip";
}

std::vector<Value> MergeLimits(const Match& m, Rewriter& r) {
  const auto lower = [&](std::string_view node, std::string_view bound) {
    const bool is_relu = m.node(node)->op_name() == "Relu";
    return is_relu ? r.Scalar(0, m["x"].type().dtype) : m[bound];
  };
  const Value a = lower("inner", "a"), b = m["b"], c = lower("outer", "c"), d = m["d"];
  const Value low = a ? r.Op("Clip", {a, c, d}) : c;
  const Value high = b ? r.Op("Clip", {b, c, d}) : d;
  return {r.OpAs(m.root()->name(), "Clip", {m["x"], low, high})};
}

}  // namespace

Pass MergeClips() {
  return ToPass(
      {.name = "merge_clips",
       .doc = "make one Clip of Clips and Relus in a row",
       .pattern = OneOf(kClipOps, {OneOf(kClipOps, {Any().As("x"), Any().As("a").Optional(),
                                                    Any().As("b").Optional()})
                                       .As("inner"),
                                   Any().As("c").Optional(), Any().As("d").Optional()})
                      .As("outer")
                      .Where(IsClipOrReluOfClip),
       .conditions = MergeClipsHolds,
       .rewrite = MergeLimits});
}

}  // namespace weft
