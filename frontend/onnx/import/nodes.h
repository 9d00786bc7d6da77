#ifndef WEFT_FRONTEND_ONNX_IMPORT_NODES_H_
#define WEFT_FRONTEND_ONNX_IMPORT_NODES_H_

#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "frontend/onnx/import/functions.h"
#include "frontend/onnx/import/importer.h"
#include "frontend/onnx/import/structure.h"

namespace weft {

// The nodes of a model on their way into a graph: looks each op up, checks the node, and adds what
// it means or computes it now. Collects problems instead of stopping at the first.
class OnnxNodeImporter : public BodyImporter {
 public:
  // `model` and `graph` must outlive it.
  OnnxNodeImporter(const onnx::ModelProto& model, TensorSource source, Graph& graph)
      : functions_(model),
        model_opsets_(OnnxOpsetsOf(model.opset_import())),
        source_(std::move(source)),
        model_owner_(source_.owner),
        graph_(graph),
        root_(model_opsets_),
        scope_(&root_) {
    for (const std::string& name : functions_.hidden()) {
      AddProblem("function " + name, absl::InvalidArgumentError("another one has that name"));
    }
  }

  // The values of the model's own graph.
  OnnxScope& root() { return root_; }
  // Nodes do not take the name of an input or initializer.
  void ReserveName(const std::string& name) { leaves_.insert(name); }

  void AddProblem(std::string where, const absl::Status& status);
  std::vector<OnnxProblem>& problems() { return problems_; }

  void AddInitializers(const onnx::GraphProto& graph, OnnxScope& scope) override;
  void ImportNodes(const OnnxNodes& nodes, OnnxScope& scope) override;
  absl::Status ImportBody(const onnx::GraphProto& body, OnnxScope& scope) override;
  void CheckBody(const onnx::GraphProto& body, const OnnxScope& scope) override;
  size_t num_problems() const override { return problems_.size(); }

 private:
  // What a node's op is to us: one of these.
  struct Recognized {
    const onnx::FunctionProto* function = nullptr;
    const OnnxOp* op = nullptr;
    const StructureOp* structure = nullptr;
    bool is_constant = false;
    const onnx::OpSchema* schema = nullptr;  // unless it is a function
  };
  absl::StatusOr<Recognized> Recognize(const onnx::NodeProto& node, const OnnxOpsets& opsets) const;

  // What the node is called in our graph, where weights and inputs share its namespace and keep
  // their names.
  std::string NameOf(const onnx::NodeProto& node) const;
  std::string WhereOf(const onnx::NodeProto& node) const;
  void Fail(const onnx::NodeProto& node, const absl::Status& status);
  absl::Status CheckNames(const onnx::NodeProto& node) const;
  absl::Status CheckTensors(const onnx::NodeProto& node) const;
  bool CastsToItself(const onnx::NodeProto& node) const;

  absl::Status Convert(const onnx::NodeProto& node);
  absl::Status ConvertOp(const onnx::NodeProto& node, const OnnxOp& op,
                         const onnx::OpSchema& schema);
  // Marks what of `scope` the nodes of a graph read, in their bodies too.
  static void MarkReads(const onnx::GraphProto& graph, OnnxScope& scope);
  const OnnxOpsets& OpsetsOf(const onnx::FunctionProto& function);
  // Goes one body deeper, and counts its nodes.
  absl::Status Enter(int64_t nodes);
  absl::Status ImportCall(const onnx::NodeProto& call, const onnx::FunctionProto& function);
  absl::Status ImportFunction(const onnx::NodeProto& call, const onnx::FunctionProto& function);
  // The tensor of a message. One that is read again, in another run of a body, takes from the
  // budget, and is an error where that is short.
  absl::StatusOr<Tensor> Held(const void* message, absl::StatusOr<Tensor> tensor);
  bool AddKnown(const onnx::NodeProto& node, const OnnxOp& op, const onnx::OpSchema& schema,
                int opset);
  bool AddOwnParameter(const onnx::NodeProto& identity);
  absl::Status KnowElements(OnnxValue& value);
  absl::Status SetOutputs(const onnx::NodeProto& node, const ImportContext& context,
                          const std::vector<Value>& outputs);

  const OnnxFunctions functions_;
  const OnnxOpsets model_opsets_;
  std::map<const onnx::FunctionProto*, const OnnxOpsets> function_opsets_;
  TensorSource source_;
  const std::shared_ptr<const void> model_owner_;
  Graph& graph_;
  OnnxScope root_;
  OnnxScope* scope_;                        // of the nodes that are imported now
  std::unordered_set<std::string> leaves_;  // what inputs and initializers are called
  std::unordered_set<const void*> held_;    // messages whose tensors were read
  int depth_ = 0;
  int64_t inlined_ = 0;
  KnownBudget budget_;
  ShapeValues shapes_;
  std::vector<OnnxProblem> problems_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_NODES_H_
