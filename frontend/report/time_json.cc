#include "frontend/report/json_text.h"
#include "frontend/report/sections.h"

namespace weft {

std::string TimeJson(const Profile& profile) {
  ReportJson steps = ReportJson::array();
  for (const ProfileRow& row : profile.steps) {
    steps.push_back({{"name", row.name},
                     {"op", row.op},
                     {"implementation", row.implementation},
                     {"from", row.from},
                     {"seconds", row.seconds},
                     {"flops", row.work.flops},
                     {"bytes", row.work.bytes},
                     {"bound", row.bound}});
  }
  return JsonText({{"batch", profile.batch},
                   {"threads", profile.threads},
                   {"runs", profile.runs},
                   {"seconds", profile.seconds},
                   {"step_seconds", profile.step_total},
                   {"bound", profile.bound},
                   {"steps", steps}});
}

}  // namespace weft
