#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/exec/executable.h"

namespace weft {
namespace {

size_t Aligned(size_t bytes) {
  return (bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
}

absl::Status Unknown(std::string_view name) {
  return absl::NotFoundError(
      absl::StrCat("the state has no variable called '", std::string(name), "'"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<State>> State::Create(const Graph& graph) {
  auto state = std::make_unique<State>();
  const std::vector<Node*> variables = graph.variables();
  for (const Node* node : variables) {
    Flatness& flat = state->roles_[VariableRole(*node)];
    const size_t bytes = LeafValue(*node).bytes();
    state->entries_[node->name()] = {node->type(), VariableRole(*node), flat.bytes, bytes};
    flat.bytes += Aligned(bytes);
  }
  for (auto& [role, flat] : state->roles_) {
    flat.memory = AllocateAligned(flat.bytes);
    if (flat.memory == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("not enough memory for ", flat.bytes, " bytes of variables (", role, ")"));
    }
  }
  for (const Node* node : variables) {
    WEFT_RETURN_IF_ERROR(state->Set(node->name(), LeafValue(*node)));
  }
  return state;
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

absl::StatusOr<Tensor> State::Get(std::string_view name) const {
  auto it = entries_.find(name);
  if (it == entries_.end()) return Unknown(name);
  WEFT_ASSIGN_OR_RETURN(Dims dims, StaticDims(it->second.type.shape));
  return Tensor::FromBytes(it->second.type.dtype, std::move(dims),
                           {Address(name), it->second.bytes});
}

absl::Status State::Set(std::string_view name, const Tensor& value) {
  auto it = entries_.find(name);
  if (it == entries_.end()) return Unknown(name);
  if (value.is_empty() || value.type() != it->second.type) {
    return absl::InvalidArgumentError(
        absl::StrCat("variable ", it->first, ": expected ", ToString(it->second.type), ", got ",
                     value.is_empty() ? "an empty tensor" : ToString(value.type())));
  }
  if (value.bytes() > 0) std::memcpy(Address(name), value.data(), value.bytes());
  return absl::OkStatus();
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

size_t State::bytes() const {
  size_t bytes = 0;
  for (const auto& [role, flat] : roles_) bytes += flat.bytes;
  return bytes;
}

}  // namespace weft
