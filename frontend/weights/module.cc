#include "frontend/weights/module.h"

#include <algorithm>
#include <span>

#include "frontend/weights/named_tensors.h"
#include "frontend/weights/pickled_tensor.h"

namespace weft {
namespace {

constexpr std::string_view kScriptModule = "__torch__.";
constexpr int kMostModuleLevels = 100;
constexpr size_t kLongestName = 4096;
// A module has some twenty attributes besides what its dicts hold. Many objects can share one dict
// of attributes, so larger ones are not searched.
constexpr size_t kMostAttributes = 512;
constexpr size_t kNameBytesPerItem = 16;  // of the work

using Texts = std::span<const PickleObject* const>;

// The attributes of an object: a dict, or (dict, slots); null where it has none.
const PickleObject* AttributesOf(const PickleObject& object) {
  const PickleObject* state = object.kind == PickleKind::kCall ? object.state : nullptr;
  if (state != nullptr && state->kind == PickleKind::kTuple && !state->items.empty()) {
    state = state->items[0];
  }
  return state != nullptr && state->kind == PickleKind::kDict ? state : nullptr;
}

// The last one called so; null where there is none.
const PickleObject* FindAttribute(const PickleObject& attributes, std::string_view name) {
  const PickleObject* found = nullptr;
  for (size_t i = 0; i < attributes.items.size(); i += 2) {
    if (attributes.items[i]->text == name) found = attributes.items[i + 1];
  }
  return found;
}

// The items of a set as protocol 4 writes it, or of the call set([...]) of the older ones.
Texts TextsOf(const PickleObject* set) {
  if (set != nullptr && set->kind == PickleKind::kCall && !set->arguments->items.empty()) {
    set = set->arguments->items[0];
  }
  return set != nullptr && set->kind == PickleKind::kList ? Texts(set->items) : Texts();
}

bool HasText(Texts texts, std::string_view text) {
  return std::any_of(texts.begin(), texts.end(),
                     [&](const PickleObject* item) { return item->text == text; });
}

// Walks down a tree of modules. A module that is in several places has its tensors in all of them,
// so the work is limited, not only the depth.
class ModuleWalk {
 public:
  absl::Status Walk(const PickleObject& module, const std::string& prefix, int level) {
    const PickleObject& attributes = *AttributesOf(module);
    WEFT_RETURN_IF_ERROR(Spend(attributes.items.size(), prefix, level));
    if (module.text.starts_with(kScriptModule)) {
      WEFT_RETURN_IF_ERROR(AddTensors(attributes, {}, prefix));
      return AddModules(attributes, prefix, level);
    }
    const Texts passing = TextsOf(FindAttribute(attributes, "_non_persistent_buffers_set"));
    if (const auto* parameters = FindAttribute(attributes, "_parameters")) {
      WEFT_RETURN_IF_ERROR(AddTensors(*parameters, {}, prefix));
    }
    if (const auto* buffers = FindAttribute(attributes, "_buffers")) {
      WEFT_RETURN_IF_ERROR(AddTensors(*buffers, passing, prefix));
    }
    return AddModules(*FindAttribute(attributes, "_modules"), prefix, level);
  }

  std::vector<NamedPickle> Take() { return std::move(tensors_); }

 private:
  absl::Status Spend(size_t items, const std::string& name, int level) {
    work_ += items + 1;
    if (work_ <= kMaxPickleItems && level < kMostModuleLevels && name.size() <= kLongestName) {
      return absl::OkStatus();
    }
    return absl::ResourceExhaustedError(
        absl::StrCat("modules nested too deeply or too often, at ", Printable(name)));
  }

  absl::Status AddTensors(const PickleObject& dict, Texts passing, const std::string& prefix) {
    WEFT_RETURN_IF_ERROR(Spend(dict.items.size(), prefix, 0));
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const PickleObject &key = *dict.items[i], &value = *dict.items[i + 1];
      if (!IsTensor(value)) continue;
      std::string name = absl::StrCat(prefix, Absl(key.text));
      WEFT_RETURN_IF_ERROR(Spend(passing.size() + name.size() / kNameBytesPerItem, name, 0));
      if (!HasText(passing, key.text)) tensors_.push_back({std::move(name), &value});
    }
    return absl::OkStatus();
  }

  absl::Status AddModules(const PickleObject& dict, const std::string& prefix, int level) {
    WEFT_RETURN_IF_ERROR(Spend(dict.items.size(), prefix, level));
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      if (!IsModule(*dict.items[i + 1])) continue;
      const std::string inner = absl::StrCat(prefix, Absl(dict.items[i]->text), ".");
      WEFT_RETURN_IF_ERROR(Walk(*dict.items[i + 1], inner, level + 1));
    }
    return absl::OkStatus();
  }

  std::vector<NamedPickle> tensors_;
  size_t work_ = 0;
};

}  // namespace

bool IsModule(const PickleObject& object) {
  const PickleObject* attributes = AttributesOf(object);
  if (attributes == nullptr) return false;
  if (object.text.starts_with(kScriptModule)) return true;
  if (attributes->items.size() > 2 * kMostAttributes) return false;
  const PickleObject* modules = FindAttribute(*attributes, "_modules");
  return modules != nullptr && modules->kind == PickleKind::kDict;
}

absl::StatusOr<std::vector<NamedPickle>> TensorsOfModule(const PickleObject& module) {
  ModuleWalk walk;
  WEFT_RETURN_IF_ERROR(walk.Walk(module, "", 0));
  return walk.Take();
}

}  // namespace weft
