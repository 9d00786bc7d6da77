#include "runtime/onednn/families.h"
#include "runtime/onednn/primitive_kernel.h"

namespace weft {
namespace {

// Formats that a concatenation can keep: those of its inputs, most elements
// first.
std::vector<MemoryDesc> FormatsOf(const KernelRequest& request) {
  std::vector<std::pair<size_t, MemoryDesc>> formats;
  for (const Layout& layout : request.inputs) {
    if (layout.is_plain() || !HasLogicalDims(layout)) continue;
    const MemoryDesc target = SameFormat(layout, request.outputs[0]);
    auto known = std::find_if(formats.begin(), formats.end(),
                              [&](const auto& format) { return format.second == target; });
    if (known == formats.end()) known = formats.insert(known, {0, target});
    known->first += layout.bytes();
  }
  std::stable_sort(formats.begin(), formats.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<MemoryDesc> result;
  for (const auto& [bytes, format] : formats) result.push_back(format);
  return result;
}

std::unique_ptr<Kernel> MakeConcat(const KernelRequest& request, int axis,
                                   const MemoryDesc& target) {
  std::vector<MemoryDesc> sources;
  for (const Layout& layout : request.inputs) {
    const bool native = !layout.is_plain() && HasLogicalDims(layout);
    sources.push_back(native                                       ? ToDesc(layout)
                      : target == ChannelsLast(request.outputs[0]) ? ChannelsLast(layout.dims())
                                                                   : RowMajor(layout.dims()));
  }
  const PrimitiveDesc desc = DescribeConcat(axis, sources, target, UserScratchpad());
  auto kernel = std::make_unique<PrimitiveKernel>(request);
  kernel->AddPrimitive(desc);
  for (size_t i = 0; i < sources.size(); ++i) {
    const int index = static_cast<int>(i);
    kernel->Input(DNNL_ARG_MULTIPLE_SRC + index, index, desc.src_desc(index));
  }
  kernel->Output(DNNL_ARG_DST, 0, desc.dst_desc(0));
  return kernel;
}

}  // namespace

// Only where an input is not row-major: our own copies are as fast where all
// are.
absl::StatusOr<Kernels> DnnlConcat(const KernelRequest& request) {
  return CollectKernels(request, [&](Kernels& kernels) -> absl::Status {
    WEFT_ASSIGN_OR_RETURN(const int axis,
                          NormalizeAxis(GetInt(request.node.attributes(), "axis"),
                                        static_cast<int>(request.outputs[0].size())));
    for (const MemoryDesc& target : FormatsOf(request)) {
      WEFT_RETURN_IF_ERROR(TryCandidate([&] {
        kernels.push_back(MakeConcat(request, axis, target));
        return absl::OkStatus();
      }));
    }
    return absl::OkStatus();
  });
}

}  // namespace weft
