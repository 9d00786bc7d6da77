#include "runtime/onednn/common.h"

#include <cctype>
#include <cstring>
#include <numeric>

#include "runtime/host/host_kernel.h"

namespace weft {
namespace {

constexpr dnnl::memory::data_type kFloat = dnnl::memory::data_type::f32;

// The fields that mean something, and zeros elsewhere: equal descriptors get equal bytes.
dnnl_memory_desc_t Canonical(const dnnl_memory_desc_t& desc) {
  dnnl_memory_desc_t result;
  std::memset(&result, 0, sizeof result);
  result.ndims = desc.ndims;
  result.data_type = desc.data_type;
  result.offset0 = desc.offset0;
  result.format_kind = desc.format_kind;
  const size_t axes = static_cast<size_t>(desc.ndims);
  std::copy_n(desc.dims, axes, result.dims);
  std::copy_n(desc.padded_dims, axes, result.padded_dims);
  std::copy_n(desc.padded_offsets, axes, result.padded_offsets);
  if (desc.format_kind != dnnl_blocked) {
    std::memcpy(&result.format_desc, &desc.format_desc, sizeof desc.format_desc);
  } else {
    const dnnl_blocking_desc_t& from = desc.format_desc.blocking;
    dnnl_blocking_desc_t& to = result.format_desc.blocking;
    std::copy_n(from.strides, axes, to.strides);
    to.inner_nblks = from.inner_nblks;
    std::copy_n(from.inner_blks, static_cast<size_t>(from.inner_nblks), to.inner_blks);
    std::copy_n(from.inner_idxs, static_cast<size_t>(from.inner_nblks), to.inner_idxs);
  }
  result.extra.flags = desc.extra.flags;
  if (desc.extra.flags != 0) result.extra = desc.extra;
  return result;
}

bool IsRowMajor(const dnnl_memory_desc_t& desc) {
  if (desc.format_kind != dnnl_blocked || desc.data_type != dnnl_f32 || desc.offset0 != 0 ||
      desc.extra.flags != 0 || desc.format_desc.blocking.inner_nblks != 0) {
    return false;
  }
  int64_t step = 1;
  for (int axis = desc.ndims - 1; axis >= 0; --axis) {
    if (desc.padded_dims[axis] != desc.dims[axis]) return false;
    // The stride of an axis of one element does not matter.
    if (desc.dims[axis] != 1 && desc.format_desc.blocking.strides[axis] != step) return false;
    step *= desc.dims[axis];
  }
  return true;
}

}  // namespace

const dnnl::engine& DnnlEngine() {
  static const dnnl::engine& engine = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

absl::Status DnnlStatus(dnnl_status_t code, std::string_view what) {
  const std::string message = absl::StrCat("oneDNN: ", std::string(what));
  switch (code) {
    case dnnl_success:
      return absl::OkStatus();
    case dnnl_unimplemented:
      return absl::UnimplementedError(message);
    case dnnl_invalid_arguments:
      return absl::InvalidArgumentError(message);
    case dnnl_out_of_memory:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::InternalError(absl::StrCat(message, " (status ", static_cast<int>(code), ")"));
  }
}

dnnl::memory::dims DnnlDims(const Dims& dims) { return dims.empty() ? Dims{1} : dims; }

MemoryDesc RowMajor(const Dims& dims) {
  const dnnl::memory::dims extents = DnnlDims(dims);
  dnnl::memory::dims strides(extents.size(), 1);
  for (size_t axis = extents.size() - 1; axis > 0; --axis) {
    strides[axis - 1] = strides[axis] * std::max<int64_t>(extents[axis], 1);
  }
  return {extents, kFloat, strides};
}

MemoryDesc ChannelsLast(const Dims& dims) {
  if (dims.size() < 3) return RowMajor(dims);
  dnnl::memory::dims strides(dims.size(), 1);
  int64_t step = dims[1];
  for (size_t axis = dims.size() - 1; axis > 1; --axis) {
    strides[axis] = step;
    step *= dims[axis];
  }
  strides[0] = step;
  return {dims, kFloat, strides};
}

MemoryDesc AnyFormat(const Dims& dims) {
  return {DnnlDims(dims), kFloat, dnnl::memory::format_tag::any};
}

MemoryDesc ToDesc(const Layout& layout) {
  if (layout.is_plain()) return RowMajor(layout.dims());
  if (!layout.strides().empty()) return {layout.dims(), kFloat, layout.strides()};
  dnnl_memory_desc_t desc;
  std::memcpy(&desc, layout.native().data(), sizeof desc);
  return MemoryDesc(desc);
}

Layout ToLayout(const MemoryDesc& desc, const Dims& dims) {
  if (IsRowMajor(desc.data)) return Layout::Plain(DType::kF32, dims);
  const dnnl_memory_desc_t canonical = Canonical(desc.data);
  return Layout::Native(DType::kF32, dims, FormatName(desc),
                        std::string(reinterpret_cast<const char*>(&canonical), sizeof canonical),
                        desc.get_size(),
                        desc.data.format_kind == dnnl_blocked && desc.data.extra.flags == 0);
}

std::string FormatName(const MemoryDesc& desc) {
  const dnnl_memory_desc_t& data = desc.data;
  if (data.format_kind == dnnl_format_kind_wino) return "wino";
  if (data.format_kind != dnnl_blocked) return "packed";
  const dnnl_blocking_desc_t& blocking = data.format_desc.blocking;
  std::vector<int> axes(static_cast<size_t>(data.ndims));
  std::iota(axes.begin(), axes.end(), 0);
  // Axes of one element come last among equal strides: they could stand anywhere.
  std::stable_sort(axes.begin(), axes.end(), [&](int a, int b) {
    if (blocking.strides[a] != blocking.strides[b]) {
      return blocking.strides[a] > blocking.strides[b];
    }
    return data.dims[a] > 1 && data.dims[b] == 1;
  });
  std::string name, blocks;
  for (int axis : axes) name += static_cast<char>('a' + axis);
  for (int i = 0; i < blocking.inner_nblks; ++i) {
    const char axis = static_cast<char>('a' + blocking.inner_idxs[i]);
    absl::StrAppend(&blocks, blocking.inner_blks[i], std::string(1, axis));
    for (char& c : name) {
      if (c == axis) c = static_cast<char>(std::toupper(c));
    }
  }
  return name + blocks;
}

MemoryDesc SameFormat(const Layout& layout, const Dims& dims) {
  if (layout.is_plain()) return RowMajor(dims);
  if (ToDesc(layout) == ChannelsLast(layout.dims())) return ChannelsLast(dims);
  return AnyFormat(dims);
}

std::vector<MemoryDesc> LayoutsToTry(const Layout& layout) {
  std::vector<MemoryDesc> result = {ToDesc(layout)};
  for (const MemoryDesc& desc : {ChannelsLast(layout.dims()), RowMajor(layout.dims())}) {
    if (std::find(result.begin(), result.end(), desc) == result.end()) result.push_back(desc);
  }
  return result;
}

bool HasLogicalDims(const Layout& layout) {
  return ToDesc(layout).dims() == DnnlDims(layout.dims());
}

dnnl::primitive_attr UserScratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

bool IsAllF32(const KernelRequest& request) {
  for (int i = 0; i < request.node.num_inputs(); ++i) {
    if (request.has(i) && request.in(i).dtype() != DType::kF32) return false;
  }
  for (int i = 0; i < request.node.num_outputs(); ++i) {
    if (request.node.type(i).dtype != DType::kF32) return false;
  }
  return true;
}

bool HasEmptyOutputs(const KernelRequest& request) {
  return std::all_of(request.outputs.begin(), request.outputs.end(), [](const Dims& dims) {
    return std::find(dims.begin(), dims.end(), 0) != dims.end();
  });
}

bool HasEmptyInput(const KernelRequest& request) {
  for (int i = 0; i < request.node.num_inputs(); ++i) {
    if (!request.has(i)) continue;
    const Dims& dims = request.in(i).dims();
    if (std::find(dims.begin(), dims.end(), 0) != dims.end()) return true;
  }
  return false;
}

bool IsUnsupported(const absl::Status& status) {
  return absl::IsUnimplemented(status) || absl::IsInvalidArgument(status);
}

absl::StatusOr<Kernels> DoNothing(const KernelRequest& request) {
  Kernels kernels;
  kernels.push_back(MakeHostKernel(request, "weft", "empty", [](const EvalContext& c) {
    for (const TensorView& out : c.outputs) {
      const size_t bytes = static_cast<size_t>(out.size()) * SizeOf(out.dtype);
      if (out.data != nullptr && bytes > 0) std::memset(out.data, 0, bytes);
    }
    return absl::OkStatus();
  }));
  return kernels;
}

bool IsReferenceImplementation(std::string_view implementation) {
  return implementation.find("ref") != std::string_view::npos ||
         implementation.find("simple") != std::string_view::npos ||
         implementation.find("ncsp_bnorm") != std::string_view::npos;
}

void PutReferenceLast(Kernels& kernels) {
  std::stable_partition(kernels.begin(), kernels.end(), [](const std::unique_ptr<Kernel>& kernel) {
    return !IsReferenceImplementation(kernel->implementation());
  });
}

}  // namespace weft
