#ifndef WEFT_PASSES_WORKLIST_H_
#define WEFT_PASSES_WORKLIST_H_

#include <string>
#include <vector>

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

  // The next in the graph's order after the one before, from the start again where none is left;
  // null when the list is empty.
  Node* Next();
  bool empty();
  void StartOver();

  void Add(Node* node);  // nothing where the pass is not interested or the node is there already
  void Forget(const Node* node);
  int reach() const { return reach_; }

 private:
  friend class News;
  // A node by its number in the roster, and its place when it came: the graph may have spread its
  // positions since, which moves a node in the order of the looks and no more.
  struct Entry {
    int64_t position;
    int number;
    bool operator>(const Entry& other) const {
      return position != other.position ? position > other.position : number > other.number;
    }
  };
  using Heap = std::vector<Entry>;  // the first in the order is on top

  void Put(Node* node, int number);
  Node* Top(Heap& heap);  // after dropping what is gone; null: none
  static Entry Pop(Heap& heap);

  PassContext& context_;
  std::vector<const OpDef*> ops_;
  int reach_;
  bool takes_all_;
  std::vector<bool> waits_;  // by number; an entry of one that does not wait is to be dropped
  Heap ahead_;               // from where Next is on to the end
  Heap behind_;              // for when it starts again
  int64_t at_ = 0;           // position of what Next gave; 0: at the start
};

}  // namespace weft

#endif  // WEFT_PASSES_WORKLIST_H_
