#include "runtime/layout.h"

namespace weft {

Layout Layout::Plain(DType dtype, Dims dims) {
  Layout layout;
  layout.dtype_ = dtype;
  layout.bytes_ = SizeOf(dtype);
  for (int64_t d : dims) layout.bytes_ *= static_cast<size_t>(d);
  layout.dims_ = std::move(dims);
  return layout;
}

Layout Layout::Native(DType dtype, Dims dims, std::string name, std::string native, size_t bytes) {
  Layout layout;
  layout.dtype_ = dtype;
  layout.dims_ = std::move(dims);
  layout.name_ = std::move(name);
  layout.native_ = std::move(native);
  layout.bytes_ = bytes;
  return layout;
}

}  // namespace weft
