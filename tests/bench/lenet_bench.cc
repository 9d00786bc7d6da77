// One training step of LeNet, batch 128, as `weft train --model lenet` runs it; and inference.
// Run with --benchmark_repetitions and compare medians.
#include <benchmark/benchmark.h>

#include "frontend/weft.h"

namespace weft {
namespace {

constexpr int64_t kBatch = 128;

// Stops the benchmark with the status's message.
bool Failed(benchmark::State& state, const absl::Status& status) {
  if (!status.ok()) state.SkipWithError(std::string(status.message()).c_str());
  return !status.ok();
}

absl::StatusOr<Model> Network(std::string_view name) {
  WEFT_ASSIGN_OR_RETURN(const ZooEntry* entry, FindNetwork(name));
  return BuildNetwork(*entry);
}

absl::StatusOr<Batch> FirstBatch() {
  WEFT_ASSIGN_OR_RETURN(auto dataset, OpenDataset("digits:1000", Split::kTrain));
  WEFT_ASSIGN_OR_RETURN(auto loader, Loader::Create(dataset, {.batch_size = kBatch}));
  Batch batch;
  WEFT_RETURN_IF_ERROR(loader->StartEpoch(0));
  WEFT_RETURN_IF_ERROR(loader->Next(&batch).status());
  return batch;
}

// The argument is the number of threads.
void TrainingStep(benchmark::State& state, std::string_view network) {
  absl::StatusOr<Model> model = Network(network);
  absl::StatusOr<Batch> batch = FirstBatch();
  if (Failed(state, model.status()) || Failed(state, batch.status())) return;
  auto trainer = Trainer::Create(*std::move(model), {.optimizer = {.momentum = 0.9},
                                                     .threads = static_cast<int>(state.range(0))});
  if (Failed(state, trainer.status())) return;
  for (auto _ : state) {
    if (Failed(state, (*trainer)->Step(batch->images, batch->labels, 0.01).status())) return;
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

void Inference(benchmark::State& state, std::string_view network, bool optimize) {
  absl::StatusOr<Model> model = Network(network);
  absl::StatusOr<Batch> batch = FirstBatch();
  if (Failed(state, model.status()) || Failed(state, batch.status())) return;
  auto session =
      Session::Create(*model, {.threads = static_cast<int>(state.range(0)), .optimize = optimize});
  if (Failed(state, session.status())) return;
  for (auto _ : state) {
    if (Failed(state, (*session)->Run(batch->images).status())) return;
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

#define WEFT_BENCH(...) \
  BENCHMARK_CAPTURE(__VA_ARGS__)->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond)

WEFT_BENCH(TrainingStep, lenet, "lenet");
WEFT_BENCH(TrainingStep, lenet_bn, "lenet-bn");
WEFT_BENCH(Inference, lenet, "lenet", false);
WEFT_BENCH(Inference, lenet_optimized, "lenet", true);
WEFT_BENCH(Inference, lenet_bn, "lenet-bn", false);
WEFT_BENCH(Inference, lenet_bn_optimized, "lenet-bn", true);

}  // namespace
}  // namespace weft
