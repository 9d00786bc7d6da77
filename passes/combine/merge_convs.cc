// Convolutions that look at one image through windows of one form are one convolution, whose result
// is cut:
//
//   x -> conv1 (64 filters) -> …                x -> conv1 (96 filters) -> Split -> …
//    \-> conv2 (32 filters) -> …        =>                                    \-> …
//
// as the heads of Inception's modules and a residual's projection. The MACs are the same; x is read
// once, but the cut moves the whole result: it pays where the image has more bytes than that.

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/number_text.h"
#include "passes/combine/combine.h"
#include "passes/pass.h"
#include "passes/prices.h"
#include "passes/worklist.h"

namespace weft {
namespace {

constexpr std::string_view kMergeConvsName = "merge_convs";

// Its weights are known and nothing but x, weights and bias goes in.
bool CanMerge(const Node& conv) {
  if (conv.num_inputs() > 3 || GetInt(conv.attributes(), "group", 1) != 1) return false;
  const Value bias = conv.num_inputs() == 3 ? conv.input(2) : Value();
  // What is joined with others is no factor to split_low_rank any more, which would split it again.
  if (conv.input(1).node->provenance().rule == kSplitLowRank) return false;
  return ConstantValue(conv.input(1)) != nullptr && (bias.null() || ConstantValue(bias) != nullptr);
}

bool HaveOneForm(const Node& a, const Node& b) {
  const Dims& wa = ConstantValue(a.input(1))->dims();
  const Dims& wb = ConstantValue(b.input(1))->dims();
  return &a.op() == &b.op() && a.attributes() == b.attributes() && wa.size() == wb.size() &&
         std::equal(wa.begin() + 1, wa.end(), wb.begin() + 1);
}

class MergeConvsRun : public PassRun {
 public:
  explicit MergeConvsRun(PassContext& context)
      : context_(context),
        graph_(context.graph()),
        worklist_(context, {.ops = {"Conv", "FusedConv"}}) {}

  absl::Status Run() override {
    worklist_.StartOver();
    while (!context_.done()) {
      Node* node = worklist_.Next();
      if (node == nullptr) break;
      if (!CanMerge(*node)) continue;
      const std::vector<Node*> convs = ConvsLike(*node);
      if (convs.size() < 2) continue;
      for (Node* conv : convs) worklist_.Forget(conv);  // one look is enough for all
      if (WhyNot(convs).empty()) WEFT_RETURN_IF_ERROR(Merge(convs));
    }
    return absl::OkStatus();
  }

  void Explain() override {
    for (const Node& node : graph_.nodes()) {
      const bool conv = node.op_name() == "Conv" || node.op_name() == "FusedConv";
      if (!conv || !CanMerge(node)) continue;
      const std::vector<Node*> convs = ConvsLike(node);
      if (convs.size() < 2 || convs[0] != &node) continue;
      if (std::string why = WhyNot(convs); !why.empty()) {
        context_.AddNearMiss(kMergeConvsName, node, std::move(why));
      }
    }
  }

 private:
  // All of one form on the image of `conv`, itself included, in order.
  static std::vector<Node*> ConvsLike(const Node& conv) {
    std::vector<Node*> convs;
    const Value x = conv.input(0);
    for (const Use& use : x.node->uses(x.index)) {
      Node* user = use.user;
      if (use.input == 0 && &user->op() == &conv.op() && CanMerge(*user) &&
          HaveOneForm(conv, *user)) {
        convs.push_back(user);
      }
    }
    std::sort(convs.begin(), convs.end(),
              [](const Node* a, const Node* b) { return a->IsBefore(*b); });
    return convs;
  }

  // Empty where it pays.
  std::string WhyNot(const std::vector<Node*>& convs) const {
    const absl::StatusOr<std::pair<double, double>> bytes = Price(convs);
    if (!bytes.ok()) return std::string(bytes.status().message());
    const auto& [apart, merged] = *bytes;
    if (merged < apart) return "";
    return absl::StrCat(
        convs.size(), " of its form would move ", WithCommas(static_cast<int64_t>(merged)),
        " bytes an example as one, apart they move ", WithCommas(static_cast<int64_t>(apart)));
  }

  // The bytes that the convolutions move, apart and as one that is cut.
  absl::StatusOr<std::pair<double, double>> Price(const std::vector<Node*>& convs) const {
    const CostModel& costs = *context_.options().costs;
    Prices apart(graph_.registry(), costs), merged(graph_.registry(), costs);
    WEFT_ASSIGN_OR_RETURN(const Value x, apart.AddImage(convs[0]->input(0).type()));
    WEFT_ASSIGN_OR_RETURN(const Value same, merged.AddImage(convs[0]->input(0).type()));
    AttributeMap attributes = convs[0]->attributes();
    attributes.erase("post_ops");
    Dims all = ConstantValue(convs[0]->input(1))->dims();
    all[0] = 0;
    std::vector<int64_t> filters;
    for (const Node* conv : convs) {
      const Dims& w = ConstantValue(conv->input(1))->dims();
      all[0] += w[0];
      filters.push_back(w[0]);
      WEFT_RETURN_IF_ERROR(apart.AddConv(x, w, attributes).status());
    }
    WEFT_ASSIGN_OR_RETURN(const Value y, merged.AddConv(same, all, attributes));
    WEFT_RETURN_IF_ERROR(merged.AddSplit(y, filters));
    return std::pair(apart.bytes(), merged.bytes());
  }

  // The biases one after the other, zeros for a convolution without; null where none has one.
  static Value ConcatBiases(Emitter& e, const std::vector<Node*>& convs) {
    const auto bias_of = [](const Node* conv) {
      return conv->num_inputs() == 3 ? conv->input(2) : Value();
    };
    if (std::ranges::all_of(convs, [&](const Node* conv) { return bias_of(conv).null(); })) {
      return Value();
    }
    std::vector<Value> biases;
    for (const Node* conv : convs) {
      const Tensor& w = *ConstantValue(conv->input(1));
      const Value bias = bias_of(conv);
      biases.push_back(bias ? e.Constant(*ConstantValue(bias))
                            : e.Op("Expand", {e.Scalar(0, w.dtype()), e.Ints({w.dims()[0]})}));
    }
    return e.Op("Concat", std::move(biases), {{"axis", 0}});
  }

  absl::Status Merge(const std::vector<Node*>& convs) {
    Graph::Transaction change(graph_);
    const Provenance from = context_.From(kMergeConvsName, convs);
    graph_.SetInsertionPoint(convs[0]);
    Emitter e(graph_, convs[0]->name() + "/merged", from);
    std::vector<Value> weights;
    std::vector<int64_t> filters;
    for (const Node* conv : convs) {
      weights.push_back(e.Constant(*ConstantValue(conv->input(1))));  // may come later in the order
      filters.push_back(ConstantValue(conv->input(1))->dims()[0]);
    }
    std::vector<Value> inputs = {convs[0]->input(0),
                                 e.Op("Concat", std::move(weights), {{"axis", 0}})};
    if (const Value bias = ConcatBiases(e, convs)) inputs.push_back(bias);
    Value merged = e.Op(convs[0]->op_name(), std::move(inputs), convs[0]->attributes());
    Node* split = e.OpNode("Split", {merged, e.Ints(filters)}, {{"axis", 1}});
    WEFT_RETURN_IF_ERROR(e.status());
    for (size_t i = 0; i < convs.size(); ++i) {
      WEFT_RETURN_IF_ERROR(
          graph_.ReplaceUses(convs[i]->output(), split->output(static_cast<int>(i))));
    }
    graph_.SetInsertionPoint(nullptr);
    for (Node* conv : convs) graph_.RemoveDeadNodes(conv);
    Node* const results[] = {merged.node, split};
    return context_.Record(from, results, change);
  }

  PassContext& context_;
  Graph& graph_;
  Worklist worklist_;
};

}  // namespace

Pass MergeConvs() {
  return {kMergeConvsName,
          "make one of convolutions of one image and form where that moves fewer bytes",
          [](PassContext& context) { return std::make_unique<MergeConvsRun>(context); }};
}

}  // namespace weft
