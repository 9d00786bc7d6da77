#ifndef WEFT_FRONTEND_ONNX_IMPORT_FUNCTIONS_H_
#define WEFT_FRONTEND_ONNX_IMPORT_FUNCTIONS_H_

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "frontend/onnx/proto.h"

namespace weft {

inline constexpr int kMostOnnxDepth = 64;  // of functions and bodies within each other

// A model's own functions. The model must outlive it.
class OnnxFunctions {
 public:
  explicit OnnxFunctions(const onnx::ModelProto& model);
  // The one that a node calls; null where it calls none.
  const onnx::FunctionProto* Find(const onnx::NodeProto& node) const;
  // The names of those that another one hides: of the same domain, name and overload.
  const std::vector<std::string>& hidden() const { return hidden_; }

 private:
  using Key = std::tuple<std::string, std::string, std::string>;  // domain, name, overload
  std::map<Key, const onnx::FunctionProto*> by_key_;
  std::vector<std::string> hidden_;
};

// A copy of the function for one call: attributes that refer to the function's are the call's or
// their defaults (left out where they have neither), operands that the call leaves out are absent.
// Null where the function itself says the same. Errors: more operands or results than it has.
absl::StatusOr<std::shared_ptr<const onnx::FunctionProto>> InstantiateOnnxFunction(
    const onnx::FunctionProto& function, const onnx::NodeProto& call);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_FUNCTIONS_H_
