#include "passes/memory/forecast.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weft {
namespace {

size_t At(int i) { return static_cast<size_t>(i); }

double Positive(double x) { return std::max(x, 0.0); }

}  // namespace

RecomputationForecast::RecomputationForecast(const Recomputation& recomputation,
                                             Recomputation::Choice choice, size_t limit)
    : r_(recomputation), choice_(std::move(choice)) {
  const std::vector<Recomputation::Turn> order = r_.Order(choice_);
  Recomputation::Lives lives = r_.LivesOf(order, choice_);
  for (const size_t bytes : r_.BytesByTurn(order, choice_, lives)) {
    beyond_.push_back(static_cast<double>(bytes) - static_cast<double>(limit));
    excess_ += Positive(beyond_.back());
  }
  const auto is_beyond = [](double b) { return b > 0; };
  low_ = static_cast<int>(std::ranges::find_if(beyond_, is_beyond) - beyond_.begin());
  high_ = std::max(
      low_,
      static_cast<int>(beyond_.rend() - std::find_if(beyond_.rbegin(), beyond_.rend(), is_beyond)));
  root_ = std::move(lives.root);
  last_ = std::move(lives.last);
  const size_t nodes = r_.nodes_.size(), values = r_.values_.size();
  again_at_.assign(nodes, -1);
  demand_.assign(nodes, 0);
  forward_last_.assign(2 * values, -1);
  late_first_.assign(values, -1);
  late_last_.assign(values, -1);
  readings_.assign(values, 0);
  sibling_.resize(values);
  std::iota(sibling_.begin(), sibling_.end(), 0);
  for (size_t t = 0; t < order.size(); ++t) {
    const Recomputation::Turn& turn = order[t];
    const int now = static_cast<int>(t);
    const bool is_late = turn.again || !r_.nodes_[At(turn.node)].forward;
    if (turn.again) again_at_[At(turn.node)] = now;
    for (const int v : r_.InputsOf(turn)) {
      if (v < 0) continue;
      const bool reads_again = r_.ReadBy(turn, v, choice_) != v;
      if (reads_again) {
        ++demand_[At(r_.values_[At(v)].node)];
        ++readings_[At(v)];
      } else if (is_late) {
        if (late_first_[At(v)] < 0) late_first_[At(v)] = now;
        late_last_[At(v)] = now;
      } else {
        forward_last_[At(root_[At(v)])] = now;
      }
    }
    for (int i = 0; !turn.again && i < r_.CountOutputs(turn); ++i) {
      const int v = r_.OutputOf(turn, i), root = root_[At(v)];
      forward_last_[At(root)] = now;
      if (root == v) continue;
      sibling_[At(v)] = std::exchange(sibling_[At(root)], v);
    }
  }
}

RecomputationForecast::Between RecomputationForecast::WaitOf(int v, int turn) const {
  int first = forward_last_[At(root_[At(v)])];
  for (int s = sibling_[At(v)]; s != v; s = sibling_[At(s)]) {
    first = std::max(first, late_last_[At(s)]);
  }
  return {first, turn};
}

double RecomputationForecast::Change(Between turns, double bytes) const {
  // Less memory changes nothing where there is no excess.
  const int begin = bytes < 0 ? std::max(turns.first + 1, low_) : turns.first + 1;
  const int end = bytes < 0 ? std::min(turns.last, high_) : turns.last;
  double change = 0;
  for (int t = begin; t < end; ++t) {
    change += Positive(beyond_[At(t)] + bytes) - Positive(beyond_[At(t)]);
  }
  return change;
}

void RecomputationForecast::Apply(Between turns, double bytes) {
  excess_ += Change(turns, bytes);
  for (int t = turns.first + 1; t < turns.last; ++t) beyond_[At(t)] += bytes;
  if (bytes < 0) return;
  low_ = std::min(low_, turns.first + 1);
  high_ = std::max(high_, turns.last);
}

RecomputationForecast::Chain RecomputationForecast::ChainOf(int v, int turn) const {
  Chain chain;
  if (again_at_[At(r_.values_[At(v)].node)] < 0) chain.nodes.push_back(r_.values_[At(v)].node);
  for (size_t i = 0; i < chain.nodes.size(); ++i) {
    const Recomputation::NodeInfo& info = r_.nodes_[At(chain.nodes[i])];
    chain.work += info.work;
    for (const int u : info.again) {
      if (u < 0) continue;
      const int node = r_.values_[At(u)].node, at = again_at_[At(node)];
      if (r_.IsThere(u, choice_)) {
        chain.reads.push_back(u);
        const int root = root_[At(u)], last = last_[At(root)];
        if (last < turn) chain.extensions.push_back({{last, turn}, r_.BytesAt(root)});
      } else if (at > turn) {
        chain.extensions.push_back({{turn, at}, r_.BytesAt(u)});
      } else if (at < 0 && std::ranges::find(chain.nodes, node) == chain.nodes.end()) {
        chain.nodes.push_back(node);
      }
    }
  }
  return chain;
}

double RecomputationForecast::GainOf(int v) const {
  const int turn = late_first_[At(v)];
  if (turn < 0) return 0;
  const auto bytes = static_cast<double>(r_.BytesAt(root_[At(v)]));
  double saved = -Change(WaitOf(v, turn), -bytes);
  if (saved == 0) return 0;
  const Chain chain = ChainOf(v, turn);
  for (const Extension& e : chain.extensions) {
    saved -= Change(e.turns, static_cast<double>(e.bytes));
  }
  return saved / std::max(chain.work, 1.0);
}

void RecomputationForecast::Choose(int v) {
  const int turn = late_first_[At(v)];
  Apply(WaitOf(v, turn), -static_cast<double>(r_.BytesAt(root_[At(v)])));
  const Chain chain = ChainOf(v, turn);
  for (const Extension& e : chain.extensions) Apply(e.turns, static_cast<double>(e.bytes));
  for (const int node : chain.nodes) again_at_[At(node)] = turn;
  for (const int u : chain.reads) {
    int& last = last_[At(root_[At(u)])];
    last = std::max(last, turn);
    late_last_[At(u)] = std::max(late_last_[At(u)], turn);
    late_first_[At(u)] = late_first_[At(u)] < 0 ? turn : std::min(late_first_[At(u)], turn);
  }
  choice_[At(v)] = true;
  late_first_[At(v)] = late_last_[At(v)] = -1;
}

double RecomputationForecast::LossOf(int v) const {
  const int turn = again_at_[At(r_.values_[At(v)].node)];
  return Change(WaitOf(v, turn), static_cast<double>(r_.BytesAt(root_[At(v)])));
}

void RecomputationForecast::VisitOnlyFor(int v, const std::function<void(int node)>& visit) const {
  // Readings that go away, by node.
  std::vector<std::pair<int, int>> gone = {{r_.values_[At(v)].node, readings_[At(v)]}};
  for (size_t i = 0; i < gone.size(); ++i) {
    const auto [node, readings] = gone[i];
    if (readings < demand_[At(node)]) continue;
    visit(node);
    for (const int u : r_.nodes_[At(node)].again) {
      if (u < 0 || r_.IsThere(u, choice_)) continue;
      const int source = r_.values_[At(u)].node;
      const auto it = std::find_if(gone.begin() + static_cast<ptrdiff_t>(i) + 1, gone.end(),
                                   [&](const auto& g) { return g.first == source; });
      it == gone.end() ? gone.push_back({source, 1}) : void(++it->second);
    }
  }
}

double RecomputationForecast::WorkSavedBy(int v) const {
  double work = 0;
  VisitOnlyFor(v, [&](int node) { work += r_.nodes_[At(node)].work; });
  return work;
}

void RecomputationForecast::Keep(int v) {
  const int node = r_.values_[At(v)].node;
  Apply(WaitOf(v, again_at_[At(node)]), static_cast<double>(r_.BytesAt(root_[At(v)])));
  late_last_[At(v)] = late_first_[At(v)] = again_at_[At(node)];
  choice_[At(v)] = false;
}

}  // namespace weft
