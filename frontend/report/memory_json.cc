#include "frontend/inspect/graph/memory_timeline.h"
#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"

namespace weft {
std::string MemoryJson(const Plan& plan, int64_t batch) {
  const MemoryTimeline timeline = MemoryTimelineOf(plan);
  ReportJson buffers = ReportJson::array();
  for (const MemoryBlock& block : timeline.blocks) {
    buffers.push_back({block.offset, block.bytes, block.first, block.last, NamesOf(block)});
  }
  return JsonText({{"batch", batch},
                   {"arena_bytes", timeline.arena_bytes},
                   {"constant_bytes", timeline.constant_bytes},
                   {"variable_bytes", timeline.variable_bytes},
                   {"input_bytes", timeline.input_bytes},
                   {"output_bytes", timeline.output_bytes},
                   {"steps", timeline.steps},
                   {"buffers", buffers}});
}

}  // namespace weft
