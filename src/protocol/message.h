// What the frames say. Every decode checks lengths, ranges and enumerations, and throws ProtocolError.
//
//   engine → worker   hello           once, when the sandbox is up
//   worker → engine   read            with the document's sealed memfd
//   engine → worker   opened          the document's type and pages     ┐
//   engine → worker   page_started    which page, before it is touched  │ or one `failed` instead
//   engine → worker   page_done       its outcome                       │
//   engine → worker   finished        all selected pages are done       ┘
//   engine → worker   ask             within a page: what does a server read on its image?
//   worker → engine   answer          its words, or why there are none; the engine says nothing before
//   worker → engine   card            with a socket to the service of a card; to an idle engine, which says nothing
//
//   backend → engine  draw            with the document's sealed memfd
//   engine → backend  drawn           a page's image, for each page     ┐ or `failed` instead
//   engine → backend  finished                                          ┘
//
//   backend → engine  compose         with the document's sealed memfd
//   backend → engine  page_layout     of each page that is to have text, ascending
//   backend → engine  layouts_end     the engine says nothing before
//   engine → backend  piece           of the PDF, from its beginning    ┐ or `failed` instead
//   engine → backend  finished                                          ┘
#pragma once

#include <string>
#include <vector>

#include "document/document.h"
#include "protocol/frame.h"

namespace pg_ocr {

enum class MessageType : uint8_t {
    hello = 1,
    read,
    opened,
    page_started,
    page_done,
    finished,
    failed,
    draw,
    drawn,
    compose,
    page_layout,
    layouts_end,
    piece,
    ask,
    answer,
    card,
};

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
    uint64_t peak_memory = 0;       ///< bytes resident at most, so far in this engine
    bool signature_broken = false;  ///< the document was signed, and what was made of it is not
    uint64_t card_lines = 0;        ///< of the document, that a card read
    std::string card_trouble;       ///< why the engine left the card that it had, since the last document; else empty
};

/// The engine's way to a card.
struct CardGrant {
    bool is_interactive = false;  ///< somebody waits for what the engine reads
};

/// The page image that was read, in whose pixels a layout is: the stored page at so many dots per inch, turned
/// clockwise by its rotation, then by its skew about its centre, its size kept.
struct PageView {
    uint32_t page_no = 0;
    int32_t width = 0, height = 0;
    int32_t dpi = 0;
    int32_t rotation = 0;
    float skew = 0;
};

/// Images of pages for people to look at.
struct DrawRequest {
    std::string password;  ///< of an encrypted PDF
    Limits limits;
    int32_t dpi = 0;  ///< that they are wanted in; a page that was read in less is drawn in less
    std::vector<PageView> pages;
};

struct Drawn {
    uint32_t page_no = 0;
    std::string type;  ///< 'image/jpeg', 'image/png'
    int32_t width = 0, height = 0;
    std::string bytes;  ///< the image file
    Failure failure;    ///< or why there is none
};

/// A PDF of the document's own pages, with text laid over those whose layouts follow.
struct ComposeRequest {
    std::string password;  ///< of an encrypted PDF
    Limits limits;
};

struct PageLayout {
    PageView view;
    Layout layout;  ///< boxes and words; confidences and tables do not travel
};

/// Of a file that comes in pieces.
struct Piece {
    std::string bytes;  ///< never empty
};

/// What a provider that is a foreign server is asked.
struct Ask {
    std::string server;
    uint32_t page_no = 0;
    std::string languages;  ///< Tesseract's codes, joined by '+'
    int32_t width = 0, height = 0;
    int64_t time_ms = 0;  ///< how long the answer may take
    std::string image;    ///< the page as it is to be read, a PNG file
};

struct ProviderAnswer {
    Failure failure;  ///< or why there are no words
    /// In reading order; boxes in pixels of the image, as the server has it. A text may have blanks.
    std::vector<Word> words;
};

std::string encode(const Hello&);
std::string encode(const ReadRequest&);
std::string encode(const DocumentInfo&);
std::string encode_page_started(uint32_t page_no);
std::string encode(const Page&);
std::string encode(const Finished&);
std::string encode(const Failure&);
std::string encode(const DrawRequest&);
std::string encode(const Drawn&);
std::string encode(const ComposeRequest&);
std::string encode(const PageLayout&);
std::string encode(const Ask&);
std::string encode(const ProviderAnswer&);
std::string encode(const CardGrant&);

Hello decode_hello(const std::string&);
ReadRequest decode_read(const std::string&);
DocumentInfo decode_opened(const std::string&);
uint32_t decode_page_started(const std::string&);
Page decode_page_done(const std::string&);
Finished decode_finished(const std::string&);
Failure decode_failed(const std::string&);
DrawRequest decode_draw(const std::string&);
Drawn decode_drawn(const std::string&);
ComposeRequest decode_compose(const std::string&);
PageLayout decode_page_layout(const std::string&);
Piece decode_piece(std::string);
Ask decode_ask(const std::string&);
ProviderAnswer decode_answer(const std::string&);
CardGrant decode_card_grant(const std::string&);

}  // namespace pg_ocr
