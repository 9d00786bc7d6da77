#ifndef WEFT_FRONTEND_ONNX_IMPORT_STRUCTURE_H_
#define WEFT_FRONTEND_ONNX_IMPORT_STRUCTURE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/onnx/import/order.h"
#include "frontend/onnx/import/scope.h"
#include "graph/status.h"

// Ops that compute nothing: they say which nodes run and which names mean which values. If, Loop,
// sequences and optionals become no nodes; what decides them must be known while importing.

namespace weft {

// That a tensor is taken apart into, and that a sequence has.
inline constexpr int64_t kMostPieces = 1000;

// What the importer of a model does for them.
class BodyImporter {
 public:
  virtual ~BodyImporter() = default;

  // Adds what `nodes` mean, which read and make values of `scope`. Problems of theirs are reported
  // one by one; the values that then are missing have failed.
  virtual void ImportNodes(const OnnxNodes& nodes, OnnxScope& scope) = 0;
  // The same for the nodes of a branch or a loop's body. Unimplemented where bodies are too deep
  // within each other, or too much.
  virtual absl::Status ImportBody(const onnx::GraphProto& body, OnnxScope& scope) = 0;
  // Makes the initializers of a body values of `scope`.
  virtual void AddInitializers(const onnx::GraphProto& graph, OnnxScope& scope) = 0;
  // Reports the ops within `body` that are not supported, without adding anything.
  virtual void CheckBody(const onnx::GraphProto& body, const OnnxScope& scope) = 0;
  // How many problems were reported by now.
  virtual size_t num_problems() const = 0;
};

// One node of them.
class StructureContext {
 public:
  // `name` is what the node is called in our graph.
  StructureContext(const onnx::NodeProto& node, OnnxScope& scope, std::string name,
                   BodyImporter& importer)
      : node_(node), scope_(scope), name_(std::move(name)), importer_(importer) {}

  const onnx::NodeProto& node() const { return node_; }
  OnnxScope& scope() { return scope_; }
  const std::string& name() const { return name_; }
  BodyImporter& importer() { return importer_; }

  // An attribute's value, or the fallback.
  int64_t Int(std::string_view attribute, int64_t fallback) const;
  // Of a node that has the attribute.
  const onnx::GraphProto& Graph(std::string_view attribute) const;

  bool has(int i) const { return i < node_.input_size() && !node_.input(i).empty(); }
  OnnxValuePtr in(int i) const { return has(i) ? scope_.Find(node_.input(i)) : nullptr; }
  // A given operand that must be known now, by KnownOnnxInt.
  absl::StatusOr<int64_t> KnownInt(int i, std::string_view what) const;
  // The elements of an operand that is a sequence; an error where it is none.
  absl::StatusOr<std::vector<OnnxValuePtr>> Sequence(int i) const;
  // The i-th output is `value`, where the node names one.
  void Set(int i, OnnxValuePtr value);
  // The same for a sequence. Unimplemented where it is long or an element is no tensor: sequences
  // within each other would be destroyed one within the other.
  absl::Status SetSequence(int i, std::vector<OnnxValuePtr> elements);

  // What an op of opset 13 makes of `inputs`: nodes, or constants where these are known.
  std::vector<OnnxValuePtr> Make(const std::string& op, const std::vector<OnnxValuePtr>& inputs,
                                 std::vector<onnx::AttributeProto> attributes = {},
                                 int num_outputs = 1);
  // An operand cut along an axis into pieces of `sizes`, or, where these are absent, into its
  // elements; without that axis if not `keepdims`. Unimplemented where the extent is not known.
  absl::StatusOr<std::vector<OnnxValuePtr>> Pieces(const OnnxValuePtr& x, int64_t axis,
                                                   std::optional<std::vector<int64_t>> sizes,
                                                   bool keepdims);
  // The operands one after the other along an axis, or along a new one.
  OnnxValuePtr Concatenated(const std::vector<OnnxValuePtr>& parts, int64_t axis, bool new_axis);

 private:
  const onnx::NodeProto& node_;
  OnnxScope& scope_;
  std::string name_;
  BodyImporter& importer_;
};

// A value of known elements without a name.
OnnxValuePtr KnownOnnxValue(Tensor tensor, std::string name);
onnx::AttributeProto OnnxIntAttribute(const std::string& name, int64_t value);
// The message for what must be known while importing.
absl::Status NotKnownBeforeTheRun(std::string_view what, std::string_view name);
// The only element of a value that must be known now, an integer or a bool. Unimplemented where it
// is not known.
absl::StatusOr<int64_t> KnownOnnxInt(const OnnxValue& value, std::string_view what,
                                     std::string_view name);

struct StructureOp {
  std::string_view name;
  absl::Status (*import)(StructureContext&);
  std::vector<int> known_inputs = {};  // operands that must be known while importing
};

std::vector<StructureOp> AllStructureOps();

// Null for any other op. `domain` is "" for ai.onnx.
const StructureOp* FindStructureOp(std::string_view op, std::string_view domain);

// One file each.
std::vector<StructureOp> ControlFlowOps();
std::vector<StructureOp> SequenceOps();

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_STRUCTURE_H_
