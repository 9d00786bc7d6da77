#ifndef WEFT_RUNTIME_LAYOUT_H_
#define WEFT_RUNTIME_LAYOUT_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "graph/type.h"

namespace weft {

// How a value's elements lie in memory: row-major ("plain"), row-major in a part of a larger value
// ("strided"), or a format of a kernel library's own, such as blocks of 16 channels. Immutable;
// compared and copied as a value.
class Layout {
 public:
  Layout() = default;
  static Layout Plain(DType dtype, Dims dims);
  // Element (i, j, ...) at i * strides[0] + j * strides[1] + ..., in elements; plain where those
  // are row-major. No two elements may share a place.
  static Layout Strided(DType dtype, Dims dims, Dims strides);
  // `native` is the library's descriptor, opaque here; two layouts are equal iff these are.
  // `elementwise`: see below.
  static Layout Native(DType dtype, Dims dims, std::string name, std::string native, size_t bytes,
                       bool elementwise);

  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }  // logical
  bool is_plain() const { return native_.empty() && strides_.empty(); }
  const Dims& strides() const { return strides_; }  // of a strided layout; else empty
  // Whether each element has one place and all other bytes are zeros (padding), so that elementwise
  // kernels may run over the bytes as they come. False for weights that were transformed.
  bool is_elementwise() const { return elementwise_; }
  const std::string& name() const { return name_; }  // "plain", "aBcd16b"
  const std::string& native() const { return native_; }
  size_t bytes() const { return bytes_; }  // with padding; from the first element to the last
  // The bytes that are the value's own: (offset, size) by offset. One piece unless strided.
  std::vector<std::pair<size_t, size_t>> Pieces() const;

  friend bool operator==(const Layout& a, const Layout& b) {
    return a.dtype_ == b.dtype_ && a.dims_ == b.dims_ && a.native_ == b.native_ &&
           a.strides_ == b.strides_;
  }

 private:
  DType dtype_ = DType::kF32;
  Dims dims_;
  std::string name_ = "plain";
  std::string native_;
  Dims strides_;
  bool elementwise_ = true;
  size_t bytes_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_LAYOUT_H_
