#include "graph/tensor.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "absl/strings/str_cat.h"
#include "graph/element.h"

namespace weft {

namespace {

constexpr size_t kHugePage = size_t{1} << 21;
// From here on they are asked for: for weights and arenas of networks, not for what one layer
// needs.
constexpr size_t kHugeBytes = 4 * kHugePage;

// MADV_COLLAPSE of Linux 6.1, which older headers lack and older systems refuse.
constexpr int kCollapse = 25;

void Advise(std::byte* begin, size_t bytes, int advice) {
  if (bytes < kHugeBytes) return;
  madvise(begin, bytes / kHugePage * kHugePage, advice);  // advice: no error matters
}

}  // namespace

void AskForHugePages(std::byte* begin, size_t bytes) { Advise(begin, bytes, MADV_HUGEPAGE); }

void MakeHugePages(std::byte* begin, size_t bytes) {
  Advise(begin, bytes, MADV_HUGEPAGE);  // so that the system makes them in time where it can't now
  Advise(begin, bytes, kCollapse);
}

std::shared_ptr<std::byte> AllocateAligned(size_t bytes) {
  // Not aligned_alloc and memset: calloc's large blocks are zero pages that cost nothing until they
  // are written.
  const size_t alignment = bytes >= kHugeBytes ? kHugePage : kTensorAlignment;
  size_t space = std::max<size_t>(bytes, 1) + alignment;
  if (space < bytes) return nullptr;
  void* const memory = std::calloc(space, 1);
  if (memory == nullptr) return nullptr;
  void* aligned = memory;
  std::align(alignment, std::max<size_t>(bytes, 1), aligned, space);
  return {static_cast<std::byte*>(aligned), [memory](std::byte*) { std::free(memory); }};
}

void Tensor::swap(Tensor& other) noexcept {
  std::swap(dtype_, other.dtype_);
  std::swap(read_only_, other.read_only_);
  dims_.swap(other.dims_);
  std::swap(size_, other.size_);
  std::swap(data_, other.data_);
  owner_.swap(other.owner_);
}

absl::StatusOr<Tensor> Tensor::Zeros(DType dtype, Dims dims) {
  Tensor tensor;
  WEFT_ASSIGN_OR_RETURN(tensor.size_, CountElements(dims));
  tensor.dtype_ = dtype;
  tensor.dims_ = std::move(dims);
  std::shared_ptr<std::byte> memory = AllocateAligned(tensor.bytes());
  if (memory == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("not enough memory for ", weft::ToString(tensor.type())));
  }
  tensor.data_ = memory.get();
  tensor.owner_ = std::move(memory);
  return tensor;
}

absl::StatusOr<Tensor> Tensor::FromBytes(DType dtype, Dims dims, std::span<const std::byte> bytes) {
  WEFT_ASSIGN_OR_RETURN(int64_t count, CountElements(dims));
  if (bytes.size() != static_cast<size_t>(count) * SizeOf(dtype)) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", static_cast<size_t>(count) * SizeOf(dtype), " bytes for ",
                     weft::ToString(TensorType{dtype, ToShape(dims)}), ", got ", bytes.size()));
  }
  WEFT_ASSIGN_OR_RETURN(Tensor tensor, Zeros(dtype, std::move(dims)));
  if (!bytes.empty()) std::memcpy(tensor.data_, bytes.data(), bytes.size());
  return tensor;
}

absl::StatusOr<Tensor> Tensor::Wrap(DType dtype, Dims dims, std::span<const std::byte> bytes,
                                    std::shared_ptr<const void> owner) {
  Tensor tensor;
  WEFT_ASSIGN_OR_RETURN(tensor.size_, CountElements(dims));
  tensor.dtype_ = dtype;
  tensor.dims_ = std::move(dims);
  tensor.read_only_ = true;
  if (bytes.size() != tensor.bytes()) {
    return absl::InvalidArgumentError(absl::StrCat("expected ", tensor.bytes(), " bytes for ",
                                                   weft::ToString(tensor.type()), ", got ",
                                                   bytes.size()));
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % SizeOf(dtype) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("bytes of ", weft::ToString(tensor.type()), " are not aligned"));
  }
  static std::byte nothing{};  // Stands for the bytes of a tensor without elements.
  tensor.data_ = bytes.empty() ? &nothing : const_cast<std::byte*>(bytes.data());
  tensor.owner_ = std::move(owner);
  return tensor;
}

Tensor Tensor::Scalar(double value, DType dtype) {
  Tensor tensor = Zeros(dtype, {}).value();
  ConvertElements(DType::kF64, &value, dtype, tensor.data_, 1);
  return tensor;
}

Tensor Tensor::FromInts(std::span<const int64_t> values) {
  return FromValues<int64_t>({static_cast<int64_t>(values.size())}, values).value();
}

std::byte* Tensor::mutable_data() {
  if (is_shared()) {
    *this = FromBytes(dtype_, dims_, {data_, bytes()}).value();
  }
  return data_;
}

double Tensor::At(int64_t i) const { return ElementAt(dtype_, data_, i); }

absl::StatusOr<Tensor> Tensor::Reshaped(Dims dims) const {
  WEFT_ASSIGN_OR_RETURN(int64_t count, CountElements(dims));
  if (count != size_) {
    return absl::InvalidArgumentError(absl::StrCat("cannot view ", weft::ToString(dims_), " as ",
                                                   weft::ToString(dims), ": ", size_, " against ",
                                                   count, " elements"));
  }
  Tensor result = *this;
  result.dims_ = std::move(dims);
  return result;
}

absl::StatusOr<Tensor> Tensor::Converted(DType dtype) const {
  if (dtype == dtype_) return *this;
  WEFT_ASSIGN_OR_RETURN(Tensor result, Zeros(dtype, dims_));
  ConvertElements(dtype_, data_, dtype, result.data_, size_);
  return result;
}

bool operator==(const Tensor& a, const Tensor& b) {
  if (a.is_empty() || b.is_empty()) return a.is_empty() == b.is_empty();
  if (a.dtype_ != b.dtype_ || a.dims_ != b.dims_) return false;
  return a.data_ == b.data_ || std::memcmp(a.data_, b.data_, a.bytes()) == 0;
}

}  // namespace weft
