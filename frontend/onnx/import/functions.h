#ifndef WEFT_FRONTEND_ONNX_IMPORT_FUNCTIONS_H_
#define WEFT_FRONTEND_ONNX_IMPORT_FUNCTIONS_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "frontend/onnx/proto.h"

namespace weft {

// A model's own functions. The model must outlive it.
class OnnxFunctions {
 public:
  explicit OnnxFunctions(const onnx::ModelProto& model);
  // The one that a node calls; null where it calls none.
  const onnx::FunctionProto* Find(const onnx::NodeProto& node) const;

 private:
  std::map<std::pair<std::string, std::string>, const onnx::FunctionProto*> by_name_;
};

// A copy of the function for one call: attributes that refer to the function's are the call's or
// their defaults (left out where they have neither), operands that the call leaves out are absent.
// Null where the function itself says the same. Errors: more operands or results than it has.
absl::StatusOr<std::shared_ptr<const onnx::FunctionProto>> InstantiateOnnxFunction(
    const onnx::FunctionProto& function, const onnx::NodeProto& call);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_FUNCTIONS_H_
