// What the tests of the engine's reading share: real documents, and one set of recognisers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/read/reader.h"
#include "engine/read_document.h"

namespace pg_ocr {

/// A file under test/data.
std::string data_path(const std::string& name);
std::string contents_of(const std::string& path);

/// Warm ones, shared by all tests, with the models that Tesseract itself would use.
Recognisers& recognisers();
std::string tessdata_directory();
bool is_installed(const std::string& language);

/// Everything that reading a document told.
struct Reading : ReadEvents {
    DocumentInfo info;
    std::vector<uint32_t> started;
    std::vector<Page> pages;
    void opened(const DocumentInfo& opened) override { info = opened; }
    void page_started(uint32_t page_no) override { started.push_back(page_no); }
    void page_done(const Page& page) override { pages.push_back(page); }
    std::string text() const;
};

Reading read_bytes(const std::string& document, const ReadRequest& = {});
Reading read_file(const std::string& name, const ReadRequest& = {});

/// A page's image by our own recogniser in the lines that Tesseract's layout finds: what its readings are
/// compared with. The mode is Tesseract's psm.
Layout read_in_tesseracts_lines(PageImage&, Recognisers&, const std::string& languages = "eng", int32_t mode = 3);

/// The failure with which reading ends before any page; none when it does not.
Failure failure_of(const std::string& document, const ReadRequest& = {});

}  // namespace pg_ocr
