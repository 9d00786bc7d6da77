#ifndef WEFT_FRONTEND_ONNX_IMPORT_HALVES_H_
#define WEFT_FRONTEND_ONNX_IMPORT_HALVES_H_

#include <optional>
#include <string>

#include "frontend/onnx/tensor_proto.h"

// f16 and bf16 in models: read as f32, each value once, and computed in f32. Nothing is rounded in
// between, not by a Cast to f16 either.

namespace weft {

// What elements of that type are in our graph.
DType ImportedDType(DType dtype);
// The same for TensorProto.DataType; nullopt where we have no such type.
std::optional<DType> ImportedDTypeOf(int32_t data_type);

absl::StatusOr<Tensor> ImportedTensor(const Tensor& tensor);
// TensorFromProto in the type that it is imported as.
absl::StatusOr<Tensor> ImportedTensor(const onnx::TensorProto& proto,
                                      const TensorSource& source = {});

// What the report says of them; empty where the model has none. `kept`: its inputs and outputs have
// their types.
std::string NoteOfHalves(const onnx::ModelProto& model, bool kept);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_HALVES_H_
