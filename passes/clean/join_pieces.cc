// What is cut and joined again, or joined and cut again, was there before:
//
//   concat1(split1(x):0, split1(x):1)          =>  x
//   split1(concat1(a, b, c))                   =>  a, concat(b, c)   where those are its pieces
//   slice1(concat1(a, b, c)) of b's elements   =>  b
//
// and what is joined in several steps is joined in one:
//
//   concat2(concat1(a, b), c)                  =>  concat2(a, b, c)

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "ops/arguments.h"
#include "passes/axes.h"
#include "passes/clean/clean.h"
#include "passes/clean/moves.h"

namespace weft {
namespace {

bool JoinsAllPieces(const Node& concat) {
  const Node& split = *concat.input(0).node;
  if (split.op_name() != "Split" && split.op_name() != "SplitLike") return false;
  bool joins = concat.num_inputs() == split.num_outputs() && AxisOf(concat) == AxisOf(split);
  for (int i = 0; joins && i < concat.num_inputs(); ++i) joins = concat.input(i) == split.output(i);
  return joins && concat.type() == split.input(0).type();
}

std::vector<Value> ToWhole(const Match& m, Rewriter&) {
  return {m.root()->input(0).node->input(0)};
}

// Elements [begin, end) of an axis.
struct ElementRange {
  int64_t begin = 0;
  int64_t end = 0;
};

std::optional<int64_t> ExtentOf(Value v, int64_t axis) {
  const Dim& dim = v.type().dim(static_cast<int>(axis));
  return dim.is_static() ? std::optional(dim.coefficient()) : std::nullopt;
}

// What a Slice along `axis` alone, with steps of 1, takes of `extent` elements.
std::optional<ElementRange> SlicedRange(const Node& slice, int64_t axis, int64_t extent) {
  const auto starts = ConstantInts(slice.input(1)), ends = ConstantInts(slice.input(2));
  if (!starts || !ends || SlicedAxis(slice) != axis) return std::nullopt;
  if (slice.input(4) && !IsFilledWith(slice.input(4), 1)) return std::nullopt;
  const auto from_front = [extent](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + extent : at, 0, extent);
  };
  return ElementRange{from_front(starts->front()), from_front(ends->front())};
}

// What each output of `cut`, a Split or Slice of `concat`, takes along its axis; nothing where that
// is not known.
std::vector<ElementRange> TakenRanges(const Node& cut, const Node& concat) {
  const int64_t axis = AxisOf(concat);
  const auto extent = ExtentOf(concat.output(), axis);
  if (!extent) return {};
  if (cut.op_name() == "Slice") {
    const auto range = SlicedRange(cut, axis, *extent);
    return range ? std::vector<ElementRange>{*range} : std::vector<ElementRange>{};
  }
  std::vector<ElementRange> ranges;
  if (AxisOf(cut) != axis) return ranges;
  int64_t at = 0;
  for (int i = 0; i < cut.num_outputs(); ++i) {
    const auto piece = ExtentOf(cut.output(i), axis);
    if (!piece) return {};
    ranges.push_back({at, at + *piece});
    at += *piece;
  }
  return ranges;
}

// The operands of `concat` that are `range` together; none where it cuts through one.
std::vector<Value> Covering(const Node& concat, const ElementRange& range) {
  std::vector<Value> covering;
  int64_t at = 0;
  for (const Value& v : concat.inputs()) {
    const auto extent = ExtentOf(v, AxisOf(concat));
    if (!extent) return {};
    const int64_t end = at + *extent;
    const bool inside = at >= range.begin && end <= range.end;
    if (!inside && at < range.end && end > range.begin) return {};
    if (inside && at < end) covering.push_back(v);
    at = end;
  }
  return covering;
}

bool TakesWholeOperands(const Node& cut) {
  const Node& concat = *cut.input(0).node;
  if (concat.op_name() != "Concat") return false;
  const std::vector<ElementRange> ranges = TakenRanges(cut, concat);
  return !ranges.empty() &&
         std::all_of(ranges.begin(), ranges.end(),
                     [&](const ElementRange& range) { return !Covering(concat, range).empty(); });
}

std::vector<Value> ToOperands(const Match& m, Rewriter& r) {
  const Node& cut = *m.root();
  const Node& concat = *cut.input(0).node;
  std::vector<Value> pieces;
  for (const ElementRange& range : TakenRanges(cut, concat)) {
    std::vector<Value> covering = Covering(concat, range);
    pieces.push_back(covering.size() == 1
                         ? covering[0]
                         : r.Op("Concat", std::move(covering), {{"axis", AxisOf(concat)}}));
  }
  for (int i = 0; r.ok() && i < cut.num_outputs(); ++i) {
    const Value piece = pieces[static_cast<size_t>(i)];
    if (piece.type() == cut.type(i)) continue;
    return r.Decline(absl::StrCat(piece.ToString(), " is ", ToString(piece.type()), ", not ",
                                  ToString(cut.type(i))));
  }
  return pieces;
}

// Whether operand `i` is a Concat along the same axis, which nothing else in the graph reads.
bool IsNested(const Node& concat, int i) {
  const Node& inner = *concat.input(i).node;
  return inner.op_name() == "Concat" && AxisOf(inner) == AxisOf(concat) && inner.uses().size() == 1;
}

// The outermost of nested ones takes all in, not each one those before it.
bool IsOutermost(const Node& concat) {
  const auto uses = concat.uses();
  if (uses.size() == 1 && uses[0].user->op_name() == "Concat" &&
      AxisOf(*uses[0].user) == AxisOf(concat)) {
    return false;
  }
  for (int i = 0; i < concat.num_inputs(); ++i) {
    if (IsNested(concat, i)) return true;
  }
  return false;
}

// Those of the Concats inside in their places; a Concat that is an output stays an operand.
std::vector<Value> OperandsOfAll(const Match& m) {
  std::vector<Value> operands;
  std::vector<Value> pending = {m.root()->output()};
  while (!pending.empty()) {
    const Value v = pending.back();
    pending.pop_back();
    if (v.node != m.root() &&
        (m.graph().IsOutput(v) || v.node->op_name() != "Concat" ||
         AxisOf(*v.node) != AxisOf(*m.root()) || v.node->uses().size() != 1)) {
      operands.push_back(v);
      continue;
    }
    const auto inputs = v.node->inputs();
    pending.insert(pending.end(), inputs.rbegin(), inputs.rend());
  }
  return operands;
}

std::vector<Value> Flatten(const Match& m, Rewriter& r) {
  const Node& concat = *m.root();
  std::vector<Value> operands = OperandsOfAll(m);
  if (std::ranges::equal(operands, concat.inputs())) {
    return r.Decline("what it joins are outputs");
  }
  const Value joined = r.OpAs(concat.name(), "Concat", std::move(operands), concat.attributes());
  if (!r.ok() || joined.type() == concat.type()) return {joined};
  return r.Decline(absl::StrCat("it would be ", ToString(joined.type())));
}

}  // namespace

Pass JoinPieces() {
  return ToPass({.name = "join_pieces",
                 .doc = "remove a Split whose pieces a Concat joins again",
                 .pattern = Op("Concat").Where(JoinsAllPieces),
                 .conditions = nullptr,
                 .rewrite = ToWhole});
}

Pass CutConcat() {
  return ToPass({.name = "cut_concat",
                 .doc = "take the operands of a Concat instead of cutting them out of it",
                 .pattern = OneOf({"Split", "SplitLike", "Slice"}).Where(TakesWholeOperands),
                 .conditions = nullptr,
                 .rewrite = ToOperands});
}

Pass FlattenConcats() {
  return ToPass({.name = "flatten_concats",
                 .doc = "make one Concat of a Concat of Concats",
                 .pattern = Op("Concat").Where(IsOutermost),
                 .conditions = nullptr,
                 .rewrite = Flatten});
}

}  // namespace weft
