#include "runtime/onednn/common.h"

#include <cctype>
#include <cstring>
#include <numeric>

#include "runtime/host/host_kernel.h"

namespace weft {
namespace {

using DataType = dnnl::memory::data_type;

DataType DataTypeOf(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return DataType::f32;
    case DType::kF16:
      return DataType::f16;
    case DType::kBF16:
      return DataType::bf16;
    case DType::kI32:
      return DataType::s32;
    case DType::kI8:
      return DataType::s8;
    case DType::kU8:
    case DType::kBool:
      return DataType::u8;
    default:
      return DataType::undef;
  }
}

}  // namespace

const dnnl::engine& DnnlEngine() {
  static const dnnl::engine& engine = *new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

absl::Status DnnlStatus(dnnl_status_t code, std::string_view what) {
  const std::string message = absl::StrCat("oneDNN: ", Absl(what));
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

MemoryDesc Strided(const Dims& dims, const Dims& strides, DType dtype) {
  const DataType type = DataTypeOf(dtype);
  if (type == DataType::undef) throw dnnl::error(dnnl_unimplemented, "no such element type");
  return {DnnlDims(dims), type, DnnlDims(strides)};
}

MemoryDesc RowMajor(const Dims& dims, DType dtype) {
  Dims strides(dims.size(), 1);
  for (size_t axis = dims.size(); axis-- > 1;) {
    strides[axis - 1] = strides[axis] * std::max<int64_t>(dims[axis], 1);
  }
  return Strided(dims, strides, dtype);
}

MemoryDesc ChannelsLast(const Dims& dims, DType dtype) {
  if (dims.size() < 3) return RowMajor(dims, dtype);
  Dims strides(dims.size(), 1);
  int64_t step = dims[1];
  for (size_t axis = dims.size() - 1; axis > 1; --axis) {
    strides[axis] = step;
    step *= dims[axis];
  }
  strides[0] = step;
  return Strided(dims, strides, dtype);
}

MemoryDesc AnyFormat(const Dims& dims, DType dtype) {
  return {DnnlDims(dims), DataTypeOf(dtype), dnnl::memory::format_tag::any};
}

MemoryDesc ToDesc(const Layout& layout) {
  if (layout.is_plain()) return RowMajor(layout.dims());
  if (!layout.strides().empty()) return Strided(layout.dims(), layout.strides());
  return FromNative(layout.native());
}

Layout ToLayout(const MemoryDesc& desc, const Dims& dims) {
  // The strides of axes of one element do not matter to ==.
  if (desc == RowMajor(DimsOf(desc))) return Layout::Plain(DType::kF32, dims);
  return Layout::Native(DType::kF32, dims, FormatName(desc), ToNative(desc), desc.get_size(),
                        FormatOf(desc).kind == Format::Kind::kBlocked);
}

std::string FormatName(const MemoryDesc& desc) {
  const Format format = FormatOf(desc);
  if (format.kind == Format::Kind::kWinograd) return "wino";
  if (format.kind != Format::Kind::kBlocked) return "packed";
  const Dims dims = DimsOf(desc);
  std::vector<size_t> axes(dims.size());
  std::iota(axes.begin(), axes.end(), 0);
  // Axes of one element come last among equal strides: they could stand anywhere.
  std::stable_sort(axes.begin(), axes.end(), [&](size_t a, size_t b) {
    if (format.strides[a] != format.strides[b]) return format.strides[a] > format.strides[b];
    return dims[a] > 1 && dims[b] == 1;
  });
  std::string name, blocks;
  for (size_t axis : axes) name += static_cast<char>('a' + axis);
  for (size_t i = 0; i < format.blocks.size(); ++i) {
    const char axis = static_cast<char>('a' + format.block_axes[i]);
    absl::StrAppend(&blocks, format.blocks[i], std::string(1, axis));
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
  return DimsOf(ToDesc(layout)) == DnnlDims(layout.dims());
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
  }));
  return kernels;
}

ImplementationKind KindOf(std::string_view name) {
  const auto contains = [&](std::string_view part) { return name.find(part) != name.npos; };
  if (contains("ref") || contains("simple") || contains("ncsp_bnorm")) {
    return ImplementationKind::kReference;
  }
  if (contains("gemm")) return ImplementationKind::kMatrixProduct;
  if (contains("wino")) return ImplementationKind::kWinograd;
  return contains("brg") ? ImplementationKind::kBatchReduce : ImplementationKind::kGenerated;
}

void PutReferenceLast(Kernels& kernels) {
  std::stable_partition(kernels.begin(), kernels.end(), [](const std::unique_ptr<Kernel>& kernel) {
    return KindOf(kernel->implementation()) != ImplementationKind::kReference;
  });
}

}  // namespace weft
