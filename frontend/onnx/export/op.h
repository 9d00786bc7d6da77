#ifndef WEFT_FRONTEND_ONNX_EXPORT_OP_H_
#define WEFT_FRONTEND_ONNX_EXPORT_OP_H_

#include <string>
#include <string_view>
#include <vector>

#include "frontend/onnx/export/writer.h"
#include "graph/type.h"

namespace weft {

// An op of ours that is to be written: a node of the graph, or a part of one (a post-op).
struct OpCall {
  std::string op = {};
  std::string name = {};  // of the (last) node it becomes
  AttributeMap attributes = {};
  std::vector<OnnxOperand> inputs = {};
  std::vector<TensorType> input_types = {};  // as many; of any type where absent
  std::vector<TensorType> types = {};        // of the outputs
  std::vector<std::string> outputs = {};     // the values' names
  std::vector<bool> is_output = {};          // whether the graph's interface fixes the name
  std::vector<bool> read = {};               // whether somebody reads the output
};

// What a function that exports an op works with. The first failure is kept, and nothing is written
// after it, so that compositions read as formulas.
class OpExport {
 public:
  OpExport(OnnxWriter& writer, OpCall call, std::string source)
      : writer_(&writer), call_(std::move(call)), source_(std::move(source)) {}

  const OpCall& call() const { return call_; }
  const AttributeMap& attributes() const { return call_.attributes; }
  int num_inputs() const { return static_cast<int>(call_.inputs.size()); }
  bool has(int i) const { return in(i).present(); }
  OnnxOperand in(int i) const {
    return i < num_inputs() ? call_.inputs[static_cast<size_t>(i)] : OnnxOperand();
  }
  const TensorType& type(int i = 0) const { return call_.input_types[static_cast<size_t>(i)]; }
  const TensorType& result(int i = 0) const { return call_.types[static_cast<size_t>(i)]; }
  // The elements of input `i` where it is a constant list of integers or floats.
  const Tensor* constant(int i) const;

  // An inner node, called NAME/op, with one output of `dtype` (that of the first input, unless
  // given).
  OnnxOperand Op(std::string_view op, std::vector<OnnxOperand> inputs,
                 AttributeMap attributes = {});
  OnnxOperand OpTo(DType dtype, std::string_view op, std::vector<OnnxOperand> inputs,
                   AttributeMap attributes = {});
  // The last node, called NAME, with the call's outputs, or `num_outputs`: the first of them, or
  // further ones that nobody reads.
  void Last(std::string_view op, std::vector<OnnxOperand> inputs, AttributeMap attributes = {},
            int num_outputs = -1, std::string_view domain = "");
  // An inner node with several outputs, NAME/op, NAME/op:1, …
  std::vector<OnnxOperand> OpWithOutputs(std::string_view op, std::vector<OnnxOperand> inputs,
                                         AttributeMap attributes, const std::vector<DType>& dtypes);
  // A node for output `i` of the call, where each comes from a node of its own. Values are called
  // after their nodes then; only the first node is called NAME.
  void LastOf(int i, std::string_view op, std::vector<OnnxOperand> inputs,
              AttributeMap attributes = {});
  // Another op of ours with operands of these types and one output of type `result`, as an inner
  // part, or as the last with the call's outputs.
  OnnxOperand Ours(std::string_view op, std::vector<OnnxOperand> inputs,
                   std::vector<TensorType> input_types, AttributeMap attributes, TensorType result);
  void LastOurs(std::string_view op, std::vector<OnnxOperand> inputs,
                std::vector<TensorType> input_types, AttributeMap attributes);

  // Whether a constant of so many elements may be made; if not, that is the failure.
  bool Affords(double elements);
  // Constant nodes within NAME.
  OnnxOperand Constant(Tensor value) const;
  OnnxOperand Scalar(double value, DType dtype) const;
  OnnxOperand Scalar(double value) const { return Scalar(value, type().dtype); }
  OnnxOperand Ints(const std::vector<int64_t>& values) const;
  // The dims of input `i`: a constant where they are known.
  OnnxOperand ShapeOf(int i);
  // What a Reshape of a value of shape `from` to that of input `like` takes: a constant where a 0
  // or a -1 can stand for what is symbolic, as importing makes it.
  OnnxOperand ReshapeTo(const Shape& from, int like);
  // An attribute of ours that ONNX has as an input: the initializer NAME.what.
  OnnxOperand Argument(std::string_view what, Tensor value) const;
  // Input `i`, which ONNX has as i64 only.
  OnnxOperand I64(int i);
  // Input `i` of one element, which ONNX has with rank 0 only.
  OnnxOperand ScalarOf(int i);

  OnnxOperand Fail(absl::Status status);
  OnnxOperand Fail(std::string_view reason);
  const absl::Status& status() const { return status_; }

 private:
  OnnxOperand Nested(OpCall call);

  OnnxWriter* writer_;
  OpCall call_;
  std::string source_;
  absl::Status status_;
};

// Writes the op; failures are kept in `e`.
void ExportOp(OpExport& e);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_EXPORT_OP_H_
