#include "protocol/message.h"

#include "protocol/body.h"

namespace pg_ocr {
namespace {

constexpr size_t least_text = 4;  // its length

std::string listed(const std::vector<Protection>& protections, bool holding) {
    std::string list;
    for (const Protection& protection : protections)
        if (protection.holds == holding)
            list += (list.empty() ? "" : ", ") + protection.name +
                    (protection.detail.empty() ? "" : " (" + protection.detail + ")");
    return list;
}

void write(BodyWriter& to, const Limits& limits) {
    to.integer(limits.pages);
    to.integer(limits.page_pixels);
    to.integer(limits.page_words);
    to.integer(limits.page_text);
    to.integer(limits.page_time_ms);
    to.integer(limits.document_time_ms);
}

Limits read_limits(BodyReader& from) {
    Limits limits;
    limits.pages = from.integer<uint32_t>();
    limits.page_pixels = from.integer<uint64_t>();
    limits.page_words = from.integer<uint32_t>();
    limits.page_text = from.integer<uint64_t>();
    limits.page_time_ms = from.integer<int64_t>();
    limits.document_time_ms = from.integer<int64_t>();
    return limits;
}

void check_page_no(uint32_t page_no) {
    if (page_no == 0 || page_no > most_pages) throw ProtocolError("a page number out of range");
}

void check_view(int32_t rotation, float skew) {
    if (rotation != 0 && rotation != 90 && rotation != 180 && rotation != 270)
        throw ProtocolError("a rotation out of range");
    if (skew < -45 || skew > 45) throw ProtocolError("a skew out of range");
}

void write(BodyWriter& to, const PageView& view) {
    to.integer(view.page_no);
    to.integer(view.width);
    to.integer(view.height);
    to.integer(view.dpi);
    to.integer(view.rotation);
    to.real(view.skew);
}

PageView read_view(BodyReader& from) {
    PageView view;
    view.page_no = from.integer<uint32_t>();
    view.width = from.integer<int32_t>();
    view.height = from.integer<int32_t>();
    view.dpi = from.integer<int32_t>();
    view.rotation = from.integer<int32_t>();
    view.skew = from.real();
    check_page_no(view.page_no);
    check_view(view.rotation, view.skew);
    if (view.width <= 0 || view.height <= 0 || view.dpi <= 0) throw ProtocolError("a page's size out of range");
    return view;
}

void write(BodyWriter& to, const Box& box) {
    to.integer(box.left);
    to.integer(box.top);
    to.integer(box.right);
    to.integer(box.bottom);
}

Box read_box(BodyReader& from) {
    Box box;
    box.left = from.integer<int32_t>();
    box.top = from.integer<int32_t>();
    box.right = from.integer<int32_t>();
    box.bottom = from.integer<int32_t>();
    return box;
}

constexpr size_t box_bytes = 16;

}  // namespace

std::string held_protections(const std::vector<Protection>& protections) { return listed(protections, true); }

std::string missing_protections(const std::vector<Protection>& protections) { return listed(protections, false); }

void write(BodyWriter& to, const Failure& failure) {
    to.integer(static_cast<uint8_t>(failure.code));
    to.string(failure.message);
}

Failure read_failure(BodyReader& from) {
    Failure failure;
    failure.code = from.enumeration(ErrorCode::internal_error);
    failure.message = from.string();
    return failure;
}

void write(BodyWriter& to, const std::vector<Protection>& protections) {
    to.integer(static_cast<uint32_t>(protections.size()));
    for (const Protection& protection : protections) {
        to.string(protection.name);
        to.integer(static_cast<uint8_t>(protection.holds));
        to.string(protection.detail);
    }
}

std::vector<Protection> read_protections(BodyReader& from) {
    std::vector<Protection> protections;
    for (uint32_t n = from.count(9); n > 0; --n) {
        Protection protection;
        protection.name = from.string();
        protection.holds = from.integer<uint8_t>() != 0;
        protection.detail = from.string();
        protections.push_back(std::move(protection));
    }
    return protections;
}

std::string encode(const Hello& hello) {
    BodyWriter to;
    to.string(hello.version);
    to.string(hello.tesseract);
    write(to, hello.protections);
    return to.take();
}

Hello decode_hello(const std::string& body) {
    BodyReader from(body);
    Hello hello;
    hello.version = from.string();
    hello.tesseract = from.string();
    hello.protections = read_protections(from);
    from.end();
    return hello;
}

std::string encode(const ReadRequest& request) {
    BodyWriter to;
    to.string(request.languages);
    to.integer(static_cast<uint8_t>(request.tier));
    to.integer(static_cast<uint8_t>(request.text_layer));
    to.string(request.password);
    to.integer(static_cast<uint32_t>(request.pages.size()));
    for (const PageRange& range : request.pages) {
        to.integer(range.first);
        to.integer(range.last);
    }
    to.integer(request.task.first);
    to.integer(request.task.last);
    to.integer(request.task_pages);
    to.integer(static_cast<uint32_t>(request.done.size()));
    for (uint32_t page : request.done) to.integer(page);
    to.integer(request.page_segmentation_mode);
    to.integer(request.dpi);
    to.integer(static_cast<uint8_t>(request.deskew));
    to.integer(static_cast<uint8_t>(request.debug));
    to.real(request.enough);
    to.integer(static_cast<uint32_t>(request.providers.size()));
    for (const std::string& provider : request.providers) to.string(provider);
    write(to, request.limits);
    return to.take();
}

ReadRequest decode_read(const std::string& body) {
    BodyReader from(body);
    ReadRequest request;
    request.languages = from.string();
    request.tier = from.enumeration(Tier::accurate);
    request.text_layer = from.enumeration(TextLayer::only);
    request.password = from.string();
    for (uint32_t n = from.count(8); n > 0; --n) {
        PageRange range;
        range.first = from.integer<uint32_t>();
        range.last = from.integer<uint32_t>();
        request.pages.push_back(range);
    }
    request.task.first = from.integer<uint32_t>();
    request.task.last = from.integer<uint32_t>();
    request.task_pages = from.integer<uint32_t>();
    for (uint32_t n = from.count(4); n > 0; --n) request.done.push_back(from.integer<uint32_t>());
    request.page_segmentation_mode = from.integer<int32_t>();
    request.dpi = from.integer<int32_t>();
    request.deskew = from.integer<uint8_t>() != 0;
    request.debug = from.integer<uint8_t>() != 0;
    request.enough = from.real();
    request.providers.clear();
    for (uint32_t n = from.count(least_text); n > 0; --n) request.providers.push_back(from.string());
    request.limits = read_limits(from);
    from.end();
    return request;
}

std::string encode(const DocumentInfo& info) {
    BodyWriter to;
    to.string(info.type);
    to.integer(info.pages);
    to.integer(info.selected);
    return to.take();
}

DocumentInfo decode_opened(const std::string& body) {
    BodyReader from(body);
    DocumentInfo info;
    info.type = from.string();
    info.pages = from.integer<uint32_t>();
    info.selected = from.integer<uint32_t>();
    from.end();
    if (info.pages > most_pages) throw ProtocolError("more pages than a document can have");
    if (info.selected > info.pages) throw ProtocolError("more pages selected than there are");
    return info;
}

std::string encode_page_started(uint32_t page_no) {
    BodyWriter to;
    to.integer(page_no);
    return to.take();
}

uint32_t decode_page_started(const std::string& body) {
    BodyReader from(body);
    auto page_no = from.integer<uint32_t>();
    from.end();
    return page_no;
}

std::string encode(const Page& page) {
    BodyWriter to;
    to.integer(page.page_no);
    to.integer(static_cast<uint8_t>(page.status));
    to.integer(static_cast<uint8_t>(page.source));
    to.string(page.text);
    to.real(page.confidence);
    to.real(page.mean_confidence);
    to.string(page.layout);
    to.integer(page.words);
    to.integer(page.width);
    to.integer(page.height);
    to.integer(page.dpi);
    to.integer(page.rotation);
    to.real(page.skew);
    to.string(page.provider);
    to.string(page.tried);
    to.string(page.picture);
    to.integer(page.elapsed_ms);
    write(to, page.failure);
    return to.take();
}

Page decode_page_done(const std::string& body) {
    BodyReader from(body);
    Page page;
    page.page_no = from.integer<uint32_t>();
    page.status = from.enumeration(PageStatus::failed);
    page.source = from.enumeration(PageSource::text_layer);
    page.text = from.string();
    page.confidence = from.real();
    page.mean_confidence = from.real();
    page.layout = from.string();
    page.words = from.integer<uint32_t>();
    page.width = from.integer<int32_t>();
    page.height = from.integer<int32_t>();
    page.dpi = from.integer<int32_t>();
    page.rotation = from.integer<int32_t>();
    page.skew = from.real();
    page.provider = from.string();
    page.tried = from.string();
    page.picture = from.string();
    page.elapsed_ms = from.integer<uint32_t>();
    page.failure = read_failure(from);
    from.end();
    check_page_no(page.page_no);
    if (page.confidence > 100 || page.mean_confidence > 100) throw ProtocolError("a confidence out of range");
    if (page.width < 0 || page.height < 0 || page.dpi < 0) throw ProtocolError("a page's size out of range");
    check_view(page.rotation, page.skew);
    if ((page.status == PageStatus::read) == static_cast<bool>(page.failure))
        throw ProtocolError("a page whose status and error disagree");
    return page;
}

std::string encode(const Finished& finished) {
    BodyWriter to;
    to.integer(finished.peak_memory);
    to.integer(static_cast<uint8_t>(finished.signature_broken));
    to.integer(finished.card_lines);
    to.string(finished.card_trouble);
    return to.take();
}

Finished decode_finished(const std::string& body) {
    BodyReader from(body);
    Finished finished;
    finished.peak_memory = from.integer<uint64_t>();
    finished.signature_broken = from.integer<uint8_t>() != 0;
    finished.card_lines = from.integer<uint64_t>();
    finished.card_trouble = from.string();
    from.end();
    return finished;
}

std::string encode(const Failure& failure) {
    BodyWriter to;
    write(to, failure);
    return to.take();
}

Failure decode_failed(const std::string& body) {
    BodyReader from(body);
    Failure failure = read_failure(from);
    from.end();
    if (!failure) throw ProtocolError("a failure without a code");
    return failure;
}

std::string encode(const DrawRequest& request) {
    BodyWriter to;
    to.string(request.password);
    write(to, request.limits);
    to.integer(request.dpi);
    to.integer(static_cast<uint32_t>(request.pages.size()));
    for (const PageView& view : request.pages) write(to, view);
    return to.take();
}

DrawRequest decode_draw(const std::string& body) {
    BodyReader from(body);
    DrawRequest request;
    request.password = from.string();
    request.limits = read_limits(from);
    request.dpi = from.integer<int32_t>();
    for (uint32_t n = from.count(24); n > 0; --n) request.pages.push_back(read_view(from));
    from.end();
    if (request.dpi <= 0) throw ProtocolError("a resolution out of range");
    return request;
}

std::string encode(const Drawn& drawn) {
    BodyWriter to;
    to.integer(drawn.page_no);
    to.string(drawn.type);
    to.integer(drawn.width);
    to.integer(drawn.height);
    to.string(drawn.bytes);
    write(to, drawn.failure);
    return to.take();
}

Drawn decode_drawn(const std::string& body) {
    BodyReader from(body);
    Drawn drawn;
    drawn.page_no = from.integer<uint32_t>();
    drawn.type = from.string();
    drawn.width = from.integer<int32_t>();
    drawn.height = from.integer<int32_t>();
    drawn.bytes = from.string();
    drawn.failure = read_failure(from);
    from.end();
    check_page_no(drawn.page_no);
    if (drawn.bytes.empty() != static_cast<bool>(drawn.failure))
        throw ProtocolError("an image of a page and an error that disagree");
    if (!drawn.failure && (drawn.width <= 0 || drawn.height <= 0)) throw ProtocolError("an image without a size");
    return drawn;
}

std::string encode(const ComposeRequest& request) {
    BodyWriter to;
    to.string(request.password);
    write(to, request.limits);
    return to.take();
}

ComposeRequest decode_compose(const std::string& body) {
    BodyReader from(body);
    ComposeRequest request;
    request.password = from.string();
    request.limits = read_limits(from);
    from.end();
    return request;
}

std::string encode(const PageLayout& page) {
    BodyWriter to;
    write(to, page.view);
    to.integer(static_cast<uint32_t>(page.layout.blocks.size()));
    for (const Block& block : page.layout.blocks) {
        write(to, block.box);
        to.integer(static_cast<uint32_t>(block.lines.size()));
        for (const Line& line : block.lines) {
            write(to, line.box);
            to.integer(static_cast<uint32_t>(line.words.size()));
            for (const Word& word : line.words) {
                write(to, word.box);
                to.string(word.text);
            }
        }
    }
    return to.take();
}

PageLayout decode_page_layout(const std::string& body) {
    BodyReader from(body);
    PageLayout page;
    page.view = read_view(from);
    for (uint32_t blocks = from.count(box_bytes + 4); blocks > 0; --blocks) {
        Block& block = page.layout.blocks.emplace_back();
        block.box = read_box(from);
        for (uint32_t lines = from.count(box_bytes + 4); lines > 0; --lines) {
            Line& line = block.lines.emplace_back();
            line.box = read_box(from);
            for (uint32_t words = from.count(box_bytes + 4); words > 0; --words) {
                Word& word = line.words.emplace_back();
                word.box = read_box(from);
                word.text = from.string();
            }
        }
    }
    from.end();
    return page;
}

Piece decode_piece(std::string body) {
    if (body.empty()) throw ProtocolError("a piece of nothing");
    return {std::move(body)};
}

std::string encode(const Ask& ask) {
    BodyWriter to;
    to.string(ask.server);
    to.integer(ask.page_no);
    to.string(ask.languages);
    to.integer(ask.width);
    to.integer(ask.height);
    to.integer(ask.time_ms);
    to.string(ask.image);
    return to.take();
}

Ask decode_ask(const std::string& body) {
    BodyReader from(body);
    Ask ask;
    ask.server = from.string();
    ask.page_no = from.integer<uint32_t>();
    ask.languages = from.string();
    ask.width = from.integer<int32_t>();
    ask.height = from.integer<int32_t>();
    ask.time_ms = from.integer<int64_t>();
    ask.image = from.string();
    from.end();
    if (ask.width < 1 || ask.height < 1) throw ProtocolError("an image without pixels");
    if (ask.time_ms < 0) throw ProtocolError("a time that is over");
    return ask;
}

std::string encode(const ProviderAnswer& answer) {
    BodyWriter to;
    write(to, answer.failure);
    to.integer(static_cast<uint32_t>(answer.words.size()));
    for (const Word& word : answer.words) {
        to.string(word.text);
        write(to, word.box);
        to.real(word.confidence);
    }
    return to.take();
}

ProviderAnswer decode_answer(const std::string& body) {
    BodyReader from(body);
    ProviderAnswer answer;
    answer.failure = read_failure(from);
    constexpr size_t least_word = 24;  // a text's length, a box and a confidence
    for (uint32_t n = from.count(least_word); n > 0; --n) {
        Word word;
        word.text = from.string();
        word.box = read_box(from);
        word.confidence = from.real();
        if (word.confidence < 0 || word.confidence > 100) throw ProtocolError("a confidence out of range");
        answer.words.push_back(std::move(word));
    }
    from.end();
    return answer;
}

std::string encode(const CardGrant& grant) {
    BodyWriter to;
    to.integer(static_cast<uint8_t>(grant.is_interactive));
    return to.take();
}

CardGrant decode_card_grant(const std::string& body) {
    BodyReader from(body);
    CardGrant grant;
    grant.is_interactive = from.integer<uint8_t>() != 0;
    from.end();
    return grant;
}

}  // namespace pg_ocr
