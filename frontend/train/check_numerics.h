#ifndef WEFT_FRONTEND_TRAIN_CHECK_NUMERICS_H_
#define WEFT_FRONTEND_TRAIN_CHECK_NUMERICS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "graph/evaluator.h"
#include "graph/graph.h"

namespace weft {

struct NumericsOptions {
  bool check = false;                  // NaN and Inf are errors that name where they come from
  bool denormals = false;              // and so are denormals
  std::string file = "bad_node.weft";  // where the node is saved; "": nowhere
  friend bool operator==(const NumericsOptions&, const NumericsOptions&) = default;
  bool on() const { return check || denormals; }
};

template <typename F>
void VisitOptions(NumericsOptions& o, F& f) {
  f("check_numerics", o.check,
    "Stop at the first NaN or Inf of a step and name the data, weight or node it comes from; takes "
    "a copy of the weights and about a tenth of the time");
  f("check_denormals", o.denormals,
    "Stop at the first denormal number too, which processors are slow with");
  f("numerics_file", o.file,
    "Where --check-numerics saves the node alone, with its inputs, for weft run; empty: nowhere");
}

// The numbers of an array that a computation should not have.
struct Oddities {
  int64_t nan = 0, inf = 0, denormal = 0;
  int64_t first = -1;  // the first element that is one of those asked for
  double largest = 0;  // magnitude of the finite ones
  bool any(const NumericsOptions& o) const {
    return (o.on() && nan + inf > 0) || (o.denormals && denormal > 0);
  }
};
// Of `bytes` bytes of a floating-point type; of other types nothing is odd.
Oddities FindOddities(DType dtype, const void* data, size_t bytes, const NumericsOptions& options);

// Where numbers first went wrong in a step.
struct OddPlace {
  std::string node;     // its name
  std::string message;  // for the user: what there is, where, and what it read
  // The node with its inputs as constants; nothing where it is a leaf.
  std::optional<Graph> alone = {};
};

// Computes the training graph, bound to the sizes of `feeds`, node by node in its order, with these
// values of its variables, until one gives odd numbers; the inputs and variables come first.
// nullopt: none does. Errors: an input or variable without a value of its type; a node's own.
absl::StatusOr<std::optional<OddPlace>> FindOddPlace(const Graph& bound, const TensorMap& feeds,
                                                     const TensorMap& variables,
                                                     Evaluator& evaluator,
                                                     const NumericsOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_CHECK_NUMERICS_H_
