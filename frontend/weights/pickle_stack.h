#ifndef WEFT_FRONTEND_WEIGHTS_PICKLE_STACK_H_
#define WEFT_FRONTEND_WEIGHTS_PICKLE_STACK_H_

#include <vector>

#include "frontend/weights/pickle.h"

namespace weft {

// The objects, the stack and the memo of a pickle that is being read: the half of its opcodes that
// reads nothing. Every function fails where the stack has not what it needs, and where a limit of
// pickle.h is passed.
class PickleStack {
 public:
  absl::Status Push(PickleObject object);
  absl::Status PushMark();
  absl::Status Pop();  // an object, or a mark with nothing above it
  absl::Status PopMark() { return TakeMarked().status(); }
  absl::Status Duplicate();
  // The object on top, taken off the stack; never one below the last mark.
  absl::StatusOr<PickleObject*> TakeTop();

  // A tuple, list or dict of the objects above the last mark, or a tuple of the topmost ones.
  absl::Status FromMark(PickleKind kind);
  absl::Status Tuple(size_t size);
  // Items of the list, dict or object of a class below them.
  absl::Status Append();
  absl::Status Appends();
  absl::Status SetItem();
  absl::Status SetItems();

  absl::Status PushGlobal(std::string_view module, std::string_view name);
  absl::Status StackGlobal();  // of the two names on top
  // What a global below a tuple of arguments (and a dict of keywords) would give.
  absl::Status Call();
  absl::Status CallWithKeywords();
  absl::Status CallMarked();  // the global and its arguments are above the last mark
  // Attributes of the object below them; those of an OrderedDict (PyTorch's _metadata, the modules'
  // versions) are no tensors.
  absl::Status Build();

  absl::Status Remember(size_t index);  // the object on top
  absl::Status RememberNext();
  absl::Status Recall(size_t index);

  // A kPersistent with the object on top for its id.
  absl::Status MakePersistent();

  // The pickle whose root is the only object left.
  absl::StatusOr<Pickle> Finish();

 private:
  // A new object that is not on the stack.
  absl::StatusOr<PickleObject*> Keep(PickleObject object);
  // The object on top, which stays there: of this kind, or what a global made.
  absl::StatusOr<PickleObject*> Container(PickleKind kind);
  // Counts `n` more items of containers: an object can be one any number of times, at a byte each.
  absl::Status CountItems(size_t n);
  absl::Status PushCall(const PickleObject& function, const PickleObject& arguments);
  absl::Status PushOrderedDict(const PickleObject& arguments);

  size_t available() const { return stack_.size() - (marks_.empty() ? 0 : marks_.back()); }
  absl::Status CheckSizes() const;
  // The objects above the last mark; they and it are taken off.
  absl::StatusOr<std::vector<const PickleObject*>> TakeMarked();

  Pickle pickle_;
  std::vector<PickleObject*> stack_;
  std::vector<size_t> marks_;
  std::vector<PickleObject*> memo_;
  size_t items_ = 0;       // of all containers
  size_t name_bytes_ = 0;  // of all globals' names
};

// The error of a pickle that is none.
absl::Status MalformedPickle(std::string_view what);

}  // namespace weft

#endif  // WEFT_FRONTEND_WEIGHTS_PICKLE_STACK_H_
