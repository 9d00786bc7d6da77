#ifndef WEFT_PASSES_NEWS_H_
#define WEFT_PASSES_NEWS_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "graph/transaction.h"

namespace weft {

class Worklist;

// Tells the worklists of one Optimize what has changed. It gives each node a number, dense and
// never used again, so that a worklist keeps bits and numbers and need not look up nodes; and it
// knows which of them are interested in an op.
class News {
 public:
  void Subscribe(Worklist* worklist);
  void Unsubscribe(Worklist* worklist);

  int NumberOf(Node* node);          // a new one for a node that has none
  int Find(const Node* node) const;  // -1: it has none
  Node* At(int number) const { return nodes_[static_cast<size_t>(number)]; }  // null: it is gone

  // Offers what is near the changes, and forgets what is gone. Before they are committed. Returns
  // how many nodes were offered.
  int Announce(const Changes& changes);

 private:
  void Offer(Node* node, int distance);

  std::vector<Worklist*> of_all_;  // those that take every op
  absl::flat_hash_map<const OpDef*, std::vector<Worklist*>> of_op_;
  int reach_ = 0;  // the longest
  absl::flat_hash_map<const Node*, int> numbers_;
  std::vector<Node*> nodes_;
  int offered_ = 0;
};

}  // namespace weft

#endif  // WEFT_PASSES_NEWS_H_
