// Replays training runs that PyTorch computed in float64 (tests/golden/train, and those of the
// other optimizers beside the tree) through the public training API.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "frontend/build/builder.h"
#include "frontend/train/train.h"
#include "frontend/weights/weights.h"

namespace weft {
namespace {

Value BnNet(Builder& b, Value x) {
  Value h = b.Conv2d(x, {.channels = 8, .kernel = 3, .bias = false, .name = "conv1"});
  h = b.MaxPool2d(b.Relu(b.BatchNorm2d(h, {.name = "bn1"})), {.kernel = 2});
  h = b.Relu(b.Conv2d(h, {.channels = 16, .kernel = 3, .padding = 1, .name = "conv2"}));
  const Value residual = b.Conv2d(h, {.channels = 16, .kernel = 3, .padding = 1, .name = "conv3"});
  h = b.GlobalAvgPool(b.Relu(b.Add(h, residual)));
  return b.Linear(h, {.features = 10, .name = "fc"});
}

Value LeNet(Builder& b, Value x) {
  Value h = b.Sigmoid(b.Conv2d(x, {.channels = 6, .kernel = 5, .padding = 2, .name = "conv1"}));
  h = b.AvgPool2d(h, {.kernel = 2});
  h = b.Sigmoid(b.Conv2d(h, {.channels = 16, .kernel = 5, .name = "conv2"}));
  h = b.Flatten(b.AvgPool2d(h, {.kernel = 2}));
  h = b.Sigmoid(b.Linear(h, {.features = 120, .name = "fc1"}));
  h = b.Sigmoid(b.Linear(h, {.features = 84, .name = "fc2"}));
  return b.Linear(h, {.features = 10, .name = "fc3"});
}

// The network with the file's initial weights.
absl::StatusOr<Model> InitialModel(const NamedTensors& golden, DType dtype) {
  Builder b({.dtype = dtype});
  const Value x = b.Input("x", {"N", 1, 28, 28});
  b.Output("logits", golden.metadata.at("net") == "LeNet" ? LeNet(b, x) : BnNet(b, x));
  WEFT_ASSIGN_OR_RETURN(Model model, b.Build());
  for (Node* variable : model.graph.variables()) {
    const auto it = golden.tensors.find("init/" + variable->name());
    if (it == golden.tensors.end()) {
      return absl::NotFoundError("no init/" + variable->name() + " in the file");
    }
    WEFT_ASSIGN_OR_RETURN(Tensor value, it->second.Converted(dtype));
    WEFT_RETURN_IF_ERROR(model.graph.SetLeafValue(variable, std::move(value)));
  }
  return model;
}

// One of a stack of tensors.
Tensor Slice(const Tensor& stack, int64_t i) {
  Dims dims(stack.dims().begin() + 1, stack.dims().end());
  const size_t bytes = stack.bytes() / static_cast<size_t>(stack.dims()[0]);
  return *Tensor::FromBytes(stack.dtype(), dims,
                            {stack.data() + static_cast<size_t>(i) * bytes, bytes});
}

struct Hyperparameters {
  double lr = 0;
  TrainOptions options;
};

Hyperparameters Parse(const NamedTensors& golden) {
  const auto args = nlohmann::json::parse(golden.metadata.at("optimizer_args"));
  const auto loss = nlohmann::json::parse(golden.metadata.at("loss_args"));
  Hyperparameters h{args.at("lr").get<double>(), {}};
  OptimizerOptions& o = h.options.optimizer;
  o.method = golden.metadata.at("optimizer");
  o.momentum = args.value("momentum", 0.0);
  o.nesterov = args.value("nesterov", false);
  o.weight_decay = args.at("weight_decay").get<double>();
  if (args.contains("betas")) {
    o.beta1 = args.at("betas").at(0).get<double>();
    o.beta2 = args.at("betas").at(1).get<double>();
  }
  o.epsilon = args.value("eps", 0.0);
  o.alpha = args.value("alpha", 0.0);
  o.centered = args.value("centered", false);
  o.lr_decay = args.value("lr_decay", 0.0);
  h.options.loss.label_smoothing = loss.value("label_smoothing", 0.0);
  return h;
}

// Largest |a - b| as a part of b's max - min. `a` is rounded to b's precision first: the file's
// values are rounded, which near 1 may be more than 1e-6 of a narrow range.
double RelativeError(const Tensor& a, const Tensor& b) {
  double difference = 0, least = b.At(0), most = b.At(0);
  for (int64_t i = 0; i < b.size(); ++i) {
    const double ours = static_cast<double>(static_cast<float>(a.At(i)));
    difference = std::max(difference, std::abs(ours - b.At(i)));
    least = std::min(least, b.At(i));
    most = std::max(most, b.At(i));
  }
  if (difference == 0) return 0;
  return most > least ? difference / (most - least) : difference / std::abs(most);
}

// The gradient of the first step, from what that step did to the trainer's variables.
Tensor FirstGradient(const Trainer& trainer, const std::string& name, const Tensor& initial,
                     const Hyperparameters& h) {
  const bool slots = h.options.optimizer.momentum != 0;
  Tensor gradient = *Tensor::Zeros(DType::kF64, initial.dims());
  const Tensor after = *trainer.Get(slots ? name + "/momentum" : name);
  for (int64_t i = 0; i < initial.size(); ++i) {
    const double moved = slots ? after.At(i) : (initial.At(i) - after.At(i)) / h.lr;
    gradient.mutable_values<double>()[static_cast<size_t>(i)] =
        moved - h.options.optimizer.weight_decay * initial.At(i);
  }
  return gradient;
}

class GoldenTraining : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string file = std::string(GetParam()) + ".safetensors";
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    const bool shared = std::string_view(info->test_suite_name()).starts_with("SharedData");
    const std::string path =
        absl::StrCat(WEFT_SOURCE_DIR, shared ? "/../shared" : "/tests", "/golden/train/", file);
    if (shared && !std::filesystem::exists(path)) GTEST_SKIP() << "SKIPPED: no " << path;
    auto golden = OpenWeights(path);
    ASSERT_TRUE(golden.ok()) << golden.status();
    golden_ = *std::move(golden);
    parameters_ = Parse(golden_);
  }

  std::unique_ptr<Trainer> MakeTrainer(DType dtype, bool reference_only) {
    auto model = InitialModel(golden_, dtype);
    EXPECT_TRUE(model.ok()) << model.status();
    if (!model.ok()) return nullptr;
    TrainOptions options = parameters_.options;
    options.threads = 1;
    options.reference_only = reference_only;
    auto trainer = Trainer::Create(*std::move(model), options);
    EXPECT_TRUE(trainer.ok()) << trainer.status();
    return trainer.ok() ? *std::move(trainer) : nullptr;
  }

  // The loss of step `i`.
  double Step(Trainer& trainer, int64_t i) {
    const auto result = trainer.Step(Slice(golden_.tensors.at("x"), i),
                                     Slice(golden_.tensors.at("y"), i), parameters_.lr);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->loss : NAN;
  }

  int64_t steps() const { return golden_.tensors.at("loss").size(); }

  NamedTensors golden_;
  Hyperparameters parameters_;
};

TEST_P(GoldenTraining, ReferencePathInF64FollowsPyTorch) {
  const auto trainer = MakeTrainer(DType::kF64, /*reference_only=*/true);
  ASSERT_NE(trainer, nullptr);
  const Tensor& losses = golden_.tensors.at("loss");
  for (int64_t i = 0; i < steps(); ++i) {
    EXPECT_NEAR(Step(*trainer, i), losses.At(i), 1e-6 * losses.At(i)) << "step " << i;
  }
  int compared = 0;
  for (const auto& [name, expected] : golden_.tensors) {
    if (!name.starts_with("final/")) continue;
    const auto ours = trainer->Get(name.substr(6));
    ASSERT_TRUE(ours.ok()) << ours.status();
    ASSERT_EQ(ours->dims(), expected.dims()) << name;
    EXPECT_LT(RelativeError(*ours, expected), 1e-6) << name;
    ++compared;
  }
  EXPECT_GE(compared, 10);
}

// Runs of methods whose first step gives its gradient away.
class GoldenGradients : public GoldenTraining {};

TEST_P(GoldenGradients, FirstGradientsAreThoseOfPyTorch) {
  const auto trainer = MakeTrainer(DType::kF64, /*reference_only=*/true);
  ASSERT_NE(trainer, nullptr);
  Step(*trainer, 0);
  int compared = 0;
  for (const auto& [name, expected] : golden_.tensors) {
    if (!name.starts_with("grad/")) continue;
    const std::string parameter = name.substr(5);
    const Tensor gradient =
        FirstGradient(*trainer, parameter, golden_.tensors.at("init/" + parameter), parameters_);
    EXPECT_LT(RelativeError(gradient, expected), 1e-6) << name;
    ++compared;
  }
  EXPECT_GE(compared, 9);
}

TEST_P(GoldenTraining, ReferencePathInF32FollowsPyTorchsLosses) {
  const auto trainer = MakeTrainer(DType::kF32, /*reference_only=*/true);
  ASSERT_NE(trainer, nullptr);
  const Tensor& losses = golden_.tensors.at("loss");
  for (int64_t i = 0; i < steps(); ++i) {
    EXPECT_NEAR(Step(*trainer, i), losses.At(i), 1e-4) << "step " << i;
  }
}

// BnNet's last ReLU has an input of -1.4e-6 in the first batch, a dozen units of the largest one's
// last place: a normalization that sums in f32 takes it for one above 0, the gradients of one filter
// move by up to 1e-4, and where a first step is of the gradient's sign alone, losses by 1e-3.
TEST_P(GoldenTraining, FastRuntimeInF32FollowsPyTorchsLosses) {
  const auto trainer = MakeTrainer(DType::kF32, /*reference_only=*/false);
  ASSERT_NE(trainer, nullptr);
  const Tensor& losses = golden_.tensors.at("loss");
  for (int64_t i = 0; i < steps(); ++i) {
    EXPECT_NEAR(Step(*trainer, i), losses.At(i), 1e-5) << "step " << i;
  }
}

std::string RunName(const testing::TestParamInfo<const char*>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

constexpr const char* kOfDescent[] = {"BnNet-sgd-cross_entropy", "BnNet-nesterov-cross_entropy",
                                      "LeNet-momentum-cross_entropy"};
INSTANTIATE_TEST_SUITE_P(PyTorch, GoldenTraining, ::testing::ValuesIn(kOfDescent), RunName);
INSTANTIATE_TEST_SUITE_P(PyTorch, GoldenGradients, ::testing::ValuesIn(kOfDescent), RunName);
INSTANTIATE_TEST_SUITE_P(SharedDataPyTorch, GoldenTraining,
                         ::testing::Values("BnNet-adagrad-cross_entropy",
                                           "BnNet-adam-cross_entropy",
                                           "BnNet-adamw-label_smoothing",
                                           "BnNet-rmsprop-cross_entropy"),
                         RunName);

}  // namespace
}  // namespace weft
