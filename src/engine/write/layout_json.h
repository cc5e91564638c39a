// A layout as JSON, the form in which ocr.pages keeps it:
//   {"blocks":[{"box":[l,t,r,b],"lines":[{"box":[l,t,r,b],"confidence":93.1,
//     "words":[{"box":[l,t,r,b],"text":"…","confidence":96.5}]}]}]}
#pragma once

#include <string>

#include "document/document.h"

namespace pg_ocr {

/// Valid JSON and valid UTF-8 whatever the words hold, without NUL.
std::string layout_json(const Layout&);

}  // namespace pg_ocr
