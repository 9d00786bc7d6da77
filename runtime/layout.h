#ifndef WEFT_RUNTIME_LAYOUT_H_
#define WEFT_RUNTIME_LAYOUT_H_

#include <cstddef>
#include <string>

#include "graph/type.h"

namespace weft {

// How a value's elements lie in memory: row-major ("plain"), or a format of a kernel library's own,
// such as blocks of 16 channels. Immutable; compared and copied as a value.
class Layout {
 public:
  Layout() = default;
  static Layout Plain(DType dtype, Dims dims);
  // `native` is the library's descriptor, opaque here; two layouts are equal iff these are.
  static Layout Native(DType dtype, Dims dims, std::string name, std::string native, size_t bytes);

  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }  // logical
  bool is_plain() const { return native_.empty(); }
  const std::string& name() const { return name_; }  // "plain", "aBcd16b"
  const std::string& native() const { return native_; }
  size_t bytes() const { return bytes_; }  // with padding

  friend bool operator==(const Layout& a, const Layout& b) {
    return a.dtype_ == b.dtype_ && a.dims_ == b.dims_ && a.native_ == b.native_;
  }

 private:
  DType dtype_ = DType::kF32;
  Dims dims_;
  std::string name_ = "plain";
  std::string native_;
  size_t bytes_ = 0;
};

}  // namespace weft

#endif  // WEFT_RUNTIME_LAYOUT_H_
