#include <algorithm>

#include "runtime/exec/parallel.h"
#include "runtime/plan/lowering.h"

namespace weft {

absl::StatusOr<Candidates> CandidatesFor(const KernelRequest& request, Families families) {
  const RunScope scope(request.threads);  // the library makes its kernels for those in force
  Candidates candidates;
  if (families != Families::kNone) {
    for (const KernelFamily family : FamiliesFor(request.node.op_name())) {
      const KernelFamily asked = families == Families::kBest ? BestOf(family) : family;
      WEFT_ASSIGN_OR_RETURN(Kernels kernels, asked(request));
      for (auto& kernel : kernels) candidates.push_back(std::move(kernel));
      if (families != Families::kAll && !candidates.empty()) break;
    }
  }
  if (!candidates.empty()) return candidates;
  if (request.node.op().evaluate == nullptr) {
    return absl::UnimplementedError("expected a kernel for the op, there is none");
  }
  candidates.push_back(MakeReferenceKernel(request));
  return candidates;
}

absl::StatusOr<std::shared_ptr<const Kernel>> FindKernel(const KernelRequest& request,
                                                         std::string_view wanted) {
  const RunScope scope(request.threads);
  const auto families = FamiliesFor(request.node.op_name());
  for (const bool takes_long : {false, true}) {
    for (const KernelFamily family : families) {
      if (takes_long && BestOf(family) == family) continue;
      WEFT_ASSIGN_OR_RETURN(Kernels kernels, (takes_long ? family : BestOf(family))(request));
      for (auto& kernel : kernels) {
        if (ChoiceText(request.node, *kernel) == wanted) return std::move(kernel);
      }
    }
  }
  return nullptr;
}

absl::StatusOr<KernelRequest> RequestFor(
    const Node& node, int threads, absl::FunctionRef<absl::StatusOr<Layout>(Value)> layout_of) {
  KernelRequest request{.node = node, .threads = ThreadsFor(node, threads)};
  for (const Value& v : node.inputs()) {
    request.constant.push_back(ConstantValue(v) != nullptr);
    request.inputs.emplace_back();
    if (v) {
      WEFT_ASSIGN_OR_RETURN(request.inputs.back(), layout_of(v));
    }
  }
  for (int i = 0; i < node.num_outputs(); ++i) {
    WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(node.type(i).shape));
    request.outputs.push_back(std::move(dims));
  }
  return request;
}

std::optional<Layout> WantedLayout(const Choice& choice, int i) {
  const Node& node = *choice.node;
  if (!node.input(i)) return std::nullopt;
  if (choice.view) {
    if (i != choice.view->input) return std::nullopt;
    const Layout& offered = choice.offered[static_cast<size_t>(i)];
    return Layout::Plain(offered.dtype(), offered.dims());
  }
  if (node.op().input(static_cast<size_t>(i)).shape_only) return std::nullopt;
  const Kernel& kernel = *choice.candidates.front();
  if (!kernel.Reads(i)) return std::nullopt;
  return kernel.inputs()[static_cast<size_t>(i)];
}

}  // namespace weft
