#ifndef WEFT_FRONTEND_ONNX_EXPORT_TO_ONNX_H_
#define WEFT_FRONTEND_ONNX_EXPORT_TO_ONNX_H_

#include <cstdint>
#include <string>

#include "frontend/onnx/export/export.h"
#include "frontend/onnx/proto.h"
#include "graph/file/file_system.h"

namespace weft {

// The message that ExportOnnx writes, checked. Tensors are in it, whatever their size. `report`
// may be null. Errors as ExportOnnx's.
absl::StatusOr<onnx::ModelProto> ToOnnx(const Model& model, const OnnxExportOptions& options,
                                        OnnxExportReport* report);

// What onnx.checker says of a model; the one place where its exceptions become a Status.
absl::Status CheckOnnx(const onnx::ModelProto& model);

// Writes the message to `path`; where it has more than `limit` bytes, tensors of 1 KiB and more go
// to PATH.data.
absl::Status WriteOnnx(onnx::ModelProto model, const std::string& path, uint64_t limit,
                       FileSystem& fs = PosixFileSystem());

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_EXPORT_TO_ONNX_H_
