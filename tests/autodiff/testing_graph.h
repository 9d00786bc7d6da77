#ifndef WEFT_TESTS_AUTODIFF_TESTING_GRAPH_H_
#define WEFT_TESTS_AUTODIFF_TESTING_GRAPH_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/emitter.h"
#include "graph/op.h"
#include "gtest/gtest.h"
#include "ops/ops.h"
#include "ops/reference.h"

namespace weft {

// The standard ops with `extra` in place of those of their names or besides them.
inline std::unique_ptr<const OpRegistry> RegistryWith(std::vector<OpDef> extra) {
  auto registry = std::make_unique<OpRegistry>();
  for (const OpDef* op : StandardOps().All()) {
    bool replaced = false;
    for (const OpDef& other : extra) replaced = replaced || other.name == op->name;
    if (replaced) continue;
    EXPECT_TRUE(registry->Register(*op).ok());
  }
  for (OpDef& op : extra) EXPECT_TRUE(registry->Register(std::move(op)).ok());
  return registry;
}

// A graph under test, built as nested expressions; feeds are kept beside it.
struct TestGraph {
  TestGraph() : graph(StandardOps()), emitter(graph) {}
  explicit TestGraph(std::vector<OpDef> extra)
      : registry(RegistryWith(std::move(extra))), graph(*registry), emitter(graph) {}
  TestGraph(const TestGraph&) = delete;
  TestGraph& operator=(const TestGraph&) = delete;

  // An input with a feed of `values`.
  Value Input(std::string name, Dims dims, std::vector<double> values) {
    feeds[name] = *Tensor::FromValues<double>(dims, values);
    return *graph.AddInput(std::move(name), {DType::kF64, ToShape(dims)});
  }
  Value Op(std::string_view op, std::vector<Value> inputs, AttributeMap attributes = {}) {
    return emitter.Op(op, std::move(inputs), std::move(attributes));
  }
  // The elements of `value`, by the reference kernels.
  std::vector<double> Run(Value value) {
    EXPECT_TRUE(emitter.ok()) << emitter.status();
    ReferenceEvaluator evaluator;
    absl::StatusOr<std::vector<Tensor>> tensors = evaluator.RunValues(graph, feeds, {{value}});
    EXPECT_TRUE(tensors.ok()) << tensors.status();
    if (!tensors.ok()) return {};
    std::vector<double> result;
    for (int64_t i = 0; i < (*tensors)[0].size(); ++i) result.push_back((*tensors)[0].At(i));
    return result;
  }
  // How many nodes of the op the graph has.
  int Count(std::string_view op) const {
    int count = 0;
    for (const Node& node : graph.nodes()) count += node.op_name() == op;
    return count;
  }

  std::unique_ptr<const OpRegistry> registry;  // of `extra`; null without
  Graph graph;
  Emitter emitter;
  TensorMap feeds;
};

}  // namespace weft

#endif  // WEFT_TESTS_AUTODIFF_TESTING_GRAPH_H_
