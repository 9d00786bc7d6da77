#ifndef WEFT_FRONTEND_ONNX_SCHEMA_H_
#define WEFT_FRONTEND_ONNX_SCHEMA_H_

#include <onnx/defs/schema.h>

#include <string>
#include <string_view>

// ONNX's own definitions of its ops, as libonnx has them, and those that it is too old for.

namespace weft {

inline constexpr int kFirstOnnxOpset = 1;
// The oldest whose forms are known; ONNX's own suite has models of opset 1, whose ops have these.
inline constexpr int kOldestOnnxForms = 6;
inline constexpr int kLastOnnxOpset = 17;    // that we write
inline constexpr int kNewestOnnxOpset = 24;  // that we read
inline constexpr std::string_view kMicrosoftDomain = "com.microsoft";
inline constexpr std::string_view kTrainingDomain = "ai.onnx.preview.training";

// The definition of an op in the version that `opset` of its domain ("" is ai.onnx) means; null
// where there is none.
const onnx::OpSchema* FindOnnxSchema(const std::string& op, int opset,
                                     const std::string& domain = "");

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_SCHEMA_H_
