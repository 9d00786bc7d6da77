#ifndef WEFT_FRONTEND_ONNX_IMPORT_OP_TABLE_H_
#define WEFT_FRONTEND_ONNX_IMPORT_OP_TABLE_H_

#include <string>

namespace weft {

// What imports, in Markdown: ONNX's ops by the opsets in which they are known here, and those of
// opset 17 that are not.
std::string OnnxOpTable();

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_OP_TABLE_H_
