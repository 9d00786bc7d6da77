#ifndef WEFT_FRONTEND_ANALYSIS_SUMMARY_H_
#define WEFT_FRONTEND_ANALYSIS_SUMMARY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace weft {

// One node of a summary. Elements of a parameter that several layers share count for the first.
struct SummaryRow {
  std::string name;
  std::string op;
  std::string output;      // "[N,6,28,28]"
  std::string field = {};  // "14x14/4": see ReceptiveField; "?" where unknown, "" where none
  int64_t parameters = 0;  // elements of floating-point variables and constants read
  int64_t macs = 0;
};

struct Summary {
  std::vector<SummaryRow> rows;  // the nodes that compute something, in order
  int64_t batch = 1;
  int64_t trainable = 0;   // elements of trainable variables
  int64_t parameters = 0;  // elements of all the rows' parameters
  int64_t macs = 0;        // for the whole batch

  // A table of the rows, with the totals below it.
  std::string ToString() const;
};

// Errors: a symbol that the inputs' sizes do not determine.
absl::StatusOr<Summary> Summarize(const Graph& graph, int64_t batch = 1);

// What a model takes to keep and to run.
struct ModelSize {
  int64_t parameters = 0;  // elements of trainable variables
  int64_t macs = 0;        // of convolutions and matrix products, for a batch of one
};
// Of the graph's inference: what only losses need does not count. Errors as above.
absl::StatusOr<ModelSize> SizeOf(const Graph& graph);

}  // namespace weft

#endif  // WEFT_FRONTEND_ANALYSIS_SUMMARY_H_
