#ifndef WEFT_FRONTEND_BUILD_BUILDER_LAYER_H_
#define WEFT_FRONTEND_BUILD_BUILDER_LAYER_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "frontend/build/builder.h"
#include "graph/emitter.h"

namespace weft {

// One layer while the builder makes it: its name, its call site, its parameters. After a mistake,
// here or in an earlier layer, everything returns null and does nothing.
class Layer {
 public:
  Layer(Builder& builder, std::string_view op, const std::string& name,
        const Builder::Where& where);

  // Checks that `x` is there and has `rank` axes; `form` says what they are, for the error.
  bool ExpectRank(Value x, int rank, std::string_view form);
  // The extent of an axis that parameters are sized by; an error unless it is known and positive.
  int64_t KnownExtent(Value x, int axis, std::string_view what);
  // An option that must be at least `least`.
  bool ExpectAtLeast(std::string_view what, int64_t got, int64_t least);
  bool ExpectAtLeast(std::string_view what, const Extent2& got, int64_t least);

  // The variable NAME.suffix. Fans are those of the weights that it belongs to.
  Value Parameter(std::string_view suffix, const Dims& dims, const Initializer& init,
                  const Fans& fans = {}, std::string_view role = kParameter);
  // NAME.weight and, if asked for, NAME.bias with one element an output unit.
  struct Weights {
    Value weight, bias;
  };
  Weights WeightAndBias(const Dims& dims, const std::optional<Initializer>& init, bool bias);
  // The same where dims do not begin with the output units: the bias's dims and the weight's fans.
  Weights WeightAndBias(const Dims& dims, const std::optional<Initializer>& init, bool bias,
                        const Dims& bias_dims, const Fans& fans);

  // What draws the parameters of layers that say nothing else.
  const Initializer& default_init() const { return builder_.options_.init; }

  // The layer's node, called after the layer; its first output.
  Value Node(std::vector<Value> inputs, AttributeMap attributes = {});
  // The same as a whole node, with `num_outputs` outputs (-1: all); null after a mistake.
  weft::Node* WholeNode(std::vector<Value> inputs, AttributeMap attributes = {},
                        int num_outputs = -1);
  // A constant beside it, called NAME.suffix.
  Value Constant(std::string_view suffix, Tensor value);

  // For layers that are compositions. Part adds an inner node, called NAME/Op; Result the last one,
  // called after the layer. Scalar and Ints are unnamed constants. Inside() is a scope for layers
  // that consist of layers: b.Conv2d(x, {..., .name = "depthwise"}) is then NAME.depthwise.
  Value Part(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {});
  weft::Node* WholePart(std::string_view op, std::vector<Value> inputs,
                        AttributeMap attributes = {}, int num_outputs = -1);
  Value Result(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {});
  Value Scalar(double value, DType dtype);
  Value Ints(std::vector<int64_t> values);
  BuilderScope Inside();

  // The floating-point type of the builder's inputs and parameters.
  DType dtype() const { return builder_.options_.dtype; }
  Value Fail(const absl::Status& status);
  // The same for an argument that is not as it should be: "expected ..., got ...".
  template <typename... Args>
  Value Invalid(const Args&... message) {
    return Fail(absl::InvalidArgumentError(absl::StrCat(message...)));
  }
  bool ok() const { return builder_.status_.ok(); }
  const std::string& name() const { return name_; }
  // The random stream of a layer that draws numbers. It follows from the name, so that other
  // layers, added or removed, do not change it.
  int64_t Stream() const;

 private:
  // f(emitter), which adds inner nodes; null after a mistake, here or there.
  template <typename F>
  auto Emit(F f) -> decltype(f(std::declval<Emitter&>()));
  weft::Node* AddNode(std::string_view op, std::vector<Value> inputs, AttributeMap attributes,
                      int num_outputs);

  Builder& builder_;
  std::string op_;
  std::string name_;
  Builder::Where where_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_BUILDER_LAYER_H_
