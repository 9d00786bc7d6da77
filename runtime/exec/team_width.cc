#include "runtime/exec/team_width.h"

#include <algorithm>
#include <cmath>

namespace weft {

void TeamWidth::Begin(bool trial, Clock::time_point now) {
  trial_ = trial;
  begin_ = now;
  measured_ = 0;
  took_ = longest_ = cpu_ = 0;
}

int TeamWidth::Next(int parts, Clock::time_point now) {
  if (!trial_ && width_ > 0 && width_ < parts && now >= resume_) {
    width_ *= 2;
    regions_ = 0;  // The first ones wake threads that sleep and are not measured.
    Begin(/*trial=*/true, now);
  }
  const int threads = width_ > 0 ? std::min(width_, parts) : parts;
  measures_ = threads > 1 && ++regions_ % (trial_ ? kEveryOfTrial : kEvery) == 0;
  return threads;
}

void TeamWidth::Learn(const Region& region) {
  const auto ns = [](auto time) {
    return static_cast<double>(std::chrono::nanoseconds(time).count());
  };
  took_ += ns(region.end - region.begin);
  longest_ += ns(region.longest);
  cpu_ += ns(region.cpu);
  if (++measured_ < kEnough || region.end - begin_ < kLongEnough) return;
  if (longest_ < kLeastUse * took_) {
    width_ = std::max(1, static_cast<int>(std::lround(cpu_ / took_)));
    resume_ = region.end + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
  } else if (!trial_) {
    pause_ = std::max(pause_ / 2, kShortestPause);
  }
  Begin(/*trial=*/false, region.end);
}

}  // namespace weft
