// What the frames say. Every decode checks lengths, ranges and enumerations, and throws ProtocolError.
//
//   engine → worker   hello           once, when the sandbox is up
//   worker → engine   read            with the document's sealed memfd
//   engine → worker   opened          the document's type and pages     ┐
//   engine → worker   page_started    which page, before it is touched  │ or one `failed` instead
//   engine → worker   page_done       its outcome                       │
//   engine → worker   finished        all selected pages are done       ┘
#pragma once

#include <string>
#include <vector>

#include "document/document.h"
#include "protocol/frame.h"

namespace pg_ocr {

enum class MessageType : uint8_t { hello = 1, read, opened, page_started, page_done, finished, failed };

/// One protection of the sandbox and whether it holds.
struct Protection {
    std::string name;  ///< 'landlock', 'seccomp', 'no_new_privs', 'memory', …
    bool holds = false;
    std::string detail;  ///< why not, or how much
};

/// Those that hold, and those that do not, as a list for people: 'landlock (ABI 4), seccomp'.
std::string held_protections(const std::vector<Protection>&);
std::string missing_protections(const std::vector<Protection>&);

struct Hello {
    std::string version;    ///< pg_ocr's
    std::string tesseract;  ///< that it is linked with: 'tesseract 5.3.0'
    std::vector<Protection> protections;
};

struct Finished {
    uint64_t peak_memory = 0;  ///< bytes resident at most, so far in this engine
};

std::string encode(const Hello&);
std::string encode(const ReadRequest&);
std::string encode(const DocumentInfo&);
std::string encode_page_started(uint32_t page_no);
std::string encode(const Page&);
std::string encode(const Finished&);
std::string encode(const Failure&);

Hello decode_hello(const std::string&);
ReadRequest decode_read(const std::string&);
DocumentInfo decode_opened(const std::string&);
uint32_t decode_page_started(const std::string&);
Page decode_page_done(const std::string&);
Finished decode_finished(const std::string&);
Failure decode_failed(const std::string&);

}  // namespace pg_ocr
