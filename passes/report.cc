#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "passes/pass.h"

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

bool VerifyEach(const PassOptions& options) {
#ifdef NDEBUG
  return options.verify_each;
#else
  (void)options;
  return true;
#endif
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

PassReport PassContext::TakeReport() {
  // What one pass could not take another may have taken since.
  std::erase_if(report_.near_misses,
                [&](const NearMiss& miss) { return graph_.Find(miss.node) == nullptr; });
  return std::move(report_);
}

Provenance PassContext::From(std::string_view rule, std::span<Node* const> nodes) {
  Provenance result{std::string(rule), {}};
  auto add = [&](const std::string& name) {
    auto& sources = result.sources;
    if (std::find(sources.begin(), sources.end(), name) == sources.end()) sources.push_back(name);
  };
  for (const Node* node : nodes) {
    if (node->provenance().sources.empty()) {
      add(node->name());
      original_ops_.try_emplace(node->name(), node->op_name());
    }
    for (const std::string& source : node->provenance().sources) add(source);
  }
  return result;
}

absl::Status PassContext::Record(const Provenance& from, std::span<Node* const> results) {
  Rewrite rewrite;
  rewrite.rule = from.rule;
  rewrite.sources = from.sources;
  for (const std::string& source : from.sources) {
    auto it = original_ops_.find(source);
    rewrite.source_ops.push_back(it == original_ops_.end() ? "" : it->second);
  }
  for (const Node* node : results) {
    rewrite.results.push_back(node->name());
    rewrite.result_ops.emplace_back(node->op_name());
  }
  report_.rewrites.push_back(std::move(rewrite));
  if (!VerifyEach(options_)) return absl::OkStatus();
  return Annotate(graph_.Verify(), absl::StrCat("after ", from.rule));
}

void PassContext::AddNearMiss(std::string_view rule, const Node& node, std::string condition) {
  for (const NearMiss& miss : report_.near_misses) {
    if (miss.rule == rule && miss.node == node.name() && miss.condition == condition) return;
  }
  report_.near_misses.push_back({std::string(rule), node.name(), std::move(condition)});
}

void PassContext::ForgetNearMisses(std::string_view rule) {
  std::erase_if(report_.near_misses, [&](const NearMiss& miss) { return miss.rule == rule; });
}

}  // namespace weft
