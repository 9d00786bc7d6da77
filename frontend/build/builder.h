#ifndef WEFT_FRONTEND_BUILD_BUILDER_H_
#define WEFT_FRONTEND_BUILD_BUILDER_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/build/builder_options.h"
#include "frontend/build/layers/activation.h"
#include "frontend/build/layers/conv.h"
#include "frontend/build/layers/elementwise.h"
#include "frontend/build/layers/index.h"
#include "frontend/build/layers/linear.h"
#include "frontend/build/layers/loss.h"
#include "frontend/build/layers/norm.h"
#include "frontend/build/layers/pool.h"
#include "frontend/build/layers/random.h"
#include "frontend/build/layers/recurrent.h"
#include "frontend/build/layers/reduce.h"
#include "frontend/build/layers/shape.h"
#include "frontend/build/layers/signal.h"
#include "graph/model.h"

namespace weft {

class Builder;

// A layer's name in front of the names of everything made while this lives.
class [[nodiscard]] BuilderScope {
 public:
  BuilderScope(Builder& builder, bool shared) : builder_(&builder), shared_(shared) {}
  ~BuilderScope();
  BuilderScope(const BuilderScope&) = delete;
  BuilderScope& operator=(const BuilderScope&) = delete;

 private:
  Builder* builder_;
  bool shared_;
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
//
// The functions that add layers are in frontend/layers/, one header a family.
class Builder : public ActivationLayers,
                public ConvLayers,
                public ElementwiseLayers,
                public IndexLayers,
                public LinearLayers,
                public LossLayers,
                public NormLayers,
                public PoolLayers,
                public RandomLayers,
                public RecurrentLayers,
                public ReduceLayers,
                public ShapeLayers,
                public SignalLayers {
 public:
  using Where = weft::Where;

  explicit Builder(BuilderOptions options = {});
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  // Names made while the result lives begin with `name` and a dot: the weights of a convolution
  // named conv1 in the scope "layer1.0" are layer1.0.conv1.weight.
  BuilderScope Scope(std::string_view name);
  // The same, and parameters that are there already are used again: a function that adds layers,
  // called twice in one shared scope, adds two copies that share their weights. Their numbers begin
  // anew; the nodes of the second copy get a suffix.
  BuilderScope SharedScope(std::string_view name);

  Value Input(std::string name, std::vector<Axis> shape, InputOptions options = {},
              Where where = Where::current());
  // A variable of the builder's dtype, called `name` in the current scope.
  Value Parameter(std::string name, Dims dims, ParameterOptions options = {},
                  Where where = Where::current());
  Value Constant(Tensor value, NameOption o = {}, Where where = Where::current());
  void Output(std::string name, Value value, Where where = Where::current());
  // A scalar that training minimises and inference leaves out, called `name` in the current scope.
  // One in a scope is for the variables below that scope, so that two networks of one graph may
  // have opposite ends.
  void Loss(std::string name, Value value, Where where = Where::current());

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
  int shared_scopes_ = 0;               // of those, how many are shared
  std::map<std::string, int> numbers_;  // by scoped kind: the last number given
  absl::Status status_;
};

template <typename Family>
Builder& LayerFamily<Family>::builder() {
  return static_cast<Builder&>(static_cast<Family&>(*this));
}

}  // namespace weft

#endif  // WEFT_FRONTEND_BUILD_BUILDER_H_
