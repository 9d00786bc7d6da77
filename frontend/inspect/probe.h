#ifndef WEFT_FRONTEND_INSPECT_PROBE_H_
#define WEFT_FRONTEND_INSPECT_PROBE_H_

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/session/layers.h"
#include "frontend/session/session.h"
#include "graph/emitter.h"
#include "graph/model.h"

namespace weft {

// How a signal goes back through a rectifier (Relu, and Clip, which is ReLU6).
enum class BackwardRule {
  kGradient,       // the derivative: where the input was positive
  kGuided,         // and where the signal is (Springenberg et al., "Striving for simplicity", 2015)
  kDeconvolution,  // only where the signal is (Zeiler and Fergus, 2014)
};

// What is made of the values that a probe reads, in its graph: the same number of values or others.
using Objectives = std::function<std::vector<Value>(Emitter&, std::span<const Value>)>;

struct ProbeSpec {
  // The nodes whose first output is read, by name; "": the scores, which are the first output, or
  // what the Softmax there reads.
  std::vector<std::string> at = {""};
  // Nodes whose first output is read besides: it follows the objectives among values, and no signal
  // goes back from it.
  std::vector<std::string> read = {};
  // The nodes towards whose first output signals go back, by name; "": the model's only input.
  std::vector<std::string> towards = {""};
  BackwardRule rule = BackwardRule::kGradient;
  Objectives objectives = {};  // none: the values themselves
  SessionOptions session = {};
};

// A model in inference mode that says what values it computes and how they change with others: all
// methods of this folder are made of it. Gradients are by autodiff of the graph.
//
// One thread at a time.
class Probe {
 public:
  // Copies what it needs of `model`. Errors: more than one input where "" stands for it, a node
  // that is not there (with the nearest name), one that is no floating-point value, an op on the
  // way back without a gradient.
  static absl::StatusOr<std::unique_ptr<Probe>> Create(const Model& model,
                                                       const ProbeSpec& spec = {});

  // The type of value `i` (objectives, then what is read besides), of any number of examples.
  const TensorType& type(size_t i = 0) const { return types_[i]; }
  // The values for a batch of examples, or one example without its first axis; of any number of
  // them, also where the model takes a fixed one (RunInBatchesOf). Errors: those of Session::Run.
  absl::StatusOr<std::vector<Tensor>> Values(const Tensor& x);

  struct Result {
    std::vector<Tensor> values;     // as Values gives them
    std::vector<Tensor> gradients;  // one a node of `towards`
  };
  // And the gradients of the sum of objectives times cotangents, one each, of its type. Errors
  // besides: a cotangent of another type.
  absl::StatusOr<Result> Backward(const Tensor& x, std::span<const Tensor> cotangents);

  const Node& input() const;  // the model's

 private:
  Probe() = default;
  absl::Status MakeForward();
  absl::StatusOr<std::vector<Tensor>> RunBackward(std::span<const Tensor> batches);

  std::optional<Model> forward_model_;  // until Values makes `forward_` of it
  SessionOptions session_;
  std::unique_ptr<Session> forward_;
  std::unique_ptr<Session> backward_;
  std::vector<TensorType> types_;
  std::string input_;
  std::vector<std::string> cotangents_;  // the backward graph's inputs besides
  size_t objectives_ = 0;
  size_t towards_ = 0;
};

// The value that a spec's "" stands for. Errors: no output.
absl::StatusOr<Value> ScoresOf(const Graph& graph);

// A tensor of the type of `values` with `value` at `index` of every row of the first axis and zeros
// elsewhere: the cotangent that asks for one unit. Where the values have axes behind the second (a
// layer's maps), all elements of channel `index`. Errors: an index that is not there, a rank below
// 2, a type other than f32 and f64.
absl::StatusOr<Tensor> UnitCotangent(const Tensor& values, int64_t index, double value = 1);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_PROBE_H_
