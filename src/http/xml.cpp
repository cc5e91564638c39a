#include "http/xml.h"

#include <expat.h>

#include <exception>
#include <memory>
#include <type_traits>
#include <vector>

namespace pg_ocr::http {
namespace {

constexpr size_t deepest = 16;
constexpr size_t longest_text = 65536;
constexpr size_t most_attributes = 16;

struct OpenElement {
    size_t path_before = 0;
    std::map<std::string, std::string> attributes;
    std::string text;
};

struct Reading {
    XML_Parser parser = nullptr;
    const XmlElement* element = nullptr;
    std::string path;
    std::vector<OpenElement> open;
    bool refused = false;
    std::exception_ptr thrown;

    void refuse() {
        refused = true;
        ::XML_StopParser(parser, XML_FALSE);
    }
};

std::string without_namespace(const char* name) {
    std::string_view text(name);
    return std::string(text.substr(text.rfind(':') + 1));  // npos + 1 is 0
}

void on_start(void* data, const char* name, const char** attributes) {
    auto& reading = *static_cast<Reading*>(data);
    if (reading.open.size() >= deepest) return reading.refuse();
    OpenElement opened;
    opened.path_before = reading.path.size();
    for (; *attributes != nullptr; attributes += 2) {
        if (opened.attributes.size() >= most_attributes) return reading.refuse();
        opened.attributes[without_namespace(attributes[0])] = attributes[1];
    }
    reading.path.append("/").append(without_namespace(name));
    if (reading.path.size() > longest_text) return reading.refuse();
    reading.open.push_back(std::move(opened));
}

void on_text(void* data, const char* text, int length) {
    auto& reading = *static_cast<Reading*>(data);
    if (reading.open.empty()) return;
    std::string& so_far = reading.open.back().text;
    if (so_far.size() + static_cast<size_t>(length) > longest_text) return reading.refuse();
    so_far.append(text, static_cast<size_t>(length));
}

void on_end(void* data, const char*) {
    auto& reading = *static_cast<Reading*>(data);
    if (reading.refused || reading.open.empty()) return;
    OpenElement ended = std::move(reading.open.back());
    reading.open.pop_back();
    try {
        (*reading.element)(reading.path, ended.attributes, ended.text);
    } catch (...) {
        reading.thrown = std::current_exception();
        reading.refuse();
    }
    reading.path.resize(ended.path_before);
}

void on_document_type(void* data, const char*, const char*, const char*, int) { static_cast<Reading*>(data)->refuse(); }

}  // namespace

bool read_xml(std::string_view bytes, const XmlElement& element) {
    std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&::XML_ParserFree)> parser(::XML_ParserCreate(nullptr),
                                                                                           &::XML_ParserFree);
    if (!parser) throw std::bad_alloc();
    Reading reading;
    reading.parser = parser.get();
    reading.element = &element;
    ::XML_SetUserData(parser.get(), &reading);
    ::XML_SetElementHandler(parser.get(), on_start, on_end);
    ::XML_SetCharacterDataHandler(parser.get(), on_text);
    ::XML_SetStartDoctypeDeclHandler(parser.get(), on_document_type);
    const bool well_formed =
        ::XML_Parse(parser.get(), bytes.data(), static_cast<int>(bytes.size()), XML_TRUE) == XML_STATUS_OK;
    if (reading.thrown) std::rethrow_exception(reading.thrown);
    return well_formed && !reading.refused;
}

}  // namespace pg_ocr::http
