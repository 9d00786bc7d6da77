#include <algorithm>
#include <unordered_set>

#include "runtime/plan/lowering.h"

namespace weft {
namespace {

// Takes each node's best candidate, in the graph's order: its result's layout is what the nodes
// after it are asked with.
class Chooser {
 public:
  explicit Chooser(Lowering& lowering) : l_(lowering) {
    for (const Node& node : l_.graph.nodes()) {
      if (node.forward() != nullptr) has_gradient_.insert(node.forward());
    }
  }

  absl::Status Run() {
    for (const Node& node : l_.graph.nodes()) {
      absl::Status status = Choose(node);
      if (!status.ok()) return Annotate(status, node.Describe());
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Choose(const Node& node) {
    if (GetString(node.attributes(), "mode") == "auto") {
      return absl::FailedPreconditionError(
          "is in mode \"auto\": expected a graph from ForInference or ForTraining");
    }
    if (node.op_name() == kConstant) return absl::OkStatus();  // on first use
    if (node.op_name() == kInput) return ChooseInput(node);
    if (node.op_name() == kVariable) return ChooseVariable(node);
    return ChooseKernel(node);
  }

  absl::Status ChooseInput(const Node& node) {
    WEFT_ASSIGN_OR_RETURN(Layout layout, PlainLayout(node.type()));
    SetLayout(node, 0, std::move(layout));
    return absl::OkStatus();
  }

  absl::Status ChooseVariable(const Node& node) {
    auto it = l_.variable_layouts.find(&node);
    if (it == l_.variable_layouts.end()) {
      WEFT_ASSIGN_OR_RETURN(Layout layout, PlainLayout(node.type()));
      if (l_.options.variables != nullptr) {
        const auto kept = l_.options.variables->find(node.name());
        // One of another type is reported where the state is looked at.
        if (kept != l_.options.variables->end() && kept->second.dtype() == layout.dtype() &&
            kept->second.dims() == layout.dims()) {
          layout = kept->second;
        }
      }
      it = l_.variable_layouts.emplace(&node, std::move(layout)).first;
    }
    SetLayout(node, 0, it->second);
    return absl::OkStatus();
  }

  absl::Status ChooseKernel(const Node& node) {
    WEFT_ASSIGN_OR_RETURN(KernelRequest request, MakeRequest(node));
    const auto [it, is_new] = l_.choice_of.emplace(&node, l_.choices.size());
    if (is_new) l_.choices.push_back({.node = &node, .view = ViewAliasOf(node)});
    Choice& choice = l_.choices[it->second];
    const bool same = choice.offered == request.inputs && choice.forward == request.forward;
    if (!choice.view && (!same || choice.candidates.empty())) {
      WEFT_ASSIGN_OR_RETURN(choice.candidates, Offered(request));
      if (!l_.keeps_candidates) choice.candidates.resize(1);
    }
    choice.offered = std::move(request.inputs);
    choice.forward = request.forward;
    if (choice.view) {
      WEFT_ASSIGN_OR_RETURN(Layout layout, PlainLayout(node.type(choice.view->output)));
      SetLayout(node, 0, std::move(layout));
      return absl::OkStatus();
    }
    for (int i = 0; i < node.num_outputs(); ++i) {
      SetLayout(node, i, choice.candidates.front()->outputs()[static_cast<size_t>(i)]);
    }
    return absl::OkStatus();
  }

  // The candidates for a node, the one that is wanted first; without keeps_candidates, that one.
  absl::StatusOr<Candidates> Offered(const KernelRequest& request) const {
    if (l_.options.reference_only) return CandidatesFor(request, Families::kNone);
    const auto wanted = l_.wanted.find(request.node.name());
    if (l_.keeps_candidates) return AllOffered(request, wanted);
    if (wanted != l_.wanted.end()) {
      WEFT_ASSIGN_OR_RETURN(auto kernel, FindKernel(request, wanted->second));
      if (kernel != nullptr) return Candidates{std::move(kernel)};
    }
    return CandidatesFor(request, Families::kBest);
  }

  absl::StatusOr<Candidates> AllOffered(const KernelRequest& request,
                                        KernelChoices::const_iterator wanted) const {
    if (wanted == l_.wanted.end()) return CandidatesFor(request, Families::kFirst);
    WEFT_ASSIGN_OR_RETURN(Candidates candidates, CandidatesFor(request, Families::kAll));
    const auto found = std::ranges::find_if(candidates, [&](const auto& kernel) {
      return ChoiceText(request.node, *kernel) == wanted->second;
    });
    if (found != candidates.end()) std::rotate(candidates.begin(), found, std::next(found));
    return candidates;
  }

  absl::StatusOr<KernelRequest> MakeRequest(const Node& node) {
    WEFT_ASSIGN_OR_RETURN(KernelRequest request, RequestFor(node, l_.plan.threads, [this](Value v) {
                            return l_.LayoutOf(v);
                          }));
    request.has_gradient = has_gradient_.contains(&node);
    const auto forward = l_.choice_of.find(node.forward());
    if (forward != l_.choice_of.end() && !l_.choices[forward->second].candidates.empty()) {
      request.forward = l_.choices[forward->second].candidates.front().get();
    }
    return request;
  }

  void SetLayout(const Node& node, int output, Layout layout) {
    l_.layouts[Value{const_cast<Node*>(&node), output}] = std::move(layout);
  }

  Lowering& l_;
  std::unordered_set<const Node*> has_gradient_;
};

}  // namespace

absl::Status ChooseStage(Lowering& lowering) { return Chooser(lowering).Run(); }

}  // namespace weft
