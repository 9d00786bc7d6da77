#ifndef WEFT_TESTS_FRONTEND_TESTING_ONNX_EXPORT_H_
#define WEFT_TESTS_FRONTEND_TESTING_ONNX_EXPORT_H_

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "frontend/build/builder.h"
#include "frontend/onnx/export/to_onnx.h"
#include "frontend/onnx/tensor_proto.h"
#include "ops/ops.h"

// Exporting in tests, and looking at what comes out.

namespace weft {

inline onnx::ModelProto Export(const Model& model, OnnxExportReport* report = nullptr,
                               int opset = 13) {
  auto proto = ToOnnx(model, {.opset = opset}, report);
  EXPECT_TRUE(proto.ok()) << proto.status();
  return proto.ok() ? *std::move(proto) : onnx::ModelProto();
}

inline Model Build(const std::function<Value(Builder&, Value)>& layers, std::vector<Axis> shape) {
  Builder b;
  b.Output("y", layers(b, b.Input("x", std::move(shape))));
  auto model = b.Build();
  EXPECT_TRUE(model.ok()) << model.status();
  return *std::move(model);
}

// "conv1 = Conv(x,w,b) -> y", one a node.
inline std::vector<std::string> Lines(const onnx::ModelProto& proto) {
  std::vector<std::string> lines;
  for (const onnx::NodeProto& node : proto.graph().node()) {
    std::string in, out;
    for (const std::string& name : node.input()) absl::StrAppend(&in, in.empty() ? "" : ",", name);
    for (const std::string& name : node.output()) {
      absl::StrAppend(&out, out.empty() ? "" : ",", name);
    }
    lines.push_back(absl::StrCat(node.name(), " = ", node.op_type(), "(", in, ") -> ", out));
  }
  return lines;
}

inline std::vector<std::string> InitializerNames(const onnx::ModelProto& proto) {
  std::vector<std::string> names;
  for (const onnx::TensorProto& tensor : proto.graph().initializer()) {
    names.push_back(tensor.name());
  }
  return names;
}

inline const onnx::NodeProto& NodeOf(const onnx::ModelProto& proto, std::string_view op) {
  for (const onnx::NodeProto& node : proto.graph().node()) {
    if (node.op_type() == op) return node;
  }
  static const onnx::NodeProto missing;
  ADD_FAILURE() << "no " << op;
  return missing;
}

inline const onnx::AttributeProto* AttributeOf(const onnx::NodeProto& node, std::string_view name) {
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

inline Tensor InitializerOf(const onnx::ModelProto& proto, std::string_view name) {
  for (const onnx::TensorProto& tensor : proto.graph().initializer()) {
    if (tensor.name() == name) return *TensorFromProto(tensor);
  }
  ADD_FAILURE() << "no initializer " << name;
  return Tensor::Scalar(0, DType::kF32);
}

inline Graph WithNode(std::string op, AttributeMap attributes, const TensorType& x,
                      int num_outputs = -1) {
  Graph graph(StandardOps());
  const Value input = *graph.AddInput("x", x);
  Node* node = *graph.AddNode({.op = std::move(op),
                               .name = "node",
                               .inputs = {input},
                               .attributes = std::move(attributes),
                               .num_outputs = num_outputs});
  EXPECT_TRUE(graph.AddOutput("y", node->output()).ok());
  return graph;
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_ONNX_EXPORT_H_
