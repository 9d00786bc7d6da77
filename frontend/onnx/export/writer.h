#ifndef WEFT_FRONTEND_ONNX_EXPORT_WRITER_H_
#define WEFT_FRONTEND_ONNX_EXPORT_WRITER_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "frontend/onnx/proto.h"
#include "graph/attribute.h"
#include "graph/status.h"
#include "graph/tensor.h"

namespace weft {

// A tensor that a node reads. It is written when the first reader is, right before it: a Constant
// node, or an initializer, which is what ONNX files keep parameters in.
struct OnnxLeaf {
  Tensor tensor = {};
  std::string name = {};  // a hint until it is written, unless `named`
  std::string node = {};  // of the Constant node; empty: `name`
  bool initializer = false;
  bool named = false;
  bool written = false;
};

// What an input of a node is: a value of that name, a leaf, or absent.
struct OnnxOperand {
  DType dtype = DType::kF32;
  std::string name = {};
  std::shared_ptr<OnnxLeaf> leaf = nullptr;

  bool present() const { return leaf != nullptr || !name.empty(); }
};

// One node to be written.
struct OnnxNode {
  std::string op;
  std::string name;
  std::vector<OnnxOperand> inputs;
  AttributeMap attributes;
  std::vector<std::string> outputs;
  std::vector<DType> dtypes;  // of the outputs
  std::string domain = {};
  std::string source = {};  // "ln1 (LayerNormalization)", for the note of a raised opset
};

// Writes nodes and leaves to a graph's message, keeps names apart and knows which opset they need.
class OnnxWriter {
 public:
  OnnxWriter(onnx::GraphProto& graph, int opset) : graph_(&graph), opset_(opset) {}

  // `hint`, or hint_1, hint_2, … when it is taken; the result is taken then. ONNX names values and
  // nodes apart, but a node's first output is called after it.
  std::string ValueName(std::string_view hint) { return Unique(hint, {&values_}); }
  std::string NodeName(std::string_view hint) { return Unique(hint, {&nodes_}); }
  std::string InnerName(std::string_view hint) { return Unique(hint, {&values_, &nodes_}); }

  // Attributes of ONNX's default value are left out, trailing absent inputs too. Errors: an
  // attribute, number or dtype that ONNX's op does not have up to opset 17.
  absl::Status Add(OnnxNode node);

  int opset() const { return opset_; }
  // The node that raised the opset to what it is; empty where none did.
  const std::string& raised_by() const { return raised_by_; }
  bool uses_training_domain() const { return uses_training_domain_; }

 private:
  using Names = std::unordered_set<std::string>;
  static std::string Unique(std::string_view hint, std::initializer_list<Names*> taken);
  const std::string& Write(const OnnxOperand& operand);

  onnx::GraphProto* graph_;
  int opset_;
  std::string raised_by_;
  bool uses_training_domain_ = false;
  Names values_, nodes_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_EXPORT_WRITER_H_
