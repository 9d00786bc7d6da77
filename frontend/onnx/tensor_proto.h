#ifndef WEFT_FRONTEND_ONNX_TENSOR_PROTO_H_
#define WEFT_FRONTEND_ONNX_TENSOR_PROTO_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "frontend/onnx/external_data.h"
#include "frontend/onnx/proto.h"
#include "graph/tensor.h"

namespace weft {

// TensorProto.DataType of a dtype and back; nullopt where we have no such type.
std::optional<DType> DTypeOfOnnx(int32_t data_type);
int32_t OnnxTypeOf(DType dtype);
// "FLOAT", "STRING", "data type 99".
std::string OnnxTypeName(int32_t data_type);

// Where a tensor's bytes may lie besides in its message.
struct TensorSource {
  // Keeps the message alive, so that large tensors can be views of its bytes; null: copy.
  std::shared_ptr<const void> owner;
  ExternalData* external = nullptr;  // null: external data is refused
};

// The tensor of a message, from raw, typed or external data. Errors name the tensor: a type that we
// lack, negative dims, more or fewer elements than the dims say, a bool other than 0 or 1.
absl::StatusOr<Tensor> TensorFromProto(const onnx::TensorProto& proto,
                                       const TensorSource& source = {});

// The message of a tensor, with raw data.
onnx::TensorProto TensorToProto(const Tensor& tensor, std::string_view name);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_TENSOR_PROTO_H_
