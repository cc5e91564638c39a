// A layout as JSON, the form in which ocr.pages keeps it:
//   {"blocks":[{"box":[l,t,r,b],"lines":[{"box":[l,t,r,b],"confidence":93.1,
//     "words":[{"box":[l,t,r,b],"text":"…","confidence":96.5}]}]}],
//     "lines_by":"pg_ocr"}, or "tesseract", there with "doubt":"…" where our own layout was not sure of the page
#pragma once

#include <string>

#include "document/document.h"

namespace pg_ocr {

/// Valid JSON and valid UTF-8 whatever the words hold, without NUL.
std::string layout_json(const Layout&);

}  // namespace pg_ocr
