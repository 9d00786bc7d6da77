#include "runtime/layout.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace weft {
namespace {

// Whether elements of these strides lie without gaps, in row-major order.
bool IsRowMajor(const Dims& dims, const Dims& strides) {
  int64_t step = 1;
  for (size_t axis = dims.size(); axis-- > 0;) {
    if (dims[axis] != 1 && strides[axis] != step) return false;
    step *= dims[axis];
  }
  return true;
}

}  // namespace

Layout Layout::Plain(DType dtype, Dims dims) {
  Layout layout;
  layout.dtype_ = dtype;
  layout.bytes_ = SizeOf(dtype);
  for (int64_t d : dims) layout.bytes_ *= static_cast<size_t>(d);
  layout.dims_ = std::move(dims);
  return layout;
}

Layout Layout::Strided(DType dtype, Dims dims, Dims strides) {
  Layout layout = Plain(dtype, std::move(dims));
  if (layout.bytes_ == 0 || IsRowMajor(layout.dims_, strides)) return layout;
  int64_t last = 0;
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    last += (layout.dims_[axis] - 1) * strides[axis];
  }
  layout.bytes_ = static_cast<size_t>(last + 1) * SizeOf(dtype);
  layout.name_ = absl::StrCat("strided[", absl::StrJoin(strides, ","), "]");
  layout.strides_ = std::move(strides);
  layout.elementwise_ = false;  // what lies between is another's
  return layout;
}

Layout Layout::Native(DType dtype, Dims dims, std::string name, std::string native, size_t bytes,
                      bool elementwise) {
  Layout layout;
  layout.dtype_ = dtype;
  layout.dims_ = std::move(dims);
  layout.name_ = std::move(name);
  layout.native_ = std::move(native);
  layout.elementwise_ = elementwise;
  layout.bytes_ = bytes;
  return layout;
}

std::vector<std::pair<size_t, size_t>> Layout::Pieces() const {
  if (strides_.empty()) return {{0, bytes_}};
  std::vector<std::pair<size_t, size_t>> pieces = {{0, SizeOf(dtype_)}};
  // From the last axis on: the pieces of one index, repeated; where they touch, they are one.
  for (size_t axis = dims_.size(); axis-- > 0;) {
    const size_t step = static_cast<size_t>(strides_[axis]) * SizeOf(dtype_);
    if (pieces.size() == 1 && pieces[0].second == step) {
      pieces[0].second *= static_cast<size_t>(dims_[axis]);
      continue;
    }
    const size_t count = pieces.size();
    for (size_t i = 1; i < static_cast<size_t>(dims_[axis]); ++i) {
      for (size_t p = 0; p < count; ++p) {
        pieces.emplace_back(pieces[p].first + i * step, pieces[p].second);
      }
    }
  }
  std::sort(pieces.begin(), pieces.end());
  return pieces;
}

}  // namespace weft
