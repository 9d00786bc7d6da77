#include "frontend/data/augment/mix_partners.h"

#include <algorithm>
#include <cstddef>

#include "frontend/data/loader.h"

namespace weft {
namespace {

// Those that threads are at, and a few that were never asked for again.
constexpr size_t kMostKept = 32;

bool SameDraw(const ExampleDraw& a, const ExampleDraw& b) {
  return a.seed == b.seed && a.epoch == b.epoch;
}

}  // namespace

int64_t MixPartners::PartnerOf(int64_t index, const ExampleDraw& draw) {
  std::shared_ptr<const Order> order;
  {
    const std::lock_guard lock(mutex_);
    if (order_ == nullptr || !SameDraw(order_->draw, draw)) {
      const std::vector<int64_t> shuffled = ShuffledIndices(size_, draw.seed, draw.epoch);
      Order made = {.draw = draw, .next = std::vector<int64_t>(shuffled.size())};
      for (size_t i = 0; i < shuffled.size(); ++i) {
        made.next[static_cast<size_t>(shuffled[i])] = shuffled[(i + 1) % shuffled.size()];
      }
      order_ = std::make_shared<const Order>(std::move(made));
    }
    order = order_;
  }
  return order->next[static_cast<size_t>(index)];
}

std::shared_ptr<MixPartners::Kept> MixPartners::Take(int64_t index, const ExampleDraw& draw) {
  const std::lock_guard lock(mutex_);
  const auto it = std::ranges::find_if(kept_, [&](const std::shared_ptr<Kept>& kept) {
    return kept->index == index && SameDraw(kept->draw, draw);
  });
  if (it != kept_.end()) {
    std::shared_ptr<Kept> kept = *it;
    kept_.erase(it);
    return kept;
  }
  if (kept_.size() == kMostKept) kept_.pop_front();
  return kept_.emplace_back(std::make_shared<Kept>(index, draw));
}

absl::Status MixPartners::ReadAlone(int64_t index, const ExampleDraw& draw, std::span<float> image,
                                    std::span<float> shares, const Read& read) {
  const std::shared_ptr<Kept> kept = Take(index, draw);
  // Where another thread is reading it, this one waits.
  std::call_once(kept->once, [&] {
    kept->image.resize(image.size());
    kept->shares.resize(shares.size());
    kept->status = read(kept->image, kept->shares);
  });
  WEFT_RETURN_IF_ERROR(kept->status);
  std::ranges::copy(kept->image, image.begin());
  std::ranges::copy(kept->shares, shares.begin());
  return absl::OkStatus();
}

}  // namespace weft
