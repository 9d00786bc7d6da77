#include <weft/weft.h>

#include <iostream>

// Trains a small network on the embedded digits, saves it, loads it back and classifies with it.
absl::Status Main() {
  weft::Builder b;
  weft::Value x = b.Input("image", {"N", 1, 28, 28});
  weft::Value h = b.Relu(b.BatchNorm2d(b.Conv2d(x, {.channels = 8, .kernel = 5, .stride = 2})));
  h = b.Relu(b.Conv2d(h, {.channels = 16, .kernel = 3, .stride = 2}));
  b.Output("logits", b.Linear(b.Flatten(h), {.features = 10}));
  WEFT_ASSIGN_OR_RETURN(weft::Model model, b.Build());

  WEFT_ASSIGN_OR_RETURN(auto train, weft::OpenDataset("digits:2000", weft::Split::kTrain));
  WEFT_ASSIGN_OR_RETURN(auto test, weft::OpenDataset("digits:500", weft::Split::kTest));
  weft::TrainOptions options = {.optimizer = {.momentum = 0.9}};
  WEFT_ASSIGN_OR_RETURN(auto trainer, weft::Trainer::Create(std::move(model), options));
  weft::FitOptions fit = {.epochs = 3, .batch_size = 32, .learning_rate = 0.05};
  WEFT_RETURN_IF_ERROR(weft::Fit(*trainer, train, test, fit).status());

  WEFT_ASSIGN_OR_RETURN(weft::Model trained, trainer->Snapshot());
  WEFT_RETURN_IF_ERROR(weft::SaveModel(trained, "digits.weft"));
  WEFT_ASSIGN_OR_RETURN(weft::Model loaded, weft::LoadModel("digits.weft", weft::StandardOps()));
  WEFT_ASSIGN_OR_RETURN(auto session, weft::Session::Create(loaded));  // optimized for inference
  WEFT_ASSIGN_OR_RETURN(weft::Evaluation result, session->Evaluate(test));
  std::cout << "test accuracy " << result.accuracy() << "\n";
  return absl::OkStatus();
}

int main() {
  absl::Status status = Main();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
