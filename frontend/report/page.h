#ifndef WEFT_FRONTEND_REPORT_PAGE_H_
#define WEFT_FRONTEND_REPORT_PAGE_H_

#include <string_view>

namespace weft {

// The files that a report's page is made of, embedded by the build (weft_embed in CMakeLists.txt).
extern const std::string_view kPageHtml;  // with {{NAME}} where report.cc puts the rest
extern const std::string_view kPageCss;
extern const std::string_view kPageJs, kChartsJs, kGraphJs, kPanelJs, kExampleJs, kSectionsJs;

}  // namespace weft

#endif  // WEFT_FRONTEND_REPORT_PAGE_H_
