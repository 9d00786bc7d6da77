#include "passes/pattern.h"

#include <algorithm>
#include <functional>

#include "graph/op.h"

namespace weft {

Pattern Pattern::WithInputs(std::vector<Pattern> inputs) && {
  any_inputs_ = false;
  inputs_ = std::move(inputs);
  return std::move(*this);
}

Pattern Pattern::As(std::string name) && {
  name_ = std::move(name);
  return std::move(*this);
}

Pattern Pattern::Optional() && {
  optional_ = true;
  return std::move(*this);
}

Pattern Pattern::Output(int index) && {
  output_ = index;
  return std::move(*this);
}

Pattern Pattern::MakeEither(std::vector<Pattern> alternatives) {
  Pattern result(Kind::kEither);
  for (const Pattern& pattern : alternatives) {
    for (const std::string& op : pattern.ops_) {
      if (std::find(result.ops_.begin(), result.ops_.end(), op) == result.ops_.end()) {
        result.ops_.push_back(op);
      }
    }
  }
  result.inputs_ = std::move(alternatives);
  return result;
}

int Pattern::depth() const {
  const int edge = kind_ == Kind::kEither ? 0 : 1;
  int depth = 0;
  for (const Pattern& input : inputs_) depth = std::max(depth, edge + input.depth());
  return depth;
}

Pattern Pattern::Where(bool (*holds)(const Node&)) && {
  where_ = holds;
  return std::move(*this);
}

Pattern Op(std::string op) { return OneOf({std::move(op)}); }
Pattern Op(std::string op, std::vector<Pattern> inputs) {
  return OneOf({std::move(op)}, std::move(inputs));
}
Pattern OneOf(std::vector<std::string> ops) { return Pattern::MakeOp(std::move(ops)); }
Pattern OneOf(std::vector<std::string> ops, std::vector<Pattern> inputs) {
  return Pattern::MakeOp(std::move(ops)).WithInputs(std::move(inputs));
}

Pattern InAnyOrder(const std::string& op, const Pattern& a, const Pattern& b) {
  return Either({Op(op, {a, b}), Op(op, {b, a})});
}

Value Match::operator[](std::string_view name) const {
  for (const auto& [key, value] : named_) {
    if (key == name) return value;
  }
  return Value();
}

std::vector<Node*> Match::nodes() const { return {nodes_.rbegin(), nodes_.rend()}; }

// Matches by backtracking: each step binds what it can and calls `next` for the rest; what it bound
// is taken back before the next alternative. Every time `next` runs out, a match is complete.
class Matcher {
 public:
  using Next = std::function<void()>;

  Matcher(const Graph& graph, Node* root) : match_(graph, root) {}

  std::vector<Match> Run(const Pattern& pattern) {
    if (pattern.output_ >= match_.root()->num_outputs()) return {};
    MatchValue(pattern, match_.root()->output(pattern.output_),
               [&] { matches_.push_back(match_); });
    return std::move(matches_);
  }

 private:
  void MatchValue(const Pattern& pattern, Value value, const Next& next) {
    if (value.null()) {
      if (pattern.optional_) next();
      return;
    }
    if (!pattern.name_.empty()) {
      if (Value bound = match_[pattern.name_]; bound && bound != value) return;
      match_.named_.emplace_back(pattern.name_, value);
    }
    if (pattern.kind_ == Pattern::Kind::kAny) {
      next();
    } else if (pattern.kind_ == Pattern::Kind::kNumber) {
      const Tensor* constant = ConstantValue(value);
      if (constant != nullptr && constant->size() == 1) next();
    } else if (pattern.kind_ == Pattern::Kind::kEither) {
      for (const Pattern& alternative : pattern.inputs_) MatchValue(alternative, value, next);
    } else {
      MatchNode(pattern, value, next);
    }
    if (!pattern.name_.empty()) match_.named_.pop_back();
  }

  void MatchNode(const Pattern& pattern, Value value, const Next& next) {
    Node* node = value.node;
    if (value.index != pattern.output_ || std::find(pattern.ops_.begin(), pattern.ops_.end(),
                                                    node->op_name()) == pattern.ops_.end()) {
      return;
    }
    if (pattern.where_ != nullptr && !pattern.where_(*node)) return;
    match_.nodes_.push_back(node);
    if (pattern.any_inputs_) {
      next();
    } else {
      std::vector<Value> inputs(node->inputs().begin(), node->inputs().end());
      MatchInputs(pattern, inputs, 0, next);
      if (node->op().traits.commutative && inputs.size() == 2 && inputs[0] != inputs[1]) {
        std::swap(inputs[0], inputs[1]);
        MatchInputs(pattern, inputs, 0, next);
      }
    }
    match_.nodes_.pop_back();
  }

  void MatchInputs(const Pattern& pattern, const std::vector<Value>& inputs, size_t i,
                   const Next& next) {
    if (i == pattern.inputs_.size()) {
      if (i >= inputs.size()) next();
      return;
    }
    const Pattern& input = pattern.inputs_[i];
    if (input.kind_ == Pattern::Kind::kRest) {
      next();
      return;
    }
    MatchValue(input, i < inputs.size() ? inputs[i] : Value(),
               [&, i] { MatchInputs(pattern, inputs, i + 1, next); });
  }

  Match match_;
  std::vector<Match> matches_;
};

std::vector<Match> FindMatches(const Pattern& pattern, const Graph& graph, Node* root) {
  return Matcher(graph, root).Run(pattern);
}

}  // namespace weft
