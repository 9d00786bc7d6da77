#ifndef WEFT_FRONTEND_TRAIN_FINETUNE_H_
#define WEFT_FRONTEND_TRAIN_FINETUNE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace weft {

// What of a model stays as it is while the rest is trained: variables by patterns of their names
// (MatchesVariable in parameter_groups.h).
struct FineTuneOptions {
  std::vector<std::string> freeze = {};
  // Batch normalizations whose statistics are frozen use them, as in inference; otherwise they use
  // their batches' and go on following them, whatever is frozen.
  bool freeze_statistics = true;
  int64_t unfreeze_at = 0;  // the epoch, from 1 on, before which everything is free again; 0: never
  friend bool operator==(const FineTuneOptions&, const FineTuneOptions&) = default;

  // What is in force in an epoch, counted from 0.
  FineTuneOptions At(int64_t epoch) const;
};

template <typename F>
void VisitOptions(FineTuneOptions& o, F& f) {
  f("freeze", o.freeze, "Variables that are not trained: a name or its beginning, * for any text");
  f("freeze_statistics", o.freeze_statistics,
    "Frozen batch normalizations use and keep their statistics");
  f("unfreeze_at", o.unfreeze_at, "The epoch from which on nothing is frozen; 0: never");
}

// Marks what is frozen in a mode-neutral graph, so that training it has no gradients for it and
// changes nothing of it: variables that match become untrainable, batch normalizations whose
// statistics match get mode inference. Errors: a pattern that matches no variable.
absl::Status Freeze(Graph& neutral, const FineTuneOptions& options);

}  // namespace weft

#endif  // WEFT_FRONTEND_TRAIN_FINETUNE_H_
