#include "frontend/weights/checkpoint.h"

#include <algorithm>
#include <set>
#include <unordered_set>
#include <utility>

#include "frontend/weights/module.h"
#include "frontend/weights/named_tensors.h"
#include "frontend/weights/pickled_tensor.h"
#include "graph/number_text.h"

namespace weft {
namespace {

// Where checkpoints of training programs have the state dict, the likeliest first.
constexpr std::string_view kStateDictKeys[] = {"state_dict", "model_state_dict", "model", "net"};

constexpr int kMostDictLevels = 4;  // of dicts around a state dict
constexpr size_t kMostListed = 20;
// Of all names of a state dict: a pickle can repeat a long one at two bytes each.
constexpr size_t kMostNameBytes = size_t{1} << 26;

bool IsFilledLikeADict(const PickleObject& object) {
  return object.kind == PickleKind::kDict || object.kind == PickleKind::kCall;
}

// An object below a dict or list. Its path is made when it is told.
struct KeyPlace {
  const PickleObject* object = nullptr;
  const PickleObject* key = nullptr;  // null in a list
  size_t index = 0;
  std::ptrdiff_t parent = -1;
};

// A key that --key can say: a string or a number.
std::string KeyText(const KeyPlace& place) {
  if (place.key == nullptr) return absl::StrCat(place.index);
  if (place.key->kind == PickleKind::kText) return Printable(place.key->text);
  if (place.key->kind == PickleKind::kInt) return absl::StrCat(place.key->integer);
  return Describe(*place.key);
}

std::vector<KeyPlace> ChildrenOf(const PickleObject& object, std::ptrdiff_t parent) {
  std::vector<KeyPlace> children;
  const auto& items = object.items;
  if (IsFilledLikeADict(object)) {
    for (size_t i = 0; i + 1 < items.size(); i += 2) {
      children.push_back({items[i + 1], items[i], i / 2, parent});
    }
  } else if (object.kind == PickleKind::kList || object.kind == PickleKind::kTuple) {
    for (size_t i = 0; i < items.size(); ++i) children.push_back({items[i], nullptr, i, parent});
  }
  return children;
}

// The keys of a dict, or the places in a list, for errors.
std::string KeyList(const PickleObject& object) {
  std::string list;
  const std::vector<KeyPlace> children = ChildrenOf(object, 0);
  for (size_t i = 0; i < std::min(children.size(), kMostListed); ++i) {
    absl::StrAppend(&list, i == 0 ? "" : ", ", KeyText(children[i]));
  }
  if (children.size() > kMostListed) absl::StrAppend(&list, ", ...");
  return list.empty() ? "none" : list;
}

bool IsStateDict(const PickleObject& object) {
  if (IsTensor(object) || !IsFilledLikeADict(object)) return false;
  if (IsModule(object)) return true;
  for (size_t i = 1; i < object.items.size(); i += 2) {
    if (IsTensor(*object.items[i])) return true;
  }
  return false;
}

absl::StatusOr<std::vector<NamedPickle>> TensorsOf(const PickleObject& state_dict) {
  if (IsModule(state_dict)) return TensorsOfModule(state_dict);
  std::vector<NamedPickle> tensors;
  size_t name_bytes = 0;
  for (const KeyPlace& child : ChildrenOf(state_dict, -1)) {
    if (!IsTensor(*child.object)) continue;
    name_bytes += child.key->text.size();
    if (name_bytes > kMostNameBytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("names of more than ", kMostNameBytes, " bytes, the limit"));
    }
    if (child.key->kind != PickleKind::kText && child.key->kind != PickleKind::kInt) {
      return MalformedTensor(
          absl::StrCat("expected a name for each, one has ", Describe(*child.key)));
    }
    const bool is_text = child.key->kind == PickleKind::kText;
    tensors.push_back({is_text ? std::string(child.key->text) : KeyText(child), child.object});
  }
  return tensors;
}

// "10 tensors, 1,234 elements".
std::string DescribeSize(const PickleObject& state_dict) {
  const auto tensors = TensorsOf(state_dict);
  if (!tensors.ok()) return "malformed";
  int64_t elements = 0;
  for (const NamedPickle& tensor : *tensors) {
    if (__builtin_add_overflow(elements, CountTensorElements(*tensor.tensor), &elements)) break;
  }
  return absl::StrCat(tensors->size(), " tensors, ", WithCommas(elements), " elements");
}

// The search from `root` down, level by level; everything is looked at once, though a pickle may
// name one object in many places.
class StateDictSearch {
 public:
  StateDictSearch(const PickleObject& root, std::string_view key) : key_(key) {
    places_.push_back({&root, nullptr, 0, -1});
    seen_.insert(&root);
  }

  absl::StatusOr<const PickleObject*> Run() {
    std::vector<size_t> level = {0};
    for (int i = 0; i <= kMostDictLevels && !level.empty(); ++i) {
      std::vector<size_t> found, below;
      for (size_t at : level) {
        const bool is_one = IsStateDict(*places_[at].object);
        if (is_one) found.push_back(at);
        if (!is_one || at == 0) AddChildren(at, below);
      }
      if (i == 0 && !found.empty()) {  // the checkpoint may have tensors beside its state dict
        const size_t* preferred = Preferred(below);
        return places_[preferred == nullptr ? 0 : *preferred].object;
      }
      if (!found.empty()) return Choose(found);
      level = std::move(below);
    }
    return NothingFound();
  }

 private:
  absl::Status NothingFound() const {
    const PickleObject& root = *places_[0].object;
    const std::string where = key_.empty() ? "the file" : "the key " + Printable(key_);
    if (root.kind != PickleKind::kDict) {
      const std::string what = IsTensor(root) ? "a tensor without a name" : Describe(root);
      return absl::InvalidArgumentError(absl::StrCat(
          "expected a state dict (as model.state_dict() gives it), ", where, " holds ", what));
    }
    return absl::InvalidArgumentError(
        absl::StrCat("no tensors in ", where, "; its keys: ", KeyList(root)));
  }

  void AddChildren(size_t at, std::vector<size_t>& below) {
    for (const KeyPlace& child : ChildrenOf(*places_[at].object, static_cast<std::ptrdiff_t>(at))) {
      if (IsTensor(*child.object) || !seen_.insert(child.object).second) continue;
      below.push_back(places_.size());
      places_.push_back(child);
    }
  }

  // The state dict of the likeliest key; null where none has one of them.
  const size_t* Preferred(const std::vector<size_t>& places) const {
    for (const std::string_view key : kStateDictKeys) {
      for (const size_t& at : places) {
        const PickleObject* name = places_[at].key;
        if (name != nullptr && name->text == key && IsStateDict(*places_[at].object)) return &at;
      }
    }
    return nullptr;
  }

  absl::StatusOr<const PickleObject*> Choose(const std::vector<size_t>& found) const {
    if (found.size() == 1) return places_[found[0]].object;
    if (const size_t* preferred = Preferred(found)) return places_[*preferred].object;
    std::string list;
    for (size_t i = 0; i < std::min(found.size(), kMostListed); ++i) {
      absl::StrAppend(&list, i == 0 ? "" : "; ", PathOf(found[i]), " (",
                      DescribeSize(*places_[found[i]].object), ")");
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "several state dicts in the file: ", list, found.size() > kMostListed ? "; ..." : "",
        ". Pick one by its key: --key ", PathOf(found[0])));
  }

  std::string PathOf(size_t at) const {
    std::string path = places_[at].parent < 0 ? std::string(key_) : KeyText(places_[at]);
    for (std::ptrdiff_t parent = places_[at].parent; parent >= 0;) {
      const KeyPlace& place = places_[static_cast<size_t>(parent)];
      const std::string name = place.parent < 0 ? std::string(key_) : KeyText(place);
      if (!name.empty()) path = absl::StrCat(name, ".", path);
      parent = place.parent;
    }
    return path;
  }

  std::string_view key_;
  std::vector<KeyPlace> places_;
  std::unordered_set<const PickleObject*> seen_;
};

// What is under `key`, whose names are parted by dots and may have dots themselves: all readings
// are tried, those with longer names first.
absl::StatusOr<const PickleObject*> Descend(const PickleObject& root, std::string_view key) {
  using Reading = std::pair<const PickleObject*, std::string_view>;  // and the key's rest below it
  std::vector<Reading> open = {{&root, key}};
  std::set<std::pair<const PickleObject*, size_t>> tried;
  while (!open.empty()) {
    const auto [object, rest] = open.back();
    open.pop_back();
    if (rest.empty()) return object;
    if (!tried.emplace(object, rest.size()).second) continue;
    const auto known = static_cast<std::ptrdiff_t>(open.size());
    for (const KeyPlace& child : ChildrenOf(*object, 0)) {
      const std::string name = KeyText(child);
      if (rest != name && !rest.starts_with(name + ".")) continue;
      open.emplace_back(child.object, rest.substr(std::min(rest.size(), name.size() + 1)));
    }
    std::stable_sort(open.begin() + known, open.end(), [](const Reading& a, const Reading& b) {
      return a.second.size() > b.second.size();
    });
  }
  return absl::InvalidArgumentError(
      absl::StrCat("no key ", Printable(key), " in the file; its keys: ", KeyList(root)));
}

}  // namespace

absl::StatusOr<std::vector<NamedPickle>> FindTensors(const PickleObject& root,
                                                     std::string_view key) {
  WEFT_ASSIGN_OR_RETURN(const PickleObject* below, Descend(root, key));
  WEFT_ASSIGN_OR_RETURN(const PickleObject* state_dict, StateDictSearch(*below, key).Run());
  return TensorsOf(*state_dict);
}

}  // namespace weft
