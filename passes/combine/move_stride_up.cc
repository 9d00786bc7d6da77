// Where 1x1 convolutions with a stride are all that reads a convolution, it need not compute what
// they skip. What is element-wise in between moves along; a value that others need whole is sampled
// (by an AveragePool of one element, which keeps NaN and infinities):
//
//   a -> conv1 ---- + -> relu1 -> conv2 (1x1, /2)      a -> conv1 (/2) ---- + -> relu1 -> conv2
//   z -------------/          \-> conv3 (1x1, /2)  =>  z -> sample (/2) ---/          \-> conv3

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/op.h"
#include "passes/axes.h"
#include "passes/combine/combine.h"
#include "passes/conv_form.h"
#include "passes/pass.h"
#include "passes/worklist.h"

namespace weft {
namespace {

constexpr std::string_view kMoveStrideUpName = "move_stride_up";
constexpr size_t kMostNodes = 64;  // that one rewrite changes

// The strides of a node that reads one element of its first input an output, and not every one;
// none of another node.
Dims StridesOf(const Node& node) {
  const std::string_view op = node.op_name();
  if (op != "Conv" && op != "AveragePool" && op != "MaxPool") return {};
  if (node.num_outputs() != 1) return {};
  const absl::StatusOr<ConvForm> form = FormOf(node);
  if (!form.ok() || !form->IsPointwise() || form->ceil_mode) return {};
  if (form->strides == Dims(form->rank(), 1)) return {};
  // As of an image of one element: nothing is skipped.
  const Shape &in = node.input(0).type().shape, &out = node.type().shape;
  return std::equal(in.begin() + 2, in.end(), out.begin() + 2) ? Dims() : form->strides;
}

// Each output depends on what is at its place in inputs of the output's type, and on nothing that
// has a place in others.
bool IsElementwise(const Node& node) {
  const TensorType& type = node.type();
  if (!node.op().traits.elementwise || node.op().draws_random || node.num_outputs() != 1 ||
      type.rank() < 3) {
    return false;
  }
  return std::all_of(node.inputs().begin(), node.inputs().end(), [&](const Value& v) {
    return v.null() || v.type() == type || IsSpread(v.type(), type.rank());
  });
}

// It can compute every stride-th element of its output alone.
bool CanSkip(const Node& node) {
  if (node.op_name() != "Conv") return IsElementwise(node);
  const absl::StatusOr<ConvForm> form = FormOf(node);
  return form.ok() && form->auto_pad == AutoPad::kNotSet;
}

struct IsEarlier {
  bool operator()(const Node* a, const Node* b) const { return a->IsBefore(*b); }
};
using Nodes = std::set<Node*, IsEarlier>;

// What moves together: convolutions and element-wise nodes of which no more than every stride-th
// element is read, and the nodes that read them so.
class StridedRegion {
 public:
  StridedRegion(const Graph& graph, Dims strides) : graph_(graph), strides_(std::move(strides)) {}

  // Grows from the first input of such a reader. Nothing is to be done where no convolution is in
  // moved(), whether or not a failure says why.
  Condition Grow(Value image) {
    if (!CanSkip(*image.node)) return {};
    std::vector<Node*> pending;
    const Condition condition = Add(image.node, pending);
    while (!pending.empty()) {
      const Node* node = pending.back();
      pending.pop_back();
      if (node->op_name() == "Conv") continue;
      for (const Value& v : node->inputs()) {
        const bool moves = v && v.type() == node->type() && CanSkip(*v.node);
        if (moves) Add(v.node, pending);  // or it is sampled
      }
    }
    return condition;
  }

  const Dims& strides() const { return strides_; }
  const Nodes& moved() const { return moved_; }
  const Nodes& readers() const { return readers_; }
  bool IsWorthwhile() const {
    const auto is_conv = [](const Node* node) { return node->op_name() == "Conv"; };
    // In an image of one element, a reader's result may be what another reads.
    const auto is_moved = [&](Node* node) { return moved_.contains(node); };
    return std::any_of(moved_.begin(), moved_.end(), is_conv) &&
           std::none_of(readers_.begin(), readers_.end(), is_moved);
  }

 private:
  // Adds `first` and the element-wise nodes behind it, or nothing.
  Condition Add(Node* first, std::vector<Node*>& added) {
    Nodes found, readers;
    std::vector<Node*> pending = {first};
    while (!pending.empty()) {
      Node* node = pending.back();
      pending.pop_back();
      if (moved_.contains(node) || !found.insert(node).second) continue;
      if (moved_.size() + found.size() + node->uses().size() > kMostNodes) {
        return Unless(true, absl::StrCat("more than ", kMostNodes, " nodes would change"));
      }
      if (graph_.IsOutput(node->output())) return Unless(true, node->name() + " is an output");
      for (const Use& use : node->uses()) {
        if (use.input == 0 && StridesOf(*use.user) == strides_) {
          readers.insert(use.user);
        } else if (IsElementwise(*use.user) && use.user->type() == node->type()) {
          pending.push_back(use.user);
        } else {
          return Unless(true, absl::StrCat(use.user->Describe(), " reads ", node->name(),
                                           " without strides ", ToString(strides_)));
        }
      }
    }
    added.insert(added.end(), found.begin(), found.end());
    moved_.merge(found);
    readers_.merge(readers);
    return {};
  }

  const Graph& graph_;
  Dims strides_;
  Nodes moved_;
  Nodes readers_;
};

// Builds a region anew, with the stride at its start.
class Mover {
 public:
  Mover(PassContext& context, const StridedRegion& region)
      : context_(context), graph_(context.graph()), region_(region) {}

  // Errors: a reader's type would change, as a symbolic extent's formula may.
  absl::StatusOr<std::vector<Node*>> Move() {
    for (Node* node : region_.moved()) {
      graph_.SetInsertionPoint(node);
      WEFT_ASSIGN_OR_RETURN(const Value moved, node->op_name() == "Conv"
                                                   ? RebuildConv(node)
                                                   : RebuildElementwise(node));
      map_.emplace(node, moved);
    }
    for (Node* node : region_.readers()) {
      graph_.SetInsertionPoint(node);
      const std::string name = node->name();
      Value moved = map_.at(node->input(0).node);
      if (node->op_name() == "Conv") {
        WEFT_ASSIGN_OR_RETURN(moved, RebuildReader(node));
      }
      if (moved.type() != node->type()) {
        return absl::InvalidArgumentError(absl::StrCat(name, " would be ", ToString(moved.type()),
                                                       ", not ", ToString(node->type())));
      }
      WEFT_RETURN_IF_ERROR(graph_.ReplaceUses(node->output(), moved));
    }
    graph_.SetInsertionPoint(nullptr);
    for (Node* node : region_.readers()) graph_.RemoveDeadNodes(node);
    return std::move(built_);
  }

 private:
  absl::StatusOr<Value> RebuildConv(Node* node) {
    WEFT_ASSIGN_OR_RETURN(ConvForm form, FormOf(*node));
    for (size_t i = 0; i < form.rank(); ++i) form.strides[i] *= region_.strides()[i];
    return AddAs(node, InputsOf(*node), AttributesOf(form));
  }

  absl::StatusOr<Value> RebuildElementwise(Node* node) {
    std::vector<Value> inputs = InputsOf(*node);
    for (Value& v : inputs) {
      if (v.null() || v.type() != node->type()) continue;
      WEFT_ASSIGN_OR_RETURN(v, Sampled(v, node));
    }
    return AddAs(node, std::move(inputs), node->attributes());
  }

  absl::StatusOr<Value> RebuildReader(Node* node) {
    std::vector<Value> inputs = InputsOf(*node);
    inputs[0] = map_.at(inputs[0].node);
    AttributeMap attributes = node->attributes();
    attributes.erase("strides");
    return AddAs(node, std::move(inputs), std::move(attributes));
  }

  // Every stride-th element of what moves with `reader` or, where it does not, of a pool.
  absl::StatusOr<Value> Sampled(Value v, Node* reader) {
    if (const auto it = map_.find(v.node); it != map_.end()) return it->second;
    Node* const sources[] = {reader};
    const Dims one(region_.strides().size(), 1);
    return Keep(
        graph_.AddNode({.op = "AveragePool",
                        .name = reader->name() + "/AveragePool",
                        .inputs = {v},
                        .attributes = {{"kernel_shape", one}, {"strides", region_.strides()}},
                        .provenance = context_.From(kMoveStrideUpName, sources)}));
  }

  // A node that takes the name of `old`, which goes.
  absl::StatusOr<Value> AddAs(Node* old, std::vector<Value> inputs, AttributeMap attributes) {
    Node* const sources[] = {old};
    const Provenance from = context_.From(kMoveStrideUpName, sources);
    const std::string name = old->name();
    WEFT_RETURN_IF_ERROR(graph_.Rename(old, graph_.UniqueName(name + "/before")));
    return Keep(graph_.AddNode({.op = std::string(old->op_name()),
                                .name = name,
                                .inputs = std::move(inputs),
                                .attributes = std::move(attributes),
                                .provenance = from}));
  }

  static std::vector<Value> InputsOf(const Node& node) {
    return {node.inputs().begin(), node.inputs().end()};
  }

  absl::StatusOr<Value> Keep(absl::StatusOr<Node*> node) {
    if (!node.ok()) return node.status();
    built_.push_back(*node);
    return (*node)->output();
  }

  PassContext& context_;
  Graph& graph_;
  const StridedRegion& region_;
  std::map<const Node*, Value> map_;
  std::vector<Node*> built_;
};

class StrideRun : public PassRun {
 public:
  explicit StrideRun(PassContext& context)
      : context_(context), graph_(context.graph()), worklist_(context, {}) {}

  absl::Status Run() override {
    if (worklist_.empty()) return absl::OkStatus();
    // A reader that has changed may be one of several and far from the others.
    for (Node& node : graph_.nodes()) worklist_.Add(&node);
    worklist_.StartOver();
    while (!context_.done()) {
      Node* node = worklist_.Next();
      if (node == nullptr) break;
      WEFT_RETURN_IF_ERROR(MoveFrom(node));
    }
    return absl::OkStatus();
  }

  void Explain() override {
    for (Node& node : graph_.nodes()) {
      const Dims strides = StridesOf(node);
      if (strides.empty() || node.op_name() != "Conv") continue;  // a pool may sample for us
      StridedRegion region(graph_, strides);
      Condition condition = region.Grow(node.input(0));
      if (condition.holds && region.IsWorthwhile()) {
        Graph::Transaction change(graph_);
        const auto built = Mover(context_, region).Move();
        condition = Unless(!built.ok(), std::string(built.status().message()));
      }
      if (!condition.holds)
        context_.AddNearMiss(kMoveStrideUpName, node, std::move(condition.failure));
    }
  }

 private:
  absl::Status MoveFrom(Node* node) {
    const Dims strides = StridesOf(*node);
    if (strides.empty()) return absl::OkStatus();
    StridedRegion region(graph_, strides);
    if (!region.Grow(node->input(0)).holds || !region.IsWorthwhile()) return absl::OkStatus();
    Nodes all = region.moved();
    all.insert(region.readers().begin(), region.readers().end());
    const Provenance from =
        context_.From(kMoveStrideUpName, std::vector<Node*>(all.begin(), all.end()));
    Graph::Transaction change(graph_);
    const absl::StatusOr<std::vector<Node*>> built = Mover(context_, region).Move();
    if (!built.ok()) return absl::OkStatus();  // which takes the change back
    return context_.Record(from, *built, change);
  }

  PassContext& context_;
  Graph& graph_;
  Worklist worklist_;
};

}  // namespace

Pass MoveStrideUp() {
  return {kMoveStrideUpName, "let a convolution skip what 1x1 convolutions behind it skip",
          [](PassContext& context) { return std::make_unique<StrideRun>(context); }};
}

}  // namespace weft
