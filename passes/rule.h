#ifndef WEFT_PASSES_RULE_H_
#define WEFT_PASSES_RULE_H_

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "passes/pass.h"
#include "passes/pattern.h"
#include "passes/rewriter.h"

namespace weft {

// How rules are written, ours and a user's own. A pass of one's own that makes x * 1/y a division:
//
//   Pass divide = ToPass({
//       .name = "divide",
//       .doc = "divide instead of multiplying by a reciprocal",
//       .pattern = Op("Mul", {Any().As("x"), Op("Reciprocal", {Any().As("y")}).As("r")}),
//       .conditions = [](const Match& m) { return HasSingleReader(m, "r"); },
//       .rewrite = [](const Match& m, Rewriter& r) -> std::vector<Value> {
//         return {r.OpAs(m.root()->name(), "Div", {m["x"], m["y"]})};
//       }});
//   Optimize(graph, {.evaluator = …, .costs = …, .own = {divide}});

// Something that a rule needs besides its pattern. Where it does not hold, `failure` says what is
// in the way, in the words of --explain: "conv1 has 2 consumers".
struct Condition {
  bool holds = true;
  std::string failure;
};

inline Condition Unless(bool fails, std::string failure) {
  return fails ? Condition{false, std::move(failure)} : Condition{};
}
// The first that does not hold.
Condition All(std::initializer_list<Condition> conditions);

// Conditions on what a pattern named. An optional input that is absent fulfils every one.
Condition HasSingleReader(const Match& match, std::string_view name);
// Nothing but the nodes that matched reads these values, so that they go with them.
Condition AreReadInside(const Match& match, std::initializer_list<std::string_view> names);
Condition IsConstant(const Match& match, std::string_view name);
// A constant of one element that is a number, not NaN.
bool IsKnownNumber(Value value);
// A constant of one element that is `number`, to within 1e-6 of it.
Condition IsNumber(const Match& match, std::string_view name, double number);
// For rules that move constants together: two of them are fold_constants' business.
Condition IsNotConstant(const Match& match, std::string_view name);
Condition HaveSameType(const Match& match, std::string_view a, std::string_view b);
// The node has this mode: "inference".
Condition IsInMode(const Match& match, std::string_view name, std::string_view mode);
Condition HasOneGroup(const Match& match, std::string_view name);
// One number a channel of `image`, whose channels are on `axis` ([N,C,…]), or one for all: [C,1,1],
// [1,C,1,1], [1], [].
Condition IsPerChannel(const Match& match, std::string_view name, std::string_view image,
                       int axis = 1);

// A rewrite rule: where `pattern` fits and `conditions` hold, `rewrite` builds one value for each
// output of the outermost node (null for an output that nothing reads).
//
// What the pattern's Where, `conditions` and `rewrite` decide by may be the attributes, types and
// constants of the nodes that matched, their operands, and whether a value has none, one or a few
// readers: where that changes, the driver looks at the node again. Anything else counts as it was
// before. (They may look `reach` edges further, where a rule walks on from what matched.)
struct Rule {
  std::string_view name;
  std::string_view doc;  // one line
  Pattern pattern;
  std::function<Condition(const Match&)> conditions;  // may be empty
  std::function<std::vector<Value>(const Match&, Rewriter&)> rewrite;
  bool lossy = false;  // as Pass::lossy
  int reach = 0;
};

// The pass that applies `rule` at every node, in order, and again near what has changed since,
// until nothing is left to do. A rewrite is made as a whole or not at all. A replacement that is
// ill-typed is an error naming rule and node; the graph is then as before that rewrite.
Pass ToPass(Rule rule);

}  // namespace weft

#endif  // WEFT_PASSES_RULE_H_
