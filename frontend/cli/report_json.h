#ifndef WEFT_FRONTEND_CLI_REPORT_JSON_H_
#define WEFT_FRONTEND_CLI_REPORT_JSON_H_

#include <nlohmann/json.hpp>

#include "passes/passes.h"

namespace weft {

// What PassReport::ToString says, whole: the work, the rules, every rewrite, the near-misses. A
// number that is not finite is null.
nlohmann::ordered_json ToJson(const PassReport& report);
nlohmann::ordered_json ToJson(const Rewrite& rewrite);
// The text, whatever bytes names hold.
std::string Dump(const nlohmann::ordered_json& json);

}  // namespace weft

#endif  // WEFT_FRONTEND_CLI_REPORT_JSON_H_
