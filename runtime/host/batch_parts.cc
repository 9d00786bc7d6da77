#include "runtime/host/batch_parts.h"

#include <utility>

#include "runtime/channel_blocks.h"

namespace weft {
namespace {

// Where an image's next part begins, in bytes; 0 for inputs that are none.
using PartSteps = std::vector<size_t>;

class BoundParts : public BoundKernel {
 public:
  BoundParts(std::unique_ptr<BoundKernel> part, int64_t parts, const PartSteps& steps,
             size_t result_step, const Bindings& bindings)
      : part_(std::move(part)),
        parts_(static_cast<size_t>(parts)),
        steps_(steps),
        result_step_(result_step),
        inputs_(bindings.inputs),
        output_(bindings.outputs[0]) {}

  absl::Status Check() override { return part_->Check(); }
  absl::Status Run(const RandomKey& key) override {
    for (size_t n = 0; n < parts_; ++n) {
      for (size_t i = 0; i < steps_.size(); ++i) {
        if (steps_[i] > 0) part_->SetInput(static_cast<int>(i), inputs_[i] + n * steps_[i]);
      }
      part_->SetOutput(0, output_ + n * result_step_);
      WEFT_RETURN_IF_ERROR(part_->Run(key));
    }
    return absl::OkStatus();
  }
  void SetInput(int i, std::byte* data) override {
    inputs_[static_cast<size_t>(i)] = data;
    part_->SetInput(i, data);
  }
  void SetOutput(int, std::byte* data) override { output_ = data; }

 private:
  std::unique_ptr<BoundKernel> part_;
  size_t parts_;
  const PartSteps& steps_;
  size_t result_step_;
  std::vector<std::byte*> inputs_;
  std::byte* output_;
};

class PartsKernel : public Kernel {
 public:
  PartsKernel(std::unique_ptr<Kernel> part, int64_t parts, std::vector<Layout> inputs,
              Layout output, PartSteps steps)
      : part_(std::move(part)), parts_(parts), steps_(std::move(steps)) {
    inputs_ = std::move(inputs);
    outputs_ = {std::move(output)};
    scratch_bytes_ = part_->scratch_bytes();
  }

  std::string name() const override { return part_->name(); }
  std::string implementation() const override { return part_->implementation() + " in parts"; }
  bool AllowsInPlace(int output, int input) const override {
    return part_->AllowsInPlace(output, input);
  }
  bool Reads(int i) const override { return part_->Reads(i); }
  std::optional<std::vector<int>> CheckedInputs() const override { return part_->CheckedInputs(); }
  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    WEFT_ASSIGN_OR_RETURN(std::unique_ptr<BoundKernel> bound, part_->Bind(bindings));
    return std::make_unique<BoundParts>(std::move(bound), parts_, steps_,
                                        part_->outputs()[0].bytes(), bindings);
  }

 private:
  std::unique_ptr<Kernel> part_;
  int64_t parts_;
  PartSteps steps_;
};

}  // namespace

std::optional<Layout> OfAllParts(const Layout& part, int64_t parts) {
  Dims dims = part.dims();
  dims[0] *= parts;
  return SameChannelBlocks(part, dims);
}

std::unique_ptr<Kernel> InParts(std::unique_ptr<Kernel> part, int64_t parts,
                                std::vector<bool> images) {
  if (part->outputs().size() != 1 || part->workspace_bytes() > 0 ||
      part->workspace_owner() != nullptr) {
    return nullptr;
  }
  const auto output = OfAllParts(part->outputs()[0], parts);
  if (!output) return nullptr;
  std::vector<Layout> inputs = part->inputs();
  PartSteps steps(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!images[i]) continue;
    steps[i] = inputs[i].bytes();
    auto all = OfAllParts(inputs[i], parts);
    if (!all) return nullptr;
    inputs[i] = *std::move(all);
  }
  return std::make_unique<PartsKernel>(std::move(part), parts, std::move(inputs), *output,
                                       std::move(steps));
}

}  // namespace weft
