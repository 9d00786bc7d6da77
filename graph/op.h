#ifndef WEFT_GRAPH_OP_H_
#define WEFT_GRAPH_OP_H_

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/attribute.h"
#include "graph/emitter.h"
#include "graph/graph.h"
#include "graph/type.h"

namespace weft {

enum class Arity { kRequired, kOptional, kVariadic /* any number; the last input only */ };

struct InputSpec {
  std::string_view name = {};  // ONNX's: "X", "W", "B"
  DTypeSet dtypes = kFloatTypes;
  Arity arity = Arity::kRequired;
  // Inputs and outputs with the same letter have the same dtype; ' ' is free.
  char type_variable = 'T';
  // Only the shape is read, never the elements: the plan need not keep the value alive.
  bool shape_only = false;
};

struct OutputSpec {
  std::string_view name;
  bool optional = false;  // present only when NodeSpec::num_outputs asks; optional ones come last
};

struct AttributeSpec {
  std::string_view name;
  Attribute::Kind kind = Attribute::Kind::kInt;
  std::optional<Attribute> fallback = {};  // nullopt: may be absent, unless required
  bool required = false;
};

// Output `output` may be computed in the memory of input `input` (in place). `view` says that it
// always has exactly that input's bytes (Reshape): no computation is needed at all.
struct Alias {
  int output = 0;
  int input = 0;
  bool view = false;
};

// What inference may look at.
class InferContext {
 public:
  InferContext(std::string_view node_name, std::span<const Value> inputs,
               const AttributeMap& attributes, int num_outputs)
      : node_name_(node_name),
        inputs_(inputs),
        attributes_(attributes),
        num_outputs_(num_outputs) {}

  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  bool has(int i) const { return i < num_inputs() && !inputs_[static_cast<size_t>(i)].null(); }
  const TensorType& type(int i) const { return inputs_[static_cast<size_t>(i)].type(); }
  // Null where input `i` is absent.
  Value input(int i) const {
    return i < num_inputs() ? inputs_[static_cast<size_t>(i)] : Value();
  }
  // The elements of input `i` where it is a Constant, null otherwise.
  const Tensor* constant(int i) const {
    return has(i) ? ConstantValue(inputs_[static_cast<size_t>(i)]) : nullptr;
  }
  const AttributeMap& attributes() const { return attributes_; }
  int num_outputs() const { return num_outputs_; }  // as asked for
  // A symbol of this node's own for a dim that only a run can know: "topk1.k".
  Dim FreshDim(std::string_view suffix) const;
  // A symbol for a dim that follows from others but is no monomial of them, named by its formula:
  // "(H-1)/2+1". Equal formulas give equal symbols, so that branches of one size can be added.
  static Dim DerivedDim(std::string_view formula);

 private:
  std::string_view node_name_;
  std::span<const Value> inputs_;
  const AttributeMap& attributes_;
  int num_outputs_;
};

// A tensor's bytes as a kernel sees them: not owned, row-major. data is null for an absent optional
// input, an output that nobody asked for, and where the element count is zero.
struct TensorView {
  DType dtype = DType::kF32;
  std::span<const int64_t> dims;
  void* data = nullptr;
  bool present = false;

  int rank() const { return static_cast<int>(dims.size()); }
  int64_t dim(int axis) const { return dims[static_cast<size_t>(axis)]; }
  int64_t size() const;  // elements
  // The elements. None where they are not stored as T (IsStoredAs), as Tensor::values.
  template <typename T>
  std::span<const T> in() const {
    return out<T>();
  }
  template <typename T>
  std::span<T> out() const {
    if (!IsStoredAs<T>(dtype)) return {};
    return {static_cast<T*>(data), static_cast<size_t>(size())};
  }
  // Element `i` as a double, whatever the dtype (graph/element.h).
  double At(int64_t i) const;
};

// The key of a run's random numbers; a node adds its stream and each example its global index.
struct RandomKey {
  uint64_t seed = 0;
  uint64_t step = 0;
  uint64_t first_example = 0;  // global index of the batch's first example
};

// What a reference kernel gets. Outputs have their inferred types with all dims known and do not
// overlap inputs, except where the op declares an alias.
struct EvalContext {
  const AttributeMap& attributes;
  std::span<const TensorView> inputs;   // as many as the node has
  std::span<const TensorView> outputs;  // as many as the node has
  RandomKey key;
  bool has(int i) const {
    return static_cast<size_t>(i) < inputs.size() && inputs[static_cast<size_t>(i)].present;
  }
  const TensorView& in(int i) const { return inputs[static_cast<size_t>(i)]; }
  const TensorView& out(int i = 0) const { return outputs[static_cast<size_t>(i)]; }
};

// Work of one evaluation. Bytes count each operand once.
struct Cost {
  int64_t macs = 0;  // multiply-accumulates of convolutions and matrix products only
  double flops = 0;  // every arithmetic operation, a multiply-accumulate as two
  double bytes = 0;
};

// Types of a node's inputs (an empty shape and present = false where absent) and outputs, all
// static.
struct CostContext {
  const AttributeMap& attributes;
  std::vector<Dims> inputs;
  std::vector<Dims> outputs;
  int64_t InputSize(int i) const;  // elements
  int64_t OutputSize(int i = 0) const;
};

// What a gradient rule sees: the node, the cotangents of its outputs, and an emitter for new nodes
// (GradientContext is one). Errors stick to the emitter, so rules read as formulas.
class GradientContext : public Emitter {
 public:
  GradientContext(Emitter emitter, Node* node, std::vector<Value> cotangents,
                  std::vector<bool> needs)
      : Emitter(std::move(emitter)),
        node_(node),
        cotangents_(std::move(cotangents)),
        needs_(std::move(needs)) {}

  Node* node() const { return node_; }
  const AttributeMap& attributes() const { return node_->attributes(); }
  Value x(int i = 0) const { return node_->input(i); }
  Value y(int i = 0) const { return node_->output(i); }
  // The cotangent of output `i`; null when nothing flows into that output.
  Value dy(int i = 0) const { return cotangents_[static_cast<size_t>(i)]; }
  // Whether the gradient of input `i` is wanted.
  bool needs(int i) const {
    return static_cast<size_t>(i) < needs_.size() && needs_[static_cast<size_t>(i)];
  }

 private:
  Node* node_;
  std::vector<Value> cotangents_;
  std::vector<bool> needs_;
};

// One gradient per input; null for "zero" or "not wanted".
using InputGradients = std::vector<Value>;

using InferFn = absl::StatusOr<std::vector<TensorType>> (*)(const InferContext&);
using GradientFn = InputGradients (*)(GradientContext&);
using EvaluateFn = absl::Status (*)(const EvalContext&);
// flops and macs; the caller fills in bytes.
using CostFn = Cost (*)(const CostContext&);
using AliasFn = std::vector<Alias> (*)(const Node&);

// The usual answers for OpDef::aliases: the first output in the memory of the first input.
std::vector<Alias> InPlace(const Node& node);
std::vector<Alias> ViewOfInput(const Node& node);
// Where nothing is to be computed: the alias that makes the node's only result a view of an input.
std::optional<Alias> ViewAliasOf(const Node& node);

// What passes and analyses know an op by, instead of by its name.
struct OpTraits {
  bool elementwise = false;  // an output element depends on those at its place in broadcast inputs
  bool commutative = false;  // the order of its two inputs does not matter
  bool reduction = false;    // makes one element of those along `axes`, which stay if `keepdims`
  bool activation = false;   // fused ops (FusedConv, FusedGemm, …) may apply it to their result
};

// Everything the project knows about one op. One definition per op, in ops/.
struct OpDef {
  std::string_view name;
  std::string_view doc = {};  // one or two sentences: formula, shapes, source
  std::vector<InputSpec> inputs = {};
  std::vector<OutputSpec> outputs = {{"Y"}};
  std::vector<AttributeSpec> attributes = {};
  // Returns the types of all outputs, asked for or not, or of the first num_outputs at least.
  InferFn infer = nullptr;
  GradientFn gradient = nullptr;
  // Why there is no gradient, where there is none: "integer output". Shown in the error.
  std::string_view no_gradient = {};
  // Inputs that take no gradient even though they are floating-point (masks, statistics).
  std::vector<int> non_differentiable_inputs = {};
  EvaluateFn evaluate = nullptr;  // null for leaves only
  CostFn cost = nullptr;          // null: one flop an output element
  AliasFn aliases = nullptr;      // null: none
  bool variadic_outputs = false;  // as many outputs as `infer` returns types
  bool draws_random = false;      // has the attribute `stream`: its persistent random stream
  OpTraits traits = {};

  // The schema of input number `i` of an op that has inputs; the last one's of a variadic op
  // repeats.
  const InputSpec& input(size_t i) const { return inputs[std::min(i, inputs.size() - 1)]; }
};

// Ops by name. Filled once, by explicit lists; read from any thread after that.
class OpRegistry {
 public:
  // Errors: a name registered before, a definition without inference.
  absl::Status Register(OpDef def);
  const OpDef* Find(std::string_view name) const;  // null when unknown
  std::vector<const OpDef*> All() const;           // sorted by name

 private:
  std::map<std::string, std::unique_ptr<OpDef>, std::less<>> ops_;
};

// Registers Input, Constant and Variable; every registry needs them.
absl::Status RegisterLeaves(OpRegistry& registry);

// Checks attributes against the schema and fills in defaults.
absl::Status CheckAttributes(const OpDef& op, AttributeMap& attributes);
// Checks the number, presence and dtypes of inputs.
absl::Status CheckInputs(const OpDef& op, std::span<const Value> inputs);

// The work of `node` with its symbols bound. Errors: a dim still symbolic.
absl::StatusOr<Cost> CostOf(const Node& node, const SymbolBindings& bindings = {});

}  // namespace weft

#endif  // WEFT_GRAPH_OP_H_
