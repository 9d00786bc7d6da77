#include <weft/weft.h>

#include <iostream>

// Points of the plane, which belong to class 1 inside the unit circle. Read is called from several
// threads.
class Circle final : public weft::Dataset {
 public:
  explicit Circle(int64_t size)
      : Dataset({.name = "circle",
                 .size = size,
                 .class_names = {"outside", "inside"},
                 .preprocessing = {.height = 1, .width = 2, .mean = {0}, .std = {1}},
                 .dims = {2}}) {}

 private:
  absl::Status ReadExample(int64_t i, std::span<float> x, std::span<int64_t> label) const override {
    x[0] = static_cast<float>(i % 37) / 12 - 1.5f;
    x[1] = static_cast<float>(i % 41) / 14 - 1.5f;
    label[0] = x[0] * x[0] + x[1] * x[1] < 1;
    return absl::OkStatus();
  }
};

absl::Status Main() {
  weft::Builder b;
  weft::Value h = b.Relu(b.Linear(b.Input("point", {"N", 2}), {.features = 16}));
  b.Output("logits", b.Linear(h, {.features = 2}));
  WEFT_ASSIGN_OR_RETURN(weft::Model model, b.Build());
  WEFT_ASSIGN_OR_RETURN(auto trainer, weft::Trainer::Create(std::move(model), {}));
  auto data = std::make_shared<Circle>(1517);
  return weft::Fit(*trainer, data, data, {.epochs = 2, .learning_rate = 0.1}).status();
}

int main() {
  absl::Status status = Main();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
