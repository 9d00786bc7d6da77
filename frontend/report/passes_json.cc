#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"
#include "passes/ledger.h"

namespace weft {
namespace {

constexpr size_t kMostNamesOfARewrite = 8;

ReportJson WorkJson(const Work& work) {
  return {{"nodes", work.nodes}, {"macs", work.macs}, {"bytes", work.bytes}};
}

// "conv1 (Conv)" each; of many the first, and how many more.
ReportJson NamesJson(const std::vector<std::string>& names, const std::vector<std::string>& ops) {
  ReportJson json = ReportJson::array();
  for (size_t i = 0; i < names.size() && i < kMostNamesOfARewrite; ++i) {
    const bool known = i < ops.size() && !ops[i].empty();
    json.push_back(known ? absl::StrCat(names[i], " (", ops[i], ")") : names[i]);
  }
  if (names.size() > kMostNamesOfARewrite) {
    json.push_back(absl::StrCat(names.size() - kMostNamesOfARewrite, " more"));
  }
  return json;
}

}  // namespace

std::string PassesJson(const PassReport& report) {
  ReportJson rules = ReportJson::array(), rewrites = ReportJson::array(),
             misses = ReportJson::array();
  for (const RuleSummary& rule : report.Summary()) {
    rules.push_back({{"rule", rule.rule},
                     {"times", rule.times},
                     {"before", WorkJson(rule.before)},
                     {"after", WorkJson(rule.after)}});
  }
  for (const Rewrite& rewrite : report.rewrites) {
    // Constants that were computed for a rewrite are part of it.
    if (rewrite.cause || MakesConstantsOnly(rewrite)) continue;
    rewrites.push_back({rewrite.rule, NamesJson(rewrite.sources, rewrite.source_ops),
                        NamesJson(rewrite.results, rewrite.result_ops)});
  }
  for (const NearMiss& miss : report.near_misses) {
    misses.push_back({miss.rule, miss.node, miss.condition});
  }
  return JsonText({{"before", WorkJson(report.before)},
                   {"after", WorkJson(report.after)},
                   {"rules", rules},
                   {"rewrites", rewrites},
                   {"near_misses", misses}});
}

}  // namespace weft
