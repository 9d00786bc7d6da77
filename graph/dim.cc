#include "graph/dim.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace weft {

Dim::Dim(const Dim&) = default;
Dim& Dim::operator=(const Dim&) = default;
Dim::~Dim() = default;

bool operator==(const Dim& a, const Dim& b) {
  return a.coefficient_ == b.coefficient_ && a.symbols_ == b.symbols_;
}

Dim Dim::Symbol(std::string name) {
  Dim dim(1);
  dim.symbols_.push_back(std::move(name));
  return dim;
}

std::string Dim::ToString() const {
  if (is_static()) return std::to_string(coefficient_);
  std::string product = absl::StrJoin(symbols_, "*");
  return coefficient_ == 1 ? product : absl::StrCat(coefficient_, "*", product);
}

absl::StatusOr<Dim> Dim::Parse(std::string_view text) {
  Dim result(1);
  for (absl::string_view factor : absl::StrSplit(Absl(text), '*')) {
    if (factor.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a dim such as 28, N or 64*N, got '", Absl(text), "'"));
    }
    Dim part = Symbol(std::string(factor));
    if (factor[0] == '-' || (factor[0] >= '0' && factor[0] <= '9')) {
      int64_t number = 0;
      auto [end, error] = std::from_chars(factor.data(), factor.data() + factor.size(), number);
      if (error != std::errc() || end != factor.data() + factor.size() || number < 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("expected a non-negative integer or a symbol, got '", factor, "'"));
      }
      part = Dim(number);
    }
    std::optional<Dim> product = Multiply(result, part);
    if (!product) return absl::InvalidArgumentError(absl::StrCat(Absl(text), " overflows"));
    result = *product;
  }
  return result;
}

std::optional<Dim> Dim::Multiply(const Dim& a, const Dim& b) {
  Dim result;
  if (__builtin_mul_overflow(a.coefficient_, b.coefficient_, &result.coefficient_)) {
    return std::nullopt;
  }
  if (result.coefficient_ == 0) return result;
  std::merge(a.symbols_.begin(), a.symbols_.end(), b.symbols_.begin(), b.symbols_.end(),
             std::back_inserter(result.symbols_));
  return result;
}

std::optional<Dim> Dim::DivideExactly(const Dim& a, const Dim& b) {
  if (b.coefficient_ <= 0 || a.coefficient_ % b.coefficient_ != 0) return std::nullopt;
  Dim result(a.coefficient_ / b.coefficient_);
  if (result.coefficient_ == 0) return b.is_static() ? std::optional(result) : std::nullopt;
  if (!std::includes(a.symbols_.begin(), a.symbols_.end(), b.symbols_.begin(), b.symbols_.end())) {
    return std::nullopt;
  }
  std::set_difference(a.symbols_.begin(), a.symbols_.end(), b.symbols_.begin(), b.symbols_.end(),
                      std::back_inserter(result.symbols_));
  return result;
}

std::optional<Dim> Dim::Add(const Dim& a, const Dim& b) {
  if (a == Dim(0)) return b;
  if (b == Dim(0)) return a;
  if (a.symbols_ != b.symbols_) return std::nullopt;
  Dim result = a;
  if (__builtin_add_overflow(a.coefficient_, b.coefficient_, &result.coefficient_)) {
    return std::nullopt;
  }
  return result;
}

absl::StatusOr<Dim> Dim::Substitute(const SymbolBindings& bindings) const {
  Dim result(coefficient_);
  for (const std::string& symbol : symbols_) {
    auto it = bindings.find(symbol);
    if (it != bindings.end() && it->second < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("symbol ", symbol, " must not be negative, got ", it->second));
    }
    std::optional<Dim> product =
        Multiply(result, it == bindings.end() ? Symbol(symbol) : Dim(it->second));
    if (!product) {
      return absl::InvalidArgumentError(absl::StrCat("dim ", ToString(), " overflows 64 bits"));
    }
    result = *product;
  }
  return result;
}

}  // namespace weft
