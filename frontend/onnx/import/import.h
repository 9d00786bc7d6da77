#ifndef WEFT_FRONTEND_ONNX_IMPORT_IMPORT_H_
#define WEFT_FRONTEND_ONNX_IMPORT_IMPORT_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "graph/evaluator.h"
#include "graph/model.h"

namespace weft {

struct OnnxImportOptions {
  // Inputs of the graph, by name, that become constants.
  TensorMap constants = {};
  // Values for inputs that become constants where they decide a shape or an attribute, directly or
  // through others: a Reshape's shape, an Expand's, a Dropout's ratio. The others stay inputs.
  TensorMap shape_candidates = {};
  // What the dims of inputs are, by name; "" is the only input. A number holds for its dim's symbol
  // in all inputs; a symbol renames a dim.
  std::map<std::string, Shape> shapes = {};
  // Inputs and outputs of f16 and bf16 keep their types, by a Cast each; otherwise they are f32.
  bool keep_half_types = false;
};

// What importing has to say besides the model.
struct OnnxImportReport {
  std::vector<std::string> notes;
};

// The model that an ONNX file holds: opsets 1 to 24 of ai.onnx (1 to 5 as far as forms are those of
// 6), version 1 of ai.onnx.preview.training and what ONNX Runtime's optimizer makes of
// com.microsoft, with initializers (sparse ones get their zeros) and external data (mapped, never
// from outside the model's folder). Functions of the model's own are inlined, Ifs, Loops, Scans,
// sequences and optionals resolved, where what decides them is known. Floating-point initializers
// become variables, trained unless they are scalars, and so does an Identity of one; running
// statistics become variables that nothing else shares. BatchNormalization and Dropout become
// mode-neutral unless they say that they train. What depends on constants and known shapes only is
// computed now. f16 and bf16 are read and computed as f32 (halves.h), integers that an op does not
// take in a type that holds them. The model's own bytes are not trusted: nothing of libonnx but its
// op definitions sees them. Errors: Unimplemented or InvalidArgument with every problem of the
// model at once (node, op, opset, what), those of reading the file, a constant that is no input or
// of another type than its input, a shape of no input, of another rank or against a dim that the
// model fixes. `report` may be null.
absl::StatusOr<Model> ImportOnnx(const std::string& path, const OnnxImportOptions& options = {},
                                 OnnxImportReport* report = nullptr);
// The same for bytes in memory, without external data; `name` stands for the file in errors.
absl::StatusOr<Model> ImportOnnxBytes(std::span<const std::byte> bytes, const std::string& name,
                                      const OnnxImportOptions& options = {});

// Reads a file that is one TensorProto, such as the input_0.pb of ONNX's test suite. Errors name
// the file: a type that we lack, dims that the data does not fit, those of ReadFile.
absl::StatusOr<Tensor> ReadOnnxTensor(const std::string& path);
// The same for bytes in memory; `name` stands for the file in errors.
absl::StatusOr<Tensor> ParseOnnxTensor(std::span<const std::byte> bytes, const std::string& name);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_IMPORT_H_
