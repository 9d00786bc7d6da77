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

// The name of what is called: a global, what another call gave (a method), or a module's class,
// which PyTorch's older format keeps with its source, as ("module", class, file, source).
std::string_view CalledName(const PickleObject& function) {
  const PickleObject* global = &function;
  if (function.kind == PickleKind::kPersistent && function.items[0]->items.size() > 1) {
    global = function.items[0]->items[1];
  }
  const bool named = global->kind == PickleKind::kGlobal || global->kind == PickleKind::kCall;
  return named ? global->text : std::string_view();
}

}  // namespace

absl::Status MalformedPickle(std::string_view what) {
  return absl::DataLossError(absl::StrCat("malformed pickle: ", Absl(what)));
}

absl::StatusOr<PickleObject*> PickleStack::Keep(PickleObject object) {
  pickle_.objects.push_back(std::move(object));
  WEFT_RETURN_IF_ERROR(CheckSizes());
  return &pickle_.objects.back();
}

absl::Status PickleStack::Push(PickleObject object) {
  WEFT_ASSIGN_OR_RETURN(PickleObject * kept, Keep(std::move(object)));
  stack_.push_back(kept);
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
  const bool fits =
      available() > 0 && (stack_.back()->kind == kind || stack_.back()->kind == PickleKind::kCall);
  if (fits) return stack_.back();
  return MalformedPickle(
      absl::StrCat("an opcode expects ", Describe({.kind = kind}), " on the stack"));
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
  if (list->kind == PickleKind::kList) list->items.push_back(item);
  return CountItems(1);
}

absl::Status PickleStack::Appends() {
  WEFT_ASSIGN_OR_RETURN(const std::vector<const PickleObject*> items, TakeMarked());
  WEFT_ASSIGN_OR_RETURN(PickleObject * list, Container(PickleKind::kList));
  if (list->kind == PickleKind::kList) {
    list->items.insert(list->items.end(), items.begin(), items.end());
  }
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

absl::Status PickleStack::PushGlobal(std::string_view module, std::string_view name) {
  if (module.size() > kMaxGlobalName || name.size() > kMaxGlobalName) {
    return MalformedPickle(absl::StrCat("a global's name of more than ", kMaxGlobalName, " bytes"));
  }
  const auto [it, is_new] = pickle_.names.insert(absl::StrCat(Absl(module), ".", Absl(name)));
  if (is_new) name_bytes_ += it->size();
  if (name_bytes_ > kMaxGlobalNames) return TooManyObjects();
  return Push({.kind = PickleKind::kGlobal, .text = *it});
}

absl::Status PickleStack::StackGlobal() {
  WEFT_ASSIGN_OR_RETURN(const PickleObject* name, TakeTop());
  WEFT_ASSIGN_OR_RETURN(const PickleObject* module, TakeTop());
  if (name->kind == PickleKind::kText && module->kind == PickleKind::kText) {
    return PushGlobal(module->text, name->text);
  }
  return MalformedPickle("a global's name is no string");
}

absl::Status PickleStack::Call() {
  WEFT_ASSIGN_OR_RETURN(const PickleObject* arguments, TakeTop());
  WEFT_ASSIGN_OR_RETURN(const PickleObject* function, TakeTop());
  return PushCall(*function, *arguments);
}

absl::Status PickleStack::CallWithKeywords() {
  WEFT_RETURN_IF_ERROR(TakeTop().status());
  return Call();
}

absl::Status PickleStack::CallMarked() {
  WEFT_ASSIGN_OR_RETURN(std::vector<const PickleObject*> items, TakeMarked());
  if (items.empty()) return MalformedPickle("an object of no class");
  const PickleObject* function = items[0];
  items.erase(items.begin());
  WEFT_ASSIGN_OR_RETURN(const PickleObject* arguments,
                        Keep({.kind = PickleKind::kTuple, .items = std::move(items)}));
  return PushCall(*function, *arguments);
}

absl::Status PickleStack::PushCall(const PickleObject& function, const PickleObject& arguments) {
  const std::string_view name = CalledName(function);
  if (name.empty() || arguments.kind != PickleKind::kTuple) {
    return MalformedPickle("a call of what is no global, or without a tuple of arguments");
  }
  if (name == "collections.OrderedDict") return PushOrderedDict(arguments);
  return Push({.kind = PickleKind::kCall, .text = name, .arguments = &arguments});
}

// OrderedDict() as Python 3 writes it, or OrderedDict([[key, value], ...]) as Python 2 does.
absl::Status PickleStack::PushOrderedDict(const PickleObject& arguments) {
  PickleObject dict = {.kind = PickleKind::kDict};
  if (arguments.items.empty()) return Push(std::move(dict));
  const PickleObject& pairs = *arguments.items[0];
  if (arguments.items.size() != 1 || pairs.kind != PickleKind::kList) {
    return MalformedPickle("an OrderedDict of something else than pairs");
  }
  WEFT_RETURN_IF_ERROR(CountItems(2 * pairs.items.size()));
  for (const PickleObject* pair : pairs.items) {
    if ((pair->kind != PickleKind::kList && pair->kind != PickleKind::kTuple) ||
        pair->items.size() != 2) {
      return MalformedPickle("an OrderedDict of something else than pairs");
    }
    dict.items.insert(dict.items.end(), pair->items.begin(), pair->items.end());
  }
  return Push(std::move(dict));
}

absl::Status PickleStack::Build() {
  WEFT_ASSIGN_OR_RETURN(const PickleObject* state, TakeTop());
  WEFT_ASSIGN_OR_RETURN(PickleObject * object, Container(PickleKind::kDict));
  if (object->kind == PickleKind::kCall) object->state = state;
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
