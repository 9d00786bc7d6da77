#ifndef WEFT_FRONTEND_ONNX_IMPORT_SCOPE_H_
#define WEFT_FRONTEND_ONNX_IMPORT_SCOPE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontend/onnx/proto.h"
#include "ops/shape_value.h"

namespace weft {

struct OnnxValue;
// Several names can mean one value: a function's operand and the caller's, a branch's result and
// the If's.
using OnnxValuePtr = std::shared_ptr<OnnxValue>;

// What the importer knows of a value by the time a node reads it.
struct OnnxValue {
  std::string name = {};  // what a leaf made of it is called in our graph
  Value value = {};       // null until a node needs it: leaves are made at their first use
  std::optional<Tensor> constant = {};  // the elements, where they are known now
  std::optional<ShapeValue> shape = {};
  Value shape_of = {};  // the value whose Shape it is, where it is one
  // An initializer of floating-point type, so a Variable: trained and not folded unless a scalar.
  bool parameter = false;
  bool failed = false;         // its node could not be imported, which was reported
  bool read_as_value = false;  // an initializer that is read as more than a running statistic
  // The variables that it has become as a running statistic, by whose statistic.
  std::map<std::string, Value> statistics = {};
  // No tensor but a sequence of values, known one by one; or an optional that holds nothing (one
  // that holds a value is that value).
  std::optional<std::vector<OnnxValuePtr>> sequence = {};
  bool is_nothing = false;

  bool is_tensor() const { return !sequence && !is_nothing; }
};

// Its type; nullopt where it is no tensor or has failed.
std::optional<TensorType> TypeOfOnnxValue(const OnnxValue& value);
// Makes it one of known elements.
void KnowOnnxValue(OnnxValue& value, Tensor tensor);

// The elements of a tensor of i64, i32 or bool; nullopt for any other.
std::optional<std::vector<int64_t>> ExactInts(const Tensor& tensor);

// The standard domain has two names: "" for both.
std::string PlainOnnxDomain(const std::string& domain);

// Versions by PlainOnnxDomain.
using OnnxOpsets = std::map<std::string, int>;
OnnxOpsets OnnxOpsetsOf(
    const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imported);
// The version of a domain; 0 for none.
int OnnxOpset(const OnnxOpsets& opsets, const std::string& domain);

// The names that the nodes of a graph, of a branch or of a function's body can read: its own, then
// those around it. `opsets` and `outer` must outlive it.
class OnnxScope {
 public:
  // Nodes and leaves are called PREFIXname in our graph.
  explicit OnnxScope(const OnnxOpsets& opsets, std::string prefix = "",
                     const OnnxScope* outer = nullptr)
      : opsets_(opsets), prefix_(std::move(prefix)), outer_(outer) {}

  // Null where nothing has the name.
  OnnxValuePtr Find(const std::string& name) const;
  bool Owns(const std::string& name) const { return values_.contains(name); }
  // The scope's own value of that name, a new one where it has none.
  OnnxValue& Make(const std::string& name);
  void Bind(const std::string& name, OnnxValuePtr value) { values_[name] = std::move(value); }

  const OnnxOpsets& opsets() const { return opsets_; }
  const std::string& prefix() const { return prefix_; }

 private:
  const OnnxOpsets& opsets_;
  std::string prefix_;
  const OnnxScope* outer_;
  std::unordered_map<std::string, OnnxValuePtr> values_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_ONNX_IMPORT_SCOPE_H_
