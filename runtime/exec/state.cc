#include "runtime/exec/state.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/file/mapped_pages.h"
#include "runtime/scratch.h"

namespace weft {
namespace {

absl::Status Unknown(std::string_view name) {
  return absl::NotFoundError(absl::StrCat("the state has no variable called '", Absl(name), "'"));
}

absl::Status Expected(std::string_view name, const TensorType& type, const std::string& what) {
  return absl::InvalidArgumentError(
      absl::StrCat("variable ", Absl(name), ": expected ", ToString(type), ", got ", what));
}

// Copies a value from one layout into another.
absl::Status CopyBetween(const Layout& from, const std::byte* source, const Layout& to,
                         std::byte* target) {
  if (from == to) {
    if (from.bytes() > 0) std::memcpy(target, source, from.bytes());
    return absl::OkStatus();
  }
  WEFT_ASSIGN_OR_RETURN(const auto reorder, MakeReorder(from, to));
  const std::shared_ptr<std::byte> scratch = AllocateAligned(reorder->scratch_bytes());
  if (scratch == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("not enough memory for ", reorder->scratch_bytes(), " bytes of scratch"));
  }
  WEFT_ASSIGN_OR_RETURN(const auto bound, reorder->Bind({.inputs = {const_cast<std::byte*>(source)},
                                                         .outputs = {target},
                                                         .scratch = scratch.get()}));
  return bound->Run({});
}

}  // namespace

absl::StatusOr<Tensor> RowMajor(const Layout& layout, const std::byte* bytes) {
  WEFT_ASSIGN_OR_RETURN(Tensor value, Tensor::Zeros(layout.dtype(), layout.dims()));
  WEFT_RETURN_IF_ERROR(CopyBetween(layout, bytes, Layout::Plain(layout.dtype(), layout.dims()),
                                   value.mutable_data()));
  return value;
}

absl::StatusOr<std::unique_ptr<State>> State::Create(const Graph& graph) {
  auto state = std::make_unique<State>();
  const std::vector<Node*> variables = graph.variables();
  for (const Node* node : variables) {
    WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(node->type().shape));
    state->entries_[node->name()] = {node->type(), VariableRole(*node),
                                     Layout::Plain(node->type().dtype, std::move(dims))};
  }
  WEFT_RETURN_IF_ERROR(state->Allocate());
  for (const Node* node : variables) {
    const Tensor& value = LeafValue(*node);
    WEFT_RETURN_IF_ERROR(state->Set(node->name(), value));
    ReleasePages({value.data(), value.bytes()});
  }
  return state;
}

absl::Status State::Allocate() {
  roles_.clear();
  for (auto& [name, entry] : entries_) {
    Flatness& flat = roles_[entry.role];
    entry.offset = flat.bytes;
    flat.bytes += AlignedBytes(entry.layout.bytes());
  }
  for (auto& [role, flat] : roles_) {
    flat.memory = AllocateAligned(flat.bytes);
    if (flat.memory == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("not enough memory for ", flat.bytes, " bytes of variables (", role, ")"));
    }
    AskForHugePages(flat.memory.get(), flat.bytes);
  }
  return absl::OkStatus();
}

absl::Status State::Move(const VariableLayouts& layouts) {
  if (layouts == layouts_) return absl::OkStatus();
  State moved;
  moved.entries_ = entries_;
  bool same = true;
  for (auto& [name, entry] : moved.entries_) {
    const Layout now = entry.layout;
    const auto wanted = layouts.find(name);
    entry.layout =
        wanted != layouts.end() ? wanted->second : Layout::Plain(now.dtype(), now.dims());
    const TensorType type = {entry.layout.dtype(), ToShape(entry.layout.dims())};
    if (type != entry.type) return Expected(name, entry.type, ToString(type));
    same = same && entry.layout == now;
  }
  if (!same) {
    WEFT_RETURN_IF_ERROR(moved.Allocate());
    for (const auto& [name, entry] : moved.entries_) {
      WEFT_RETURN_IF_ERROR(CopyBetween(entries_.find(name)->second.layout, Address(name),
                                       entry.layout, moved.Address(name)));
    }
    entries_ = std::move(moved.entries_);
    roles_ = std::move(moved.roles_);
    ++moves_;
  }
  layouts_ = layouts;
  return absl::OkStatus();
}

bool State::Has(std::string_view name) const { return entries_.contains(name); }

std::vector<std::string> State::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

std::byte* State::Address(std::string_view name) const {
  auto it = entries_.find(name);
  if (it == entries_.end()) return nullptr;
  return roles_.find(it->second.role)->second.memory.get() + it->second.offset;
}

absl::StatusOr<TensorType> State::Type(std::string_view name) const {
  auto it = entries_.find(name);
  if (it == entries_.end()) return Unknown(name);
  return it->second.type;
}

absl::StatusOr<Layout> State::LayoutOf(std::string_view name) const {
  auto it = entries_.find(name);
  if (it == entries_.end()) return Unknown(name);
  return it->second.layout;
}

absl::StatusOr<Tensor> State::Get(std::string_view name) const {
  auto it = entries_.find(name);
  if (it == entries_.end()) return Unknown(name);
  return RowMajor(it->second.layout, Address(name));
}

absl::Status State::Set(std::string_view name, const Tensor& value) {
  auto it = entries_.find(name);
  if (it == entries_.end()) return Unknown(name);
  if (value.is_empty() || value.type() != it->second.type) {
    return Expected(name, it->second.type,
                    value.is_empty() ? "an empty tensor" : ToString(value.type()));
  }
  return CopyBetween(Layout::Plain(value.dtype(), value.dims()), value.data(), it->second.layout,
                     Address(name));
}

absl::Status State::StoreTo(Graph& graph) const {
  for (Node* node : graph.variables()) {
    if (!Has(node->name())) continue;
    WEFT_ASSIGN_OR_RETURN(Tensor value, Get(node->name()));
    WEFT_RETURN_IF_ERROR(graph.SetLeafValue(node, std::move(value)));
  }
  return absl::OkStatus();
}

std::span<std::byte> State::Flat(std::string_view role) {
  auto it = roles_.find(role);
  if (it == roles_.end()) return {};
  return {it->second.memory.get(), it->second.bytes};
}

size_t State::BytesIn(const VariableLayouts& layouts) const {
  size_t bytes = 0;
  for (const auto& [name, entry] : entries_) {
    const auto wanted = layouts.find(name);
    const Layout& now = entry.layout;
    bytes += AlignedBytes(wanted != layouts.end() ? wanted->second.bytes()
                                                  : Layout::Plain(now.dtype(), now.dims()).bytes());
  }
  return bytes;
}

size_t State::bytes() const {
  size_t bytes = 0;
  for (const auto& [role, flat] : roles_) bytes += flat.bytes;
  return bytes;
}

}  // namespace weft
