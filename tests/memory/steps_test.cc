#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "frontend/weft.h"
#include "graph/bind.h"
#include "tests/memory/testing_counting.h"
#include "tests/zoo/testing_zoo.h"

// What a step allocates: nothing of ours once it has run, in training and inference, for batches of
// two sizes in turn, whose contexts share one arena.

namespace weft {
namespace {

// Some value that an input of this layout may have.
Tensor Filled(const Layout& layout) {
  Tensor tensor = Tensor::Zeros(layout.dtype(), layout.dims()).value();
  if (layout.dtype() != DType::kF32) return tensor;
  const std::span<float> values = tensor.mutable_values<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = 0.01f * static_cast<float>(i % 50);
  return tensor;
}

// A graph planned for one batch size.
struct Planned {
  Planned(const Graph& graph, State* state, std::shared_ptr<Arena> arena, int64_t batch,
          int threads) {
    LowerOptions options = {.threads = threads};
    if (state != nullptr) options.variables = state->layouts();  // those of the plan before
    executable = Executable::Create(graph, BindAllSymbols(graph, batch), options).value();
    context = Context::Create(*executable, state, std::move(arena)).value();
    for (const Layout& layout : executable->plan().input_layouts) {
      inputs.push_back(Filled(layout));
    }
    outputs.resize(executable->plan().outputs.size());
  }
  void Run() { ASSERT_EQ(executable->Run(*context, inputs, outputs), absl::OkStatus()); }

  std::unique_ptr<Executable> executable;
  std::unique_ptr<Context> context;
  std::vector<Tensor> inputs, outputs;
};

void ExpectNoAllocations(const Graph& graph, State* state, int threads) {
  const auto arena = std::make_shared<Arena>();
  Planned small(graph, state, arena, 2, threads), large(graph, state, arena, 5, threads);
  for (int warm = 0; warm < 3; ++warm) {
    small.Run();
    large.Run();
  }
  EXPECT_EQ(arena->bytes(),
            std::max(small.executable->plan().arena_bytes, large.executable->plan().arena_bytes));
  // A thread that the library wakes for the first time keeps some memory; a leak does every time.
  AllocationCount count;
  for (int round = 0; round < 3; ++round) {
    StartCounting();
    for (int step = 0; step < 2; ++step) {
      small.Run();
      large.Run();
    }
    count = StopCounting();
    EXPECT_EQ(count.ours, 0) << count.ours_bytes << " bytes";
    if (count.library_kept_bytes == 0) break;
  }
  EXPECT_EQ(count.library_kept_bytes, 0);
  ::testing::Test::RecordProperty("library_peak_bytes", static_cast<int>(count.library_peak_bytes));
}

struct Case {
  std::string network;
  int threads;
};

class Steps : public ::testing::TestWithParam<Case> {
 protected:
  const ZooEntry& entry() const { return **FindNetwork(GetParam().network); }
};

TEST_P(Steps, OfInferenceAllocateNothing) {
  const Model model = SmallNetwork(entry());
  const Graph graph = OptimizedForInference(model.graph).value();
  ExpectNoAllocations(graph, nullptr, GetParam().threads);
}

TEST_P(Steps, OfTrainingAllocateNothing) {
  const Model model = SmallNetwork(entry());
  const FormedGraph training = MakeTrainingGraph(model.graph, {}, entry().optimizer).value();
  const auto state = State::Create(training.graph).value();
  ExpectNoAllocations(training.graph, state.get(), GetParam().threads);
}

// One thread is enough for most: threads that wait for each other take long.
INSTANTIATE_TEST_SUITE_P(OfNetworks, Steps,
                         ::testing::Values(Case{"lenet", 1}, Case{"lenet", 3}, Case{"char_lstm", 1},
                                           Case{"char_lstm", 3}, Case{"capsnet", 1},
                                           Case{"capsnet", 3}, Case{"resnet18", 1}, Case{"vae", 1},
                                           Case{"dcgan", 1}, Case{"unet", 1},
                                           Case{"efficientnet_b0", 1}, Case{"hrnet_w18", 1},
                                           Case{"c3d", 1}, Case{"preact_resnet18", 1}),
                         [](const auto& info) {
                           return info.param.network + "_" + std::to_string(info.param.threads);
                         });

}  // namespace
}  // namespace weft
