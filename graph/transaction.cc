#include "graph/transaction.h"

#include <algorithm>
#include <utility>

namespace weft {

// How to take back each change since the outermost open transaction began, latest last.
struct Graph::Log {
  std::vector<std::function<void()>> undo;
  Changes changes;
  int open = 0;  // transactions
};

Graph::Graph(const OpRegistry& registry) : registry_(&registry) {}
Graph::Graph(Graph&&) noexcept = default;
Graph& Graph::operator=(Graph&&) noexcept = default;
Graph::~Graph() = default;

void Graph::Remember(std::function<void()> undo) { log_->undo.push_back(std::move(undo)); }

void Graph::NoteChanged(Node* node) {
  if (log_ != nullptr) log_->changes.changed.push_back(node);
}
void Graph::NoteRenamed(Node* node) {
  if (log_ != nullptr) log_->changes.renamed.push_back(node);
}
void Graph::NoteUnread(Value value) {
  if (log_ != nullptr && value) log_->changes.unread.push_back(value);
}
void Graph::NoteRemoved(Node* node) {
  if (log_ != nullptr) log_->changes.removed.push_back(node);
}

Graph::Transaction::Transaction(Graph& graph)
    : graph_(&graph), insertion_point_(graph.insertion_point_) {
  if (graph.log_ == nullptr) graph.log_ = std::make_unique<Log>();
  const Log& log = *graph.log_;
  ++graph.log_->open;
  undo_ = log.undo.size();
  changed_ = log.changes.changed.size();
  renamed_ = log.changes.renamed.size();
  unread_ = log.changes.unread.size();
  removed_ = log.changes.removed.size();
}

Changes Graph::Transaction::changes() const {
  const auto since = [](const auto& all, size_t mark) {
    return std::vector(all.begin() + static_cast<std::ptrdiff_t>(mark), all.end());
  };
  const auto is_gone = [](const Node* node) { return node->position_ == 0; };
  const Changes& all = graph_->log_->changes;
  Changes result{since(all.changed, changed_), since(all.renamed, renamed_),
                 since(all.unread, unread_), since(all.removed, removed_)};
  std::erase_if(result.changed, is_gone);
  std::erase_if(result.renamed, is_gone);
  std::erase_if(result.unread, [&](const Value& v) { return is_gone(v.node); });
  return result;
}

void Graph::Transaction::Commit() {
  if (graph_ != nullptr) End();
}

void Graph::Transaction::Revert() {
  if (graph_ == nullptr) return;
  Log& log = *graph_->log_;
  while (log.undo.size() > undo_) {
    log.undo.back()();
    log.undo.pop_back();
  }
  log.changes.changed.resize(changed_);
  log.changes.renamed.resize(renamed_);
  log.changes.unread.resize(unread_);
  log.changes.removed.resize(removed_);
  graph_->insertion_point_ = insertion_point_;
  End();
}

void Graph::Transaction::End() {
  Graph& graph = *std::exchange(graph_, nullptr);
  if (--graph.log_->open > 0) return;
  graph.log_.reset();
  graph.ReleaseRemoved();
}

}  // namespace weft
