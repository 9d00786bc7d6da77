#ifndef WEFT_FRONTEND_INSPECT_GRAPH_MEMORY_TIMELINE_H_
#define WEFT_FRONTEND_INSPECT_GRAPH_MEMORY_TIMELINE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/plan/plan.h"

namespace weft {

// Memory of the arena that one value has, or several that share it, one after another or in place.
struct MemoryBlock {
  std::vector<std::string> values = {};  // their names; "scratch of conv1", "workspace of pool1"
  std::string op = {};                   // that writes it first
  int first = 0, last = 0;               // the steps during which it lives
  size_t offset = 0, bytes = 0;
};

// Its values' names, the first `most`: "conv1, relu1 and 3 more".
std::string NamesOf(const MemoryBlock& block, size_t most = 4);

// Which value lives where and when during a run.
struct MemoryTimeline {
  std::vector<std::string> steps = {};  // names
  std::vector<MemoryBlock> blocks = {};
  std::vector<size_t> live = {};  // by step: bytes of the blocks that live then, as aligned
  std::vector<size_t> top = {};   // by step: where the highest of them ends
  int peak = 0;                   // the step with the most live bytes, the first such
  size_t arena_bytes = 0;         // what a run allocates: at least as much as lives at any step
  size_t constant_bytes = 0, variable_bytes = 0, input_bytes = 0, output_bytes = 0;
};

// Of a plan whose buffers have places: one that Lower returned.
MemoryTimeline MemoryTimelineOf(const Plan& plan);

// A chart of it as SVG: from left to right the steps, from bottom to top the arena, a rectangle for
// each block in the color of its op (OpClass), with a <title>; a line for the bytes that live, and
// their peak. `standalone`: see SvgHead; the style sheet of pages is ChartStyle().
std::string MemorySvg(const MemoryTimeline& timeline, bool standalone = true);

// What all comes to, the curve of living bytes in `columns` characters a line, and the `most`
// largest blocks of the peak.
std::string MemoryText(const MemoryTimeline& timeline, int columns = 80, size_t most = 10);

}  // namespace weft

#endif  // WEFT_FRONTEND_INSPECT_GRAPH_MEMORY_TIMELINE_H_
