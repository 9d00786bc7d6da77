#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "frontend/inspect/attribution/attribution.h"
#include "frontend/inspect/attribution/attribution_common.h"

namespace weft {
namespace {

// Where windows begin on one axis: every `stride` places, and such that the last ends with it.
struct OcclusionAxis {
  size_t window = 0;
  std::vector<size_t> starts = {};
};

OcclusionAxis MakeOcclusionAxis(int64_t extent, int64_t window, int64_t stride) {
  OcclusionAxis axis{.window = static_cast<size_t>(std::min(window, extent))};
  for (int64_t start = 0; start + window < extent; start += stride) {
    axis.starts.push_back(static_cast<size_t>(start));
  }
  axis.starts.push_back(static_cast<size_t>(extent) - axis.window);
  return axis;
}

// The windows of an example of channels of [rows,columns].
class OcclusionWindows {
 public:
  OcclusionWindows(const Dims& map, int64_t window, int64_t stride)
      : columns_(static_cast<size_t>(map[1])),
        down_(MakeOcclusionAxis(map[0], window, stride)),
        across_(MakeOcclusionAxis(map[1], window, stride)) {}

  size_t count() const { return down_.starts.size() * across_.starts.size(); }

  // Calls f with the first place in a map, and the number of places, of each row of window `i`.
  template <typename F>
  void ForEachRow(size_t i, F f) const {
    const size_t top = down_.starts[i / across_.starts.size()];
    const size_t left = across_.starts[i % across_.starts.size()];
    for (size_t row = top; row < top + down_.window; ++row) {
      f(row * columns_ + left, across_.window);
    }
  }

 private:
  size_t columns_;
  OcclusionAxis down_, across_;
};

absl::StatusOr<OcclusionWindows> MakeOcclusionWindows(const Tensor& x, const Dims& map,
                                                      const AttributionOptions& o) {
  if (x.rank() > 4) {
    return absl::InvalidArgumentError(
        absl::StrCat("occlusion: expected a picture [N,C,H,W] or a signal [N,C,L] to occlude, got ",
                     ToString(x.type())));
  }
  const int64_t longer = std::max(map[0], map[1]);
  const int64_t window = o.window == 0 ? std::max<int64_t>(1, longer / 8) : o.window;
  const int64_t stride = o.stride == 0 ? std::max<int64_t>(1, window / 2) : o.stride;
  if (window < 1 || window > longer || stride < 1 || stride > window) {
    return absl::InvalidArgumentError(
        absl::StrCat("occlusion: expected a window from 1 to ", longer,
                     " and a stride from 1 to the window, got ", window, " and ", stride));
  }
  return OcclusionWindows(map, window, stride);
}

// What stands for each channel.
std::vector<float> ChannelFills(std::span<const float> x, size_t area, std::optional<float> fill) {
  std::vector<float> fills(x.size() / area, fill.value_or(0));
  if (fill) return fills;
  for (size_t c = 0; c < fills.size(); ++c) {
    const auto channel = x.subspan(c * area, area);
    fills[c] = static_cast<float>(std::accumulate(channel.begin(), channel.end(), 0.0) /
                                  static_cast<double>(area));
  }
  return fills;
}

}  // namespace

absl::StatusOr<Attribution> Occlusion(const Attributor& of, const Tensor& x,
                                      const AttributionOptions& options) {
  if (options.fill && !std::isfinite(*options.fill)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "occlusion: expected a finite number to fill windows with, got ", *options.fill));
  }
  WEFT_ASSIGN_OR_RETURN(ScoreProbe probe, ScoreProbe::Create(of, x, options));
  WEFT_ASSIGN_OR_RETURN(Attribution what, probe.NewAttribution());
  WEFT_ASSIGN_OR_RETURN(const OcclusionWindows windows,
                        MakeOcclusionWindows(probe.x(), what.map.dims(), options));
  const std::span<float> map = what.map.mutable_values<float>();
  const std::vector<float> fills =
      ChannelFills(probe.x().values<float>(), map.size(), options.fill);
  WEFT_ASSIGN_OR_RETURN(
      const std::vector<double> scores,
      probe.ScoresOf(static_cast<int64_t>(windows.count()), [&](int64_t i, std::span<float> input) {
        windows.ForEachRow(static_cast<size_t>(i), [&](size_t first, size_t count) {
          for (size_t c = 0; c < fills.size(); ++c) {
            std::fill_n(&input[c * map.size() + first], count, fills[c]);
          }
        });
      }));
  std::vector<double> lost(map.size()), covers(map.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    windows.ForEachRow(i, [&](size_t first, size_t count) {
      for (size_t at = first; at < first + count; ++at) {
        lost[at] += probe.score() - scores[i];
        covers[at] += 1;
      }
    });
  }
  for (size_t i = 0; i < map.size(); ++i) map[i] = static_cast<float>(lost[i] / covers[i]);
  what.is_signed = true;
  return what;
}

}  // namespace weft
