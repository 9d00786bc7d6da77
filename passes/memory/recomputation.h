#ifndef WEFT_PASSES_MEMORY_RECOMPUTATION_H_
#define WEFT_PASSES_MEMORY_RECOMPUTATION_H_

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"

namespace weft {

// A training step that computes part of its forward pass again for the backward pass:
//
//   kept:   x -> a -> b -> c -> loss -> dc(b) -> db(a)             a, b live till their gradients
//   again:  x -> a -> b -> c -> loss -> a' -> b' -> dc(b') -> db(a')           a, b die at once
//
// What is computed again stands before its first reader and lives until its last one. It reads what
// is kept, and computes again what is not. Chen et al. 2016, Training Deep Nets with Sublinear
// Memory Cost; Jain et al. 2020, Checkmate, for which values are chosen by what they cost and save.
//
// Random draws are computed again from the same counters, to the same bits. The graph, whose dims
// must be static, must outlive this and not change.
class Recomputation {
 public:
  // What the kernel of a node takes for itself, and which inputs it reads.
  struct StepUse {
    size_t scratch = 0;
    std::vector<bool> reads{};
  };
  using StepUses = std::unordered_map<const Node*, StepUse>;
  // Nodes named in `never` are not computed again. `uses` are those of the graph's plan.
  Recomputation(const Graph& graph, const std::set<std::string>& never, const StepUses& uses);

  // By value number, whether it is computed again.
  using Choice = std::vector<bool>;
  Choice Nothing() const { return Choice(values_.size()); }
  // What can be chosen: forward values that the backward pass reads, by number.
  const std::vector<int>& candidates() const { return candidates_; }

  // What a choice comes to: the memory of values as the plan will share it, but for fragments.
  struct Measure {
    size_t peak = 0;
    double excess = 0;  // bytes beyond a limit, summed over the step's nodes
    double work = 0;    // that is added, as operations: moving a byte counts as ten
    double flops = 0;   // likewise, arithmetic only
    int nodes = 0;      // computed again
  };
  Measure Of(const Choice& choice, size_t limit) const;
  double flops() const { return flops_; }  // of the step as it is

  // By the name of a node that computes another one again, the other one's.
  using FirstNames = std::map<std::string, std::string>;
  // The graph with that choice. Nodes keep their names; those computed again are NAME/again, or
  // what is free of NAME/again_1, …: `firsts`, unless null, says of which.
  absl::StatusOr<Graph> Apply(const Choice& choice, FirstNames* firsts = nullptr) const;

 private:
  friend class RecomputationForecast;
  struct NodeInfo {
    const Node* node = nullptr;
    bool forward = false;
    bool computable = false;                      // may be computed again
    int first = 0;                                // the number of its first output
    std::vector<int> inputs{};                    // numbers, -1 for what is absent or not read
    std::vector<int> again{};                     // the same of what computes it again
    int view = -1;                                // the input whose bytes its output is
    std::vector<std::pair<int, int>> in_place{};  // output, input
    size_t scratch = 0;
    double work = 0, flops = 0;
  };
  struct ValueInfo {
    int node = 0;
    size_t bytes = 0;    // in the arena; 0 for what lies elsewhere
    bool kept = false;   // the backward pass reads it
    bool fixed = false;  // and is an output or a statistic: always there
  };
  struct Turn {
    int node;
    bool again;
  };

  void AddNode(const Node& node, bool forward, const StepUse& use);
  void FindKept();
  void FindCandidates();
  // Whether the backward pass finds the value as the forward pass made it.
  bool IsThere(int value, const Choice& choice) const;
  // The number of what the node reads for `value`: beyond values_, what is computed again.
  int ReadBy(const Turn& turn, int value, const Choice& choice) const;
  const std::vector<int>& InputsOf(const Turn& turn) const;
  int CountOutputs(const Turn& turn) const;
  int OutputOf(const Turn& turn, int i) const;  // its number
  size_t BytesAt(int number) const;
  // By number, of a value the one whose bytes it has, and of that one the turn that reads it last.
  struct Lives {
    std::vector<int> root, last;
  };
  Lives LivesOf(const std::vector<Turn>& order, const Choice& choice) const;
  // Of outputs that take the place of inputs which die in this turn.
  size_t BytesInPlace(const Turn& turn, const Choice& choice, const Lives& lives,
                      const std::vector<int>& dying) const;
  // What is live in each turn, its scratch included; 0 where a turn only views.
  std::vector<size_t> BytesByTurn(const std::vector<Turn>& order, const Choice& choice,
                                  const Lives& lives) const;
  std::vector<Turn> Order(const Choice& choice) const;
  void AddAgain(int node, const Choice& choice, std::vector<bool>& done,
                std::vector<Turn>& order) const;

  const Graph& graph_;
  std::vector<NodeInfo> nodes_;
  std::vector<ValueInfo> values_;
  std::unordered_map<const Node*, int> index_;
  std::vector<int> candidates_;
  double flops_ = 0;
};

}  // namespace weft

#endif  // WEFT_PASSES_MEMORY_RECOMPUTATION_H_
