#ifndef WEFT_FRONTEND_REPORT_JSON_TEXT_H_
#define WEFT_FRONTEND_REPORT_JSON_TEXT_H_

// Only inside: nlohmann's headers are not our users'.

#include <nlohmann/json.hpp>
#include <string>

namespace weft {

using ReportJson = nlohmann::ordered_json;

// Without spaces; bytes that are no UTF-8 are replaced, numbers that are not finite are null.
inline std::string JsonText(const ReportJson& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_JSON_TEXT_H_
