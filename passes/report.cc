#include <algorithm>
#include <map>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "graph/number_text.h"
#include "passes/clean/clean.h"
#include "passes/ledger.h"
#include "passes/passes.h"

namespace weft {
namespace {

constexpr size_t kMostNames = 8;  // of one line

std::string Signed(std::string text) { return text[0] == '-' ? text : "+" + text; }

std::string WholeText(const Work& before, const Work& after) {
  return absl::StrCat("nodes ", WithCommas(before.nodes), " -> ", WithCommas(after.nodes),
                      ", MACs ", WithCommas(before.macs), " -> ", WithCommas(after.macs),
                      ", bytes moved ", BytesText(before.bytes), " -> ", BytesText(after.bytes),
                      "\n");
}

std::string RuleText(const RuleSummary& rule) {
  const std::string times = absl::StrCat("  ", rule.rule, " x ", rule.times);
  if (rule.after == rule.before) return times + "\n";
  return absl::StrCat(times, ": nodes ", Signed(WithCommas(rule.after.nodes - rule.before.nodes)),
                      ", MACs ", Signed(WithCommas(rule.after.macs - rule.before.macs)),
                      ", bytes moved ", Signed(BytesText(rule.after.bytes - rule.before.bytes)),
                      "\n");
}

std::string ReplayText(const PassReport& report) {
  return absl::StrCat(
      "  replayed: ",
      report.error ? absl::StrCat("error of the outputs ", *report.error) : "no outputs to compare",
      ", ", report.taken_back, report.taken_back == 1 ? " rewrite" : " rewrites", " taken back\n");
}

// "a (Conv)", each once.
class Names {
 public:
  void Add(const std::vector<std::string>& names, const std::vector<std::string>& ops) {
    for (size_t i = 0; i < names.size(); ++i) {
      if (!seen_.insert(names[i]).second) continue;
      const bool known = i < ops.size() && !ops[i].empty();
      parts_.push_back(known ? absl::StrCat(names[i], " (", ops[i], ")") : names[i]);
    }
  }
  bool empty() const { return parts_.empty(); }
  size_t size() const { return parts_.size(); }
  std::string Join() const {
    if (parts_.empty()) return "nothing";
    std::vector<std::string> shown = parts_;
    if (shown.size() > kMostNames) {
      shown.resize(kMostNames - 1);
      shown.push_back(absl::StrCat(parts_.size() - shown.size(), " more"));
    }
    return absl::StrJoin(shown, " + ");
  }

 private:
  std::vector<std::string> parts_;
  std::unordered_set<std::string> seen_;
};

// "block1." of block1.conv and of block1.conv/Mul.
std::string ScopeOf(const std::string& name) {
  const std::string layer = name.substr(0, name.find('/'));
  const size_t dot = layer.rfind('.');
  return dot == std::string::npos ? layer.size() < name.size() ? layer : "" : layer.substr(0, dot);
}

// Rewrites that one line tells.
struct Line {
  const Rewrite* first = nullptr;
  Names sources, results;
  Names computed;  // constants that folding made of what the rewrite left
  std::optional<double> error = 0.0;

  void AddError(const Rewrite& rewrite) {
    error = error && rewrite.error ? std::optional(std::max(*error, *rewrite.error)) : std::nullopt;
  }
  void Add(const Rewrite& rewrite) {
    if (first == nullptr) first = &rewrite;
    sources.Add(rewrite.sources, rewrite.source_ops);
    results.Add(rewrite.results, rewrite.result_ops);
    AddError(rewrite);
  }
  std::string ToString(bool replayed) const {
    std::string text = absl::StrCat(first->rule, ": ", sources.Join(), " -> ", results.Join());
    if (!computed.empty()) absl::StrAppend(&text, ", computing ", computed.Join());
    if (replayed)
      absl::StrAppend(&text, error ? absl::StrCat("; error ", *error) : "; not replayed");
    return text + "\n";
  }
};

// Equal constants became one: nothing was computed, whatever their scopes.
bool SharesConstants(const Rewrite& rewrite) {
  return MakesConstantsOnly(rewrite) && rewrite.rule == kMergeCommon;
}

std::vector<Line> LinesOf(const std::vector<Rewrite>& rewrites) {
  std::vector<Line> lines;
  std::vector<size_t> line_of(rewrites.size());
  std::map<std::pair<std::string, std::string>, size_t> regions;  // by rule and scope
  for (size_t i = 0; i < rewrites.size(); ++i) {
    const Rewrite& rewrite = rewrites[i];
    if (rewrite.cause) {
      Line& line = lines[line_of[i] = line_of[*rewrite.cause]];
      line.computed.Add(rewrite.results, {});
      line.AddError(rewrite);
      continue;
    }
    line_of[i] = lines.size();
    const std::string scope = ScopeOf(MakesConstantsOnly(rewrite) ? rewrite.results[0] : "");
    if (const bool shares = SharesConstants(rewrite); shares || !scope.empty()) {
      const auto region = std::pair(rewrite.rule, shares ? "" : scope);
      line_of[i] = regions.try_emplace(region, lines.size()).first->second;
    }
    if (line_of[i] == lines.size()) lines.emplace_back();
    lines[line_of[i]].Add(rewrite);
  }
  return lines;
}

// Near-misses of one rule whose conditions say the same of their nodes: "bn1 is in mode training",
// or the like of other nodes and with other numbers: "conv1 has 2 consumers".
struct MissGroup {
  const NearMiss* first = nullptr;
  std::string condition;  // the first one's: "it is in mode training"
  bool is_alike = true;   // all others are that one
  Names nodes;

  void Add(const NearMiss& miss, const std::string& said) {
    is_alike = is_alike && said == condition;
    nodes.Add({miss.node}, {});
  }

  std::string ToString() const {
    return absl::StrCat("near-miss: ", first->rule, " at ", nodes.Join(), ": ",
                        nodes.size() == 1 ? first->condition : condition,
                        is_alike ? "" : ", and the like", "\n");
  }
};

// The condition with a dash for each name of a node, type or number: a word with a digit, a dot or
// the like inside, as words of a sentence have none.
std::string FormOf(const std::string& condition) {
  std::string form;
  for (absl::string_view word : absl::StrSplit(condition, ' ')) {
    const size_t end = word.find_last_not_of(".,:;");
    word = word.substr(0, end == word.npos ? 0 : end + 1);
    const bool varies = word.find_first_of("0123456789._/[") != word.npos;
    absl::StrAppend(&form, varies ? "-" : word, " ");
  }
  return form;
}

std::vector<MissGroup> GroupsOf(const std::vector<NearMiss>& misses) {
  std::vector<MissGroup> groups;
  std::map<std::pair<std::string, std::string>, size_t> places;
  for (const NearMiss& miss : misses) {
    std::string condition = miss.condition;
    if (condition.starts_with(miss.node + " ")) condition.replace(0, miss.node.size(), "it");
    const auto [it, is_new] = places.try_emplace({miss.rule, FormOf(condition)}, groups.size());
    if (is_new) groups.push_back({.first = &miss, .condition = condition, .nodes = {}});
    groups[it->second].Add(miss, condition);
  }
  return groups;
}

}  // namespace

std::vector<RuleSummary> PassReport::Summary() const {
  std::vector<RuleSummary> rules;
  std::map<std::string_view, size_t> places;
  const auto rule = [&](const Rewrite& rewrite) -> RuleSummary& {
    const auto [it, is_new] = places.try_emplace(rewrite.rule, rules.size());
    if (is_new) rules.push_back({.rule = rewrite.rule});
    return rules[it->second];
  };
  for (const Rewrite& rewrite : rewrites) {
    ++rule(rewrite).times;
    RuleSummary& counted = rule(rewrite.cause ? rewrites[*rewrite.cause] : rewrite);
    AddWork(counted.before, rewrite.before);
    AddWork(counted.after, rewrite.after);
  }
  return rules;
}

std::string PassReport::ToString() const {
  std::string text;
  if (before.nodes > 0) text = WholeText(before, after);
  for (const RuleSummary& rule : Summary()) text += RuleText(rule);
  if (replayed) text += ReplayText(*this);
  for (const Line& line : LinesOf(rewrites)) text += line.ToString(replayed);
  for (const MissGroup& group : GroupsOf(near_misses)) text += group.ToString();
  return text;
}

}  // namespace weft
