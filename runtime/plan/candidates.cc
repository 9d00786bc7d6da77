#include <algorithm>

#include "runtime/plan/lowering.h"

namespace weft {

absl::StatusOr<Candidates> CandidatesFor(const KernelRequest& request, bool reference_only) {
  Candidates candidates;
  if (!reference_only) {
    for (const KernelFamily family : FamiliesFor(request.node.op_name())) {
      WEFT_ASSIGN_OR_RETURN(Kernels kernels, family(request));
      if (kernels.empty()) continue;
      for (auto& kernel : kernels) candidates.push_back(std::move(kernel));
      return candidates;
    }
  }
  if (request.node.op().evaluate == nullptr) {
    return absl::UnimplementedError("expected a kernel for the op, there is none");
  }
  candidates.push_back(MakeReferenceKernel(request));
  return candidates;
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
