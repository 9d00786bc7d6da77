#ifndef WEFT_FRONTEND_ONNX_NEWER_SCHEMAS_H_
#define WEFT_FRONTEND_ONNX_NEWER_SCHEMAS_H_

#include "frontend/onnx/schema.h"

namespace weft {

// The newest definition up to `opset` among those that we write down ourselves, because libonnx
// may be older than they are (1.12 ends with opset 17) or never has them (com.microsoft). Null
// where there is none.
const onnx::OpSchema* FindNewerSchema(const std::string& op, int opset, const std::string& domain);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_NEWER_SCHEMAS_H_
