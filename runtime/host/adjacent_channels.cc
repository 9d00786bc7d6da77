#include "runtime/host/adjacent_channels.h"

#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace weft {
namespace {

// The k of blocks "16b", `channels` where there are none.
int64_t BlockOf(absl::string_view blocks, int64_t channels) {
  int64_t k = 0;
  if (blocks.empty()) return channels;
  if (blocks.back() != 'b' || !absl::SimpleAtoi(blocks.substr(0, blocks.size() - 1), &k)) return 0;
  return k;
}

// Whether there is nothing but the elements and what pads the last block of channels.
bool IsDense(const Layout& layout, int64_t k) {
  size_t bytes = SizeOf(layout.dtype());
  for (size_t axis = 0; axis < layout.dims().size(); ++axis) {
    const int64_t extent = layout.dims()[axis];
    bytes *= static_cast<size_t>(axis == 1 ? (extent + k - 1) / k * k : extent);
  }
  return layout.bytes() == bytes;
}

}  // namespace

// Native layouts are called by their axes, the slowest first, with capitals for axes in blocks, and
// the blocks after them: acdb, aBcd16b. An axis of one element may stand anywhere.
std::optional<int64_t> AdjacentChannels(const Layout& layout) {
  if (layout.is_plain()) return 1;
  const Dims& dims = layout.dims();
  const std::string& name = layout.name();
  if (!layout.is_elementwise() || dims.size() < 3 || name.size() < dims.size()) return std::nullopt;

  const int64_t channels = dims[1];
  const int64_t k = BlockOf(absl::string_view(name).substr(dims.size()), channels);
  if (k < 1 || !IsDense(layout, k)) return std::nullopt;
  const bool last = name.size() == dims.size();
  std::string expected, actual;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    const bool one = axis == 1 ? last || channels <= k : dims[axis] == 1;
    if (!one) expected += static_cast<char>((axis == 1 ? 'A' : 'a') + axis);
  }
  if (last) expected += 'b';
  for (const char c : absl::string_view(name).substr(0, dims.size())) {
    const auto axis = static_cast<size_t>(absl::ascii_tolower(c) - 'a');
    if (axis >= dims.size()) return std::nullopt;  // "packed"
    const bool one = axis == 1 ? !last && channels <= k : dims[axis] == 1;
    if (!one) actual += c;
  }
  return actual == expected ? std::optional(k) : std::nullopt;
}

}  // namespace weft
