#ifndef WEFT_RUNTIME_EXEC_STATE_H_
#define WEFT_RUNTIME_EXEC_STATE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "runtime/plan/plan.h"

namespace weft {

// The variables' current values, one flat buffer per role. Shared by all executables of one model:
// training and evaluation plans find variables by name. Each lies row-major until a plan moves it
// into a layout of its kernels'; what callers give and get is row-major all the same. One writer at
// a time; readers may run while nobody writes.
class State {
 public:
  // Takes every variable of `graph` with its initial value.
  static absl::StatusOr<std::unique_ptr<State>> Create(const Graph& graph);

  bool Has(std::string_view name) const;
  std::vector<std::string> names() const;  // sorted
  // A copy. Errors: an unknown name.
  absl::StatusOr<Tensor> Get(std::string_view name) const;
  // Errors: an unknown name, another type.
  absl::Status Set(std::string_view name, const Tensor& value);
  // Writes the current values into the variables of `graph` that have the same names.
  absl::Status StoreTo(Graph& graph) const;

  // Moves the variables into these layouts; those not named become row-major. Addresses found
  // before are void then. Errors: another type than the variable's; not enough memory, in which
  // case nothing has moved.
  absl::Status Move(const VariableLayouts& layouts);
  // The layouts of the last Move, which plans made from then on have to take; null before the
  // first.
  const VariableLayouts* layouts() const { return layouts_ ? &*layouts_ : nullptr; }
  int64_t moves() const { return moves_; }  // how many there have been

  // All bytes of one role, in the order of the names and in the variables' layouts; for fused
  // updates and all-reduce.
  std::span<std::byte> Flat(std::string_view role);
  std::byte* Address(std::string_view name) const;  // null when unknown
  absl::StatusOr<TensorType> Type(std::string_view name) const;
  absl::StatusOr<Layout> LayoutOf(std::string_view name) const;
  size_t bytes() const;
  size_t BytesIn(const VariableLayouts& layouts) const;  // what Move would make of bytes()

 private:
  struct Entry {
    TensorType type;
    std::string role;
    Layout layout;
    size_t offset = 0;  // in the role's buffer
  };
  struct Flatness {
    std::shared_ptr<std::byte> memory;
    size_t bytes = 0;
  };
  // Gives each entry its offset, and each role zeroed memory.
  absl::Status Allocate();

  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, Flatness, std::less<>> roles_;
  std::optional<VariableLayouts> layouts_;
  int64_t moves_ = 0;
};

// The value that lies there in this layout. Errors: not enough memory.
absl::StatusOr<Tensor> RowMajor(const Layout& layout, const std::byte* bytes);

}  // namespace weft

#endif  // WEFT_RUNTIME_EXEC_STATE_H_
