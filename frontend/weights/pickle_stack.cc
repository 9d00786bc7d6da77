#include "frontend/weights/pickle_stack.h"

#include <string>
#include <utility>

namespace weft {
namespace {

absl::Status TooManyObjects() {
  return absl::ResourceExhaustedError(absl::StrCat("the pickle has more than ", kMaxPickleObjects,
                                                   " objects or ", kMaxPickleItems,
                                                   " items, the limits"));
}

}  // namespace

absl::Status MalformedPickle(std::string_view what) {
  return absl::DataLossError(absl::StrCat("malformed pickle: ", Absl(what)));
}

absl::Status PickleStack::Push(PickleObject object) {
  pickle_.objects.push_back(std::move(object));
  stack_.push_back(&pickle_.objects.back());
  return CheckSizes();
}

absl::Status PickleStack::CheckSizes() const {
  if (pickle_.objects.size() <= kMaxPickleObjects && stack_.size() <= kMaxPickleObjects &&
      marks_.size() <= kMaxPickleObjects) {
    return absl::OkStatus();
  }
  return TooManyObjects();
}

absl::Status PickleStack::CountItems(size_t n) {
  items_ += n;
  return items_ <= kMaxPickleItems ? absl::OkStatus() : TooManyObjects();
}

absl::StatusOr<PickleObject*> PickleStack::TakeTop() {
  if (available() == 0) return MalformedPickle("an opcode finds no object on the stack");
  PickleObject* top = stack_.back();
  stack_.pop_back();
  return top;
}

absl::StatusOr<std::vector<const PickleObject*>> PickleStack::TakeMarked() {
  if (marks_.empty()) return MalformedPickle("an opcode finds no mark on the stack");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  WEFT_RETURN_IF_ERROR(CountItems(static_cast<size_t>(stack_.end() - first)));
  std::vector<const PickleObject*> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

absl::StatusOr<PickleObject*> PickleStack::Container(PickleKind kind) {
  if (available() > 0 && stack_.back()->kind == kind) return stack_.back();
  return MalformedPickle(absl::StrCat("an opcode expects ", Absl(Describe(kind)), " on the stack"));
}

absl::Status PickleStack::FromMark(PickleKind kind) {
  WEFT_ASSIGN_OR_RETURN(std::vector<const PickleObject*> items, TakeMarked());
  if (kind == PickleKind::kDict && items.size() % 2 != 0)
    return MalformedPickle("a key without a value");
  return Push({.kind = kind, .items = std::move(items)});
}

absl::Status PickleStack::Tuple(size_t size) {
  if (available() < size) return MalformedPickle("an opcode finds no object on the stack");
  WEFT_RETURN_IF_ERROR(CountItems(size));
  const auto first = stack_.end() - static_cast<std::ptrdiff_t>(size);
  std::vector<const PickleObject*> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  return Push({.kind = PickleKind::kTuple, .items = std::move(items)});
}

absl::Status PickleStack::Append() {
  WEFT_ASSIGN_OR_RETURN(const PickleObject* item, TakeTop());
  WEFT_ASSIGN_OR_RETURN(PickleObject * list, Container(PickleKind::kList));
  list->items.push_back(item);
  return CountItems(1);
}

absl::Status PickleStack::Appends() {
  WEFT_ASSIGN_OR_RETURN(const std::vector<const PickleObject*> items, TakeMarked());
  WEFT_ASSIGN_OR_RETURN(PickleObject * list, Container(PickleKind::kList));
  list->items.insert(list->items.end(), items.begin(), items.end());
  return absl::OkStatus();
}

absl::Status PickleStack::SetItem() {
  WEFT_ASSIGN_OR_RETURN(const PickleObject* value, TakeTop());
  WEFT_ASSIGN_OR_RETURN(const PickleObject* key, TakeTop());
  WEFT_ASSIGN_OR_RETURN(PickleObject * dict, Container(PickleKind::kDict));
  dict->items.insert(dict->items.end(), {key, value});
  return CountItems(2);
}

absl::Status PickleStack::SetItems() {
  WEFT_ASSIGN_OR_RETURN(const std::vector<const PickleObject*> items, TakeMarked());
  if (items.size() % 2 != 0) return MalformedPickle("a key without a value");
  WEFT_ASSIGN_OR_RETURN(PickleObject * dict, Container(PickleKind::kDict));
  dict->items.insert(dict->items.end(), items.begin(), items.end());
  return absl::OkStatus();
}

absl::Status PickleStack::Pop() {
  if (available() > 0 || marks_.empty()) return TakeTop().status();
  marks_.pop_back();
  return absl::OkStatus();
}

absl::Status PickleStack::Duplicate() {
  if (available() == 0) return MalformedPickle("an opcode finds no object on the stack");
  stack_.push_back(stack_.back());
  return CheckSizes();
}

absl::Status PickleStack::Remember(size_t index) {
  if (available() == 0) return MalformedPickle("an opcode finds no object on the stack");
  if (index >= kMaxPickleObjects) {
    return absl::ResourceExhaustedError(absl::StrCat("the pickle remembers an object as ", index,
                                                     ", the limit is ", kMaxPickleObjects));
  }
  if (index >= memo_.size()) memo_.resize(index + 1);
  memo_[index] = stack_.back();
  return absl::OkStatus();
}

absl::Status PickleStack::PushMark() {
  marks_.push_back(stack_.size());
  return CheckSizes();
}

absl::Status PickleStack::RememberNext() { return Remember(memo_.size()); }

absl::Status PickleStack::Recall(size_t index) {
  if (index >= memo_.size() || memo_[index] == nullptr) {
    return MalformedPickle(absl::StrCat("nothing is remembered as ", index));
  }
  stack_.push_back(memo_[index]);
  return CheckSizes();
}

absl::Status PickleStack::MakePersistent() {
  WEFT_ASSIGN_OR_RETURN(const PickleObject* id, TakeTop());
  WEFT_RETURN_IF_ERROR(Push({.kind = PickleKind::kPersistent, .items = {id}}));
  pickle_.persistent.push_back(stack_.back());
  return absl::OkStatus();
}

absl::StatusOr<Pickle> PickleStack::Finish() {
  if (stack_.size() != 1 || !marks_.empty()) {
    return MalformedPickle("expected one object at its end");
  }
  pickle_.root = stack_[0];
  return std::move(pickle_);
}

}  // namespace weft
