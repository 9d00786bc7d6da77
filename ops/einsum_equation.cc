#include <algorithm>
#include <cctype>
#include <optional>

#include "ops/broadcast.h"
#include "ops/einsum.h"

namespace weft {
namespace {

// One comma-separated part of an equation.
struct Term {
  Labels letters;
  std::optional<size_t> ellipsis = {};  // where among the letters
};

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  // OPERANDS or OPERANDS->RESULT; false for the second where there is no arrow.
  absl::StatusOr<std::vector<Term>> Operands() {
    std::vector<Term> terms;
    do {
      WEFT_ASSIGN_OR_RETURN(terms.emplace_back(), ReadTerm());
    } while (Take(","));
    return terms;
  }
  absl::StatusOr<std::optional<Term>> Result() {
    std::optional<Term> result;
    if (Take("->")) {
      WEFT_ASSIGN_OR_RETURN(result, ReadTerm());
    }
    if (at_ < text_.size()) return Refused("the end, a letter, \"...\", \",\" or \"->\"");
    return result;
  }

 private:
  absl::StatusOr<Term> ReadTerm() {
    Term term;
    while (true) {
      SkipSpaces();
      const bool letter =
          at_ < text_.size() && std::isalpha(static_cast<unsigned char>(text_[at_]));
      if (letter) {
        term.letters.push_back(text_[at_++]);
      } else if (at_ < text_.size() && text_[at_] == '.') {
        if (term.ellipsis || text_.substr(at_, 3) != "...") {
          return Refused(term.ellipsis ? "one ellipsis an operand" : "an ellipsis of three dots");
        }
        term.ellipsis = term.letters.size();
        at_ += 3;
      } else {
        return term;
      }
    }
  }

  bool Take(std::string_view token) {
    SkipSpaces();
    if (text_.substr(at_, token.size()) != token) return false;
    at_ += token.size();
    return true;
  }

  void SkipSpaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  absl::Status Refused(std::string_view expected) const {
    return absl::InvalidArgumentError(absl::StrCat("equation \"", Absl(text_), "\": expected ",
                                                   Absl(expected), " at position ", at_, ", got \"",
                                                   Absl(text_.substr(at_, 8)), "\""));
  }

  std::string_view text_;
  size_t at_ = 0;
};

// The labels of a term whose ellipsis stands for the last `covered` of `longest` axes.
Labels Expand(const Term& term, int covered, int longest) {
  Labels labels = term.letters;
  if (!term.ellipsis) return labels;
  Labels axes(static_cast<size_t>(covered));
  for (int i = 0; i < covered; ++i) {
    axes[static_cast<size_t>(i)] = kFirstEllipsisLabel + longest - covered + i;
  }
  labels.insert(labels.begin() + static_cast<std::ptrdiff_t>(*term.ellipsis), axes.begin(),
                axes.end());
  return labels;
}

// Without an arrow: the ellipsis, then the letters that appear once, sorted.
Term ImplicitResult(const std::vector<Term>& operands) {
  Labels all;
  Term result;
  for (const Term& term : operands) {
    all.insert(all.end(), term.letters.begin(), term.letters.end());
    if (term.ellipsis) result.ellipsis = 0;
  }
  std::sort(all.begin(), all.end());
  for (Label label : all) {
    if (std::count(all.begin(), all.end(), label) == 1) result.letters.push_back(label);
  }
  return result;
}

absl::Status CheckResult(const Term& result, const std::vector<Term>& operands) {
  for (Label label : result.letters) {
    const bool once = std::count(result.letters.begin(), result.letters.end(), label) == 1;
    const bool known = std::any_of(operands.begin(), operands.end(),
                                   [&](const Term& term) { return HasLabel(term.letters, label); });
    if (once && known) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("expected labels of operands, once each, in the result, got ",
                     LabelName(label), once ? " that no operand has" : " twice"));
  }
  return absl::OkStatus();
}

}  // namespace

std::string LabelName(Label label) {
  return label >= kFirstEllipsisLabel ? "..." : std::string(1, static_cast<char>(label));
}

bool HasLabel(const Labels& labels, Label label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

absl::StatusOr<EinsumEquation> ParseEinsum(std::string_view equation, std::span<const int> ranks) {
  Parser parser(equation);
  WEFT_ASSIGN_OR_RETURN(const std::vector<Term> operands, parser.Operands());
  WEFT_ASSIGN_OR_RETURN(const std::optional<Term> explicit_result, parser.Result());
  if (operands.size() != ranks.size()) {
    return absl::InvalidArgumentError(absl::StrCat("equation \"", Absl(equation), "\": expected ",
                                                   operands.size(), " operands, got ",
                                                   ranks.size()));
  }
  std::vector<int> covered;  // axes that each ellipsis stands for
  for (size_t i = 0; i < operands.size(); ++i) {
    const int letters = static_cast<int>(operands[i].letters.size());
    covered.push_back(ranks[i] - letters);
    if (operands[i].ellipsis ? covered[i] >= 0 : covered[i] == 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("equation \"", Absl(equation), "\": expected operand ", i, " of ",
                     operands[i].ellipsis ? "at least " : "", letters, " axes, got ", ranks[i]));
  }
  const int longest = *std::max_element(covered.begin(), covered.end());
  EinsumEquation result;
  for (size_t i = 0; i < operands.size(); ++i) {
    result.operands.push_back(Expand(operands[i], covered[i], longest));
  }
  const Term term = explicit_result ? *explicit_result : ImplicitResult(operands);
  WEFT_RETURN_IF_ERROR(CheckResult(term, operands));
  result.result = Expand(term, longest, longest);
  return result;
}

int64_t EinsumView::StrideOf(Label label) const {
  const auto it = std::find(labels.begin(), labels.end(), label);
  return it == labels.end() ? 0 : strides[static_cast<size_t>(it - labels.begin())];
}

EinsumViews ViewEinsum(const EinsumEquation& equation, std::span<const Dims> operands,
                       const Dims& result) {
  const auto extent_of = [&](Label label) {
    int64_t extent = 1;
    for (size_t i = 0; i < operands.size(); ++i) {
      for (size_t axis = 0; axis < operands[i].size(); ++axis) {
        if (equation.operands[i][axis] == label && operands[i][axis] != 1) {
          extent = operands[i][axis];
        }
      }
    }
    return extent;
  };
  EinsumViews views;
  for (size_t i = 0; i < operands.size(); ++i) {
    EinsumView& view = views.operands.emplace_back();
    const std::vector<int64_t> strides = RowMajorStrides(operands[i]);
    for (size_t axis = 0; axis < strides.size(); ++axis) {
      const Label label = equation.operands[i][axis];
      if (operands[i][axis] == 1 && extent_of(label) != 1) continue;  // broadcast
      const auto it = std::find(view.labels.begin(), view.labels.end(), label);
      if (it != view.labels.end()) {
        view.strides[static_cast<size_t>(it - view.labels.begin())] += strides[axis];
        continue;
      }
      view.labels.push_back(label);
      view.dims.push_back(operands[i][axis]);
      view.strides.push_back(strides[axis]);
    }
  }
  views.result = {equation.result, result, RowMajorStrides(result)};
  return views;
}

EinsumView DenseView(const Labels& labels, std::span<const EinsumView> from) {
  EinsumView view{labels, {}, {}};
  for (Label label : labels) {
    for (const EinsumView& source : from) {
      const auto it = std::find(source.labels.begin(), source.labels.end(), label);
      if (it == source.labels.end()) continue;
      view.dims.push_back(source.dims[static_cast<size_t>(it - source.labels.begin())]);
      break;
    }
  }
  view.strides = RowMajorStrides(view.dims);
  return view;
}

absl::StatusOr<int64_t> CountElements(const EinsumView& view) {
  int64_t count = 1;
  for (int64_t extent : view.dims) {
    // A zero among the dims does not excuse the others, as for a tensor.
    const int64_t counted = std::max<int64_t>(extent, 1);
    if (__builtin_mul_overflow(count, counted, &count) || count > kMaxElements) {
      return absl::InvalidArgumentError(absl::StrCat("expected intermediate results of at most ",
                                                     kMaxElements, " elements, got one of dims ",
                                                     ToString(view.dims)));
    }
  }
  return std::find(view.dims.begin(), view.dims.end(), 0) == view.dims.end() ? count : 0;
}

Labels LoneLabels(const EinsumViews& views, size_t i) {
  Labels lone;
  for (Label label : views.operands[i].labels) {
    bool shared = HasLabel(views.result.labels, label);
    for (size_t other = 0; other < views.operands.size(); ++other) {
      shared |= other != i && HasLabel(views.operands[other].labels, label);
    }
    if (!shared) lone.push_back(label);
  }
  return lone;
}

}  // namespace weft
