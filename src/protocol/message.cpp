#include "protocol/message.h"

#include "protocol/body.h"

namespace pg_ocr {
namespace {

std::string listed(const std::vector<Protection>& protections, bool holding) {
    std::string list;
    for (const Protection& protection : protections)
        if (protection.holds == holding)
            list += (list.empty() ? "" : ", ") + protection.name +
                    (protection.detail.empty() ? "" : " (" + protection.detail + ")");
    return list;
}

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
    to.integer(static_cast<uint8_t>(request.recogniser));
    to.integer(request.limits.pages);
    to.integer(request.limits.page_pixels);
    to.integer(request.limits.page_words);
    to.integer(request.limits.page_text);
    to.integer(request.limits.page_time_ms);
    to.integer(request.limits.document_time_ms);
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
    request.recogniser = from.enumeration(Recogniser::tesseract);
    request.limits.pages = from.integer<uint32_t>();
    request.limits.page_pixels = from.integer<uint64_t>();
    request.limits.page_words = from.integer<uint32_t>();
    request.limits.page_text = from.integer<uint64_t>();
    request.limits.page_time_ms = from.integer<int64_t>();
    request.limits.document_time_ms = from.integer<int64_t>();
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
    page.elapsed_ms = from.integer<uint32_t>();
    page.failure = read_failure(from);
    from.end();
    if (page.page_no == 0 || page.page_no > most_pages) throw ProtocolError("a page number out of range");
    if (page.confidence > 100 || page.mean_confidence > 100) throw ProtocolError("a confidence out of range");
    if (page.width < 0 || page.height < 0 || page.dpi < 0) throw ProtocolError("a page's size out of range");
    if (page.rotation != 0 && page.rotation != 90 && page.rotation != 180 && page.rotation != 270)
        throw ProtocolError("a rotation out of range");
    if ((page.status == PageStatus::read) == static_cast<bool>(page.failure))
        throw ProtocolError("a page whose status and error disagree");
    return page;
}

std::string encode(const Finished& finished) {
    BodyWriter to;
    to.integer(finished.peak_memory);
    return to.take();
}

Finished decode_finished(const std::string& body) {
    BodyReader from(body);
    Finished finished;
    finished.peak_memory = from.integer<uint64_t>();
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

}  // namespace pg_ocr
