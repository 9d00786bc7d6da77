#include <algorithm>
#include <map>
#include <set>

#include "absl/container/flat_hash_map.h"
#include "frontend/onnx/export/op.h"
#include "frontend/onnx/export/opset.h"
#include "frontend/onnx/export/to_onnx.h"
#include "frontend/onnx/metadata.h"
#include "frontend/onnx/tensor_proto.h"
#include "graph/bind.h"
#include "graph/op.h"

namespace weft {
namespace {

// The newest format that runtimes of the opset read.
int IrVersionOf(int opset) { return opset < 15 ? 7 : 8; }

bool IsLeaf(const Node& node) { return node.op_name() == kConstant || node.op_name() == kVariable; }

void SetType(const TensorType& type, std::string name, onnx::ValueInfoProto* info) {
  info->set_name(std::move(name));
  onnx::TypeProto::Tensor* tensor = info->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(OnnxTypeOf(type.dtype));
  onnx::TensorShapeProto* shape = tensor->mutable_shape();  // there for a scalar too
  for (const Dim& dim : type.shape) {
    onnx::TensorShapeProto::Dimension* d = shape->add_dim();
    if (dim.is_static()) {
      d->set_dim_value(dim.coefficient());
    } else {
      d->set_dim_param(dim.ToString());
    }
  }
}

// The nodes that the outputs need.
std::set<const Node*> NeededNodes(const Graph& graph) {
  std::set<const Node*> needed;
  std::vector<const Node*> pending;
  for (const NamedValue& output : graph.outputs()) pending.push_back(output.value.node);
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    if (!needed.insert(node).second) continue;
    for (const Value& input : node->inputs()) {
      if (!input.null()) pending.push_back(input.node);
    }
  }
  return needed;
}

// One graph on its way into a message.
class GraphExport {
 public:
  GraphExport(const Graph& graph, int opset, onnx::GraphProto& proto)
      : graph_(graph), proto_(proto), writer_(proto, opset), needed_(NeededNodes(graph)) {}

  absl::Status Run() {
    NameInputs();
    NameOutputs();
    NameTheRest();
    for (const Node& node : graph_.nodes()) {
      if (needed_.contains(&node) && node.op_name() != kInput && !IsLeaf(node)) Export(node);
    }
    WriteOutputs();
    return Failures();
  }

  const OnnxWriter& writer() const { return writer_; }
  std::vector<std::string> TakeNotes() { return std::move(notes_); }

 private:
  // Inputs and outputs have their names first, whatever else wants them.
  void NameInputs() {
    for (Node* input : graph_.inputs()) {
      operands_[input->output()] = {.dtype = input->type().dtype,
                                    .name = writer_.ValueName(input->name())};
      SetType(input->type(), input->name(), proto_.add_input());
    }
  }

  // A value is called after the first output that it is.
  void NameOutputs() {
    for (const NamedValue& output : graph_.outputs()) {
      output_names_.push_back(writer_.ValueName(output.name));
      if (output_names_.back() != output.name) {
        notes_.push_back(absl::StrCat("output ", output.name, " is called ", output_names_.back(),
                                      ", for an input has its name"));
      }
      const Value value = output.value;
      if (value.node->op_name() == kInput || IsLeaf(*value.node)) continue;
      if (operands_.contains(value)) continue;
      operands_[value] = {.dtype = value.type().dtype, .name = output_names_.back()};
      is_output_.insert({value.node, value.index});
    }
  }

  void NameTheRest() {
    for (const Node& node : graph_.nodes()) {
      if (!IsLeaf(node)) writer_.NodeName(node.name());
      if (!needed_.contains(&node)) continue;
      for (int i = 0; i < node.num_outputs(); ++i) {
        const Value value{const_cast<Node*>(&node), i};
        if (operands_.contains(value)) continue;
        const std::string name =
            writer_.ValueName(i == 0 ? node.name() : absl::StrCat(node.name(), ":", i));
        OnnxOperand operand{.dtype = value.type().dtype, .name = name};
        if (IsLeaf(node)) {
          operand.leaf =
              std::make_shared<OnnxLeaf>(OnnxLeaf{.tensor = LeafValue(node),
                                                  .name = name,
                                                  .node = writer_.NodeName(name),
                                                  .initializer = node.op_name() == kVariable,
                                                  .named = true});
        }
        operands_[value] = std::move(operand);
      }
    }
  }

  OpCall CallOf(const Node& node) {
    OpCall call{
        .op = std::string(node.op_name()), .name = node.name(), .attributes = node.attributes()};
    for (const Value& input : node.inputs()) {
      call.inputs.push_back(input.null() ? OnnxOperand() : operands_[input]);
      call.input_types.push_back(input.null() ? TensorType() : input.type());
    }
    for (int i = 0; i < node.num_outputs(); ++i) {
      const std::span<const Use> uses = node.uses(i);
      const bool is_output = is_output_.contains({&node, i});
      call.types.push_back(node.type(i));
      call.outputs.push_back(operands_[{const_cast<Node*>(&node), i}].name);
      call.is_output.push_back(is_output);
      call.read.push_back(is_output || std::any_of(uses.begin(), uses.end(), [this](const Use& u) {
                            return needed_.contains(u.user);
                          }));
    }
    return call;
  }

  void Export(const Node& node) {
    OpExport e(writer_, CallOf(node), node.Describe());
    ExportOp(e);
    if (!e.status().ok()) {
      failures_.push_back(absl::StrCat(node.Describe(), ": ", e.status().message()));
      return;
    }
    for (int i = 0; i < node.num_outputs(); ++i) {
      operands_[{const_cast<Node*>(&node), i}].name = e.call().outputs[static_cast<size_t>(i)];
    }
  }

  // An output that is an input, a leaf or another output too is a copy.
  void WriteOutputs() {
    for (size_t i = 0; i < output_names_.size(); ++i) {
      const Value value = graph_.outputs()[i].value;
      const std::string& name = output_names_[i];
      const OnnxOperand& operand = operands_[value];
      SetType(value.type(), name, proto_.add_output());
      if (operand.leaf == nullptr && operand.name == name) continue;
      const absl::Status status = writer_.Add({.op = "Identity",
                                               .name = writer_.NodeName(name),
                                               .inputs = {operand},
                                               .attributes = {},
                                               .outputs = {name},
                                               .dtypes = {operand.dtype},
                                               .source = absl::StrCat(name, " (Identity)")});
      if (!status.ok()) failures_.push_back(absl::StrCat("output ", name, ": ", status.message()));
    }
  }

  absl::Status Failures() const {
    if (failures_.empty()) return absl::OkStatus();
    std::string message = absl::StrCat("ONNX cannot express ", failures_.size(),
                                       failures_.size() == 1 ? " node: " : " nodes: ");
    for (size_t i = 0; i < failures_.size(); ++i) {
      absl::StrAppend(&message, i == 0 ? "" : "; ", failures_[i]);
    }
    return absl::UnimplementedError(message);
  }

  const Graph& graph_;
  onnx::GraphProto& proto_;
  OnnxWriter writer_;
  std::set<const Node*> needed_;
  absl::flat_hash_map<Value, OnnxOperand> operands_;
  std::set<std::pair<const Node*, int>> is_output_;
  std::vector<std::string> output_names_;
  std::vector<std::string> notes_, failures_;
};

void AddOpset(std::string_view domain, int version, onnx::ModelProto& proto) {
  onnx::OperatorSetIdProto* opset = proto.add_opset_import();
  opset->set_domain(std::string(domain));
  opset->set_version(version);
}

absl::Status CheckOptions(const Model& model, const OnnxExportOptions& options) {
  if (options.opset < kFirstExportedOpset || options.opset > kLastOnnxOpset) {
    return absl::InvalidArgumentError(absl::StrCat("opset: expected ", kFirstExportedOpset, " to ",
                                                   kLastOnnxOpset, ", got ", options.opset));
  }
  if (model.graph.outputs().empty()) {
    return absl::InvalidArgumentError("the graph has no outputs, so there is nothing to export");
  }
  return absl::OkStatus();
}

void AddNotes(const Model& model, int requested, const OnnxWriter& writer,
              OnnxExportReport& report) {
  if (writer.opset() > requested) {
    report.notes.push_back(absl::StrCat("opset raised from ", requested, " to ", writer.opset(),
                                        ": ", writer.raised_by()));
  }
  if (!model.graph.updates().empty()) {
    report.notes.push_back(absl::StrCat("left out: ", model.graph.updates().size(),
                                        " updates of variables, which ONNX has not"));
  }
  if (model.training && !model.training->slots.empty()) {
    report.notes.push_back(absl::StrCat("left out: the training state with its ",
                                        model.training->slots.size(), " optimizer slots"));
  }
}

}  // namespace

absl::StatusOr<onnx::ModelProto> ToOnnx(const Model& model, const OnnxExportOptions& options,
                                        OnnxExportReport* report) {
  WEFT_RETURN_IF_ERROR(CheckOptions(model, options));
  onnx::ModelProto proto;
  // As importing does, so that what comes back is exported as the same text.
  const Graph deployed = WithoutLosses(model.graph);
  WEFT_ASSIGN_OR_RETURN(const Graph folded, FoldKnown(deployed));
  GraphExport graph(folded, options.opset, *proto.mutable_graph());
  WEFT_RETURN_IF_ERROR(graph.Run());
  const OnnxWriter& writer = graph.writer();
  proto.set_ir_version(IrVersionOf(writer.opset()));
  proto.set_producer_name("weft");
  proto.set_producer_version(WEFT_VERSION);
  AddOpset("", writer.opset(), proto);
  if (writer.uses_training_domain()) AddOpset(kTrainingDomain, kTrainingOpset, proto);
  WriteOnnxMetadata(model, proto);
  WEFT_RETURN_IF_ERROR(CheckOnnx(proto));
  if (report != nullptr) {
    *report = {.opset = writer.opset(), .notes = graph.TakeNotes()};
    AddNotes(model, options.opset, writer, *report);
  }
  return proto;
}

}  // namespace weft
