#ifndef WEFT_FRONTEND_IO_NPY_H_
#define WEFT_FRONTEND_IO_NPY_H_

#include <cstddef>
#include <span>
#include <string>

#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// Reads a .npy file (NumPy's format, versions 1 to 3) of little-endian f2, f4, f8, i4, i8, u2, u4,
// u8, or i1, u1, b1.
// Errors name the file: unreadable, not .npy, a malformed header, another element type or byte
// order, Fortran order, dims beyond the limits of type.h, data shorter or longer than the dims say,
// a bool that is neither 0 nor 1.
absl::StatusOr<Tensor> ReadNpy(const std::string& path);
// The same for bytes in memory; `name` stands for the file in errors.
absl::StatusOr<Tensor> ParseNpy(std::span<const std::byte> bytes, const std::string& name);

// The same without reading it: the tensor is the mapped file (graph/file/file_system.h), a copy
// where the elements are not aligned in it.
absl::StatusOr<Tensor> MapNpy(const std::string& path);

// An error that names the file where NumPy lacks the dtype (bf16).
absl::Status CheckNpyType(const std::string& path, DType dtype);

// Writes a version 1 .npy file, whole or not at all (graph/file/file_system.h). Errors: that
// of CheckNpyType, an empty tensor, a failed write.
absl::Status WriteNpy(const std::string& path, const Tensor& tensor);

}  // namespace weft

#endif  // WEFT_FRONTEND_IO_NPY_H_
