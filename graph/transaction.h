#ifndef WEFT_GRAPH_TRANSACTION_H_
#define WEFT_GRAPH_TRANSACTION_H_

#include <vector>

#include "graph/graph.h"

namespace weft {

// What a transaction has changed so far; a node may be named more than once.
struct Changes {
  std::vector<Node*> changed;  // added, or given other inputs, attributes or a leaf value
  std::vector<Node*> renamed;  // still there, under another name
  std::vector<Value> unread;   // lost a reader
  std::vector<Node*> removed;  // freed when the outermost transaction is committed
};

// Changes of a graph that are kept or taken back as a whole:
//
//   Graph::Transaction change(graph);
//   WEFT_RETURN_IF_ERROR(graph.ReplaceUses(from, to));
//   WEFT_RETURN_IF_ERROR(graph.AddOutput("y", to));  // an error takes the replacement back too
//   change.Commit();
//
// Reverting leaves the graph as it was: nodes and their order, names, inputs, readers, types,
// attributes, leaf values, outputs, losses, updates, gradient links and the insertion point.
// Nodes that were removed are back at their addresses. A graph must not be moved meanwhile.
// Transactions nest: what an inner one commits, the outer one may still take back.
class Graph::Transaction {
 public:
  explicit Transaction(Graph& graph);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() { Revert(); }

  // Of nodes that are in the graph, but for `removed`.
  Changes changes() const;
  // Ends the transaction; the second call of either does nothing.
  void Commit();
  void Revert();

 private:
  void End();

  Graph* graph_;  // null once it has ended
  Node* insertion_point_;
  size_t undo_, changed_, renamed_, unread_, removed_;  // the log's sizes at the start
};

}  // namespace weft

#endif  // WEFT_GRAPH_TRANSACTION_H_
