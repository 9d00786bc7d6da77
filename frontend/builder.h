#ifndef WEFT_FRONTEND_BUILDER_H_
#define WEFT_FRONTEND_BUILDER_H_

#include <map>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/builder_options.h"
#include "graph/model.h"

namespace weft {

class Builder;

// A layer's name in front of the names of everything made while this lives.
class [[nodiscard]] BuilderScope {
 public:
  explicit BuilderScope(Builder& builder) : builder_(&builder) {}
  ~BuilderScope();
  BuilderScope(const BuilderScope&) = delete;
  BuilderScope& operator=(const BuilderScope&) = delete;

 private:
  Builder* builder_;
};

// Builds a model layer by layer:
//
//   Builder b;
//   Value x = b.Input("x", {"N", 1, 28, 28});
//   Value h = b.Relu(b.Conv2d(x, {.channels = 8, .kernel = 3}));
//   b.Output("logits", b.Linear(b.Flatten(h), {.features = 10}));
//   absl::StatusOr<Model> model = b.Build();
//
// Sizes follow from the input. The first mistake is kept with the line that made it
// (`zoo/lenet.cc:12: conv1 (Conv): expected ...`) and returned from Build(); after it every
// function returns a null value and does nothing. The graph is mode-neutral: ForTraining and
// ForInference (passes/passes.h) make it concrete. Not thread-safe.
class Builder {
 public:
  using Where = std::source_location;

  explicit Builder(BuilderOptions options = {});
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  // Names made while the result lives begin with `name` and a dot: the weights of a convolution
  // named conv1 in the scope "layer1.0" are layer1.0.conv1.weight.
  BuilderScope Scope(std::string_view name);

  Value Input(std::string name, std::vector<Axis> shape, InputOptions options = {},
              Where where = Where::current());
  // A variable of the builder's dtype, called `name` in the current scope.
  Value Parameter(std::string name, Dims dims, ParameterOptions options = {},
                  Where where = Where::current());
  Value Constant(Tensor value, NameOption o = {}, Where where = Where::current());
  void Output(std::string name, Value value, Where where = Where::current());

  // Layers with parameters. x is [N,C,H,W], or [N,C] for Linear. Parameters are called as
  // PyTorch's: weight, bias, running_mean, running_var, of PyTorch's shapes.
  Value Conv2d(Value x, const Conv2dOptions& o, Where where = Where::current());
  Value Linear(Value x, const LinearOptions& o, Where where = Where::current());
  Value BatchNorm2d(Value x, const BatchNorm2dOptions& o = {}, Where where = Where::current());

  Value MaxPool2d(Value x, const MaxPool2dOptions& o, Where where = Where::current());
  Value AvgPool2d(Value x, const AvgPool2dOptions& o, Where where = Where::current());
  // The mean over height and width.
  Value GlobalAvgPool(Value x, const GlobalAvgPoolOptions& o = {}, Where where = Where::current());

  Value Sigmoid(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Relu(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Tanh(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Sqrt(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Neg(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Identity(Value x, const NameOption& o = {}, Where where = Where::current());
  Value Softmax(Value x, const SoftmaxOptions& o = {}, Where where = Where::current());
  // Inverted dropout, in training only; each has a random stream of its own, kept in the file.
  Value Dropout(Value x, const DropoutOptions& o = {}, Where where = Where::current());

  // Element by element, with NumPy's broadcasting.
  Value Add(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Sub(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Mul(Value a, Value b, const NameOption& o = {}, Where where = Where::current());
  Value Div(Value a, Value b, const NameOption& o = {}, Where where = Where::current());

  Value Flatten(Value x, const FlattenOptions& o = {}, Where where = Where::current());
  // An extent of -1 is inferred, one of 0 is that of x.
  Value Reshape(Value x, const std::vector<int64_t>& shape, const NameOption& o = {},
                Where where = Where::current());
  Value Transpose(Value x, std::vector<int64_t> permutation, const NameOption& o = {},
                  Where where = Where::current());
  Value Cast(Value x, DType to, const NameOption& o = {}, Where where = Where::current());
  Value ReduceMean(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ReduceSum(Value x, const ReduceOptions& o = {}, Where where = Where::current());
  Value ArgMax(Value x, const ArgMaxOptions& o = {}, Where where = Where::current());
  // alpha * a b + beta * c; c may be null.
  Value Gemm(Value a, Value b, Value c, const GemmOptions& o = {}, Where where = Where::current());

  // Scores [N,C,...] against labels [N,...], i32 or i64.
  Value CrossEntropy(Value scores, Value labels, const CrossEntropyOptions& o = {},
                     Where where = Where::current());

  // Any op of the registry, for what has no function above. The node's first output.
  Value Op(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {},
           const NameOption& o = {}, Where where = Where::current());

  // The first mistake so far.
  const absl::Status& status() const { return status_; }

  // The model, once; the builder is empty after it. Errors: the first mistake, no output.
  absl::StatusOr<Model> Build();

 private:
  friend class BuilderScope;
  friend class Layer;  // builder_layer.h

  // `name` in the current scope.
  std::string FullName(std::string_view name) const;
  // The scoped name of a layer: `given`, or `kind` and the next free number.
  std::string LayerName(std::string_view given, std::string_view kind);
  Value Fail(const Where& where, const absl::Status& status);

  BuilderOptions options_;
  Graph graph_;
  std::vector<std::string> scopes_;
  std::map<std::string, int> numbers_;  // by scoped kind: the last number given
  absl::Status status_;
};

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILDER_H_
