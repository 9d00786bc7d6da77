#include "passes/pass_context.h"

#include <algorithm>
#include <unordered_set>

#include "absl/strings/str_cat.h"

namespace weft {
namespace {

// A chain of rewrites, each of what the one before made, would name sources by the square of its
// length.
constexpr size_t kMostSources = 64;

// Whether to verify the graph after rewrite number `index`. Unasked, debug builds do it so seldom
// in large graphs that it takes time for the rewrites, not for their product with the nodes.
bool IsToVerify(const PassOptions& options, const Graph& graph, int index) {
#ifdef NDEBUG
  (void)graph, (void)index;
  return options.verify_each;
#else
  constexpr int kAlways = 1000;  // nodes
  return options.verify_each || index % (1 + graph.size() / kAlways) == 0;
#endif
}

}  // namespace

absl::Status PassContext::Begin() {
  if (options_.explain) ledger_.emplace(graph_, *options_.costs);
  if (ledger_) report_.before = ledger_->total();
  if (options_.replay.wanted()) {
    WEFT_ASSIGN_OR_RETURN(replay_, Replay::Create(graph_, options_));
  }
  return absl::OkStatus();
}

PassReport PassContext::TakeReport() {
  if (ledger_) report_.after = ledger_->total();
  report_.replayed = replay_ != nullptr;
  if (replay_ != nullptr) report_.error = replay_->OutputError();
  return std::move(report_);
}

Provenance PassContext::From(std::string_view rule, std::span<Node* const> nodes) {
  Provenance result{std::string(rule), {}};
  std::unordered_set<std::string_view> seen;
  const auto add = [&](const std::string& name) {
    if (result.sources.size() >= kMostSources) return;
    if (seen.insert(name).second) result.sources.push_back(name);
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

double PassContext::ToleranceOf(const std::string& rule) const {
  const auto stated = options_.lossy.find(rule);
  const double tolerance = options_.replay.tolerance;
  return stated == options_.lossy.end() ? tolerance : std::max(tolerance, stated->second);
}

void PassContext::TakeBack(const std::string& rule, const Replay::Verdict& verdict,
                           Graph::Transaction& change) {
  replay_->Drop();
  change.Revert();
  NearMiss miss{rule, verdict.where->name(),
                absl::StrCat("error ", *verdict.error, " is beyond ", ToleranceOf(rule))};
  for (const NearMiss& noted : report_.near_misses) {
    if (noted.rule == rule && noted.node == miss.node) return;
  }
  report_.near_misses.push_back(std::move(miss));
  ++report_.taken_back;
}

absl::Status PassContext::Record(const Provenance& from, std::span<Node* const> results,
                                 Graph::Transaction& change) {
  if (IsToVerify(options_, graph_, rewrites())) {
    WEFT_RETURN_IF_ERROR(Annotate(graph_.Verify(), absl::StrCat("after ", from.rule)));
  }
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
  const Changes changes = change.changes();
  if (replay_ != nullptr) {
    const Replay::Verdict verdict = replay_->Judge(changes);
    if (verdict.error && *verdict.error > ToleranceOf(from.rule)) {
      TakeBack(from.rule, verdict, change);
      return absl::OkStatus();
    }
    rewrite.error = verdict.error;
    replay_->Keep(changes, verdict);
  }
  if (ledger_) ledger_->Enter(changes, report_.rewrites.size(), &rewrite);
  report_.rewrites.push_back(std::move(rewrite));
  report_.looks += news_.Announce(changes);
  change.Commit();
  return absl::OkStatus();
}

void PassContext::Commit(Graph::Transaction& change) {
  const Changes changes = change.changes();
  if (replay_ != nullptr) replay_->Forget(changes);
  if (ledger_) ledger_->Enter(changes, 0, nullptr);
  report_.looks += news_.Announce(changes);
  change.Commit();
}

void PassContext::AddNearMiss(std::string_view rule, const Node& node, std::string condition) {
  std::vector<NearMiss>& all = report_.near_misses;
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (it->rule != rule || it->node != node.name()) break;
    if (it->condition == condition) return;
  }
  all.push_back({std::string(rule), node.name(), std::move(condition)});
}

}  // namespace weft
