#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "passes/passes.h"

namespace weft {
namespace {

std::string Join(const std::vector<std::string>& names, const std::vector<std::string>& ops) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < names.size(); ++i) {
    const bool known = i < ops.size() && !ops[i].empty();
    parts.push_back(known ? absl::StrCat(names[i], " (", ops[i], ")") : names[i]);
  }
  return parts.empty() ? "nothing" : absl::StrJoin(parts, " + ");
}

}  // namespace

std::string PassReport::ToString() const {
  std::string text;
  for (const Rewrite& r : rewrites) {
    absl::StrAppend(&text, r.rule, ": ", Join(r.sources, r.source_ops), " -> ",
                    Join(r.results, r.result_ops), "\n");
  }
  for (const NearMiss& miss : near_misses) {
    absl::StrAppend(&text, "near-miss: ", miss.rule, " at ", miss.node, ": ", miss.condition, "\n");
  }
  return text;
}

}  // namespace weft
