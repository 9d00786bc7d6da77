#ifndef WEFT_PASSES_PATTERN_H_
#define WEFT_PASSES_PATTERN_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace weft {

// What part of a graph must look like, written as nested calls:
//   Op("BatchNormalization", {Op("Conv").As("conv"), Any().As("scale"), Rest()}).As("bn")
// Inputs match position by position, those of commutative ops in both orders.
class Pattern {
 public:
  // Any value that is there.
  static Pattern MakeAny() { return Pattern(Kind::kAny); }
  // A constant of one element.
  static Pattern MakeNumber() { return Pattern(Kind::kNumber); }
  // As the last input: any number of further inputs.
  static Pattern MakeRest() { return Pattern(Kind::kRest); }
  // The first output, unless told otherwise, of a node with one of these ops.
  static Pattern MakeOp(std::vector<std::string> ops) {
    Pattern result(Kind::kOp);
    result.ops_ = std::move(ops);
    return result;
  }
  // One of several patterns.
  static Pattern MakeEither(std::vector<Pattern> alternatives);
  Pattern WithInputs(std::vector<Pattern> inputs) &&;

  // Names what matched, for Match. The same name twice must match the same value.
  Pattern As(std::string name) &&;
  // The input may be absent.
  Pattern Optional() &&;
  // Another output of the node than the first: Op("MaxPool").Output(1), its indices.
  Pattern Output(int index) &&;
  // A further demand on the node that is part of the shape: where it fails, there is no match and
  // nothing to report (a Reshape that reshapes is no near-miss of "reshape to the same shape").
  Pattern Where(bool (*holds)(const Node&)) &&;

  const std::vector<std::string>& ops() const { return ops_; }
  // How many edges lie between the outermost node and the furthest that an inner one matches.
  int depth() const;

 private:
  friend class Matcher;
  enum class Kind { kAny, kNumber, kRest, kOp, kEither };
  explicit Pattern(Kind kind) : kind_(kind) {}

  Kind kind_;
  std::vector<std::string> ops_;
  bool any_inputs_ = true;
  std::vector<Pattern> inputs_;  // of kEither: the alternatives
  std::string name_;
  bool optional_ = false;
  int output_ = 0;
  bool (*where_)(const Node&) = nullptr;
};

// Without inputs, a pattern of an op takes whatever the node's inputs are.
Pattern Op(std::string op);
Pattern Op(std::string op, std::vector<Pattern> inputs);
Pattern OneOf(std::vector<std::string> ops);
Pattern OneOf(std::vector<std::string> ops, std::vector<Pattern> inputs);
// Fits where one of the alternatives does; all that do are tried, in this order.
inline Pattern Either(std::vector<Pattern> alternatives) {
  return Pattern::MakeEither(std::move(alternatives));
}
// An op of two inputs that match in any order: for those whose schema has any number of inputs
// (Max, Min, Sum) and is therefore not commutative by its traits.
Pattern InAnyOrder(const std::string& op, const Pattern& a, const Pattern& b);
inline Pattern Any() { return Pattern::MakeAny(); }
inline Pattern Number() { return Pattern::MakeNumber(); }
inline Pattern Rest() { return Pattern::MakeRest(); }

// One way in which a pattern fits. Pointers are into the graph and go stale when it changes.
class Match {
 public:
  Match(const Graph& graph, Node* root) : graph_(&graph), root_(root) {}

  const Graph& graph() const { return *graph_; }
  Node* root() const { return root_; }
  // The value called `name`; null where an optional input is absent (or the pattern has no such
  // name).
  Value operator[](std::string_view name) const;
  // Its node; `name` must have matched a value that is there.
  Node* node(std::string_view name) const { return (*this)[name].node; }
  // The nodes that patterns of ops matched, inputs before their readers.
  std::vector<Node*> nodes() const;

 private:
  friend class Matcher;
  const Graph* graph_;
  Node* root_;
  std::vector<std::pair<std::string, Value>> named_;
  std::vector<Node*> nodes_;  // readers before their inputs
};

// Every way in which `pattern`, a pattern of an op, fits with `root` as its outermost node.
std::vector<Match> FindMatches(const Pattern& pattern, const Graph& graph, Node* root);

}  // namespace weft

#endif  // WEFT_PASSES_PATTERN_H_
