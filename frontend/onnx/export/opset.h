#ifndef WEFT_FRONTEND_ONNX_EXPORT_OPSET_H_
#define WEFT_FRONTEND_ONNX_EXPORT_OPSET_H_

#include <optional>
#include <span>
#include <string_view>

#include "frontend/onnx/proto.h"
#include "frontend/onnx/schema.h"
#include "graph/attribute.h"
#include "graph/dtype.h"

namespace weft {

inline constexpr int kFirstExportedOpset = 13;
inline constexpr int kTrainingOpset = 1;  // of kTrainingDomain

// The smallest opset from `from` on whose schema of the node's op has its attributes, takes as many
// inputs and outputs as it has and allows their dtypes (nullopt: absent). Errors: none up to 17
// does, with what is in the way of the last.
absl::StatusOr<int> OpsetFor(const onnx::NodeProto& node,
                             std::span<const std::optional<DType>> inputs,
                             std::span<const std::optional<DType>> outputs, int from);

// The newest exported definition of an op of ai.onnx; null where there is none.
const onnx::OpSchema* NewestSchema(std::string_view op);
// Whether input `i` of the op is a list or number of i64 and nothing else.
bool TakesOnlyI64(const onnx::OpSchema& schema, int i);
// Whether `attribute` has the value that its absence means in ONNX.
bool IsOnnxDefault(const onnx::OpSchema& schema, const onnx::AttributeProto& attribute);

// Kinds without a counterpart (types, post-ops) are an error.
absl::StatusOr<onnx::AttributeProto> AttributeToProto(std::string_view name,
                                                      const Attribute& attribute);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_EXPORT_OPSET_H_
