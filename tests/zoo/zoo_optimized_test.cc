// What the passes leave of every network of the zoo.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "frontend/weft.h"
#include "tests/cases/golden.h"
#include "tests/zoo/testing_zoo.h"

namespace weft {
namespace {

using ::testing::IsSubsetOf;

using OpCounts = std::map<std::string, int>;

// Nodes by op, without the leaves.
OpCounts CountOps(const Graph& graph) {
  OpCounts counts;
  for (const Node& node : graph.nodes()) {
    if (node.num_inputs() > 0) ++counts[std::string(node.op_name())];
  }
  return counts;
}

struct Forms {
  OpCounts before, after;
};

Forms FormsOf(const ZooEntry& entry) {
  Model model = SmallNetwork(entry);
  DrawNorms(model.graph);
  const auto plain = Session::Create(model, {.threads = kTestThreads, .optimize = false}).value();
  const auto optimized = Session::Create(model, {.threads = kTestThreads}).value();
  return {CountOps(plain->graph()), CountOps(optimized->graph())};
}

Forms FormsOf(std::string_view name) { return FormsOf(**FindNetwork(name)); }

std::string ToString(const OpCounts& counts) {
  int all = 0;
  for (const auto& [op, count] : counts) all += count;
  return absl::StrCat(all, " (", absl::StrJoin(counts, ", ", absl::PairFormatter(" ")), ")");
}

TEST(ZooOptimized, OpsBeforeAndAfterAreThoseOfTheTable) {
  std::string table;
  for (const ZooEntry& entry : Zoo()) {
    const Forms forms = FormsOf(entry);
    absl::StrAppend(&table, entry.name, ": ", ToString(forms.before), " -> ", ToString(forms.after),
                    "\n");
  }
  ExpectGolden("zoo_optimized", table);
}

std::set<std::string> OpsLeft(std::string_view network) {
  std::set<std::string> ops;
  for (const auto& [op, count] : FormsOf(network).after) ops.insert(op);
  return ops;
}

void ExpectNoneLeft(std::string_view network, const std::vector<std::string>& unwanted) {
  const std::set<std::string> left = OpsLeft(network);
  for (const std::string& op : unwanted) EXPECT_FALSE(left.contains(op)) << network << ": " << op;
}

const std::vector<std::string>& Activations() {
  static const auto& names = *[] {
    auto* all = new std::vector<std::string>{"Clip"};
    for (const OpDef* op : StandardOps().All()) {
      if (op->traits.activation) all->emplace_back(op->name);
    }
    return all;
  }();
  return names;
}

TEST(ZooOptimized, WhatFollowsAConvolutionBecomesPartOfIt) {
  EXPECT_THAT(OpsLeft("resnet50"), IsSubsetOf({"Conv", "FusedConv", "MaxPool", "ReduceMean", "Gemm",
                                               "Flatten", "Reshape"}));
  ExpectNoneLeft("mobilenet_v2", {"BatchNormalization"});
  ExpectNoneLeft("mobilenet_v2", Activations());
  ExpectNoneLeft("densenet121", {"BatchNormalization", "Relu"});
  for (const char* network : {"se_resnet50", "efficientnet_b0"}) {
    ExpectNoneLeft(network, {"Add", "Relu", "Mul"});
  }
}

TEST(ZooOptimized, ShufflesOfChannelsMoveIntoWeights) {
  int networks = 0;
  for (const ZooEntry& entry : Zoo()) {
    if (!entry.name.starts_with("shufflenet")) continue;
    ++networks;
    ExpectNoneLeft(entry.name, {"Reshape", "ReshapeLike", "Transpose"});
  }
  EXPECT_GT(networks, 0);
}

}  // namespace
}  // namespace weft
