#include "frontend/onnx/import/order.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_map>

namespace weft {
namespace {

using Read = std::function<void(const std::string&)>;

// What a body reads of the names around it.
void ForEachOuterRead(const onnx::GraphProto& body, const Read& read) {
  const std::set<std::string> own = OnnxNamesOf(body);
  const Read outer = [&](const std::string& name) {
    if (!own.contains(name)) read(name);
  };
  for (const onnx::NodeProto& node : body.node()) ForEachOnnxRead(node, outer);
  for (const auto& output : body.output()) outer(output.name());
}

// The nodes of a list as a graph of indices.
class NodeGraph {
 public:
  explicit NodeGraph(const OnnxNodes& nodes)
      : readers_(static_cast<size_t>(nodes.size())), waits_for_(readers_.size()) {
    std::unordered_map<std::string, size_t> makers;
    for (size_t i = 0; i < readers_.size(); ++i) {
      for (const std::string& output : nodes[static_cast<int>(i)].output()) {
        if (!output.empty()) makers.emplace(output, i);
      }
    }
    for (size_t i = 0; i < readers_.size(); ++i) {
      ForEachOnnxRead(nodes[static_cast<int>(i)], [&](const std::string& name) {
        auto maker = makers.find(name);
        if (maker == makers.end()) return;
        readers_[maker->second].push_back(i);
        ++waits_for_[i];
      });
    }
  }

  // The nodes that wait for none, and those that wait for these only, lowest index first.
  std::vector<size_t> Sorted() const {
    std::vector<size_t> order, waits_for = waits_for_;
    std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;
    for (size_t i = 0; i < waits_for.size(); ++i) {
      if (waits_for[i] == 0) ready.push(i);
    }
    while (!ready.empty()) {
      const size_t i = ready.top();
      ready.pop();
      order.push_back(i);
      for (size_t reader : readers_[i]) {
        if (--waits_for[reader] == 0) ready.push(reader);
      }
    }
    return order;
  }

  // Of the nodes that `sorted` leaves, those that only wait for a cycle, each after what it reads.
  std::vector<size_t> AfterCycles(const std::vector<bool>& sorted) const {
    std::vector<std::vector<size_t>> makers(readers_.size());
    std::vector<size_t> read_by(readers_.size()), last;
    for (size_t maker = 0; maker < readers_.size(); ++maker) {
      if (sorted[maker]) continue;
      for (size_t reader : readers_[maker]) makers[reader].push_back(maker);
      read_by[maker] = readers_[maker].size();
      if (read_by[maker] == 0) last.push_back(maker);
    }
    for (size_t i = 0; i < last.size(); ++i) {
      for (size_t maker : makers[last[i]]) {
        if (--read_by[maker] == 0) last.push_back(maker);
      }
    }
    std::ranges::reverse(last);
    return last;
  }

 private:
  std::vector<std::vector<size_t>> readers_;
  std::vector<size_t> waits_for_;
};

}  // namespace

std::set<std::string> OnnxNamesOf(const onnx::GraphProto& body) {
  std::set<std::string> own;
  for (const auto& input : body.input()) own.insert(input.name());
  for (const auto& tensor : body.initializer()) own.insert(tensor.name());
  for (const auto& sparse : body.sparse_initializer()) own.insert(sparse.values().name());
  for (const onnx::NodeProto& node : body.node()) {
    own.insert(node.output().begin(), node.output().end());
  }
  return own;
}

int64_t CountOnnxNodes(const onnx::GraphProto& body) {
  int64_t count = body.node_size();
  for (const onnx::NodeProto& node : body.node()) {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (attribute.has_g()) count += CountOnnxNodes(attribute.g());
    }
  }
  return count;
}

void ForEachOnnxRead(const onnx::NodeProto& node, const Read& read) {
  for (const std::string& input : node.input()) {
    if (!input.empty()) read(input);
  }
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.has_g()) ForEachOuterRead(attribute.g(), read);
  }
}

OnnxOrder SortOnnxNodes(const OnnxNodes& nodes) {
  const NodeGraph graph(nodes);
  OnnxOrder order;
  std::vector<bool> sorted(static_cast<size_t>(nodes.size()));
  const auto take = [&](size_t i) {
    sorted[i] = true;
    order.nodes.push_back(&nodes[static_cast<int>(i)]);
  };
  for (size_t i : graph.Sorted()) take(i);
  if (order.nodes.size() == sorted.size()) return order;
  for (size_t i : graph.AfterCycles(sorted)) take(i);
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (!sorted[i]) order.cycles.push_back(&nodes[static_cast<int>(i)]);
  }
  return order;
}

}  // namespace weft
