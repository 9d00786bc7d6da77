#ifndef WEFT_TESTS_FRONTEND_TESTING_ONNX_STRUCTURE_H_
#define WEFT_TESTS_FRONTEND_TESTING_ONNX_STRUCTURE_H_

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "testing_files.h"
#include "testing_onnx.h"
#include "testing_onnx_run.h"

// For tests of models that are more than a flat list of nodes.

namespace weft {

inline std::string StructureError(const OnnxMaker& m) {
  const auto model = m.Import();
  EXPECT_FALSE(model.ok());
  return MessageOf(model.status());
}

inline std::vector<std::string> StructureOps(const OnnxMaker& m) {
  std::vector<std::string> ops;
  const auto model = m.Import();
  EXPECT_TRUE(model.ok()) << model.status();
  if (!model.ok()) return ops;
  for (const Node& node : model->graph.nodes()) ops.emplace_back(node.op_name());
  return ops;
}

// y of `m` for x.
inline std::vector<float> StructureRun(OnnxMaker& m, const std::vector<float>& x) {
  m.Output("y");
  return InferOnnx(m, {{"x", Floats({std::ssize(x)}, x)}}, "y");
}

template <typename List>  // a graph or a function
onnx::NodeProto* AddNode(List* list, const std::string& op, const std::vector<std::string>& inputs,
                         const std::string& output) {
  onnx::NodeProto* node = list->add_node();
  node->set_op_type(op);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return node;
}

inline Tensor Bool(bool value) { return Tensor::Scalar(value ? 1 : 0, DType::kBool); }
inline Tensor Int(int64_t value) {
  return Tensor::FromValues<int64_t>({}, std::span<const int64_t>(&value, 1)).value();
}

// A body of the last node, whose only node is `op`.
inline onnx::GraphProto* Body(OnnxMaker& m, const std::string& attribute, const std::string& op,
                              const std::vector<std::string>& inputs, const std::string& output) {
  onnx::GraphProto* body = m.Attribute(attribute, onnx::AttributeProto::GRAPH)->mutable_g();
  AddNode(body, op, inputs, output);
  body->add_output()->set_name(output);
  return body;
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_ONNX_STRUCTURE_H_
