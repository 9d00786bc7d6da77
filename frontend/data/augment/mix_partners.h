#ifndef WEFT_FRONTEND_DATA_AUGMENT_MIX_PARTNERS_H_
#define WEFT_FRONTEND_DATA_AUGMENT_MIX_PARTNERS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "frontend/data/dataset.h"

namespace weft {

// Whom examples are mixed with: each with the next one in its epoch's shuffled order, as a batch is
// with itself moved by one. That one is read next, so what was read of it is kept till then: mixing
// reads no example twice. Any number of threads, in any order, get the same.
class MixPartners {
 public:
  explicit MixPartners(int64_t size) : size_(size) {}

  int64_t PartnerOf(int64_t index, const ExampleDraw& draw);

  // Example `index` before it is mixed: what `read` makes of it, now or for its partner.
  using Read = std::function<absl::Status(std::span<float> image, std::span<float> shares)>;
  absl::Status ReadAlone(int64_t index, const ExampleDraw& draw, std::span<float> image,
                         std::span<float> shares, const Read& read);

 private:
  // The shuffled order of an epoch: the index that comes after each.
  struct Order {
    ExampleDraw draw;
    std::vector<int64_t> next;
  };
  struct Kept {
    int64_t index;
    ExampleDraw draw;
    Kept(int64_t i, const ExampleDraw& d) : index(i), draw(d) {}
    std::once_flag once;
    absl::Status status;
    std::vector<float> image, shares;
  };
  // The one that is there, which goes, as each is read twice, or a new one.
  std::shared_ptr<Kept> Take(int64_t index, const ExampleDraw& draw);

  const int64_t size_;
  std::mutex mutex_;
  std::shared_ptr<const Order> order_;      // of the latest epoch
  std::deque<std::shared_ptr<Kept>> kept_;  // the oldest first
};

}  // namespace weft

#endif  // WEFT_FRONTEND_DATA_AUGMENT_MIX_PARTNERS_H_
