#include "runtime/channel_blocks.h"

#include "runtime/onednn/common.h"

namespace weft {
namespace {

// Whether the strides of `format`, a blocked one, are those of `b` without gaps.
bool IsDense(const Format& format, const Dims& dims, const ChannelBlocks& b) {
  int64_t step = b.width;
  for (size_t axis = dims.size(); axis-- > 0;) {
    const int64_t extent = axis == 1 ? b.blocks : dims[axis];
    if (extent > 1 && format.strides[axis] != step) return false;
    step *= extent;
  }
  return true;
}

// [N,C,H,W] in blocks of `width` channels.
MemoryDesc InBlocks(const Dims& dims, int64_t width) {
  using Tag = dnnl::memory::format_tag;
  const Tag tag = width == 16 ? Tag::nChw16c : width == 8 ? Tag::nChw8c : Tag::nChw4c;
  return {DnnlDims(dims), dnnl::memory::data_type::f32, tag};
}

}  // namespace

std::optional<ChannelBlocks> FindChannelBlocks(const Layout& layout) {
  const Dims& dims = layout.dims();
  if (dims.size() < 2) return std::nullopt;
  ChannelBlocks b{.images = dims[0], .blocks = dims[1], .positions = 1, .width = 1};
  for (size_t axis = 2; axis < dims.size(); ++axis) b.positions *= dims[axis];
  if (layout.is_plain()) return b;
  if (layout.native().empty() || !layout.is_elementwise()) return std::nullopt;
  const auto found = CatchDnnl([&]() -> absl::StatusOr<std::optional<ChannelBlocks>> {
    const MemoryDesc desc = ToDesc(layout);
    if (desc == ChannelsLast(dims)) {
      std::swap(b.blocks, b.width);
      return b;
    }
    const Format format = FormatOf(desc);
    if (!HasLogicalDims(layout) || format.blocks.size() != 1 || format.block_axes[0] != 1) {
      return std::nullopt;
    }
    b.width = format.blocks[0];
    b.blocks = (dims[1] + b.width - 1) / b.width;
    if (!IsDense(format, dims, b)) return std::nullopt;
    return b;
  });
  return found.ok() ? *found : std::nullopt;
}

std::optional<Layout> SameChannelBlocks(const Layout& layout, const Dims& dims) {
  const std::optional<ChannelBlocks> b = FindChannelBlocks(layout);
  if (!b || dims.size() != 4 || layout.dims().size() != 4) return std::nullopt;
  const auto found = CatchDnnl([&]() -> absl::StatusOr<std::optional<Layout>> {
    const MemoryDesc desc = ToDesc(layout);
    if (desc == RowMajor(layout.dims())) return ToLayout(RowMajor(dims), dims);
    if (desc == ChannelsLast(layout.dims())) return ToLayout(ChannelsLast(dims), dims);
    if (desc != InBlocks(layout.dims(), b->width)) return std::nullopt;
    return ToLayout(InBlocks(dims, b->width), dims);
  });
  return found.ok() ? *found : std::nullopt;
}

absl::StatusOr<Layout> ChannelsSideBySide(const Dims& dims, int64_t width) {
  return CatchDnnl([&]() -> absl::StatusOr<Layout> {
    return ToLayout(width == 0 ? ChannelsLast(dims) : InBlocks(dims, width), dims);
  });
}

absl::StatusOr<Layout> FiltersSideBySide(const Dims& dims) {
  return CatchDnnl([&]() -> absl::StatusOr<Layout> {
    return ToLayout({DnnlDims(dims), dnnl::memory::data_type::f32, dnnl::memory::format_tag::hwio},
                    dims);
  });
}

std::optional<int64_t> FindPixelStride(const Layout& layout) {
  const Dims& dims = layout.dims();
  if (layout.dtype() != DType::kF32 || dims.size() < 3 || layout.is_plain() ||
      layout.bytes() == 0) {
    return std::nullopt;
  }
  const int64_t stride = layout.strides().empty() ? dims[1] : layout.strides().back();
  if (stride < dims[1] || layout != ChannelsLastLayout(dims, stride)) return std::nullopt;
  return stride;
}

Layout ChannelsLastLayout(const Dims& dims, int64_t pixel_stride) {
  if (pixel_stride == dims[1]) return ToLayout(ChannelsLast(dims), dims);
  Dims strides(dims.size(), 1);
  for (size_t axis = dims.size(); axis-- > 2; pixel_stride *= dims[axis]) {
    strides[axis] = pixel_stride;
  }
  strides[0] = pixel_stride;
  return Layout::Strided(DType::kF32, dims, std::move(strides));
}

}  // namespace weft
