#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "autodiff/gradients.h"
#include "graph/emitter.h"
#include "ops/ops.h"
#include "runtime/exec/executable.h"

// Values as regions of a buffer, in plans that are changed by hand: the inputs of a concatenation
// are made where its result lies, and in the backward pass the pieces of the cotangent are read
// where it lies.

namespace weft {
namespace {

using ::testing::HasSubstr;

// The gradients of sum(tanh(concat(relu(a), relu(b), axis 1)) * c) with respect to a and b, and the
// concatenation itself.
Graph ConcatGraph(int64_t batch) {
  Graph graph(StandardOps());
  const auto input = [&](const char* name, int64_t channels) {
    return graph.AddInput(name, {DType::kF32, {Dim(batch), Dim(channels), Dim(3), Dim(5)}}).value();
  };
  const Value a = input("a", 2), b = input("b", 3), c = input("c", 5);
  Emitter e(graph);
  const Value joined = e.Op("Concat", {e.Op("Relu", {a}), e.Op("Relu", {b})}, {{"axis", 1}});
  const Value loss =
      e.Op("ReduceSum", {e.Op("Mul", {e.Op("Tanh", {joined}), c})}, {{"keepdims", 0}});
  EXPECT_TRUE(e.ok()) << e.status();
  const Value ys[] = {loss}, xs[] = {a, b};
  const std::vector<Value> gradients = Gradients(graph, ys, xs).value();
  EXPECT_TRUE(graph.AddOutput("joined", e.Op("Sigmoid", {joined})).ok());
  EXPECT_TRUE(graph.AddOutput("da", e.Op("Exp", {gradients[0]})).ok());
  EXPECT_TRUE(graph.AddOutput("db", e.Op("Exp", {gradients[1]})).ok());
  return graph;
}

std::vector<Tensor> Feeds(const Plan& plan) {
  std::vector<Tensor> feeds;
  float value = -2;
  for (const Layout& layout : plan.input_layouts) {
    Tensor tensor = Tensor::Zeros(DType::kF32, layout.dims()).value();
    for (float& v : tensor.mutable_values<float>()) v = std::sin(value += 0.7F);
    feeds.push_back(std::move(tensor));
  }
  return feeds;
}

std::vector<Tensor> Results(const Executable& executable) {
  const auto context = Context::Create(executable).value();
  std::vector<Tensor> outputs(executable.plan().outputs.size());
  const absl::Status status = executable.Run(*context, Feeds(executable.plan()), outputs);
  EXPECT_TRUE(status.ok()) << status;
  return outputs;
}

// A plan that is being changed.
class Editor {
 public:
  explicit Editor(Plan& plan) : plan_(plan) {}

  PlanValue& value(int v) { return plan_.values[static_cast<size_t>(v)]; }
  size_t StepOf(std::string_view op) const {
    const auto it = std::find_if(plan_.steps.begin(), plan_.steps.end(),
                                 [&](const PlanStep& step) { return step.op == op; });
    EXPECT_NE(it, plan_.steps.end()) << op << plan_.ToString();
    return static_cast<size_t>(it - plan_.steps.begin());
  }

  // The layout and the offset of channels `first` on of a value, `channels` of them.
  Layout PartOf(const Layout& whole, int64_t first, int64_t channels, size_t* offset) {
    Dims dims = whole.dims();
    const int64_t plane = dims[2] * dims[3];
    const Dims strides = {dims[1] * plane, plane, dims[3], 1};
    dims[1] = channels;
    *offset = static_cast<size_t>(first * plane) * sizeof(float);
    return Layout::Strided(DType::kF32, std::move(dims), strides);
  }

  // Live during the whole run, at a place of its own.
  void KeepAlive(int buffer) {
    PlanBuffer& b = plan_.buffers[static_cast<size_t>(buffer)];
    b.first = 0;
    b.last = static_cast<int>(plan_.steps.size());
    if (b.place != Place::kArena) return;
    b.offset = plan_.arena_bytes;
    plan_.arena_bytes += (b.bytes + 63) / 64 * 64;
  }

  // Instead of the concatenation: its inputs lie in its result, or are written there where they
  // would not be in one piece.
  void LayInputsIntoTheirConcat() {
    const size_t at = StepOf("Concat");
    const PlanStep concat = plan_.steps[at];
    plan_.steps.erase(plan_.steps.begin() + static_cast<std::ptrdiff_t>(at));
    const int whole = concat.outputs[0];
    KeepAlive(value(whole).buffer);
    int64_t first = 0;
    std::vector<int> parts;
    for (const int input : concat.inputs) {
      size_t offset = 0;
      const int64_t channels = value(input).layout.dims()[1];
      const Layout part = PartOf(value(whole).layout, first, channels, &offset);
      first += channels;
      if (part.is_plain()) {
        value(input).buffer = value(whole).buffer;
        value(input).offset = offset;
        parts.push_back(input);
      } else {
        parts.push_back(AddRegion("part", part, value(whole).buffer, offset));
        AddReorder(at, input, parts.back());
      }
    }
    value(whole).parts = parts;
  }

  // Instead of the split: its results are views of its input, or are read from there.
  void ReadPiecesWhereTheyLie() {
    const size_t at = StepOf("Split");
    const PlanStep split = plan_.steps[at];
    plan_.steps.erase(plan_.steps.begin() + static_cast<std::ptrdiff_t>(at));
    const int whole = split.inputs[0];
    KeepAlive(value(whole).buffer);
    int64_t first = 0;
    for (const int piece : split.outputs) {
      size_t offset = 0;
      const int64_t channels = value(piece).layout.dims()[1];
      const Layout part = PartOf(value(whole).layout, first, channels, &offset);
      first += channels;
      if (!part.is_plain()) {
        const int view = AddRegion("view", part, value(whole).buffer, offset);
        value(view).alias_of = whole;
        AddReorder(at, view, piece);
        continue;
      }
      for (PlanValue& other : plan_.values) {
        if (other.alias_of == piece) other.alias_of = -1;
      }
      value(piece).buffer = value(whole).buffer;
      value(piece).offset = offset;
      value(piece).alias_of = whole;
    }
  }

 private:
  int AddRegion(std::string name, Layout layout, int buffer, size_t offset) {
    plan_.values.push_back(
        {.name = std::move(name), .layout = std::move(layout), .buffer = buffer, .offset = offset});
    return static_cast<int>(plan_.values.size()) - 1;
  }
  void AddReorder(size_t at, int from, int to) {
    auto kernel = MakeReorder(value(from).layout, value(to).layout);
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    ASSERT_EQ((*kernel)->scratch_bytes(), 0U);
    plan_.steps.insert(plan_.steps.begin() + static_cast<std::ptrdiff_t>(at),
                       {.name = "reorder",
                        .op = "Reorder",
                        .kernel = *std::move(kernel),
                        .inputs = {from},
                        .outputs = {to}});
  }

  Plan& plan_;
};

class PlanRegions : public testing::TestWithParam<int64_t> {
 protected:
  PlanRegions() : graph_(ConcatGraph(GetParam())), plan_(Lower(graph_, {.threads = 2}).value()) {}
  Graph graph_;
  Plan plan_;
};

TEST_P(PlanRegions, ConcatAndItsGradientNeedNoStepsOfTheirOwn) {
  const auto untouched = Executable::Create(graph_, {}, {.threads = 2}).value();
  const std::vector<Tensor> expected = Results(*untouched);
  Editor edit(plan_);
  edit.LayInputsIntoTheirConcat();
  edit.ReadPiecesWhereTheyLie();
  for (const PlanStep& step : plan_.steps) {
    EXPECT_TRUE(step.op != "Concat" && step.op != "Split") << plan_.ToString();
  }
  const std::string text = plan_.ToString();
  const auto executable = Executable::FromPlan(std::move(graph_), std::move(plan_));
  ASSERT_TRUE(executable.ok()) << executable.status() << "\n" << text;
  const std::vector<Tensor> results = Results(**executable);
  ASSERT_EQ(results.size(), expected.size());
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_TRUE(results[i] == expected[i]) << untouched->plan().outputs[i] << "\n" << text;
  }
}

TEST_P(PlanRegions, VerifyMissesAPart) {
  Editor edit(plan_);
  const int whole = plan_.steps[edit.StepOf("Concat")].outputs[0];
  edit.LayInputsIntoTheirConcat();
  ASSERT_TRUE(plan_.Verify().ok()) << plan_.Verify();
  edit.value(whole).parts.pop_back();
  EXPECT_THAT(std::string(plan_.Verify().message()), HasSubstr("holds something else by then"));
}

TEST_P(PlanRegions, VerifyFindsPartsThatOverlap) {
  Editor edit(plan_);
  const int whole = plan_.steps[edit.StepOf("Concat")].outputs[0];
  edit.LayInputsIntoTheirConcat();
  edit.value(edit.value(whole).parts[1]).offset -= sizeof(float);
  EXPECT_THAT(std::string(plan_.Verify().message()), HasSubstr("holds something else by then"));
}

TEST_P(PlanRegions, VerifyFindsARegionOutsideOfItsBuffer) {
  Editor edit(plan_);
  const int whole = plan_.steps[edit.StepOf("Concat")].outputs[0];
  edit.LayInputsIntoTheirConcat();
  edit.value(edit.value(whole).parts[1]).offset += sizeof(float);
  EXPECT_THAT(std::string(plan_.Verify().message()), HasSubstr("does not fit its buffer"));
}

// The parts of a batch of one are in one piece each; those of a larger batch are strided.
INSTANTIATE_TEST_SUITE_P(Batches, PlanRegions, testing::Values(1, 2));

TEST(Layout, StridedPiecesAreTheRunsOfItsElements) {
  using Pieces = std::vector<std::pair<size_t, size_t>>;
  const Layout columns = Layout::Strided(DType::kF32, {2, 3}, {5, 1});
  EXPECT_FALSE(columns.is_plain());
  EXPECT_FALSE(columns.is_elementwise());
  EXPECT_EQ(columns.bytes(), (5 + 3) * sizeof(float));
  EXPECT_EQ(columns.Pieces(), (Pieces{{0, 12}, {20, 12}}));
  EXPECT_NE(columns, Layout::Strided(DType::kF32, {2, 3}, {6, 1}));
  EXPECT_EQ(Layout::Strided(DType::kF32, {2, 2}, {1, 3}).Pieces(),
            (Pieces{{0, 4}, {4, 4}, {12, 4}, {16, 4}}));
  const Layout plain = Layout::Strided(DType::kF32, {2, 1, 3}, {3, 77, 1});
  EXPECT_EQ(plain, Layout::Plain(DType::kF32, {2, 1, 3}));
  EXPECT_EQ(plain.Pieces(), (Pieces{{0, 24}}));
}

}  // namespace
}  // namespace weft
