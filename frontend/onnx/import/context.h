#ifndef WEFT_FRONTEND_ONNX_IMPORT_CONTEXT_H_
#define WEFT_FRONTEND_ONNX_IMPORT_CONTEXT_H_

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/onnx/import/scope.h"
#include "frontend/onnx/proto.h"
#include "frontend/onnx/schema.h"
#include "graph/emitter.h"
#include "graph/evaluate.h"
#include "ops/shape_value.h"

namespace weft {

// One ONNX node on its way into the graph, as a converter sees it: attributes (given, or ONNX's
// default of that opset), operands, and an emitter for the nodes that it becomes. Errors stick to
// the emitter, so that converters read as formulas.
class ImportContext : public Emitter {
 public:
  // The emitter's prefix is what the node is called; `schema` is the node's; `scope` has what it
  // reads; `budget` is the model's.
  ImportContext(Emitter emitter, const onnx::NodeProto& node, const onnx::OpSchema& schema,
                int opset, const OnnxScope& scope, KnownBudget& budget)
      : Emitter(std::move(emitter)),
        node_(node),
        schema_(schema),
        opset_(opset),
        scope_(scope),
        budget_(budget) {}

  const std::string& op_type() const { return node_.op_type(); }
  int opset() const { return opset_; }

  // Attributes. Without one, given or by default, they return the fallback.
  bool Has(std::string_view attribute) const { return Find(attribute) != nullptr; }
  bool Gives(std::string_view attribute) const;  // whether the node itself has it
  int64_t Int(std::string_view attribute, int64_t fallback = 0) const;
  double Float(std::string_view attribute, double fallback = 0) const;
  std::string String(std::string_view attribute, std::string_view fallback = "") const;
  std::vector<int64_t> Ints(std::string_view attribute) const;
  std::vector<std::string> Strings(std::string_view attribute) const;
  const onnx::AttributeProto* Find(std::string_view attribute) const;
  // A failure where the node gives an attribute that neither `op` has nor `ignored` lists, with
  // another value than ONNX's default.
  void CheckNoOtherAttributes(const OpDef& op, std::span<const std::string_view> ignored);

  // Operands.
  int num_inputs() const { return node_.input_size(); }
  bool has(int i) const { return i < node_.input_size() && !node_.input(i).empty(); }
  const std::string& input_name(int i) const { return node_.input(i); }
  // The operand as a value of the graph, made now where it is a leaf; null where it is absent.
  Value in(int i) { return has(i) ? Named(node_.input(i)) : Value(); }
  // The same for a scalar, which runtimes take as a list of one element too.
  Value ScalarIn(int i);
  // The same for a running statistic of `layer`, called `role` there: a variable that is not
  // trained and that nothing but this layer's statistic of this role shares, whatever other roles
  // the file has one initializer in.
  Value Statistic(int i, const std::string& layer, std::string_view role);
  std::vector<Value> ins();
  // Constants as further operands.
  using Emitter::Ints;
  // Any value that is known by now, by its name; an error where there is none.
  Value Named(const std::string& name);
  // The type of a value; that of an empty scalar for one that a failure or an absence made null.
  static const TensorType& TypeOf(Value v);
  const TensorType& type(int i) { return TypeOf(in(i)); }
  // What is known of an operand before the run; null where it is absent or computed.
  const Tensor* constant(int i) const;
  const ShapeValue* shape(int i) const;
  // The value whose Shape operand `i` is; null where it is none's.
  Value ShapeSource(int i) const;
  // The elements of an operand that must be known now, as integers or numbers; an error that says
  // how to bind it otherwise. nullopt where it is absent, and after an error.
  // The whole operand by KnownTensor, null likewise.
  const Tensor* KnownTensor(int i, std::string_view what);
  std::optional<std::vector<int64_t>> KnownInts(int i, std::string_view what);
  std::optional<int64_t> KnownInt(int i, std::string_view what);
  std::optional<double> KnownNumber(int i, std::string_view what);

  // Outputs that the node names, up to the last one.
  int num_outputs() const;
  // All of them, those without a name too.
  int num_output_places() const { return node_.output_size(); }
  bool wants(int i) const { return i < node_.output_size() && !node_.output(i).empty(); }

  // Whether output `i` has the type of the first operand, by ONNX's schema.
  bool HasFirstType(int i) const;

  // The node that is called as the emitter's prefix says; Op (of Emitter) adds inner ones, called
  // NAME/Op.
  Value Result(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {});
  std::vector<Value> Results(std::string_view op, std::vector<Value> inputs,
                             AttributeMap attributes, int num_outputs);
  // The persistent random stream of a node: it follows from its name.
  int64_t Stream() const;
  KnownBudget& budget() { return budget_; }
  // What is right ONNX but more than we can; keeps the first.
  Value Unsupported(const std::string& what) { return Fail(absl::UnimplementedError(what)); }

 private:
  // Null where the node does not have the operand, or nothing makes it.
  OnnxValuePtr Known(int i) const;
  Value Leaf(OnnxValue& known);

  const onnx::NodeProto& node_;
  const onnx::OpSchema& schema_;
  int opset_;
  const OnnxScope& scope_;
  KnownBudget& budget_;
};

// The node's name, or its first output's where it has none.
std::string OnnxNodeName(const onnx::NodeProto& node);

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_CONTEXT_H_
