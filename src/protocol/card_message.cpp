#include "protocol/card_message.h"

#include "protocol/body.h"

namespace pg_ocr {

std::string encode(const CardReady& ready) {
    BodyWriter to;
    to.string(ready.version);
    to.string(ready.card);
    to.integer(ready.memory);
    return to.take();
}

CardReady decode_card_ready(const std::string& body) {
    BodyReader from(body);
    CardReady ready;
    ready.version = from.string();
    ready.card = from.string();
    ready.memory = from.integer<uint64_t>();
    from.end();
    return ready;
}

std::string encode(const CardReport& report) {
    BodyWriter to;
    to.integer(report.engines);
    to.integer(report.lines);
    to.integer(report.batches);
    to.integer(report.refused);
    to.integer(report.busy_us);
    return to.take();
}

CardReport decode_card_report(const std::string& body) {
    BodyReader from(body);
    CardReport report;
    report.engines = from.integer<uint32_t>();
    report.lines = from.integer<uint64_t>();
    report.batches = from.integer<uint64_t>();
    report.refused = from.integer<uint64_t>();
    report.busy_us = from.integer<uint64_t>();
    from.end();
    return report;
}

std::string encode_complaint(const std::string& complaint) {
    BodyWriter to;
    to.string(complaint);
    return to.take();
}

std::string decode_complaint(const std::string& body) {
    BodyReader from(body);
    std::string complaint = from.string();
    from.end();
    return complaint;
}

std::string encode(const CardWelcome& welcome) {
    BodyWriter to;
    to.string(welcome.version);
    to.integer(welcome.memory);
    return to.take();
}

CardWelcome decode_card_welcome(const std::string& body) {
    BodyReader from(body);
    CardWelcome welcome;
    welcome.version = from.string();
    welcome.memory = from.integer<uint64_t>();
    from.end();
    return welcome;
}

std::string encode(const ForwardRequest& request) {
    BodyWriter to;
    to.integer(request.id);
    to.integer(static_cast<uint8_t>(request.is_interactive));
    to.string(request.model);
    to.integer(request.fingerprint);
    to.integer(static_cast<uint32_t>(request.widths.size()));
    for (const uint32_t width : request.widths) to.integer(width);
    return to.take();
}

ForwardRequest decode_forward(const std::string& body) {
    BodyReader from(body);
    ForwardRequest request;
    request.id = from.integer<uint64_t>();
    request.is_interactive = from.integer<uint8_t>() != 0;
    request.model = from.string();
    request.fingerprint = from.integer<uint64_t>();
    for (uint32_t n = from.count(sizeof(uint32_t)); n > 0; --n) request.widths.push_back(from.integer<uint32_t>());
    from.end();
    if (request.widths.empty()) throw ProtocolError("a batch without lines");
    return request;
}

std::string encode(const ForwardAnswer& answer) {
    BodyWriter to;
    to.integer(answer.id);
    to.integer(static_cast<uint8_t>(answer.answer));
    return to.take();
}

ForwardAnswer decode_scored(const std::string& body) {
    BodyReader from(body);
    ForwardAnswer answer;
    answer.id = from.integer<uint64_t>();
    answer.answer = from.enumeration(CardAnswer::lost);
    from.end();
    return answer;
}

}  // namespace pg_ocr
