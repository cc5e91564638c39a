// Plain values that every room may know: what a document is made of, what was asked of it, and what came out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pg_ocr {

/// Pixels of the page image as it was read; right and bottom are exclusive.
struct Box {
    int32_t left = 0, top = 0, right = 0, bottom = 0;
    bool operator==(const Box&) const = default;
};

struct Word {
    std::string text;  ///< UTF-8, never empty
    Box box;
    float confidence = 0;      ///< 0 to 100
    bool is_familiar = false;  ///< in the dictionary of its language, or its language has none
};

struct Line {
    Box box;
    float confidence = 0;  ///< mean of its words, weighted by their length in characters
    std::vector<Word> words;
};

struct Block {
    Box box;
    std::vector<Line> lines;
};

/// A cell of a table; it may stretch over rows and columns. Boxes are in the layout's pixels.
struct Cell {
    int32_t row = 1, column = 1;  ///< counted from 1: of its top left corner
    int32_t row_span = 1, column_span = 1;
    Box box;
    std::string text;      ///< UTF-8, lines parted by '\n'; empty where it has none
    float confidence = 0;  ///< mean of its words, weighted by their length in characters; 0 where it has none
};

struct Table {
    Box box;
    int32_t rows = 0, columns = 0;
    std::vector<Cell> cells;  ///< row by row; no two of them share a place
};

/// The providers within the engine: our own recogniser, and Tesseract as it comes.
enum class Recogniser : uint8_t { own, tesseract };

/// What a page is made of, in reading order. The words of tables are in the blocks as well.
struct Layout {
    std::vector<Block> blocks;
    std::vector<Table> tables;                ///< from the top; in tier accurate
    std::optional<Recogniser> lines_by = {};  ///< whose layout found the lines; nothing where they came with the text
    std::string doubt = {};                   ///< why our own layout's were not taken; empty where it had none
};

enum class Tier : uint8_t { fast, balanced, accurate };
enum class TextLayer : uint8_t { automatic, ignore, only };
enum class PageStatus : uint8_t { read, skipped, failed };
enum class PageSource : uint8_t { none, ocr, text_layer };

std::string_view name_of(Tier);
std::string_view name_of(TextLayer);  ///< 'auto', 'ignore', 'only'
std::string_view name_of(PageStatus);
std::string_view name_of(PageSource);  ///< '' for none
std::string_view name_of(Recogniser);  ///< as a provider: 'pg_ocr', 'tesseract'
/// Throw std::invalid_argument, naming the value, when there is no such thing.
Tier tier_of(std::string_view);
TextLayer text_layer_of(std::string_view);
Recogniser recogniser_of(std::string_view);
/// The recogniser that a provider's name stands for; nothing: it is the name of a foreign server.
std::optional<Recogniser> recogniser_named(std::string_view provider);

/// Why a document or a page could not be read. The names are rows of ocr.error_codes, which says what a retry is worth.
enum class ErrorCode : uint8_t {
    none,
    document_empty,
    document_unsupported,
    document_damaged,
    document_encrypted,
    document_password_wrong,
    too_many_pages,
    no_pages_selected,
    language_missing,
    page_damaged,
    page_too_large,
    too_much_text,
    page_timeout,
    document_timeout,
    no_text_layer,
    document_missing,
    document_too_large,
    store_denied,
    store_refused,
    store_unavailable,
    store_undeclared,
    provider_unavailable,
    provider_refused,
    row_locked,
    row_refused,
    engine_memory,
    engine_crashed,
    engine_unavailable,
    internal_error,
};
std::string_view name_of(ErrorCode);                     ///< '' for none
bool parse_error_code(std::string_view, ErrorCode& to);  ///< false when there is no such code

/// An error as data: a code, and words that a user can act on.
struct Failure {
    ErrorCode code = ErrorCode::none;
    std::string message;
    explicit operator bool() const { return code != ErrorCode::none; }
};

/// Pages from first to last, counted from 1, both included; last == 0 means to the end.
struct PageRange {
    uint32_t first = 1;
    uint32_t last = 0;
    bool contains(uint32_t page) const { return page >= first && (last == 0 || page <= last); }
    bool operator==(const PageRange&) const = default;
};

/// '1-3,7,10-' as ranges; the empty string is every page. Throws std::invalid_argument that says what is wrong.
std::vector<PageRange> parse_page_ranges(std::string_view);

/// What one document may cost; of each, 0: no limit.
struct Limits {
    uint32_t pages = 0;            ///< of a document that asks for more, none is read
    uint64_t page_pixels = 0;      ///< a larger page is rendered smaller, or fails
    uint32_t page_words = 0;       ///< a page with more fails
    uint64_t page_text = 0;        ///< bytes; a page with more text fails
    int64_t page_time_ms = 0;      ///< for one page
    int64_t document_time_ms = 0;  ///< for one task
    bool operator==(const Limits&) const = default;
};

/// What is said of a page or a document that takes longer than its limit.
Failure page_timed_out(const Limits&);
Failure document_timed_out(const Limits&);
Failure page_out_of_memory();

/// What the engine is asked to do with one document.
struct ReadRequest {
    std::string languages = "eng";  ///< Tesseract's codes, joined by '+'
    Tier tier = Tier::balanced;
    TextLayer text_layer = TextLayer::automatic;
    std::string password;                ///< of an encrypted PDF
    std::vector<PageRange> pages;        ///< that the job selects; empty: every page
    PageRange task;                      ///< of those, the ones that this task is about
    uint32_t task_pages = 0;             ///< of those, at most so many, counted with the ones done; 0: no limit
    std::vector<uint32_t> done;          ///< pages already recorded, not to be read again
    int32_t page_segmentation_mode = 3;  ///< Tesseract's psm
    int32_t dpi = 0;                     ///< 0: what the document says, or an estimate; 300 for a PDF
    bool deskew = false;
    bool debug = false;  ///< keeps what shows how a page was read: its picture, and the layout in tier fast as well
    float enough = 90;   ///< a page of this confidence is not read in other ways
    /// What reads its pages, in the order in which they are tried: 'pg_ocr', 'tesseract', or a foreign server's name.
    std::vector<std::string> providers = {"pg_ocr"};
    Limits limits;
};

/// The pages, ascending, that the job selects from a document of so many.
std::vector<uint32_t> selected_pages(const ReadRequest&, uint32_t pages);
/// Those of them that the task has still to read.
std::vector<uint32_t> pages_to_read(const ReadRequest&, uint32_t pages);

/// More than any document can have; what says otherwise is not believed.
inline constexpr uint32_t most_pages = 1000000;

struct DocumentInfo {
    std::string type;       ///< 'PDF', 'TIFF', 'JPEG', …
    uint32_t pages = 0;     ///< in the document
    uint32_t selected = 0;  ///< of them, by the job (those already done, and those of other tasks, included)
};

/// One page's outcome.
struct Page {
    uint32_t page_no = 0;  ///< counted from 1
    PageStatus status = PageStatus::read;
    PageSource source = PageSource::none;
    std::string text;       ///< UTF-8, lines ended by '\n', blocks parted by an empty line
    float confidence = -1;  ///< 0 to 100: of 100 words, how many are right by estimate; negative: no word on the page
    float mean_confidence = -1;  ///< 0 to 100: of the words' own; negative: no word on the page, or none recognised
    std::string layout;          ///< JSON, see engine/write/layout_json.h; empty: none kept
    uint32_t words = 0;
    int32_t width = 0, height = 0;  ///< pixels of the image as read
    int32_t dpi = 0;
    int32_t rotation =
        0;  ///< degrees clockwise that the stored page was turned by before it was read: 0, 90, 180 or 270
    float skew =
        0;  ///< degrees clockwise that it was then turned by about its centre, its size kept, to stand straight
    std::string provider;  ///< what recognised it: 'pg_ocr', 'tesseract' or a server's name; empty: nothing did
    std::string tried;     ///< JSON: the ways it was read in, an array of objects; empty where there was one only
    std::string picture;   ///< of the page as it was read, a JPEG or PNG file; empty: none kept
    uint32_t elapsed_ms = 0;
    Failure failure;  ///< of a failed page; of a skipped page, the reason
};

}  // namespace pg_ocr
