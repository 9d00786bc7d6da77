#ifndef WEFT_TESTS_FRONTEND_TESTING_ONNX_H_
#define WEFT_TESTS_FRONTEND_TESTING_ONNX_H_

#include <string>
#include <vector>

#include "frontend/onnx/import/import.h"
#include "frontend/onnx/proto.h"
#include "frontend/onnx/tensor_proto.h"

namespace weft {

// An ONNX model written node by node:
//   OnnxMaker m(13);
//   m.Input("x", {2, 3}).Node("Relu", {"x"}, {"y"}).Output("y");
class OnnxMaker {
 public:
  explicit OnnxMaker(int opset = 13) {
    proto.set_ir_version(7);
    proto.add_opset_import()->set_version(opset);
    proto.mutable_graph()->set_name("test");
  }

  // A dim below 0 is the symbol "N".
  OnnxMaker& Input(const std::string& name, const std::vector<int64_t>& dims,
                   int32_t type = onnx::TensorProto::FLOAT) {
    auto* tensor = Declare(proto.mutable_graph()->add_input(), name, type);
    auto* shape = tensor->mutable_shape();
    for (int64_t dim : dims) {
      if (dim < 0) {
        shape->add_dim()->set_dim_param("N");
      } else {
        shape->add_dim()->set_dim_value(dim);
      }
    }
    return *this;
  }
  OnnxMaker& Output(const std::string& name, int32_t type = onnx::TensorProto::FLOAT) {
    Declare(proto.mutable_graph()->add_output(), name, type);
    return *this;
  }
  OnnxMaker& Initializer(const std::string& name, const Tensor& tensor) {
    *proto.mutable_graph()->add_initializer() = TensorToProto(tensor, name);
    return *this;
  }
  OnnxMaker& Node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs) {
    onnx::NodeProto* node = proto.mutable_graph()->add_node();
    node->set_op_type(op);
    for (const std::string& input : inputs) node->add_input(input);
    for (const std::string& output : outputs) node->add_output(output);
    return *this;
  }
  // Of the last node.
  OnnxMaker& Name(const std::string& name) {
    Last()->set_name(name);
    return *this;
  }
  OnnxMaker& Int(const std::string& name, int64_t value) {
    onnx::AttributeProto* attribute = Attribute(name, onnx::AttributeProto::INT);
    attribute->set_i(value);
    return *this;
  }
  OnnxMaker& Ints(const std::string& name, const std::vector<int64_t>& values) {
    onnx::AttributeProto* attribute = Attribute(name, onnx::AttributeProto::INTS);
    for (int64_t value : values) attribute->add_ints(value);
    return *this;
  }

  onnx::AttributeProto* Attribute(const std::string& name,
                                  onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto* attribute = Last()->add_attribute();
    attribute->set_name(name);
    attribute->set_type(type);
    return attribute;
  }
  onnx::NodeProto* Last() {
    return proto.mutable_graph()->mutable_node(proto.graph().node_size() - 1);
  }

  absl::StatusOr<Model> Import(const OnnxImportOptions& options = {}) const {
    const std::string bytes = proto.SerializeAsString();
    return ImportOnnxBytes(std::as_bytes(std::span(bytes)), "test.onnx", options);
  }

  onnx::ModelProto proto;

 private:
  static onnx::TypeProto::Tensor* Declare(onnx::ValueInfoProto* info, const std::string& name,
                                          int32_t type) {
    info->set_name(name);
    auto* tensor = info->mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(type);
    return tensor;
  }
};

inline Tensor Floats(Dims dims, const std::vector<float>& values) {
  return Tensor::FromValues<float>(std::move(dims), values).value();
}

}  // namespace weft

#endif  // WEFT_TESTS_FRONTEND_TESTING_ONNX_H_
