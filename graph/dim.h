#ifndef WEFT_GRAPH_DIM_H_
#define WEFT_GRAPH_DIM_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/status.h"

namespace weft {

// Values for symbols: {"N", 32}.
using SymbolBindings = std::map<std::string, int64_t, std::less<>>;

// The extent of one axis: a non-negative integer times a product of named symbols, as in 28, N,
// 64*N, N*T. Equality is exact; arithmetic that would leave this form says so with nullopt.
class Dim {
 public:
  Dim() = default;
  // Compiled once, in dim.cc.
  Dim(const Dim&);
  Dim(Dim&&) noexcept = default;
  Dim& operator=(const Dim&);
  Dim& operator=(Dim&&) noexcept = default;
  ~Dim();
  Dim(int64_t value) : coefficient_(value) {}  // NOLINT: an integer is a Dim.
  static Dim Symbol(std::string name);

  bool is_static() const { return symbols_.empty(); }
  // The integer of a static dim; the integer factor of a symbolic one.
  int64_t coefficient() const { return coefficient_; }
  // Sorted; a square is a symbol named twice.
  const std::vector<std::string>& symbols() const { return symbols_; }

  std::string ToString() const;
  static absl::StatusOr<Dim> Parse(std::string_view text);

  friend bool operator==(const Dim& a, const Dim& b);

  // a * b; nullopt on overflow of 64 bits.
  static std::optional<Dim> Multiply(const Dim& a, const Dim& b);
  // a / b where that is exact for every value of the symbols: 128*N / (2*N) is 64.
  static std::optional<Dim> DivideExactly(const Dim& a, const Dim& b);
  // a + b where both are static or both multiples of the same symbols: 2*N + N is 3*N.
  static std::optional<Dim> Add(const Dim& a, const Dim& b);

  // Puts values in for the symbols that `bindings` names. Errors: a negative value, overflow.
  absl::StatusOr<Dim> Substitute(const SymbolBindings& bindings) const;

 private:
  int64_t coefficient_ = 0;
  std::vector<std::string> symbols_;
};

}  // namespace weft

#endif  // WEFT_GRAPH_DIM_H_
