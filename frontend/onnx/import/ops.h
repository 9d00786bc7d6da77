#ifndef WEFT_FRONTEND_ONNX_IMPORT_OPS_H_
#define WEFT_FRONTEND_ONNX_IMPORT_OPS_H_

#include <initializer_list>
#include <string_view>
#include <vector>

#include "frontend/onnx/import/context.h"

// How ONNX's ops become ours: a table, and what its converters share. An op whose ONNX form is ours
// needs only its name there.

namespace weft {

// Adds the nodes that a node means and returns its outputs (as many as it names, at least), or
// anything after a failure.
using ImportFn = std::vector<Value> (*)(ImportContext&);

struct OnnxOp {
  std::string_view name;
  ImportFn import;
  // Operands whose elements decide shapes or attributes, so that they must be known before the run.
  std::vector<int> known_inputs = {};
  std::string_view domain = {};
};

std::vector<OnnxOp> AllOnnxOps();

// Null where an op is not supported. `domain` is "" for ai.onnx.
const OnnxOp* FindOnnxOp(std::string_view name, std::string_view domain);

// One file each.
std::vector<OnnxOp> ElementwiseImports();
std::vector<OnnxOp> LayerImports();
std::vector<OnnxOp> MicrosoftImports();
std::vector<OnnxOp> QuantizeImports();
std::vector<OnnxOp> RandomImports();
std::vector<OnnxOp> ReduceImports();
std::vector<OnnxOp> ResizeImports();
std::vector<OnnxOp> SampleImports();
std::vector<OnnxOp> ShapeImports();
std::vector<OnnxOp> SignalImports();
std::vector<OnnxOp> TrainingImports();

// Our op of the same name and form.
std::vector<Value> ImportSame(ImportContext& c);

// A Resize with antialias, linear or cubic, that stretches to known sizes.
std::vector<Value> AntialiasedResize(ImportContext& c);

// What an op of ours is given that differs from the node's own.
struct ImportAs {
  std::string_view op;
  std::vector<Value> inputs;
  AttributeMap attributes = {};                          // besides, or in place of, ONNX's
  std::initializer_list<std::string_view> ignored = {};  // ONNX attributes taken care of
};
// The op `as.op` in the node's place: its attributes are ONNX's of the same name and those of `as`.
// An ONNX attribute that the op lacks must have ONNX's default, or it is not supported.
std::vector<Value> ImportOp(ImportContext& c, const ImportAs& as);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_OPS_H_
