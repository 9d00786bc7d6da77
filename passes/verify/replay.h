#ifndef WEFT_PASSES_VERIFY_REPLAY_H_
#define WEFT_PASSES_VERIFY_REPLAY_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "graph/evaluator.h"
#include "graph/transaction.h"
#include "passes/passes.h"

namespace weft {

// The values of a graph on samples, kept while it is rewritten. Of a rewrite only the nodes that it
// has made are computed, on values that are there already, and compared with what was read before.
class Replay {
 public:
  // What a change does to the values that are read.
  struct Verdict {
    std::optional<double> error = 0.0;  // the worst; nothing where a value is unknown
    const Node* where = nullptr;        // whose value it was before
  };

  // Errors: samples that do not suit the inputs, a tolerance that is not above 0, those of
  // RandomSamples.
  static absl::StatusOr<std::unique_ptr<Replay>> Create(Graph& graph, const PassOptions& options);

  // Of changes that are complete and not yet committed.
  Verdict Judge(const Changes& changes);
  // What was judged is about to be committed, or is taken back.
  void Keep(const Changes& changes, const Verdict& verdict);
  void Drop();
  // Changes that nobody judged: no more is read than before.
  void Forget(const Changes& changes);

  // The error of the graph's outputs against those at the start; nothing where it does not run.
  std::optional<double> OutputError() const;

 private:
  using Outputs = std::vector<Tensor>;  // of a node; none: unknown
  struct Known {
    std::vector<Value> inputs;  // as they were when the node was looked at last
    AttributeMap attributes;
    std::vector<Outputs> samples;  // one each
  };

  Replay(Graph& graph, std::vector<TensorMap> samples, double tolerance, Evaluator& evaluator)
      : graph_(graph), samples_(std::move(samples)), tolerance_(tolerance), evaluator_(evaluator) {}
  Known Compute(const Node& node) const;
  static void Remember(const Node& node, Known& known);
  absl::StatusOr<Outputs> Evaluate(const Node& node, size_t sample) const;
  const Tensor* Find(Value value, size_t sample) const;
  std::vector<Value> Kept() const;  // what the graph itself reads
  void Compare(Value before, Value after, Verdict& verdict) const;
  void CompareReader(const Node& node, Verdict& verdict);
  void ComputeAgain(const Changes& changes);

  Graph& graph_;
  std::vector<TensorMap> samples_;
  double tolerance_;
  Evaluator& evaluator_;
  absl::flat_hash_map<const Node*, Known> known_;
  std::vector<Value> kept_;
  std::vector<TensorMap> outputs_;    // at the start, one each sample
  std::vector<const Node*> pending_;  // computed for the change that is judged
};

}  // namespace weft

#endif  // WEFT_PASSES_VERIFY_REPLAY_H_
