#ifndef WEFT_PASSES_MEMORY_FORECAST_H_
#define WEFT_PASSES_MEMORY_FORECAST_H_

#include <functional>
#include <vector>

#include "passes/memory/recomputation.h"

namespace weft {

// What choosing a value, or keeping it after all, does to the memory of a step: a guess that looks
// at the turns between the value's last reading in the forward pass and its first one after that,
//
//   bytes | --- with v              ...........          limit
//         |   .´                 .´             `.
//         |  .´        x========´=v kept========x`.      x===x is what computing v again saves
//
// where Recomputation::Of walks over the whole step. What is transient in one turn is left out.
class RecomputationForecast {
 public:
  // Of a step with this choice; `recomputation` must outlive it.
  RecomputationForecast(const Recomputation& recomputation, Recomputation::Choice choice,
                        size_t limit);

  // Bytes beyond the limit, summed over the turns.
  double excess() const { return excess_; }
  // The excess that computing `v` again saves, for the work that it adds.
  double GainOf(int v) const;
  void Choose(int v);
  // The excess that keeping the chosen `v` adds, and the work that it saves.
  double LossOf(int v) const;
  double WorkSavedBy(int v) const;
  void Keep(int v);

 private:
  // Turns after the first and before the last one.
  struct Between {
    int first, last;
  };
  // A value that lives longer.
  struct Extension {
    Between turns;
    size_t bytes;
  };
  // What has to be computed again at a turn for a value, beyond what is already.
  struct Chain {
    std::vector<int> nodes{}, reads{};  // reads: numbers of kept values
    std::vector<Extension> extensions{};
    double work = 0;
  };
  Chain ChainOf(int v, int turn) const;
  // Where `v` lives only for what comes after the forward pass, up to this turn.
  Between WaitOf(int v, int turn) const;
  // What changes in the excess where memory does by so many bytes.
  double Change(Between turns, double bytes) const;
  void Apply(Between turns, double bytes);
  // Visits the nodes that are computed again for `v` alone.
  void VisitOnlyFor(int v, const std::function<void(int node)>& visit) const;

  const Recomputation& r_;
  Recomputation::Choice choice_;
  std::vector<double> beyond_;  // the limit, by turn
  int low_ = 0, high_ = 0;      // no turn outside of [low,high) is beyond it
  double excess_ = 0;
  std::vector<int> root_, last_;   // as Recomputation::Lives
  std::vector<int> again_at_;      // by node: the turn that computes it again, -1: none
  std::vector<int> forward_last_;  // by root: the last turn of the forward pass that reads it
  // By value: the first and the last turn after that which read it, -1: none.
  std::vector<int> late_first_, late_last_;
  std::vector<int> sibling_;   // by value: the next one with the same bytes, in a ring
  std::vector<int> demand_;    // by node: readings of what computes it again
  std::vector<int> readings_;  // by value: the same
};

}  // namespace weft

#endif  // WEFT_PASSES_MEMORY_FORECAST_H_
