#ifndef WEFT_GRAPH_TENSOR_H_
#define WEFT_GRAPH_TENSOR_H_

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "graph/type.h"

namespace weft {

// The alignment in bytes of every tensor we allocate or store: one cache line, one AVX-512
// register.
inline constexpr size_t kTensorAlignment = 64;

// A dense row-major array in host memory. Copies share the bytes (reference-counted) and are cheap;
// writing through mutable_data() or mutable_values() first makes a private copy where the bytes are
// shared or read-only (a mapped file). Reading from several threads is safe; writing is one
// thread's. A default-constructed Tensor is empty: no type, no data; is_empty() is true.
class Tensor {
 public:
  Tensor() = default;
  Tensor(const Tensor&) = default;
  Tensor& operator=(const Tensor&) = default;
  // Leaves `other` empty, so that a tensor given away is not taken for one that can be written to.
  Tensor(Tensor&& other) noexcept { swap(other); }
  Tensor& operator=(Tensor&& other) noexcept {
    Tensor taken(std::move(other));
    swap(taken);
    return *this;
  }
  void swap(Tensor& other) noexcept;

  // Zero-filled. Errors: dims beyond the limits of type.h, not enough memory.
  static absl::StatusOr<Tensor> Zeros(DType dtype, Dims dims);
  // A copy of `values`, whose number must match the dims.
  template <typename T>
  static absl::StatusOr<Tensor> FromValues(Dims dims, std::span<const T> values) {
    return FromBytes(DTypeOf<T>, std::move(dims), std::as_bytes(values));
  }
  static absl::StatusOr<Tensor> FromBytes(DType dtype, Dims dims, std::span<const std::byte> bytes);
  // Read-only bytes of someone else, such as a mapped file; `owner` keeps them alive. Errors: a
  // length that does not match the dims, bytes not aligned to the element.
  static absl::StatusOr<Tensor> Wrap(DType dtype, Dims dims, std::span<const std::byte> bytes,
                                     std::shared_ptr<const void> owner);
  // A rank-0 tensor; `value` is converted to `dtype`.
  static Tensor Scalar(double value, DType dtype);
  static Tensor FromInts(std::span<const int64_t> values);  // i64[n]

  bool is_empty() const { return data_ == nullptr; }
  DType dtype() const { return dtype_; }
  const Dims& dims() const { return dims_; }
  int rank() const { return static_cast<int>(dims_.size()); }
  int64_t size() const { return size_; }  // elements
  size_t bytes() const { return static_cast<size_t>(size_) * SizeOf(dtype_); }
  TensorType type() const { return {dtype_, ToShape(dims_)}; }

  const std::byte* data() const { return data_; }
  std::byte* mutable_data();
  // Whether the bytes are another tensor's too, or read-only: mutable_data() makes a copy then.
  bool is_shared() const { return data_ != nullptr && (read_only_ || owner_.use_count() > 1); }

  // The elements. None where they are not stored as T (IsStoredAs): bytes are never read as another
  // type than theirs.
  template <typename T>
  std::span<const T> values() const {
    if (!IsStoredAs<T>(dtype_)) return {};
    return {reinterpret_cast<const T*>(data_), static_cast<size_t>(size_)};
  }
  template <typename T>
  std::span<T> mutable_values() {
    if (!IsStoredAs<T>(dtype_)) return {};
    return {reinterpret_cast<T*>(mutable_data()), static_cast<size_t>(size_)};
  }
  // Element `i` as a double, whatever the dtype (graph/element.h).
  double At(int64_t i) const;

  // The same bytes under other dims of the same element count.
  absl::StatusOr<Tensor> Reshaped(Dims dims) const;
  // A copy with every element converted by the rules of graph/element.h. Errors: not enough memory.
  absl::StatusOr<Tensor> Converted(DType dtype) const;

  // Same dtype, dims and bytes.
  friend bool operator==(const Tensor& a, const Tensor& b);

 private:
  DType dtype_ = DType::kF32;
  bool read_only_ = false;
  Dims dims_;
  int64_t size_ = 0;
  std::byte* data_ = nullptr;
  std::shared_ptr<const void> owner_;
};

// Memory of `bytes` (at least one) zeroed bytes, 64-byte aligned; null when there is none.
std::shared_ptr<std::byte> AllocateAligned(size_t bytes);

// Huge pages make memory that is read and written again and again quicker to find. These two are
// for memory of AllocateAligned and do nothing where it is not large, or the system has none.
//
// For memory that nothing was written to yet: its pages will be huge, and each is cleared whole
// when it is first touched.
void AskForHugePages(std::byte* begin, size_t bytes);
// For memory in use, which may be read and written meanwhile: copies it, page by page, to huge
// ones, also where the system gives none unasked (Linux from 6.1 on). What cannot be copied now is
// asked for as above: the system may do it later.
void MakeHugePages(std::byte* begin, size_t bytes);

}  // namespace weft

#endif  // WEFT_GRAPH_TENSOR_H_
