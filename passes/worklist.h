#ifndef WEFT_PASSES_WORKLIST_H_
#define WEFT_PASSES_WORKLIST_H_

#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "passes/pass_context.h"

namespace weft {

// The nodes that a pass has yet to look at: at first all that it is interested in, later those near
// a change. A node is near where it has changed itself, reads what has changed over at most `reach`
// edges, or is one of the last few to read a value.
class Worklist {
 public:
  struct Interest {
    std::vector<std::string> ops = {};  // empty: all
    int reach = 0;
  };
  Worklist(PassContext& context, const Interest& interest);
  Worklist(const Worklist&) = delete;
  Worklist& operator=(const Worklist&) = delete;
  ~Worklist();

  bool empty() const { return queue_.empty(); }
  // The next in the graph's order after the one before, from the start again where none is left;
  // null when the list is empty.
  Node* Next();
  void StartOver() { next_ = nullptr; }

  void Add(Node* node);  // nothing where the pass is not interested or the node is there already
  void Forget(const Node* node);
  int reach() const { return reach_; }

 private:
  struct IsEarlier {
    bool operator()(const Node* a, const Node* b) const { return a->IsBefore(*b); }
  };
  using Queue = std::set<Node*, IsEarlier>;

  PassContext& context_;
  std::vector<const OpDef*> ops_;
  int reach_;
  bool takes_all_;
  Queue queue_;
  // A removed node has no place in the order any more: it is taken out by its iterator.
  absl::flat_hash_map<const Node*, Queue::iterator> entries_;
  Node* next_ = nullptr;  // where to go on; null: at the start
};

}  // namespace weft

#endif  // WEFT_PASSES_WORKLIST_H_
