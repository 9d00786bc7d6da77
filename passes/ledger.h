#ifndef WEFT_PASSES_LEDGER_H_
#define WEFT_PASSES_LEDGER_H_

#include <optional>

#include "absl/container/flat_hash_map.h"
#include "graph/transaction.h"
#include "passes/passes.h"

namespace weft {

void AddWork(Work& sum, const Work& work);
// Folding and merging of constants.
bool MakesConstantsOnly(const Rewrite& rewrite);

// Keeps account of a graph's work while it is rewritten, and of which rewrite made which node. It
// takes time for what changes.
class Ledger {
 public:
  Ledger(const Graph& graph, const CostModel& costs);

  const Work& total() const { return total_; }
  // Enters what has changed since the last time and is about to be committed. Of a rewrite, which
  // gets the place `index` in the report, it fills in what it took, gave and finished; null: the
  // change is none.
  void Enter(const Changes& changes, size_t index, Rewrite* rewrite);

 private:
  struct Entry {
    Work work;
    std::optional<size_t> made_by;  // a rewrite
  };
  Work Price(const Node& node) const;

  const CostModel& costs_;
  absl::flat_hash_map<const Node*, Entry> entries_;
  Work total_;
};

}  // namespace weft

#endif  // WEFT_PASSES_LEDGER_H_
