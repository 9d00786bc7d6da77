#include "runtime/host/batch_shares.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "graph/status.h"
#include "runtime/exec/parallel.h"
#include "runtime/host/arithmetic.h"
#include "runtime/host/batch_parts.h"
#include "runtime/scratch.h"

namespace weft {
namespace {

// What all shares have in common.
struct ShareLayout {
  int shares = 1;
  std::vector<size_t> steps;    // of inputs: bytes to the next share's images; 0 for others
  std::vector<size_t> results;  // bytes of the outputs
  size_t scratch_step = 0;      // bytes of the kernel's own scratch memory
  size_t results_step = 0;      // and of a share's results, in the order of the outputs
  // The first share's results are where those of all are to be, the others' in scratch memory.
  std::byte* ResultsOf(std::byte* scratch, int share) const {
    return scratch + static_cast<size_t>(shares) * scratch_step +
           static_cast<size_t>(share - 1) * results_step;
  }
};

class BoundShares : public BoundKernel {
 public:
  BoundShares(const ShareLayout& layout, std::vector<std::unique_ptr<BoundKernel>> shares,
              const Bindings& bindings)
      : layout_(layout),
        shares_(std::move(shares)),
        statuses_(shares_.size()),
        outputs_(bindings.outputs),
        scratch_(bindings.scratch) {}

  absl::Status Check() override {
    for (const auto& share : shares_) WEFT_RETURN_IF_ERROR(share->Check());
    return absl::OkStatus();
  }

  absl::Status Run(const RandomKey& key) override {
    ParallelFor(layout_.shares, 1, [&](int64_t begin, int64_t end) {
      const RunScope alone(1);
      for (auto i = static_cast<size_t>(begin); std::cmp_less(i, end); ++i) {
        statuses_[i] = shares_[i]->Run(key);
      }
    });
    for (const absl::Status& status : statuses_) WEFT_RETURN_IF_ERROR(status);
    size_t offset = 0;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      if (outputs_[i] != nullptr) AddUp(reinterpret_cast<float*>(outputs_[i]), offset, i);
      offset += AlignedBytes(layout_.results[i]);
    }
    return absl::OkStatus();
  }

  void SetInput(int i, std::byte* data) override {
    const size_t step = layout_.steps[static_cast<size_t>(i)];
    for (size_t n = 0; n < shares_.size(); ++n) shares_[n]->SetInput(i, data + n * step);
  }
  void SetOutput(int i, std::byte* data) override {
    outputs_[static_cast<size_t>(i)] = data;
    shares_[0]->SetOutput(i, data);
  }

 private:
  void AddUp(float* sum, size_t offset, size_t output) {
    ParallelFor(static_cast<int64_t>(layout_.results[output] / sizeof(float)), kGrain,
                [&](int64_t begin, int64_t end) {
                  for (int share = 1; share < layout_.shares; ++share) {
                    const auto* const more =
                        reinterpret_cast<const float*>(layout_.ResultsOf(scratch_, share) + offset);
                    RunArithmetic(Arithmetic::kAdd, {sum + begin, 1}, {more + begin, 1},
                                  end - begin, sum + begin);
                  }
                });
  }

  const ShareLayout& layout_;
  std::vector<std::unique_ptr<BoundKernel>> shares_;
  std::vector<absl::Status> statuses_;
  std::vector<std::byte*> outputs_;
  std::byte* scratch_;
};

class SharesKernel : public Kernel {
 public:
  SharesKernel(std::unique_ptr<Kernel> share, std::vector<Layout> inputs, ShareLayout layout)
      : share_(std::move(share)), layout_(std::move(layout)) {
    inputs_ = std::move(inputs);
    outputs_ = share_->outputs();
    for (const Layout& output : outputs_) {
      layout_.results.push_back(output.bytes());
      layout_.results_step += AlignedBytes(output.bytes());
    }
    layout_.scratch_step = AlignedBytes(share_->scratch_bytes());
    const auto shares = static_cast<size_t>(layout_.shares);
    scratch_bytes_ = shares * layout_.scratch_step + (shares - 1) * layout_.results_step;
  }

  std::string name() const override { return share_->name(); }
  std::string implementation() const override { return share_->implementation() + " in shares"; }
  bool AllowsInPlace(int, int) const override { return false; }
  bool Reads(int i) const override { return share_->Reads(i); }
  std::optional<std::vector<int>> CheckedInputs() const override { return share_->CheckedInputs(); }

  absl::StatusOr<std::unique_ptr<BoundKernel>> Bind(const Bindings& bindings) const override {
    const RunScope alone(1);
    std::vector<std::unique_ptr<BoundKernel>> bound;
    for (int n = 0; n < layout_.shares; ++n) {
      WEFT_ASSIGN_OR_RETURN(bound.emplace_back(), share_->Bind(BindingsOf(n, bindings)));
    }
    return std::make_unique<BoundShares>(layout_, std::move(bound), bindings);
  }

 private:
  Bindings BindingsOf(int share, const Bindings& all) const {
    const auto n = static_cast<size_t>(share);
    Bindings one = all;
    for (size_t i = 0; i < one.inputs.size(); ++i) {
      if (one.inputs[i] != nullptr) one.inputs[i] += n * layout_.steps[i];
    }
    if (all.scratch == nullptr) return one;
    one.scratch = all.scratch + n * layout_.scratch_step;
    if (share == 0) return one;
    std::byte* result = layout_.ResultsOf(all.scratch, share);
    for (size_t i = 0; i < one.outputs.size(); ++i) {
      one.outputs[i] = result;
      result += AlignedBytes(layout_.results[i]);
    }
    return one;
  }

  std::unique_ptr<Kernel> share_;
  ShareLayout layout_;
};

}  // namespace

std::unique_ptr<Kernel> InShares(std::unique_ptr<Kernel> share, int shares,
                                 const std::vector<bool>& images) {
  if (share->workspace_bytes() > 0 || share->workspace_owner() != nullptr) return nullptr;
  std::vector<Layout> inputs = share->inputs();
  ShareLayout layout;
  layout.shares = shares;
  layout.steps.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!images[i]) continue;
    layout.steps[i] = inputs[i].bytes();
    auto all = OfAllParts(inputs[i], shares);
    if (!all) return nullptr;
    inputs[i] = *std::move(all);
  }
  return std::make_unique<SharesKernel>(std::move(share), std::move(inputs), std::move(layout));
}

}  // namespace weft
