#include "passes/clean/transposed_region.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "passes/clean/min_cut.h"

namespace weft {
namespace {

constexpr size_t kMostMembers = 512;

bool IsTranspose(const Node& node) { return node.op_name() == "Transpose"; }

// What it takes to make a value of `type` of which axis i is axis order[i] of another: the bytes
// that move, if any, and a little for being a node; nothing where every axis stays.
double PriceOf(const TensorType& type, const Permutation& order) {
  constexpr double kHighest = 0x1p40, kSymbol = 64, kNode = 1;
  if (KeepsOrder(order)) return 0;
  Permutation longer;  // the axes of more than one element
  double bytes = static_cast<double>(SizeOf(type.dtype));
  for (size_t axis = 0; axis < order.size(); ++axis) {
    const Dim& dim = type.shape[axis];
    if (dim == Dim(1)) continue;
    longer.push_back(order[axis]);
    bytes *= static_cast<double>(dim.coefficient());
    for (size_t i = 0; i < dim.symbols().size(); ++i) bytes *= kSymbol;
  }
  return std::ranges::is_sorted(longer) ? kNode : std::min(bytes, kHighest) + kNode;
}

// A Transpose beside a convolution or matrix product keeps others from becoming part of that: of
// places that take as many bytes, the others are better.
constexpr double kBeside = 0.5;

bool IsProduct(const Node& node) {
  static constexpr std::string_view kProducts[] = {
      "Conv",      "ConvTranspose",      "Gemm",      "MatMul",
      "FusedConv", "FusedConvTranspose", "FusedGemm", "FusedMatMul"};
  return std::ranges::find(kProducts, node.op_name()) != std::end(kProducts);
}

double PriceBehind(const Node& maker) { return IsProduct(maker) ? kBeside : 0; }

double PriceBefore(std::span<const Use> readers) {
  const auto is_product = [](const Use& use) { return IsProduct(*use.user); };
  return std::ranges::any_of(readers, is_product) ? kBeside : 0;
}

// Of a Transpose by `perm` in the place of `transpose`, of what `maker` makes.
double PriceInPlace(const Node& transpose, const Node& maker, const Permutation& perm) {
  const double price = PriceOf(transpose.type(), perm);
  return price == 0 ? 0 : price + PriceBehind(maker) + PriceBefore(transpose.uses());
}

double PriceOf(const Node& transpose) {
  return PriceInPlace(transpose, *transpose.input(0).node, PermutationOf(transpose));
}

// Of `transpose`, a reader of v = Transpose(v', order), if it reads v' instead.
double PriceWithout(const Node& transpose, const Permutation& order) {
  return PriceInPlace(transpose, *transpose.input(0).node,
                      Composed(order, PermutationOf(transpose)));
}

// Of making v = Transpose(v', order) of v', which a member makes.
double PriceBack(Value v, const Permutation& order) {
  const double price = PriceOf(v.type(), order);
  return price == 0 ? 0 : price + PriceBefore(v.node->uses(v.index));
}

// Of making v', where v is Transpose(v', order): from what v itself is a Transpose of, or from v.
double PriceOfOperand(Value v, const Permutation& order) {
  const bool turned = IsTranspose(*v.node);
  const Permutation back = Inverse(order);
  const double price =
      PriceOf(TypeBefore(v.type(), order), turned ? Composed(PermutationOf(*v.node), back) : back);
  return price == 0 ? 0 : price + PriceBehind(turned ? *v.node->input(0).node : *v.node);
}

// Of the same for a value that is broadcast with axes before its own.
double PriceOfBroadcast(Value v, const Permutation& order) {
  TensorType type = v.type();
  type.shape.insert(type.shape.begin(), order.size() - type.shape.size(), Dim(1));
  return PriceOf(type, order);
}

}  // namespace

bool IsKnown(Value v) {
  while (v && v.node->num_inputs() > 0) {
    const std::string_view op = v.node->op_name();
    if (op != "Transpose" && op != "Reshape" && op != "Unsqueeze") return false;
    const auto is_open = [](const Value& list) { return list && ConstantValue(list) == nullptr; };
    if (std::ranges::any_of(v.node->inputs().subspan(1), is_open)) return false;
    v = v.node->input(0);
  }
  return v && ConstantValue(v) != nullptr;
}

TensorType TypeBefore(const TensorType& type, const Permutation& order) {
  TensorType before = type;
  for (size_t axis = 0; axis < order.size(); ++axis) {
    before.shape[static_cast<size_t>(order[axis])] = type.shape[axis];
  }
  return before;
}

TransposedRegion::TransposedRegion(const Graph& graph, Value v, const Permutation& order)
    : graph_(graph) {
  Add(v, order);
  for (size_t next = 0; next < values_.size() && !is_cut_off(); ++next) {
    const Value value = values_[next];
    if (!KeepsOrder(orders_.at(value))) {
      Offer(value.node, value);
      for (const Use& use : value.node->uses(value.index)) Offer(use.user, value);
    }
    if (next > 0 && !is_cut_off()) ++inner_;
  }
}

void TransposedRegion::Add(Value v, const Permutation& order) {
  if (!orders_.emplace(v, order).second) return;
  values_.push_back(v);
  if (IsTranspose(*v.node)) sources_.insert(v.node->input(0));
}

bool TransposedRegion::is_cut_off() const { return members_.size() == kMostMembers; }

// Whether `node` takes what it shares with the region, v above all, in the region's order.
bool TransposedRegion::Fits(const Node& node, const PermutedOp& op, Value v) const {
  bool fits = true, meets = false;
  std::vector<Value> added;
  const auto check = [&](Value value, const Permutation& order) {
    const auto it = orders_.find(value);
    if (it == orders_.end()) added.push_back(value);
    fits = fits && (it == orders_.end() || it->second == order);
    meets = meets || value == v;
  };
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const Value input = node.input(static_cast<int>(i));
    if (!op.inputs[i].empty() && input.type().shape.size() == op.inputs[i].size()) {
      check(input, op.inputs[i]);
    }
  }
  for (int i = 0; i < node.num_outputs(); ++i) check(node.output(i), op.output);
  return fits && meets && !IsTurned(added);
}

// Whether with these in it the region would have a value and its Transpose.
bool TransposedRegion::IsTurned(const std::vector<Value>& values) const {
  return std::ranges::any_of(values, [&](const Value& v) {
    if (sources_.contains(v)) return true;
    if (!IsTranspose(*v.node)) return false;
    const Value source = v.node->input(0);
    return orders_.contains(source) || std::ranges::find(values, source) != values.end();
  });
}

// Takes in `node`, which makes or reads v.
void TransposedRegion::Offer(Node* node, Value v) {
  if (is_cut_off() || members_.contains(node)) return;
  std::optional<PermutedOp> op = PermutedBy(*node, orders_.at(v));
  if (!op || !Fits(*node, *op, v)) return;
  for (size_t i = 0; i < op->inputs.size(); ++i) {
    const Value input = node->input(static_cast<int>(i));
    const bool follows =
        !op->inputs[i].empty() && input.type().shape.size() == op->inputs[i].size();
    if (follows && !IsKnown(input)) Add(input, op->inputs[i]);
  }
  for (int i = 0; i < node->num_outputs(); ++i) Add(node->output(i), op->output);
  members_.emplace(node, *std::move(op));
}

TransposedRegion::Readers TransposedRegion::ReadersOf(Value v) const {
  Readers readers{.followers = {}, .transposes = {}, .others = graph_.IsOutput(v)};
  for (const Use& use : v.node->uses(v.index)) {
    const auto member = members_.find(use.user);
    const bool is_member = member != members_.end();
    const size_t input = static_cast<size_t>(use.input);
    if (is_member && input < member->second.inputs.size() &&
        member->second.inputs[input] == orders_.at(v)) {
      if (std::ranges::find(readers.followers, use.user) == readers.followers.end()) {
        readers.followers.push_back(use.user);
      }
    } else if (IsTranspose(*use.user)) {
      readers.transposes.push_back(use.user);
    } else {
      readers.others = true;
    }
  }
  return readers;
}

// The choice of members as a cut: those on the source's side work in the other order.
class TransposedRegion::Network {
 public:
  explicit Network(const TransposedRegion& region) : region_(region) {
    for (const auto& [node, op] : region.members()) nodes_[node] = cut_.AddNode();
    for (const auto& [node, op] : region.members()) AddBroadcast(*node, op);
    for (const Value v : region.values_) {
      if (nodes_.contains(v.node)) {
        AddResult(v);
      } else {
        AddOperand(v);
      }
    }
  }

  std::vector<Node*> Solve() {
    const std::vector<bool> side = cut_.Solve();
    std::vector<Node*> moved;
    for (const auto& [node, op] : region_.members()) {
      if (side[nodes_.at(node)]) moved.push_back(node);
    }
    return moved;
  }

 private:
  // Due once where `v`'s maker (the sink, of an operand) stays and a follower moves.
  void PayForMoved(const std::vector<Node*>& followers, size_t maker, double price) {
    const size_t any = cut_.AddNode();
    for (Node* node : followers) cut_.AddEdge(nodes_.at(node), any, MinCut::kNever);
    cut_.AddEdge(any, maker, price);
  }

  // Due once where the maker (the source, of an operand) moves and a reader does not.
  void PayForUnmoved(const Readers& readers, size_t maker, double price) {
    const size_t all = cut_.AddNode();
    cut_.AddEdge(maker, all, price);
    for (Node* node : readers.followers) cut_.AddEdge(all, nodes_.at(node), MinCut::kNever);
    if (readers.others) cut_.AddEdge(all, MinCut::kSink, MinCut::kNever);
  }

  void AddResult(Value v) {
    const Permutation& order = region_.orders().at(v);
    const Readers readers = region_.ReadersOf(v);
    const size_t maker = nodes_.at(v.node);
    PayForMoved(readers.followers, maker, PriceOf(v.type(), order));
    PayForUnmoved(readers, maker, PriceBack(v, order));
    double unmoved = 0, moved = 0;
    for (const Node* transpose : readers.transposes) {
      unmoved += PriceOf(*transpose);
      moved += PriceWithout(*transpose, order);
    }
    cut_.AddEdge(MinCut::kSource, maker, unmoved);
    cut_.AddEdge(maker, MinCut::kSink, moved);
  }

  void AddOperand(Value v) {
    Readers readers = region_.ReadersOf(v);
    PayForMoved(readers.followers, MinCut::kSink, PriceOfOperand(v, region_.orders().at(v)));
    // A Transpose that nobody reads any more goes.
    if (!IsTranspose(*v.node)) return;
    readers.others = readers.others || !readers.transposes.empty();
    PayForUnmoved(readers, MinCut::kSource, PriceOf(*v.node));
  }

  void AddBroadcast(const Node& node, const PermutedOp& op) {
    double price = 0;
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      const Value v = node.input(static_cast<int>(i));
      if (op.inputs[i].empty() || v.type().shape.size() == op.inputs[i].size() || IsKnown(v)) {
        continue;
      }
      price += PriceOfBroadcast(v, op.inputs[i]);
    }
    cut_.AddEdge(nodes_.at(&node), MinCut::kSink, price);
  }

  const TransposedRegion& region_;
  MinCut cut_;
  absl::flat_hash_map<const Node*, size_t> nodes_;
};

std::vector<Node*> TransposedRegion::Cheapest() const {
  if (members_.empty()) return {};
  return Network(*this).Solve();
}

Condition TransposedRegion::Undoes() const {
  int undone = 0;
  Value in_the_way;
  const auto stands = [&](Value v) {
    if (in_the_way.null() || v.node->IsBefore(*in_the_way.node)) in_the_way = v;
  };
  for (const Value v : values_) {
    const Permutation& order = orders_.at(v);
    const Readers readers = ReadersOf(v);
    if (!members_.contains(v.node)) {
      const bool free = PriceOfOperand(v, order) == 0;
      if (free && IsTranspose(*v.node) && PriceOf(*v.node) > 0) ++undone;
      if (!free) stands(v);
      continue;
    }
    for (const Node* transpose : readers.transposes) {
      if (PriceOf(*transpose) > 0 && PriceWithout(*transpose, order) == 0) ++undone;
    }
    if (readers.others && PriceOf(v.type(), order) > 0) stands(v);
  }
  if (undone < 2 || in_the_way.null()) return {};
  return {false, absl::StrCat(in_the_way.ToString(), " would be transposed")};
}

}  // namespace weft
