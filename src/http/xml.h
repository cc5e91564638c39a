// XML from servers that nobody vouches for: no document types, so no entities; bounded in depth and in size.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace pg_ocr::http {

/// Called at an element's end, with its path from the root ('/ListBucketResult/Contents/Key', without namespaces), its
/// attributes, and the text that stands directly in it, spaces and all.
using XmlElement = std::function<void(const std::string& path, const std::map<std::string, std::string>& attributes,
                                      const std::string& text)>;

/// False: it is not well-formed, or exceeds the bounds. What had been read by then was said.
bool read_xml(std::string_view bytes, const XmlElement&);

}  // namespace pg_ocr::http
